public import Model
import Schedule

/// Decides, on one agent, what starts, what is skipped and what is tried again. It holds no clock and does nothing:
/// each method takes the time and gives back actions, in the order in which they are to be performed.
///
/// ## Why no occurrence runs twice and none is dropped, whenever the process dies
///
/// - Each installed job has a ``Cursor``: all instants that start up to it are decided. A scheduled occurrence is one
///   nominal instant of one job, so with the cursor past its start that occurrence is never decided again.
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
/// - All that a decision rests on is in the ledger: cursors, active runs, the last contact. A machine made from it goes
///   on exactly where the former one was.
///
/// ## What is decided about an instant
///
/// An instant is due at its nominal time and the agent's share of the jitter. First match wins, by the job's state at
/// the time of decision:
///
/// | case | decision |
/// | --- | --- |
/// | the lease has run out | nothing yet (1); later a folded `MissedDeadline` |
/// | it is due in a suspension, or a suspension without end is in force | nothing yet (2); later a folded `SkippedSuspended` |
/// | the job was removed before the decision | a folded `MissedDeadline` |
/// | the agent holds back, because it has no room | nothing yet (7) |
/// | its bundle is in quarantine | a folded `Quarantined` |
/// | `overlap: skip`, and a run is going: it is the first one since that started | `SkippedOverlap` |
/// | … it is a later one | nothing yet (3); then, if due up to the run's end, a folded `SkippedOverlap` |
/// | `overlap: queue`, a run is going and the queue is full | the same two, until a place is free |
/// | it is due in a blackout | nothing yet (4); later a folded `SkippedBlackout` |
/// | a blackout is in force at the decision, and it was due before | a folded `SkippedBlackout` |
/// | later than `startBy` | a folded `MissedDeadline` |
/// | `missed: latest`, and a later instant is due as well | a folded `MissedDeadline` |
/// | `missed: skip`, and a later one is due as well, or it is late (5) | a folded `MissedDeadline` |
/// | `missed: all`, and as many later ones as its limit are due as well | a folded `MissedDeadline` |
/// | `overlap: replace`, and a run is going | that run is cancelled and the queue emptied; nothing yet (6) |
/// | `overlap: queue`, and a run is going | a run in phase `.queued` |
/// | `missed: all`, and an earlier one starts now (not with `overlap: allow`) | a run in phase `.queued`, whatever the depth |
/// | otherwise | a run starts |
///
/// 1. Until a controller is heard again, or the job changes or goes.
/// 2. Until the suspension ends, or the job changes or goes.
/// 3. Until no run is going. A run that waits for its next attempt is going; so is one that is armed.
/// 4. Until the blackout ends, or the job changes or goes. The end is looked at again: another may follow.
/// 5. More than ``punctuality`` after it was due, or after the end of the run that it had to wait for.
/// 6. When that run has ended, the latest instant that was due by then starts and the earlier ones are a folded
///    `SkippedOverlap`. If nothing may start by the rows above, nothing is cancelled.
///
/// 7. Until it has room again, or the job changes or goes. Then `missed` decides, and what it leaves out of that time is a
///    folded `NoRoom`.
///
/// While instants wait for a decision the cursor stays before them, so they survive a restart.
///
/// A queued run's turn comes when no run is going. Then, first match wins: a scheduled one in a suspension, blackout or
/// without a lease, and any one later than its ``ActiveRun/startBy``, is finished with that reason; otherwise it starts.
/// Runs of a removed job that are queued are finished then.
///
/// Where a clock that ran ahead was set back, cursors are ahead of it, and nothing fires until it has caught up: an
/// occurrence that may have run must not run again. A note says so.
///
/// ## When a job changes
///
/// An occurrence belongs to the version in which its nominal time lies. What the old version leaves undecided is
/// decided at the change, with no later: what waits for its jitter starts then, what waits for a run, blackout or
/// suspension is recorded, and where `overlap: replace` would wait, the latest is queued. The new version's
/// ``Cursor/floor`` is the time of the change.
///
/// ## Arming
///
/// With a lead, a run that nothing can stand in the way of is decided that much ahead of its time: its shim is there
/// and begins on its own clock. It must be: due later than now, nothing before it undecided, neither suspended nor
/// blacked out nor without a lease when it is due, and no run of the job active (with `overlap: allow`: none that has
/// yet to begin). The cursor moves past it, and it counts as going.
///
/// | what comes between | what is done |
/// | --- | --- |
/// | the job changes or goes, nominal time past | nothing: it begins |
/// | the job changes or goes, nominal time ahead | `.disarm`; the new version decides nothing until the answer or the time |
/// | a person's run (not with `overlap: allow`) | that is queued, `.disarm` |
/// | somebody cancels it | `.cancel`; it ends as `Cancelled`, even when it never began |
///
/// | the answer | then |
/// | --- | --- |
/// | it never began, and it is the last thing decided | it is due again |
/// | … and it was asked about for a change | the new version decides by itself |
/// | … and later instants are decided already | it alone is decided, without delay |
/// | its attempt ended | it has run; the new version's floor is its nominal time |
/// | none when it is due | it is taken to run |
public struct FiringMachine: Sendable {
  /// An instant that is decided at most so much after it was due is on time.
  public static let punctuality = Duration.seconds(60)

