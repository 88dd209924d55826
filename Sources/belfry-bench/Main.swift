// belfry-bench: figures of Belfry's speed and appetite, each beside a floor or a peer that is measured in the same run.
//
// A folder for each large benchmark; `Small` holds those of one file, `Report` what is printed, `Measure` stopwatches
// and what the kernel counts. Nothing lives here that a program or a test needs.

import ArgumentParser

@main
struct BelfryBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "belfry-bench",
    abstract: "Measure Belfry, and beside each figure the least that the task costs anyway.",
    discussion: """
      Absolute figures move with the machine; what counts is the ratio of two figures of one run. Run it on a calm \
      machine, from a release build: `lateness`, `idle`, `throughput`, `memory` and `flood` start the `belfry` and \
      `belfry-agent` that stand beside it.

      Examples:
        belfry-bench all --quick
        belfry-bench reconcile --json
        belfry-bench lateness --firings 60

      Exit codes: 0 all targets are met, 1 one is missed or something did not work, 2 wrong usage.
      """,
    subcommands: [
      AllCommand.self, ReconcileCommand.self, ResultsCommand.self, LatenessCommand.self, IdleCommand.self,
      FloodCommand.self, ThroughputCommand.self, MemoryCommand.self, CronCommand.self, TrustCommand.self,
      WorkerCommand.self,
    ],
    defaultSubcommand: AllCommand.self)

  static func main() async {
    Leftovers.removeWhenInterrupted()
    do {
      var command = try Self.parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      let code = exitCode(for: error).rawValue
      let message = error is BenchError ? "error: \(error)" : fullMessage(for: error)
      if !message.isEmpty { Output.line(message, toErrors: code != 0) }
      Leftovers.remove()
      Output.exit(code == 64 ? 2 : code)
    }
  }
}
