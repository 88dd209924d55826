import ArgumentParser
import Foundation
import Git
import Model
import Platform
import Results
import Synchronization

struct FloodCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flood",
    abstract: "What one job that writes without end costs the agent, the disk and the other jobs.",
    discussion: """
      Examples:
        belfry-bench flood --gigabytes 2
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "How much the job writes; 10, or 5 with --quick.") var gigabytes: Int?

  func run() async throws {
    let gigabytes = min(max(1, gigabytes ?? (options.quick ? 5 : 10)), 1_000)
    try await options.measure { try await FloodBenchmark(gigabytes: gigabytes).run(into: $0) }
  }
}

/// One job writes gigabytes to its standard output, as fast as they are taken, while another one fires each second. The floor
/// is the same writer with a reader that throws everything away.
struct FloodBenchmark {
  var gigabytes: Int

  /// As the manifest's default has it.
  private static let limit = 1.0
  private static let others = "tick/t-1"
  /// Firings of the other job that are left out: the agent is not idle yet.
  private static let leftOut = 2
  /// Until the flood begins: the other job has been going by then.
  private static let calm = Duration.seconds(5)

  func run(into report: Report) async throws {
    report.heading("flood", "a job writes \(gigabytes) GB while another one fires each second; default settings")
    try await BenchFolder.with("flood") { folder in
      let probe = try await LatenessProbe.build(in: folder)
      let floor = try Self.writer(gigabytes, "cat > /dev/null").seconds()
      let watched = Watched()
      let receipts = try await RunningFleet.with(manifests(probe), in: folder) { fleet in
        try await watch(fleet, folder, watched)
      }
      let flood = receipts.first { $0.receipt.occurrence.job.text == "flood" }.map(\.receipt)
      guard let flood, let attempt = flood.attempts.first, flood.outcome == .ran(.succeeded) else {
        throw BenchError("the flood did not end well: \(String(describing: receipts.first?.receipt.outcome))")
      }
      let seconds = (attempt.ended - attempt.started).inSeconds
      let bytes = Double(attempt.log.written)
      guard bytes == Double(gigabytes) * 1e9 else { throw BenchError("\(bytes) bytes were written") }
      let lateness = receipts.compactMap(\.lateness)
      try add(bytes / 1e9 / seconds, Double(gigabytes) / floor, watched, lateness, from: attempt, to: report)
    }
    report.end()
  }

  private func add(
    _ rate: Double, _ floor: Double, _ watched: Watched, _ lateness: [Double], from attempt: Receipt.Attempt,
    to report: Report
  ) throws {
    let state = watched.state.withLock { $0 }
    guard !lateness.isEmpty else {
      throw BenchError("it was over before the other job was due; --gigabytes says how much it writes")
    }
    report.add(
      Figure("written", rate, .gigabytesPerSecond, beside: .floor("the same writer, read by cat > /dev/null", floor)))
    report.add(Figure("agent: memory grown (PSS)", max(0, state.most - state.calm), .mebibytes, target: 20))
    report.add(Figure("run folder on disk", state.folder, .mebibytes, target: Self.limit + 0.1))
    report.add(Figure("another job's first instruction: p50", lateness.percentile(50) * 1e3, .milliseconds))
    report.add(Figure("another job's first instruction: p99", lateness.percentile(99) * 1e3, .milliseconds, target: 50))
    report.add(Figure("log that was committed", Double(attempt.log.kept), .bytes, target: 65_536))
  }

  /// The same bytes as the job writes, into a program.
  private static func writer(_ gigabytes: Int, _ reader: String) -> TimedCommand {
    TimedCommand(["/bin/sh", "-c", "\(words(gigabytes)) | \(reader)"])
  }

  /// In blocks that a pipe holds at once.
  private static func words(_ gigabytes: Int) -> String { "head -c \(gigabytes)GB /dev/zero" }

  private func manifests(_ probe: String) -> [String: String] {
    [
      "tick.yaml": "job: \(Self.others)\ntriggers: [{every: 1s}]\nrun: {command: [\"\(probe)\"], timeout: 10s}\n",
      "flood.yaml": """
      job: flood
      triggers: [{at: 2199-01-01T00:00:00Z}]
      run: {command: [/bin/sh, -c, "exec \(Self.words(gigabytes))"], timeout: 1h}

      """,
    ]
  }

  /// What was seen while it ran.
  private final class Watched: Sendable {
    struct State {
      /// MiB.
      var calm = 0.0
      var most = 0.0
      var folder = 0.0
    }
    let state = Mutex(State())
  }

  /// Has the flood run, looks at agent and disk meanwhile, and gives back what ran from shortly before it to its end.
  private func watch(
    _ fleet: RunningFleet, _ folder: BenchFolder, _ watched: Watched
  ) async throws -> [Ran] {
    try await Task.sleep(for: Self.calm)
    let calm = ProcFile.proportionalMemory(of: fleet.agent)
    watched.state.withLock { ($0.calm, $0.most) = (calm, calm) }
    let began = WallClock.system.now
    let belfry = try Tool.sibling("belfry")
    let run = Task {
      try await Tool.run([belfry, "run", "flood", "--wait", "--config", folder["controller.yaml"]])
    }
    let looking = Task {
      while !Task.isCancelled {
        let memory = ProcFile.proportionalMemory(of: fleet.agent)
        let runs = Self.largest(in: folder["agent-state"] + "/runs")
        watched.state.withLock {
          $0.most = max($0.most, memory)
          $0.folder = max($0.folder, runs)
        }
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
    defer { looking.cancel() }
    _ = try await run.value
    return try await receipts(fleet.repository, from: began, through: WallClock.system.now)
  }

  /// MiB of the largest run folder.
  private static func largest(in folder: String) -> Double {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.map { Double(BenchFolder.size(of: folder + "/" + $0)) / 1_048_576 }.max() ?? 0
  }

  private struct Ran: Sendable {
    var receipt: Receipt
    /// Of the other job: seconds after its nominal time.
    var lateness: Double?
  }

  /// What was due in the time, once the results branch is past it.
  private func receipts(_ path: String, from began: Timestamp, through ended: Timestamp) async throws -> [Ran] {
    let repository = try Repository.open(at: path)
    for _ in 0..<60 {
      try await Task.sleep(for: .seconds(2))
      guard try repository.tip(ofBranch: ResultsReader.defaultBranch) != nil else { continue }
      let reader = try ResultsReader(repository: repository)
      let all = try reader.history(HistoryQuery(limit: 1 << 20)).receipts
      guard let newest = all.map(\.receipt.occurrence.nominal).max(), newest > ended + .seconds(2),
        all.contains(where: { $0.receipt.occurrence.job.text == "flood" })
      else { continue }
      return try all.filter {
        (began...ended).contains($0.receipt.occurrence.nominal) || $0.receipt.occurrence.job.text == "flood"
      }
      .map { stored in Ran(receipt: stored.receipt, lateness: try lateness(of: stored, reader)) }
    }
    throw BenchError("the firings did not come to the results branch within two minutes")
  }

  private func lateness(of stored: StoredReceipt, _ reader: ResultsReader) throws -> Double? {
    guard stored.receipt.occurrence.job.text == Self.others, let log = try reader.log(of: stored, attempt: 1),
      let shown = Int64(nanosecondText: LogPrinter(source: .out, isRaw: true).print(log))
    else { return nil }
    return Double(shown - stored.receipt.occurrence.nominal.microseconds * 1_000) / 1e9
  }
}