  /// Goes into the ids of runs.
  public let agent: AgentID
  /// The last contact with a controller, for leases; nil before the first one. To be kept in the ledger.
  public internal(set) var lastHeard: Timestamp?

  /// Instants are counted up to this number when they are folded; a record of more says "at least".
  let foldLimit: Int
  /// How long ahead runs are armed; zero is never.
  let lead: Duration
  var jobs: [JobName: InstalledJob] = [:]
  var runs = RunTable()
  var wakes = WakeQueue()
  /// Up to when the jobs that are gone were decided. A job that comes back must not start before it, even when the
  /// clock was set back in between.
  var retired: [JobName: Timestamp] = [:]
  /// Jobs whose lease was found to have run out when they were due.
  var lapsed: Set<JobName> = []
  /// Armed runs whose shims were asked not to begin.
  var disarming: Set<RunID> = []
  /// Runs to look at after a restart, each with its entry's time in the queue of wakes.
  var questions: [RunID: Timestamp] = [:]
  var cursorMoves: [JobName: Cursor?] = [:]
  /// Nothing starts any more.
  var isStopped = false
  /// Bundles that start no more by themselves, and why.
  public internal(set) var quarantined: [Digest: String] = [:]
  /// Why nothing starts for the time being, and since when; and the same of the last time that is over.
  var hold: Hold?
  var pastHold: Hold?
  /// The time of the last call; to notice a clock that was set back.
  var lastCall: Timestamp?
  /// How many times a job was looked at, in all: what the cost of a tick is proportional to.
  public private(set) var decisions = 0

  /// `lastHeard` comes from the ledger; nil when there was no contact yet, and leases then count from installation.
  /// `foldLimit` is at least 2. `lead` is how long ahead runs are armed; zero: never.
  public init(agent: AgentID, lastHeard: Timestamp? = nil, foldLimit: Int = 10_000, lead: Duration = .zero) {
    self.agent = agent
    self.lastHeard = lastHeard
    self.foldLimit = max(2, foldLimit)
    self.lead = max(lead, .zero)
  }

  /// When ``tick(at:)`` has something to do next, to decide or to arm; nil when nothing is due any more. May be in the
  /// past. O(1).
  public var nextWake: Timestamp? { wakes.first?.time }

  /// For each installed job how far it is decided.
  public var cursors: [JobName: Cursor] { jobs.mapValues(\.cursor) }

  /// Cursors that moved since the last call, to be written in the same transaction as the actions. They may move back
  /// (``disarmed(_:at:)``). Nil means that the ledger may forget the job's cursor. The cursor of a removed job is NOT
  /// forgotten at once; see ``install(_:cursors:at:)``.
  public mutating func takeCursorMoves() -> [JobName: Cursor?] {
    defer { cursorMoves = [:] }
    return cursorMoves
  }

  /// In ascending order of id.
  public var activeRuns: [ActiveRun] { runs.all.values.sorted { $0.id < $1.id } }

