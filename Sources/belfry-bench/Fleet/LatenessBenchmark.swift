import ArgumentParser
import Foundation
import Git
import Model
import Platform
import Results

struct LatenessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lateness",
    abstract: "How long after its time a job starts.",
    discussion: """
      The jobs are a small static program that is compiled for it and looks at the clock first of all. With --date they \
      are date(1), of whose time most goes into loading it.

      Examples:
        belfry-bench lateness --firings 60
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "Instants for one job, and for a hundred; 300, or 15 with --quick.") var firings: Int?
  @Flag(help: "Run date(1) in place of the small program.") var date = false

  func run() async throws {
    try await options.measure { report in
      for plan in LatenessBenchmark.plans(firings: firings ?? (options.quick ? 15 : nil), date: date) {
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
  /// date(1) in place of ``LatenessProbe``.
  var date = false

  static func plans(firings: Int?, date: Bool = false) -> [LatenessBenchmark] {
    [1, 100].map { LatenessBenchmark(jobs: $0, firings: firings ?? 300, date: date) }
  }

  /// Instants after the installation that are left out: the agent is not idle yet.
  private static let leftOut = 2

  func run(into report: Report) async throws {
    report.heading(
      "lateness of \(jobs) job\(jobs == 1 ? "" : "s")",
      "every: 1s, \(firings) firings each\(date ? " of date(1)" : ""); default settings, ledger and receipts on")
    let (ours, floor) = try await BenchFolder.with("lateness") { folder in
      let command = date ? ["/bin/date", "+%s%N"] : [try await LatenessProbe.build(in: folder)]
      let timer = LatenessFloor(jobs: jobs, command: command, folder: folder)
      let receipts = try await RunningFleet.with(manifests(command), in: folder) { fleet in
        timer.start()
        let began = WallClock.system.now
        defer { timer.stop() }
        try await Task.sleep(for: .seconds(firings + Self.leftOut + 3))
        timer.stop()
        return try await self.receipts(fleet.repository, since: began)
      }
      return (receipts, try timer.samples())
    }
    let spawn = "absolute timer and posix_spawn"
    add("started", ours.map(\.started), beside: spawn + ", before it", floor.started, to: report)
    add(
      date ? "date's own time" : "first instruction", ours.map(\.shown), beside: spawn, floor.shown, target: target,
      to: report)
    report.add(Figure("firings that did not run", Double(firings * jobs - ours.count), .count, target: 0))
    report.end()
  }

  private func manifests(_ command: [String]) -> [String: String] {
    let words = command.map { "\"\($0)\"" }.joined(separator: ", ")
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

  /// What ran at the measured instants. Waits until the results branch is past them: receipts arrive with the next
  /// push, some seconds later.
  private func receipts(_ path: String, since began: Timestamp) async throws -> [Sample] {
    let repository = try Repository.open(at: path)
    for _ in 0..<60 {
      try await Task.sleep(for: .seconds(2))
      guard try repository.tip(ofBranch: ResultsReader.defaultBranch) != nil else { continue }
      let reader = try ResultsReader(repository: repository)
      // The newest alone first: reading all of them takes a while, and the fleet is at work beside.
      let newest = try reader.history(HistoryQuery(limit: 1)).receipts.first?.receipt.occurrence.nominal
      guard let newest, newest > began + .seconds(firings + Self.leftOut + 1) else { continue }
      let all = try reader.history(HistoryQuery(limit: 1 << 20)).receipts
      let due = all.map(\.receipt.occurrence.nominal)
      guard let first = due.min(), let last = due.max() else { continue }
      let start = first + .seconds(Self.leftOut)
      let end = start + .seconds(firings)
      // Another second, because the receipts of one time need not come in one batch.
      guard last > end + .seconds(1) else { continue }
      return try all.compactMap { stored in
        let isMeasured = (start..<end).contains(stored.receipt.occurrence.nominal)
        return isMeasured ? try sample(stored, reader) : nil
      }
    }
    throw BenchError("the firings did not come to the results branch within two minutes")
  }

  /// Nil when it did not run.
  private func sample(_ stored: StoredReceipt, _ reader: ResultsReader) throws -> Sample? {
    let receipt = stored.receipt
    guard receipt.outcome == .ran(.succeeded), let attempt = receipt.attempts.first,
      let log = try reader.log(of: stored, attempt: 1),
      let shown = Int64(nanosecondText: LogPrinter(source: .out, isRaw: true).print(log))
    else { return nil }
    let nominal = receipt.occurrence.nominal.microseconds
    return Sample(
      started: Double(attempt.started.microseconds - nominal) / 1e6, shown: Double(shown - nominal * 1_000) / 1e9)
  }

  /// Milliseconds that the 99th percentile of the first instruction may be.
  private var target: Double? { date ? nil : jobs == 1 ? 2 : jobs == 100 ? 40 : nil }

  private func add(
    _ name: String, _ ours: [Double], beside floorName: String, _ floor: [Double], target: Double? = nil,
    to report: Report
  ) {
    for (label, percent) in [("p50", 50.0), ("p99", 99), ("max", 100)] {
      report.add(
        Figure(
          "\(name): \(label)", ours.percentile(percent) * 1e3, .milliseconds,
          beside: .floor(floorName, floor.percentile(percent) * 1e3), target: percent == 99 ? target : nil))
    }
  }
}

extension Int64 {
  /// What ``LatenessProbe`` and `date +%s%N` print.
  init?(nanosecondText bytes: some Collection<UInt8>) {
    self.init(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines))
  }
}
