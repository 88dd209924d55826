import ArgumentParser
import Subprocess
import SystemPackage

struct IdleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "idle",
    abstract: "What a controller and an agent take while nothing is due.",
    discussion: """
      Examples:
        belfry-bench idle --seconds 300
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "How long to watch; 60, or 15 with --quick.") var seconds: Int?

  func run() async throws {
    let seconds = max(1, seconds ?? (options.quick ? 15 : 60))
    try await options.measure { try await IdleBenchmark(seconds: seconds).run(into: $0) }
  }
}

/// Watches a connected pair with one job that is not due, heartbeats every 5 s and a look at the source every 15 s.
struct IdleBenchmark {
  var seconds: Int

  private static let manifest = """
    job: yearly
    triggers: [{cron: "0 0 1 1 *"}]
    run: {command: [/bin/true]}

    """
  /// From the start until connections stand, the first assignment is installed, and the results are pushed.
  private static let settling = Duration.seconds(15)

  func run(into report: Report) async throws {
    report.heading("idle", "a controller and an agent with one job that is not due, watched for \(seconds) s")
    try await BenchFolder.with("idle") { folder in
      try await RunningFleet.with(["yearly.yaml": Self.manifest], in: folder) { fleet in
        _ = try await Subprocess.run(
          .path(.init(Tool.ownPath)), arguments: ["worker", "idle"], input: .none, output: .discarded, error: .discarded
        ) { execution in
          let floor = execution.processIdentifier.value
          Leftovers.add(process: floor)
          defer { Leftovers.forget(process: floor) }
          try await watch(fleet, floor: floor, report)
          try execution.send(signal: .kill)
        }
      }
    }
    report.end()
  }

  private func watch(_ fleet: RunningFleet, floor: pid_t, _ report: Report) async throws {
    try await Task.sleep(for: Self.settling)
    let processes = [fleet.controller, fleet.agent, floor]
    let start = ContinuousClock.now
    let before = try processes.map { try ProcFile.processorTime(of: $0) }
    try await Task.sleep(for: .seconds(seconds))
    let elapsed = (ContinuousClock.now - start).inSeconds
    let shares = try zip(processes, before).map { try (ProcFile.processorTime(of: $0) - $1) / elapsed * 100 }
    let memory = processes.map { ProcFile.proportionalMemory(of: $0) }
    let name = "a Swift process that wakes once a second"
    for (index, who) in ["controller", "agent"].enumerated() {
      report.add(Figure("\(who): processor", shares[index], .percent, beside: .floor(name, shares[2]), target: 1))
      report.add(Figure("\(who): memory (PSS)", memory[index], .mebibytes, beside: .floor(name, memory[2])))
    }
  }
}
