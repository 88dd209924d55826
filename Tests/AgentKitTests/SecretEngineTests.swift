@testable import AgentKit
import Execution
import Model
import Planning
import Testing

/// Runs whose secrets have to be fetched before their shims can be started.
@Suite(.timeLimit(.minutes(10))) struct SecretEngineTests {
  private static let lead = Duration.seconds(3)

  private func job(retry: RetryPolicy = RetryPolicy()) throws -> FiringJob {
    var job = try minutely(retry: retry)
    job.job.run.secrets = .files([try SecretName("db")])
    return job
  }

  private let found = Result<SecretValues, ExecutionError>.success([:])
  private let missing = Result<SecretValues, ExecutionError>.failure(
    ExecutionError(.noSecret, "this agent has no secret db"))

  /// The engine's requests, one after the other.
  private func requests(_ engine: Engine) -> AsyncStream<SecretRequest>.Iterator {
    engine.secretRequests.makeAsyncIterator()
  }

  @Test func aRunStartsWhenItsSecretsAreThereAndOthersDoNotWait() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try job(), try minutely("b"))
    var asked = requests(engine)
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60, of: "b")])
    let request = try #require(await asked.next())
    await engine.fetched(request, found)
    await engine.fetched(request, found)
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60, of: "b"), try bench.run(60)])
  }

  @Test func whatIsMissingAheadOfTheInstantIsAskedForAgainThen() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try job(), lead: Self.lead)
    var asked = requests(engine)
    bench.clock.now = at(58)
    _ = await engine.tick()
    await engine.fetched(try #require(await asked.next()), missing)
    #expect(try await bench.spool(engine).isEmpty, "it has not failed before it was due")
    bench.clock.now = at(60)
    _ = await engine.tick()
    await engine.fetched(try #require(await asked.next()), missing)
    let receipts = try await bench.spool(engine)
    #expect(receipts.map(\.outcome) == [.ran(.failed)])
    #expect(receipts.first?.reason == "this agent has no secret db")
    #expect(bench.runner.launched.isEmpty)
  }

  @Test func aMissingSecretIsAFailureThatMayBeTriedAgain() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try job(retry: RetryPolicy(attempts: 2, backoff: .zero)))
    var asked = requests(engine)
    bench.clock.now = at(60)
    _ = await engine.tick()
    await engine.fetched(try #require(await asked.next()), missing)
    _ = await engine.tick()
    let second = try #require(await asked.next())
    #expect(second.run.attempt == 2)
    await engine.fetched(second, found)
    #expect(bench.runner.launched == [AttemptID(run: try bench.run(60), number: 2)])
  }

  @Test func whatIsCancelledMeanwhileDoesNotStart() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try job())
    var asked = requests(engine)
    bench.clock.now = at(60)
    _ = await engine.tick()
    let request = try #require(await asked.next())
    await engine.cancelAll()
    #expect(try await bench.spool(engine).map(\.outcome) == [.ran(.cancelled)])
    await engine.fetched(request, found)
    #expect(bench.runner.launched.isEmpty && bench.runner.cancelled.isEmpty)
  }

  @Test func whatIsDisarmedMeanwhileIsDecidedAnew() async throws {
    let bench = try Bench()
    let engine = try await bench.started(try job(), lead: Self.lead)
    var asked = requests(engine)
    bench.clock.now = at(58)
    _ = await engine.tick()
    let first = try #require(await asked.next())
    await engine.stopFiring()
    #expect(await engine.activeRuns == 0)
    await engine.fetched(first, found)
    #expect(bench.runner.launched.isEmpty && bench.runner.disarmed.isEmpty)
    // The next life asks again, and the answer to the first question counts for nothing.
    let next = try await bench.started(try job(), lead: Self.lead)
    var again = requests(next)
    bench.clock.now = at(60)
    _ = await next.tick()
    let second = try #require(await again.next())
    await next.fetched(SecretRequest(run: first.run, number: 99), found)
    #expect(bench.runner.launched.isEmpty)
    await next.fetched(second, found)
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60)])
  }

  @Test func aRestartAsksAgain() async throws {
    let bench = try Bench()
    do {
      let engine = try await bench.started(try job())
      bench.clock.now = at(60)
      _ = await engine.tick()
    }
    let engine = try await bench.started(try job())
    var asked = requests(engine)
    let request = try #require(await asked.next())
    #expect(request.run.id == (try bench.run(60)))
    await engine.fetched(request, found)
    #expect(bench.runner.launched.map(\.run) == [try bench.run(60)])
  }
}
