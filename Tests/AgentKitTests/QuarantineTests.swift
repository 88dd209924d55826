@testable import AgentKit
import Foundation
import Model
import Planning
import TestSupport
import Testing

/// Bundles whose runs crash the agent or their shims.
@Suite(.timeLimit(.minutes(10))) struct QuarantineTests {
  /// Lets the run of that second end with its shim dead.
  private func crash(_ bench: Bench, _ engine: Engine, at seconds: Int64) async throws {
    bench.clock.now = at(seconds)
    _ = await engine.tick()
    let attempt = AttemptID(run: try bench.run(seconds), number: 1)
    #expect(bench.runner.launched.last == attempt)
    let record = Receipt.Attempt(number: 1, started: bench.clock.now, ended: bench.clock.now, state: .lost)
    try await engine.ended([
      EndedAttempt(attempt: attempt, outcome: AttemptOutcome(record: record, crash: "the shim was killed", log: []))
    ])
  }

  @Test func threeCrashesWithinADayStopTheVersion() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    for seconds: Int64 in [60, 120] { try await crash(bench, engine, at: seconds) }
    #expect(await engine.quarantined.isEmpty)
    try await crash(bench, engine, at: 180)
    let words = try #require(await engine.quarantined[digest("bundle of a")])
    #expect(words.contains("3 times within 1d") && words.contains("the shim was killed"))
    bench.clock.now = at(240)
    _ = await engine.tick()
    #expect(bench.runner.launched.count == 3)
    let last = try #require(try await bench.spool(engine).last)
    #expect(last.outcome == .skipped(.quarantined) && last.reason == words)
  }

  @Test func itOutlivesARestartAndEndsWithAPersonsRunWhoIsGivenOneTry() async throws {
    let bench = try Bench()
    do {
      let engine = try await bench.started(try minutely())
      for seconds: Int64 in [60, 120, 180] { try await crash(bench, engine, at: seconds) }
    }
    let engine = try await bench.started(try minutely())
    #expect(await engine.quarantined.count == 1)
    bench.clock.now = at(200)
    let order = Dispatch(
      agent: bench.identity.id, epoch: 1, nonce: String(repeating: "0", count: 32), job: try JobName("a"),
      bundle: digest("bundle of a"), request: "r1", nominal: at(200), startBy: at(260), params: [:])
    _ = try await engine.dispatch(order)
    #expect(await engine.quarantined.isEmpty)
    try await bench.end(engine, order.occurrence.run(on: bench.identity.id))
    try await crash(bench, engine, at: 240)
    #expect(await engine.quarantined.count == 1, "two of the former ones still count")
  }

  @Test func crashesOfMoreThanADayAgoDoNotCount() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    for seconds: Int64 in [60, 120, 2 * 86_400] { try await crash(bench, engine, at: seconds) }
    #expect(await engine.quarantined.isEmpty)
  }

  @Test func withoutTheRuleNothingIsStopped() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely(), guards: EngineGuards(quarantine: QuarantineRule(crashes: 0)))
    for seconds: Int64 in [60, 120, 180, 240] { try await crash(bench, engine, at: seconds) }
    #expect(await engine.quarantined.isEmpty)
  }

  @Test func anAgentThatDiesWithAnAttemptInItsHandsKnowsWhose() async throws {
    let bench = try Bench()
    let path = bench.folder.path("handling")
    let job = try JobName("a")
    let bytes: (HandlingMark) -> Data? = { mark in
      mark.during([.init(bundle: digest("bundle of a"), job: job, doing: "it died here")]) {
        FileManager.default.contents(atPath: path)
      }
    }
    for life in 1...3 {
      let mark = try #require(HandlingMark(path: path, boot: "boot-1"))
      // As it stands there when the process is killed.
      try #require(bytes(mark)).write(to: URL(fileURLWithPath: path))
      let next = try #require(HandlingMark(path: path, boot: "boot-1"))
      #expect(next.former.map(\.doing) == ["it died here"])
      let engine = try await bench.started(try minutely(), guards: EngineGuards(handling: next))
      #expect(await engine.quarantined.isEmpty == (life < 3))
    }
    let mark = try #require(HandlingMark(path: path, boot: "boot-1"))
    #expect(mark.former.isEmpty, "nothing was in its hands")
    try #require(bytes(mark)).write(to: URL(fileURLWithPath: path))
    #expect(HandlingMark(path: path, boot: "boot-2")?.former.isEmpty == true, "the machine was restarted")
  }

  @Test(arguments: ["", "garbage", "boot-1\nzz a b\n", "boot-1\n\(String(repeating: "x", count: 9_000))"])
  func aMarkThatIsNotOneBlamesNobody(_ text: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("handling", text)
    let mark = try #require(HandlingMark(path: path, boot: "boot-1"))
    #expect(mark.former.isEmpty)
    let job = try JobName("a")
    let many = (0..<500).map { HandlingMark.Entry(bundle: digest("\($0)"), job: job, doing: "much") }
    #expect(mark.during(many) { FileManager.default.contents(atPath: path)?.count } == 4096)
  }
}
