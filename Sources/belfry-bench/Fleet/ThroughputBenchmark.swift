import ArgumentParser
import Foundation
import Platform

struct ThroughputCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput",
    abstract: "How many runs a second one agent makes.",
    discussion: """
      Examples:
        belfry-bench throughput --seconds 30 --jobs 2000
      """)

  @OptionGroup var options: BenchOptions
  @Option(help: "How long to measure; 20, or 8 with --quick.") var seconds: Int?
  @Option(help: "Jobs that are due every two seconds: more than the agent can run.") var jobs = ThroughputBenchmark.jobs

  func run() async throws {
    let seconds = max(3, seconds ?? (options.quick ? 8 : 20))
    try await options.measure { try await ThroughputBenchmark(jobs: jobs, seconds: seconds).run(into: $0) }
  }
}

/// Jobs of `every: 2s`, spread over the two seconds so that there is always something to do, that run /bin/true on a real
/// agent, more of them than it can start; its ledger and its receipts are on. The controller, which is on another host as a rule, is stopped meanwhile. The floor is a loop in this process that
/// does nothing but `posix_spawn` and `waitpid`, one program at a time, and eight at a time.
struct ThroughputBenchmark {
  var jobs: Int
  var seconds: Int

  static let jobs = 2_400
  private static let program = "/bin/true"
  /// Seconds after the first run that are left out.
  private static let leftOut = 5

  func run(into report: Report) async throws {
    report.heading(
      "throughput", "\(jobs) jobs of every: 2s that run \(Self.program), for \(seconds) s; ledger and receipts on")
    var floors: [Int: [Double]] = [1: [], 8: []]
    func measureFloors() throws {
      for parallel in [1, 8] { floors[parallel]?.append(try SpawnLoop(parallel: parallel).rate(for: 3)) }
    }
    try measureFloors()
    let (rate, share) = try await BenchFolder.with("throughput") { folder in
      try await RunningFleet.with(manifests(), in: folder) { try await measure($0, log: folder["agent.log"]) }
    }
    try measureFloors()
    let one = (floors[1] ?? []).median
    report.add(
      Figure(
        "runs", rate, .perSecond, beside: .floor("spawn and wait, one at a time", one), target: one * Self.share))
    report.add(
      Figure("runs", rate, .perSecond, beside: .floor("spawn and wait, eight at a time", (floors[8] ?? []).median)))
    report.add(Figure("the agent itself: processor", share, .percent))
    report.end()
  }

  /// Of the floor that has to be reached.
  private static let share = 0.6

  private func manifests() -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: (1...jobs).map {
        (
          "j\($0).yaml",
          """
          job: load/j\($0)
          triggers: [{every: 2s, jitter: 1999ms}]
          run: {command: [\(Self.program)], timeout: 1m}

          """
        )
      })
  }

  /// Runs a second, and what the agent's own process took meanwhile, in percent of a core.
  private func measure(_ fleet: RunningFleet, log: String) async throws -> (Double, Double) {
    var waited = 0
    while Self.succeeded(log) == 0 {
      guard waited < 120 else { throw BenchError("no run ended within two minutes") }
      waited += 1
      try await Task.sleep(for: .seconds(1))
    }
    try await Task.sleep(for: .seconds(Self.leftOut))
    kill(fleet.controller, SIGSTOP)
    defer { kill(fleet.controller, SIGCONT) }
    // What it had in its hands is done with.
    try await Task.sleep(for: .seconds(1))
    let start = try await Mark(fleet, log)
    try await Task.sleep(for: .seconds(seconds))
    let end = try await Mark(fleet, log)
    let elapsed = (end.time - start.time).inSeconds
    return (Double(end.runs - start.runs) / elapsed, (end.processor - start.processor) / elapsed * 100)
  }

  /// Where a measurement begins or ends: when the agent has just written a batch of ends down, of up to a thousand. Anywhere
  /// else, how much of a batch falls into it would be left to chance.
  private struct Mark {
    var time: ContinuousClock.Instant
    var runs: Int
    var processor: Double

    init(_ fleet: RunningFleet, _ log: String) async throws {
      let clock = ContinuousClock()
      func size() -> Int64 { FilePieces.status(log)?.size ?? 0 }
      let latest = clock.now + .seconds(3)
      var seen = size()
      while size() == seen, clock.now < latest { try await Task.sleep(for: .milliseconds(5)) }
      time = clock.now
      while clock.now - time < .milliseconds(50), clock.now < latest {
        try await Task.sleep(for: .milliseconds(5))
        let now = size()
        if now != seen { (seen, time) = (now, clock.now) }
      }
      runs = ThroughputBenchmark.succeeded(log)
      processor = try ProcFile.processorTime(of: fleet.agent)
    }
  }

  /// Runs that have ended well, by the agent's log: it says so when their receipts are in its ledger.
  fileprivate static func succeeded(_ log: String) -> Int {
    let needle = "outcome=Succeeded"
    // By the C library: a log of some ten megabytes is read while the agent is measured.
    let text = (FileManager.default.contents(atPath: log) ?? Data()) + [0]
    return text.withUnsafeBytes { bytes in
      var place = bytes.bindMemory(to: CChar.self).baseAddress
      var count = 0
      while let from = place, let found = strstr(from, needle) {
        count += 1
        place = UnsafePointer(found) + needle.utf8.count
      }
      return count
    }
  }
}

/// The least that a run costs: starting a program and waiting for its end.
struct SpawnLoop {
  var parallel: Int

  /// Programs a second.
  func rate(for seconds: Double) throws -> Double {
    let command = TimedCommand(["/bin/true"])
    let clock = ContinuousClock()
    func spawn() throws { _ = try command.spawn(input: "/dev/null", output: "/dev/null") }
    for _ in 0..<parallel { try spawn() }
    let start = clock.now
    var count = 0
    while (clock.now - start).inSeconds < seconds {
      var status: Int32 = 0
      guard waitpid(-1, &status, 0) > 0 else { throw BenchError("a program that was started is nobody's child") }
      count += 1
      try spawn()
    }
    let rate = Double(count) / (clock.now - start).inSeconds
    for _ in 0..<parallel { waitpid(-1, nil, 0) }
    return rate
  }
}
