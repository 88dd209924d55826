import ArgumentParser

struct ResultsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "1,000 receipts: committed, and pushed to a bare repository on this machine.",
    discussion: """
      Examples:
        belfry-bench results
        belfry-bench results --before 0 --before 1000000
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "Receipts that the branch has already, in thousands rounded; may be given several times, ascending.")
  var before: [Int] = []
  @Option(help: "Batches of 1,000 that are measured.") var batches: Int?

  func run() async throws {
    let standard = options.quick ? [0] : [0, 50_000]
    let benchmark = ResultsBenchmark(
      before: before.isEmpty ? standard : before, batches: max(1, batches ?? (options.quick ? 3 : 7)))
    try await options.measure { try await benchmark.run(into: $0) }
  }
}

/// Writes batches of receipts as the controller does, and the same files with `git fast-import` and `git push`.
struct ResultsBenchmark {
  /// How many receipts stand on the branch when measuring begins; ascending.
  var before: [Int]
  var batches: Int

  func run(into report: Report) async throws {
    report.heading(
      "results",
      "batches of 1,000 signed receipts with logs of 200 bytes, committed (fsync, signed commit) and pushed; medians "
        + "of \(batches) batches")
    for spread in ReceiptSource.Spread.allCases {
      try await BenchFolder.with("results") { folder in
        let branch = try BenchBranch(ReceiptSource(spread), in: folder)
        for count in before {
          try branch.grow(to: count)
          add(try await branch.measure(batches: batches), spread, count, to: report)
        }
      }
    }
    report.end()
  }

  private func add(_ runs: [BatchRun], _ spread: ReceiptSource.Spread, _ count: Int, to report: Report) {
    let size = Double(ReceiptSource.batchSize)
    let ours = runs.map { $0.commit + $0.push }.median
    let peer = runs.map { $0.peerImport + $0.peerPush }.median
    report.add(
      Figure(
        "of \(spread.rawValue), \(count) receipts there: both", ours, .seconds,
        beside: .peer("git fast-import and git push of the same files", peer), target: 2))
    report.add(
      Figure(
        "  commit", runs.map(\.commit).median * 1e3, .milliseconds,
        beside: .peer("git fast-import", runs.map(\.peerImport).median * 1e3)))
    report.add(
      Figure(
        "  push", runs.map(\.push).median * 1e3, .milliseconds,
        beside: .peer("git push", runs.map(\.peerPush).median * 1e3)))
    report.add(Figure("  receipts a second", size / ours, .perSecond, beside: .peer("the same", size / peer)))
    report.add(
      Figure(
        "  bytes a receipt", runs.map(\.bytes).median / size, .bytes,
        beside: .peer("after git push", runs.map(\.peerBytes).median / size)))
  }
}
