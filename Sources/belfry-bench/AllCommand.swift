import ArgumentParser

struct AllCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all",
    abstract: "Everything, one after the other: about 15 minutes; with --quick about 4.",
    discussion: """
      Examples:
        belfry-bench all
        belfry-bench all --quick --json
      """)

  @OptionGroup var options: BenchOptions

  func run() async throws {
    let quick = options.quick
    try await options.measure { report in
      try await ReconcileBenchmark(runs: quick ? 2 : 7, commits: quick ? 5 : 15).run(into: report)
      try await ResultsBenchmark(before: quick ? [0] : [0, 50_000], batches: quick ? 3 : 7).run(into: report)
      try CronBenchmark(seconds: quick ? 0.2 : 1).run(into: report)
      try await TrustBenchmark(seconds: quick ? 1 : 3).run(into: report)
      try await IdleBenchmark(seconds: quick ? 15 : 60).run(into: report)
      try await MemoryBenchmark(jobs: quick ? 20 : 100).run(into: report)
      try await ThroughputBenchmark(jobs: ThroughputBenchmark.jobs, seconds: quick ? 8 : 20).run(into: report)
      for plan in LatenessBenchmark.plans(firings: quick ? 15 : nil) { try await plan.run(into: report) }
      try await FloodBenchmark(gigabytes: quick ? 1 : 10).run(into: report)
    }
  }
}
