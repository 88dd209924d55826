import ArgumentParser
import Model

/// Parts of benchmarks that run in processes of their own. Their output is JSON for the process that started them.
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Parts of benchmarks, in processes of their own.", shouldDisplay: false,
    subcommands: [Cold.self, ColdFloorPart.self, Warm.self, Idle.self])

  struct Cold: ParsableCommand {
    @Argument var mirror: String
    @Argument var commit: String
    @Option var agents: Int

    func run() throws { Output.json(try ColdRun.measure(mirror: mirror, commit: CommitID(commit), agents: agents)) }
  }

  struct ColdFloorPart: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cold-floor")
    @Argument var mirror: String
    @Argument var commit: String

    func run() throws { Output.json(try ColdFloor.measure(mirror: mirror, commit: CommitID(commit))) }
  }

  struct Warm: ParsableCommand {
    @Argument var source: String
    @Argument var mirror: String
    @Option var agents: Int
    @Option(parsing: .upToNextOption) var steps: [String]

    func run() throws {
      let commits = try steps.map { try CommitID($0) }
      Output.json(try WarmRun.measure(source: source, mirror: mirror, steps: commits, agents: agents))
    }
  }

  /// Wakes once a second and does nothing else, until it is killed.
  struct Idle: AsyncParsableCommand {
    func run() async throws {
      while true { try await Task.sleep(for: .seconds(1)) }
    }
  }
}
