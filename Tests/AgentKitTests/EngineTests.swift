@testable import AgentKit
import Model
import Planning
import Platform
import Synchronization
import Testing
import Trust

/// What the engine performs of what the firing machine decides: ledger first, and nothing twice.
@Suite(.timeLimit(.minutes(10))) struct EngineTests {
  @Test func whatIsDueIsStartedOnceAndItsReceiptIsKept() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    _ = await engine.tick()
    #expect(bench.runner.launched.isEmpty)
    bench.clock.now = at(60)
    _ = await engine.tick()
    _ = await engine.tick()
    let run = try bench.run(60)
    #expect(bench.runner.launched == [AttemptID(run: run, number: 1)])
    try await bench.end(engine, run)
    // The same end is told again, as after an error.
    try await bench.end(engine, run)
    let spool = try await bench.spool(engine)
    #expect(spool.map(\.run) == [run])
    #expect(spool.first?.outcome == .ran(.succeeded))
    #expect(bench.runner.discarded == [AttemptID(run: run, number: 1)])
    #expect(await engine.activeRuns == 0)
    try await engine.acknowledged([run])
    #expect(await engine.spoolCount() == 0)
  }

  @Test func whatTheControllerNeverCommitsIsTold() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(60)
    _ = await engine.tick()
    try await bench.end(engine, try bench.run(60))
    try await engine.rejected([(run: try bench.run(60), reason: "another agent's")])
    #expect(await engine.problems["put aside"]?.hasPrefix("1 receipt was put aside") == true)
    #expect(await engine.spoolCount() == 0)
    try await engine.tidy()
    #expect(await engine.problems["put aside"] != nil)
    bench.clock.now = at(61) + LedgerTransaction.rejectedAge
    try await engine.tidy()
    #expect(await engine.problems.isEmpty)
  }

  @Test func aClockThatJumpsAnHourAheadRunsTheLatestAndFoldsTheRest() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(3_605)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [try bench.run(3_600)])
    let spool = try await bench.spool(engine)
    #expect(spool.count == 1)
    #expect(spool.first?.outcome == .skipped(.missedDeadline))
    #expect(spool.first?.count == 59)
    #expect(spool.first?.firstNominal == at(60))
    #expect(spool.first?.occurrence.nominal == at(3_540))
  }

  @Test func aClockThatJumpsBackRepeatsNothing() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(60)
    _ = await engine.tick()
    try await bench.end(engine, try bench.run(60))
    for seconds in stride(from: Int64(-3_540), through: 90, by: 30) {
      bench.clock.now = at(seconds)
      _ = await engine.tick()
    }
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60)])
    bench.clock.now = at(120)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60), try bench.run(120)])
  }

  /// What the engine of the next life finds.
  struct Restart: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The attempt may have begun in the former life.
    var begun = false
    var launches: Int
    var watched: Int
  }

  @Test(arguments: [
    Restart(testDescription: "the attempt never began: it is started", begun: false, launches: 2, watched: 1),
    Restart(testDescription: "the attempt may have begun: it is only watched", begun: true, launches: 1, watched: 1),
  ])
  func aRestartTakesRunsOver(_ row: Restart) async throws {
    let bench = try Bench()
    let run = try bench.run(60)
    do {
      let engine = try await bench.started(try minutely())
      bench.clock.now = at(60)
      _ = await engine.tick()
    }
    if row.begun { bench.runner.state.withLock { _ = $0.begun.insert(AttemptID(run: run, number: 1)) } }
    let life = try bench.engine()
    try await life.engine.start([try minutely()])
    _ = await life.engine.tick()
    #expect(bench.runner.launched == Array(repeating: AttemptID(run: run, number: 1), count: row.launches))
    try await bench.end(life.engine, run)
    #expect(try await bench.spool(life.engine).map(\.run) == [run])
    life.end.finish()
    var watched = 0
    for await seen in life.watched where seen.id == run { watched += 1 }
    #expect(watched == row.watched)
  }

  @Test func aRestartGoesOnWhereTheLedgerEnds() async throws {
    let bench = try Bench()
    do {
      let engine = try await bench.started(try minutely())
      bench.clock.now = at(60)
      _ = await engine.tick()
      try await bench.end(engine, try bench.run(60))
    }
    bench.clock.now = at(300)
    let engine = try await bench.started(try minutely())
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60), try bench.run(300)])
    let skipped = try await bench.spool(engine).filter { $0.outcome == .skipped(.missedDeadline) }
    #expect(skipped.map(\.count) == [3])
  }

  @Test func whatTheLedgerDoesNotTakeHasNotHappened() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(60)
    let pause = try await bench.refusing(inserts: "runs") { await engine.tick() }
    #expect(pause > .zero, "it does not spin")
    #expect(bench.runner.launched.isEmpty)
    #expect(await engine.activeRuns == 0)
    #expect(await engine.problems["ledger"]?.contains("full") == true)
    bench.clock.now = at(62)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60)])
    #expect(await engine.problems.isEmpty)
  }

  @Test func anEndThatCannotBeWrittenIsToldAgain() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(60)
    _ = await engine.tick()
    let run = try bench.run(60)
    try await bench.refusing(inserts: "spool") {
      await #expect(throws: (any Error).self) { try await bench.end(engine, run) }
    }
    #expect(await engine.activeRuns == 1)
    #expect(bench.runner.discarded.isEmpty, "its records are all that is known of it")
    try await bench.end(engine, run)
    let spool = try await bench.spool(engine)
    #expect(spool.map(\.attempts.count) == [1])
  }

  /// An attempt that is not begun, on a full disk.
  struct NotBegun: Sendable, CustomTestStringConvertible {
    let problem: LaunchProblem
    let outcome: Outcome
    var testDescription: String { "\(problem)" }
  }

  @Test(arguments: [
    NotBegun(problem: .failed("no room"), outcome: .ran(.failed)),
    NotBegun(problem: .refused("a flipped byte"), outcome: .skipped(.refusedVerification)),
  ])
  func whatWasNotBegunAndCouldNotBeWrittenIsWrittenLater(_ row: NotBegun) async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely())
    bench.clock.now = at(60)
    bench.runner.fail(with: row.problem)
    _ = try await bench.refusing(inserts: "spool") { await engine.tick() }
    #expect(await engine.activeRuns == 1, "begun in the ledger, and its end not written")
    bench.runner.fail(with: nil)
    bench.clock.now = at(61)
    _ = await engine.tick()
    #expect(await engine.activeRuns == 0)
    #expect(try await bench.spool(engine).map(\.outcome) == [row.outcome])
    #expect(bench.runner.launched.isEmpty)
  }

  @Test func whatWaitsForItsNextAttemptIsCancelledToo() async throws {
    let bench = try Bench()
    let engine = try await bench.started(
      try minutely("a", retry: RetryPolicy(attempts: 3, backoff: .seconds(600), max: .seconds(600))), try minutely("b"))
    bench.clock.now = at(60)
    _ = await engine.tick()
    try await bench.end(engine, try bench.run(60, of: "a"), .failed)
    #expect(await engine.activeRuns == 2)
    await engine.stopFiring()
    await engine.cancelAll()
    #expect(bench.runner.cancelled.map(\.run) == [try bench.run(60, of: "b")])
    #expect(try await bench.spool(engine).map(\.outcome) == [.ran(.cancelled)])
    try await bench.end(engine, try bench.run(60, of: "b"), .cancelled)
    #expect(await engine.activeRuns == 0)
  }

  @Test func retriesAreAttemptsOfOneRun() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely(retry: RetryPolicy(attempts: 2, backoff: .seconds(5))))
    bench.clock.now = at(60)
    _ = await engine.tick()
    let run = try bench.run(60)
    try await bench.end(engine, run, .failed)
    bench.clock.now = at(65)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.number) == [1, 2])
    try await bench.end(engine, run, attempt: 2)
    let spool = try await bench.spool(engine)
    #expect(spool.map(\.outcome) == [.ran(.succeeded)])
    #expect(spool.first?.attempts.map(\.state) == [.failed, .succeeded])
  }

  @Test func theFolderThatAJobKeepsStaysUntilItsLastRunHasEnded() async throws {
    let bench = try Bench()
    var keeper = try minutely()
    keeper.job.run.workFolder = .keep
    let engine = try await bench.started(keeper)
    await engine.keepFolders(of: [keeper.job.name])
    bench.clock.now = at(60)
    _ = await engine.tick()
    try await engine.install(
      [], accepted: HeldAssignment(position: Position(epoch: 1, sequence: 1), digest: digest("x")))
    #expect(bench.runner.state.withLock { $0.keeping } == [[keeper.job.name], [keeper.job.name]])
    try await bench.end(engine, try bench.run(60))
    #expect(bench.runner.state.withLock { $0.keeping }.last == [])
  }
}
