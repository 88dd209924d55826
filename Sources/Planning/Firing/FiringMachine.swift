public import Model
import Schedule

/// Decides, on one agent, what starts, what is skipped and what is tried again. It holds no clock and does nothing:
/// each method takes the time and gives back actions, in the order in which they are to be performed.
///
/// ## Why no occurrence runs twice and none is dropped, whenever the process dies
///
/// - Each installed job has a cursor: all due instants up to it are decided. A scheduled occurrence is one instant of
///   one job, so with the cursor past an instant that occurrence is never decided again.
/// - Whoever performs the actions of one call writes ALL of them and the moved cursors (``takeCursorMoves()``) to the
///   ledger in ONE transaction, and performs them only then. With ``install(_:cursors:at:)`` the assignment itself is
///   part of that transaction.
/// - Killed before the transaction: the ledger still has the old cursors, so the machine made from it decides the same
///   instants again; nothing had been performed.
/// - Killed after the transaction and before the run's process exists: the ledger has the run with its attempt number
///   and the cursor is past it. The run comes back through ``restore(_:spent:at:)``, and its owner, who knows whether
///   the attempt ever began, starts it or reports it as lost. Either way it stays one run with one id.
/// - Killed while the process runs: the same; the owner adopts the process and reports its end later.
/// - A person's run has no cursor. Its id follows from the request, and the machine knows the ids of active runs and,
///   through `spent`, of recent finished ones; the ledger's unique key on the run id is the last guard.
///
/// ## What is decided about an instant
///
/// First match wins, by the job's state at the instant and at the time of decision:
///
/// | case | decision |
/// | --- | --- |
/// | the lease has run out | nothing yet (1); later a folded `MissedDeadline` |
/// | the instant lies in a suspension | nothing yet (2); later a folded `SkippedSuspended` |
/// | the job was removed before the decision | a folded `MissedDeadline` |
/// | a later instant is due as well (`missed: latest`) | a folded `MissedDeadline` |
/// | `overlap: skip` and a run of the job is going, or waits for its next attempt | `SkippedOverlap` |
/// | otherwise | a run starts |
///
/// 1. Until a controller is heard again, or the job changes or goes.
/// 2. Until the suspension ends, or the job changes or goes.
///
/// While instants wait for a decision the cursor stays before them, so they survive a restart.
///
/// Where a clock that ran ahead was set back, cursors are ahead of it, and nothing fires until it has caught up: an
/// occurrence that may have run must not run again. A note says so.
public struct FiringMachine: Sendable {
  /// Goes into the ids of runs.
  public let agent: AgentID
  /// The last contact with a controller, for leases; nil before the first one. To be kept in the ledger.
  public internal(set) var lastHeard: Timestamp?

  /// Instants are counted up to this number when they are folded; a record of more says "at least".
  let foldLimit: Int
  var jobs: [JobName: InstalledJob] = [:]
  var runs = RunTable()
  var wakes = WakeQueue()
  /// The cursors of jobs that are gone. A job that comes back must not start before it, even when the clock was set
  /// back in between.
  var retired: [JobName: Timestamp] = [:]
  /// Jobs whose lease was found to have run out when they were due.
  var lapsed: Set<JobName> = []
  var cursorMoves: [JobName: Timestamp?] = [:]
  /// The time of the last call; to notice a clock that was set back.
  var lastCall: Timestamp?
  /// How many times a job was looked at, in all: what the cost of a tick is proportional to.
  public private(set) var decisions = 0

  /// `lastHeard` comes from the ledger; nil when there was no contact yet, and leases then count from installation.
  /// `foldLimit` is at least 2.
  public init(agent: AgentID, lastHeard: Timestamp? = nil, foldLimit: Int = 10_000) {
    self.agent = agent
    self.lastHeard = lastHeard
    self.foldLimit = max(2, foldLimit)
  }

  /// When ``tick(at:)`` has something to do next; nil when nothing is due any more. May be in the past. O(1).
  public var nextWake: Timestamp? { wakes.first?.time }

  /// For each installed job the instant up to which everything is decided.
  public var cursors: [JobName: Timestamp] { jobs.mapValues(\.cursor) }

  /// Cursors that moved since the last call, to be written in the same transaction as the actions. Nil means that the
  /// ledger may forget the job's cursor. The cursor of a removed job is NOT forgotten at once; see
  /// ``install(_:cursors:at:)``.
  public mutating func takeCursorMoves() -> [JobName: Timestamp?] {
    defer { cursorMoves = [:] }
    return cursorMoves
  }

  /// In ascending order of id.
  public var activeRuns: [ActiveRun] { runs.all.values.sorted { $0.id < $1.id } }

  public func activeRun(_ id: RunID) -> ActiveRun? { runs.all[id] }

  /// The installed version of a job.
  public func installed(_ job: JobName) -> FiringJob? { jobs[job]?.installed }

  /// The next instant at which the job would start a run; nil when there is none, or none before somebody acts.
  public func nextDue(_ name: JobName) -> Timestamp? {
    guard let job = jobs[name], !lapsed.contains(name) else { return nil }
    guard let suspension = job.installed.job.suspension else {
      return job.installed.schedule.nextDue(after: job.cursor)?.due
    }
    guard let until = suspension.until else { return nil }
    return job.installed.schedule.nextDue(after: max(job.cursor, until - .microseconds(1)))?.due
  }

  /// A controller was heard from: leases begin anew. What came due while a lease had run out is recorded, not made up
  /// for: another agent may have done it in the meantime.
  public mutating func heard(at now: Timestamp) -> [FiringAction] {
    // First everything up to now, by the old contact. Otherwise it would depend on which of two messages comes first
    // whether an instant had a lease.
    var actions = tick(at: now)
    let since = lastHeard
    lastHeard = now
    for name in lapsed.sorted() { actions += foldLapsed(name, since: since, at: now) }
    lapsed = []
    settleWakes()
    return actions
  }

  /// Decides whatever is due. Costs time in proportion to that, not to the number of jobs.
  public mutating func tick(at now: Timestamp) -> [FiringAction] {
    var actions = noticeClock(at: now)
    var due: [WakeQueue.Entry] = []
    while let entry = wakes.first, entry.time <= now {
      _ = wakes.removeFirst()
      if isTrue(entry) { due.append(entry) }
    }
    // A fixed order among equals, so that equal machines decide equally.
    for entry in due.sorted(by: { ($0.time, $0.target) < ($1.time, $1.target) }) {
      switch entry.target {
      case .job(let name): actions += decide(name, at: now)
      case .run(let id): actions += startWaiting(id, at: now)
      }
    }
    settleWakes()
    return actions
  }

  /// Says once for each time that the clock is set back why nothing fires for a while.
  mutating func noticeClock(at now: Timestamp) -> [FiringAction] {
    defer { lastCall = now }
    guard let last = lastCall, now + .seconds(1) <= last else { return [] }
    let words = "the clock went back by \(FiringWords.about(last - now))"
    return [.note("\(words): what was due up to \(last) is decided and does not fire again")]
  }

  mutating func countDecision() { decisions += 1 }
}

/// A job in the machine.
struct InstalledJob: Sendable {
  var installed: FiringJob
  /// All instants up to it are decided.
  var cursor: Timestamp
  /// When this version came; leases count from it where no controller was heard yet.
  var since: Timestamp
  /// Its entry in the queue of wakes; entries with other times are void.
  var wake: Timestamp?
}
