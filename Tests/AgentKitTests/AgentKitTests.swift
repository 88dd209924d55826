// AgentKitTests: the engine and what stands around it, with a fake runner and a clock that only tests move.

@testable import AgentKit
import Execution
import Foundation
import GRDB
import Logging
import Model
import Planning
import Platform
import Schedule
import Synchronization
import TestSupport
import Trust

/// 2026-11-20T00:00:00Z and so many seconds: a whole minute and a whole hour.
func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_795_132_800 + seconds) }

/// A digest that is the same for the same text.
func digest(_ text: String) -> Digest { SHA256.hash(Array(text.utf8)) }

func commit(_ text: String) throws -> CommitID { try CommitID(String(digest(text).hex.prefix(40))) }

let quiet: Logger = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()

/// A wall clock that stands still until it is moved.
final class ManualClock: Sendable {
  private let time: Mutex<Timestamp>

  init(_ time: Timestamp = at(0)) { self.time = Mutex(time) }

  var now: Timestamp {
    get { time.withLock { $0 } }
    set { time.withLock { $0 = newValue } }
  }
  var wall: WallClock { WallClock { self.now } }
}

/// Takes attempts and never ends them by itself.
final class FakeRunner: AttemptRunner {
  struct State {
    var launched: [AttemptID] = []
    var problem: LaunchProblem?
    /// Attempts of a former life that may have begun.
    var begun: Set<AttemptID> = []
    var cancelled: [AttemptID] = []
    var disarmed: [AttemptID] = []
    var discarded: [AttemptID] = []
    /// The attempts whose folders were looked for after the start.
    var recovered: Set<AttemptID> = []
    /// Of which jobs the working folders were to stay, each time that it was said.
    var keeping: [Set<JobName>] = []
  }

  let state = Mutex(State())
  let boot = "boot-1"

  var launched: [AttemptID] { state.withLock { $0.launched } }
  var cancelled: [AttemptID] { state.withLock { $0.cancelled } }
  var disarmed: [AttemptID] { state.withLock { $0.disarmed } }
  var discarded: [AttemptID] { state.withLock { $0.discarded } }

  func fail(with problem: LaunchProblem?) { state.withLock { $0.problem = problem } }

  func launch(_ run: ActiveRun, with secrets: SecretValues) throws(LaunchProblem) {
    if let problem = state.withLock({ $0.problem }) { throw problem }
    state.withLock { $0.launched.append(run.attemptID) }
  }

  func end(of run: ActiveRun) async throws -> AttemptOutcome { throw CancellationError() }
  func cancel(_ attempt: AttemptID) { state.withLock { $0.cancelled.append(attempt) } }
  func disarm(_ attempt: AttemptID) { state.withLock { $0.disarmed.append(attempt) } }
  func hasBegun(_ attempt: AttemptID, sameBoot: Bool) -> Bool { state.withLock { $0.begun.contains(attempt) } }
  func discard(_ attempt: AttemptID) { state.withLock { $0.discarded.append(attempt) } }
  func recover(_ attempts: Set<AttemptID>) { state.withLock { $0.recovered = attempts } }
  func tidy() {}
  func discardAll(except runs: Set<RunID>) {}
  func removeKeptFolders(but jobs: Set<JobName>) { state.withLock { $0.keeping.append(jobs) } }
}

/// An agent's state folder, and the lives of an engine on it.
final class Bench: Sendable {
  let folder: TemporaryFolder
  let clock = ManualClock()
  let runner = FakeRunner()
  let identity: AgentIdentity
  let signals = EngineSignals()
  let ledgerPath: String

  init(ledgerPath: String? = nil) throws {
    folder = try TemporaryFolder("belfry-agent-kit")
    self.ledgerPath = ledgerPath ?? folder.path("ledger.sqlite")
    identity = AgentIdentity(id: AgentID(random: (7, 7)), name: try AgentName("bench"), key: try SigningKey.generate())
  }