  public func activeRun(_ id: RunID) -> ActiveRun? { runs.all[id] }

  /// The installed version of a job.
  public func installed(_ job: JobName) -> FiringJob? { jobs[job]?.installed }

  /// The bundles of the installed jobs.
  public var installedBundles: [Digest] { jobs.values.map(\.installed.bundle) }

  /// The next instant at which the job would start a run; nil when there is none, or none before somebody acts. Runs
  /// that may be in its way then are not considered.
  public func nextDue(_ name: JobName) -> Timestamp? {
    guard let job = jobs[name], !lapsed.contains(name) else { return nil }
    if let armed = runs.going(name).compactMap(\.armedFor).min(), armed > lastCall ?? armed { return armed }
    var after = job.cursor.decided
    if let suspension = job.installed.job.suspension {
      guard let until = suspension.until else { return nil }
      after = max(after, until - .microseconds(1))
    }
    return job.schedule.nextDueOutsideBlackouts(after: after)?.due
  }

  /// A controller was heard from: leases begin anew. What came due while a lease had run out is recorded, not made up
  /// for: another agent may have done it in the meantime.
  public mutating func heard(at now: Timestamp) -> [FiringAction] {
    // First everything up to now, by the old contact. Otherwise it would depend on which of two messages comes first
    // whether an instant had a lease.
    var actions = tick(at: now)
    let since = lastHeard
    lastHeard = now
    let names = lapsed.sorted()
    lapsed = []
    for name in names { actions += foldLapsed(name, since: since, at: now) }
    settleWakes()
    return actions
  }

  /// From now on nothing is decided and nothing starts; what runs goes on, and what is armed for later is disarmed. What
  /// is due stays undecided: the next machine finds it.
  public mutating func stop(at now: Timestamp) -> [FiringAction] {
    isStopped = true
    return jobs.keys.sorted().flatMap { armed($0, at: now) }.flatMap { disarm($0) }
  }

  /// Decides whatever is due, and arms what is due soon. Costs time in proportion to that, not to the number of jobs.
  public mutating func tick(at now: Timestamp) -> [FiringAction] {
    var actions = noticeClock(at: now)
    // Everything stays in the queue of wakes.
    guard hold == nil else { return actions }
    var due: [WakeQueue.Entry] = []
    while let entry = wakes.first, entry.time <= now {
      _ = wakes.removeFirst()
      if isTrue(entry) { due.append(entry) }
    }
    // A fixed order among equals, so that equal machines decide equally.
    for entry in due.sorted(by: { ($0.time, $0.target) < ($1.time, $1.target) }) {
      switch entry.target {
      // An entry before it may have led to what it stands for, and to another entry.
      case _ where !isTrue(entry): break
      case .job(let name):
        jobs[name]?.wake = nil
        actions += decide(name, at: now)
      case .arming(let name):
        jobs[name]?.armWake = nil
        actions += arm(name, at: now)
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
  var installed: FiringJob {
    didSet { schedule = installed.schedule.only(after: cursor.floor) }
  }
  var cursor: Cursor {
    didSet { if cursor.floor != oldValue.floor { schedule = installed.schedule.only(after: cursor.floor) } }
  }
  /// The instants that are this version's own.
  private(set) var schedule: JobSchedule
  /// When this version came; leases count from it where no controller was heard yet.
  var since: Timestamp
  /// Its entry in the queue of wakes; entries with other times are void.
  var wake: Timestamp?
  /// The same for arming.
  var armWake: Timestamp?
  /// An instant whose shim was there and did not begin: it is started when it is due, or a shim that never begins
  /// would be made again and again.
  var unarmed: Timestamp?

  init(_ installed: FiringJob, cursor: Cursor, since: Timestamp) {
    self.installed = installed
    self.cursor = cursor
    self.since = since
    schedule = installed.schedule.only(after: cursor.floor)
  }

  /// What is to be decided up to `through`.
  func pending(through: Timestamp) -> Pending { Pending(schedule, after: cursor.decided, through: through) }

  var isAllow: Bool { installed.job.overlap == .allow }
}
