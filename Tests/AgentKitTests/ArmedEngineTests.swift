@testable import AgentKit
import Model
import Planning
import Platform
import Synchronization
import Testing
import Trust

/// Runs that are made ready ahead of their instant, and runs that wait for their turn.
@Suite(.timeLimit(.minutes(10))) struct ArmedEngineTests {
  private static let lead = Duration.seconds(3)

  /// An engine that has armed the run of second 60, two seconds before.
  private func armed(_ bench: Bench) async throws -> Engine {
    let engine = try await bench.started(try minutely(), lead: Self.lead)
    bench.clock.now = at(58)
    _ = await engine.tick()
    #expect(bench.runner.launched == [AttemptID(run: try bench.run(60), number: 1)])
    #expect(await engine.entries[try bench.run(60)]?.run.phase == .armed(for: at(60)))
    return engine
  }

  @Test func anArmedRunIsStartedOnce() async throws {
    let bench = try Bench()
    let engine = try await armed(bench)
    let run = try bench.run(60)
    for second in [59, 60, 61] {
      bench.clock.now = at(Int64(second))
      _ = await engine.tick()
    }
    #expect(bench.runner.launched.map(\.run) == [run])
    try await bench.end(engine, run)
    #expect(try await bench.spool(engine).map(\.outcome) == [.ran(.succeeded)])
  }

  @Test func aDismissedRunIsNoRunAndItsInstantIsDecidedAnew() async throws {
    let bench = try Bench()
    let engine = try await armed(bench)
    let run = try bench.run(60)
    try await bench.dismiss(engine, run)
    #expect(await engine.activeRuns == 0)
    #expect(try await bench.spool(engine).isEmpty)
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [run, run])
    try await bench.end(engine, run)
    #expect(try await bench.spool(engine).map(\.run) == [run])
  }

  /// What the next life of the engine finds of an armed attempt.
  struct Restart: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var begun: Bool
    var launches: Int
  }

  @Test(arguments: [
    Restart(testDescription: "its shim is gone and nothing ran: it is armed again", begun: false, launches: 2),
    Restart(testDescription: "its shim lives: it is only watched", begun: true, launches: 1),
  ])
  func aRestartLosesAndRepeatsNothing(_ row: Restart) async throws {
    let bench = try Bench()
    let run = try bench.run(60)
    _ = try await armed(bench)
    if row.begun { bench.runner.state.withLock { _ = $0.begun.insert(AttemptID(run: run, number: 1)) } }
    bench.clock.now = at(59)
    let engine = try await bench.started(try minutely(), lead: Self.lead)
    for second in [59, 60, 61] {
      bench.clock.now = at(Int64(second))
      _ = await engine.tick()
    }
    #expect(bench.runner.launched.map(\.run) == Array(repeating: run, count: row.launches))
    try await bench.end(engine, run)
    #expect(try await bench.spool(engine).map(\.outcome) == [.ran(.succeeded)])
  }

  @Test func aChangedJobIsDisarmedAndFiresInItsNewVersion() async throws {
    let bench = try Bench()
    let engine = try await armed(bench)
    let run = try bench.run(60)
    let new = try minutely(version: " v2")
    try await engine.install(
      [new], accepted: HeldAssignment(position: Position(epoch: 1, sequence: 2), digest: digest("assignment")))
    #expect(bench.runner.disarmed.map(\.run) == [run])
    try await bench.dismiss(engine, run)
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [run, run])
    #expect(await engine.entries[run]?.run.bundle == new.bundle)
  }

  @Test func whoStopsDisarmsAndStartsNothing() async throws {
    let bench = try Bench()
    let engine = try await armed(bench)
    let run = try bench.run(60)
    await engine.stopFiring()
    #expect(bench.runner.disarmed.map(\.run) == [run])
    bench.clock.now = at(61)
    try await bench.dismiss(engine, run)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [run])
    #expect(await engine.activeRuns == 0)
    // The next life makes up for it.
    let next = try await bench.started(try minutely(), lead: Self.lead)
    _ = await next.tick()
    #expect(bench.runner.launched.map(\.run) == [run, run])
  }

  @Test func anArmedAttemptThatCannotBeMadeIsNotTriedAgainBeforeItsInstant() async throws {
    let bench = try Bench()
    bench.runner.fail(with: .failed("no room"))
    let engine = try await bench.started(
      try minutely(retry: RetryPolicy(attempts: 2, backoff: .zero)), lead: Self.lead)
    bench.clock.now = at(58)
    _ = await engine.tick()
    bench.runner.fail(with: nil)
    bench.clock.now = at(59)
    _ = await engine.tick()
    #expect(bench.runner.launched.isEmpty)
    #expect(try await bench.spool(engine).isEmpty, "it has not failed before it was due")
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(bench.runner.launched == [AttemptID(run: try bench.run(60), number: 1)])
  }

  @Test func whatCannotBeMadeAtItsInstantEitherFailsThen() async throws {
    let bench = try Bench()
    bench.runner.fail(with: .failed("no room"))
    let engine = try await bench.started(try minutely(), lead: Self.lead)
    for second in [58, 59, 60] {
      bench.clock.now = at(Int64(second))
      _ = await engine.tick()
    }
    let receipts = try await bench.spool(engine)
    #expect(receipts.map(\.outcome) == [.ran(.failed)])
    #expect(receipts.first?.attempts.map(\.started) == [at(60)] && receipts.first?.attempts.first?.reason == "no room")
  }

  @Test func aQueuedRunWaitsForItsTurnAlsoOverARestart() async throws {
    let bench = try Bench()
    let job = try minutely(overlap: .queue(depth: 1))
    let (first, second) = (try bench.run(60), try bench.run(120))
    do {
      let engine = try await bench.started(job)
      for seconds in [60, 120] {
        bench.clock.now = at(Int64(seconds))
        _ = await engine.tick()
      }
      #expect(bench.runner.launched.map(\.run) == [first])
      #expect(await engine.entries[second]?.run.phase == .queued)
    }
    bench.runner.state.withLock { _ = $0.begun.insert(AttemptID(run: first, number: 1)) }
    bench.clock.now = at(130)
    let engine = try await bench.started(job)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [first])
    try await bench.end(engine, first)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [first, second])
    #expect(await engine.entries[second]?.run.started == at(130))
  }

  @Test func oneEndThatCannotBeWrittenDoesNotKeepTheOthersFromIt() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try minutely("a"), try minutely("b"), try minutely("c"))
    bench.clock.now = at(60)
    _ = await engine.tick()
    let runs = try ["a", "b", "c"].map { try bench.run(60, of: $0) }
    let ends = EndQueue()
    ends.add(
      runs.map { run in
        let record = Receipt.Attempt(number: 1, started: at(60), ended: at(60), state: .succeeded, exitCode: 0)
        return EndedAttempt(
          attempt: AttemptID(run: run, number: 1), outcome: AttemptOutcome(record: record, log: []))
      })
    try await bench.refusing(inserts: "spool", when: "NEW.run = '\(runs[1])'") {
      try await withThrowingTaskGroup { group in
        group.addTask { await EndWriter(engine: engine, ends: ends).run() }
        while await engine.activeRuns > 1 { await bench.signals.spoolChanged.wait() }
        group.cancelAll()
        try await group.waitForAll()
      }
      #expect(try await bench.spool(engine).map(\.run) == [runs[0], runs[2]])
    }
  }
}