  /// A new life of the engine on the same ledger, and the runs that it wants to be watched.
  func engine(
    lead: Duration = .zero, guards: EngineGuards = EngineGuards()
  ) throws -> (engine: Engine, watched: AsyncStream<ActiveRun>, end: AsyncStream<ActiveRun>.Continuation) {
    let (watched, end) = AsyncStream.makeStream(of: ActiveRun.self)
    let engine = try Engine(
      receipts: ReceiptMaker(identity: identity), ledger: Ledger(path: ledgerPath), runner: runner, clock: clock.wall,
      lead: lead, signals: signals, guards: guards, watches: end, logger: quiet)
    return (engine, watched, end)
  }

  /// An engine with the jobs installed.
  func started(
    _ jobs: FiringJob..., lead: Duration = .zero, guards: EngineGuards = EngineGuards()
  ) async throws -> Engine {
    let engine = try engine(lead: lead, guards: guards).engine
    try await engine.start(jobs)
    return engine
  }

  func run(_ seconds: Int64, of job: String = "a") throws -> RunID {
    Occurrence(job: try JobName(job), nominal: at(seconds)).run(on: identity.id)
  }

  /// Reports the end of an attempt.
  func end(_ engine: Engine, _ run: RunID, attempt: Int = 1, _ state: RunState = .succeeded) async throws {
    let record = Receipt.Attempt(number: attempt, started: clock.now, ended: clock.now, state: state, exitCode: 0)
    try await engine.ended([
      EndedAttempt(attempt: AttemptID(run: run, number: attempt), outcome: AttemptOutcome(record: record, log: []))
    ])
  }

  /// Reports that an attempt was dismissed before it began.
  func dismiss(_ engine: Engine, _ run: RunID) async throws {
    let record = Receipt.Attempt(number: 1, started: clock.now, ended: clock.now, state: .cancelled)
    let outcome = AttemptOutcome(record: record, mayHaveRun: false, log: [])
    try await engine.ended([EndedAttempt(attempt: AttemptID(run: run, number: 1), outcome: outcome)])
  }

  /// The spool's receipts, their signatures checked.
  func spool(_ engine: Engine) async throws -> [Receipt] {
    try await engine.spooled(after: 0, limit: 10_000).map { receipt in
      try verifyReceipt(
        line: receipt.line, signatureLine: receipt.signature, key: identity.key.publicKey, agent: identity.id
      ).value
    }
  }

  /// Makes writing to a table of the ledger fail while `body` runs, as a full disk would.
  /// `condition` on the row, such as `NEW.run = '…'`, makes it fail for some only.
  @discardableResult
  func refusing<T>(
    inserts table: String, when condition: String = "1", _ body: () async throws -> T
  ) async throws -> T {
    let other = try DatabaseQueue(path: ledgerPath)
    try await other.write { db in
      try db.execute(
        sql: """
          CREATE TRIGGER full BEFORE INSERT ON \(table) WHEN \(condition)
          BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END
          """)
    }
    let result: T
    do { result = try await body() } catch {
      try await other.write { try $0.execute(sql: "DROP TRIGGER full") }
      throw error
    }
    try await other.write { try $0.execute(sql: "DROP TRIGGER full") }
    return result
  }
}

/// A job that is due every minute.
func minutely(
  _ name: String = "a", version: String = "", overlap: Overlap = .skip, retry: RetryPolicy = RetryPolicy()
) throws -> FiringJob {
  let job = Job(
    name: try JobName(name), triggers: [.every(.seconds(60))], overlap: overlap,
    run: RunSpec(program: .command(["true"])), retry: retry)
  return FiringJob(
    job: job, bundle: digest("bundle of \(name)\(version)"), commit: try commit("one"), lease: .seconds(7 * 86_400),
    schedule: try JobSchedule(job.triggers) { _ in TimeZoneRules.utc })
}
