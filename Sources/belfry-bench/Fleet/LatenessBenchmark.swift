import ArgumentParser
import Foundation
import Git
import Model
import Results

struct LatenessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lateness",
    abstract: "How long after its time a job starts.",
    discussion: """
      Examples:
        belfry-bench lateness --firings 60
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "Instants for one job, and for a hundred; 300 and 10, or 15 for both with --quick.") var firings: Int?

  func run() async throws {
    try await options.measure { report in
      for plan in LatenessBenchmark.plans(firings: firings ?? (options.quick ? 15 : nil)) {
        try await plan.run(into: report)
      }
    }
  }
}

/// Jobs of `every: 1s` that print the time, on a real controller and agent; half a second apart from them, in this
/// process, an absolute timer that spawns the same command.
struct LatenessBenchmark {
  var jobs: Int
  var firings: Int

  static func plans(firings: Int?) -> [LatenessBenchmark] {
    [LatenessBenchmark(jobs: 1, firings: firings ?? 300), LatenessBenchmark(jobs: 100, firings: firings ?? 10)]
  }

  static let command = ["/bin/date", "+%s%N"]
  /// Instants after the installation that are left out: the agent is not idle yet.
  private static let leftOut = 2

  func run(into report: Report) async throws {
    report.heading(
      "lateness of \(jobs) job\(jobs == 1 ? "" : "s")",
      "every: 1s, \(firings) firings each; default settings, ledger and receipts on")
    let (ours, floor) = try await BenchFolder.with("lateness") { folder in
      let timer = LatenessFloor(jobs: jobs, folder: folder)
      let receipts = try await RunningFleet.with(try manifests(), in: folder) { fleet in
        timer.start()
        defer { timer.stop() }
        try await Task.sleep(for: .seconds(firings + Self.leftOut + 3))
        timer.stop()
        return try await self.receipts(fleet.repository)
      }
      return (receipts, try timer.samples())
    }
    add("started, as the receipt says", ours.map(\.started), "absolute timer, before posix_spawn", floor.started, report)
    add("first instruction of the program", ours.map(\.shown), "absolute timer and posix_spawn", floor.shown, report)
    report.end()
  }

  private func manifests() throws -> [String: String] {
    let words = Self.command.map { "\"\($0)\"" }.joined(separator: ", ")
    return Dictionary(
      uniqueKeysWithValues: (1...jobs).map {
        ("tick-\($0).yaml", "job: tick/t-\($0)\ntriggers: [{every: 1s}]\nrun: {command: [\(words)], timeout: 10s}\n")
      })
  }

  /// Seconds after the nominal time.
  private struct Sample: Sendable {
    var started: Double
    var shown: Double
  }

  /// Waits until all firings are on the results branch. They arrive with the next push, some seconds later.
  private func receipts(_ path: String) async throws -> [Sample] {
    let repository = try Repository.open(at: path)
    let wanted = (firings + Self.leftOut) * jobs
    for _ in 0..<30 {
      try await Task.sleep(for: .seconds(2))
      guard try repository.tip(ofBranch: ResultsReader.defaultBranch) != nil else { continue }
      let reader = try ResultsReader(repository: repository)
      let page = try reader.history(HistoryQuery(limit: 1 << 20))
      guard page.receipts.count >= wanted else { continue }
      let byTime = Dictionary(grouping: page.receipts, by: \.receipt.occurrence.nominal).sorted { $0.key < $1.key }
      let measured = byTime.dropFirst(Self.leftOut).prefix(firings).flatMap(\.value)
      guard measured.count >= firings * jobs else { continue }
      return try measured.map { try sample($0, reader) }
    }
    throw BenchError("not all firings came to the results branch within a minute")
  }

  private func sample(_ stored: StoredReceipt, _ reader: ResultsReader) throws -> Sample {
    let receipt = stored.receipt
    guard receipt.outcome == .ran(.succeeded), let attempt = receipt.attempts.first,
      let log = try reader.log(of: stored, attempt: 1), let shown = Int64(nanosecondText: log)
    else { throw BenchError("a firing did not run: \(receipt.outcome) at \(receipt.occurrence.nominal)") }
    let nominal = receipt.occurrence.nominal.microseconds
    return Sample(
      started: Double(attempt.started.microseconds - nominal) / 1e6, shown: Double(shown - nominal * 1_000) / 1e9)
  }

  private func add(_ name: String, _ ours: [Double], _ floorName: String, _ floor: [Double], _ report: Report) {
    for (label, percent) in [("p50", 50.0), ("p99", 99), ("max", 100)] {
      report.add(
        Figure(
          "\(name): \(label)", ours.percentile(percent) * 1e3, .milliseconds,
          beside: .floor(floorName, floor.percentile(percent) * 1e3)))
    }
  }
}

extension Int64 {
  /// What `date +%s%N` prints.
  init?(nanosecondText bytes: some Collection<UInt8>) {
    self.init(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines))
  }
}
