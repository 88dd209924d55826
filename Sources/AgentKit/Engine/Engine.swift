import Execution
import GRDB
import Glibc
import Logging
import Model
import Planning
import Platform
import Schedule
import Trust
import Wire
import ZoneInfo

/// The heart of the agent: owns the firing machine and performs what it decides, ledger first.
///
/// Everything here may block (SQLite with fsync, hashing, starting processes), so the actor runs on a thread of its own.
/// The rule for every change: copy the machine, let it decide, write ALL of it in one transaction, then act. When the
/// transaction fails, the copy comes back and nothing has happened.
///
/// Its parts are in files of their own: what it decides becomes records and deeds (Actions), an attempt (Launch), receipts
/// and artifacts (Spool); whether there is room (Room), who is to blame for crashes (Crashes), what is going (Runs).
actor Engine {
  private let executor = BlockingExecutor(label: "belfry.engine")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  let receipts: ReceiptMaker
  let ledger: Ledger
  let runner: any AttemptRunner
  /// Nil where no artifacts are taken, as in tests.
  let artifacts: ArtifactSpool?
  let clock: WallClock
  let logger: Logger
  /// Raised when the firing loop should look again, or a heartbeat should go out.
  let wake: Signal
  let stateChanged: Signal
  /// Raised when there is something new in the spool, or an active run ended.
  let spoolChanged: Signal
  let watches: AsyncStream<ActiveRun>.Continuation

  var machine: FiringMachine
  var entries: [RunID: LedgerRun] = [:]
  var isFiring = true
  /// Attempts that were not begun, which could not be written yet: nobody else will ever tell of them.
  var unwritten: [AttemptID: NotBegun] = [:]
  /// The jobs whose working folders stay between runs.
  private var keepers: Set<JobName> = []
  /// What keeps the agent from working, by kind; told to the controller.
  var problems: [String: String] = [:]
  let guards: EngineGuards
  var crashes: Crashes
  private var heardWritten: Timestamp?
  /// Why nothing may start for the ledger's size, as it was found when somebody last looked.
  var isLedgerFull: String?
  var ledgerLooked: Timestamp?
  /// Why runs were refused, by verification or for want of room, until their end is written.
  var refusals: [RunID: String] = [:]
  /// Attempts whose secrets are being fetched: in the ledger, and without a shim.
  var fetches: SecretFetches
  /// For whoever fetches them.
  nonisolated let secretRequests: AsyncStream<SecretRequest>

  init(
    receipts: ReceiptMaker, ledger: Ledger, runner: any AttemptRunner, artifacts: ArtifactSpool? = nil,
    clock: WallClock, lead: Duration = .zero, signals: EngineSignals, guards: EngineGuards = EngineGuards(),
    watches: AsyncStream<ActiveRun>.Continuation, logger: Logger
  ) throws {
    self.receipts = receipts
    self.ledger = ledger
    self.runner = runner
    self.artifacts = artifacts
    self.clock = clock
    self.logger = logger
    self.wake = signals.wake
    self.stateChanged = signals.stateChanged
    self.spoolChanged = signals.spoolChanged
    self.watches = watches
    self.guards = guards
    crashes = Crashes(
      rule: guards.quarantine, times: try ledger.crashes(after: clock.now - QuarantineRule.window))
    (secretRequests, fetches) = SecretFetches.make()
    machine = FiringMachine(agent: receipts.identity.id, lastHeard: try ledger.lastHeard(), lead: lead)
  }

  // MARK: - Start

  /// Takes over the runs of the agent's former life and what it had installed.
  func start(_ installed: [FiringJob]) throws {
    let now = clock.now
    let active = try ledger.activeRuns()
    entries = Dictionary(active.map { ($0.run.id, $0) }, uniquingKeysWith: { $1 })
    removeSpareArtifacts()
    runner.recover(Set(active.map(\.run.attemptID)))
    runner.discardAll(except: Set(entries.keys))
    machine.restore(active.map(\.run), spent: try ledger.spentOrders(after: now), at: now)
    // Without the rule nothing is in quarantine, whatever was when there was one.
    machine.restoreQuarantine(guards.quarantine.crashes > 0 ? try ledger.quarantined() : [:])
    let cursors = try ledger.cursors()
    try change { $0.install(installed, cursors: cursors, at: now) }
    // Before anything of them is taken into the hands again.
    for entry in guards.handling?.former ?? [] { try crashed(entry) }
    // Each as it is when its turn comes: taking up one may change another.
    for run in active.map(\.run.id) {
      if let entry = entries[run] { try resume(entry) }
    }
    logger.info("started", metadata: ["jobs": "\(installed.count)", "runs taken over": "\(active.count)"])
  }

  /// A run of the former life: its shim may be at work, may have ended, or may never have been started.
  private func resume(_ entry: LedgerRun) throws {
    switch entry.run.phase {
    case .waiting, .queued: return
    case .running, .armed: break
    }
    if runner.hasBegun(entry.run.attemptID, sameBoot: entry.boot == runner.boot) {
      watches.yield(entry.run)
      if entry.run.cancelRequested { runner.cancel(entry.run.attemptID) }
    } else if case .armed = entry.run.phase, !entry.run.cancelRequested {
      try change { $0.disarmed(entry.run.id, at: clock.now) }
    } else if entry.run.cancelRequested {
      failed(entry.run.attemptID, .cancelled, "cancelled before it started")
    } else {
      launch([entry.run])
    }
  }

  /// The assignment in force.
  func accepted() throws -> HeldAssignment { try ledger.accepted() }

  // MARK: - Changes

  /// Replaces what fires. `accepted` is written in the same transaction.
  func install(_ jobs: [FiringJob], accepted: HeldAssignment) throws {
    try change(also: { try $0.accept(accepted) }) { $0.install(jobs, at: clock.now) }
    keepFolders(of: Set(jobs.filter { $0.job.run.workFolder == .keep }.map(\.job.name)))
    wake.raise()
    stateChanged.raise()
  }

  /// Replaces the schedules of what fires, unless another assignment has come into force since `position`.
  func reschedule(_ jobs: [FiringJob], of position: Position) throws {
    guard try ledger.accepted().position == position else { return }
    try change { $0.install(jobs, at: clock.now) }
    wake.raise()
  }

  /// These jobs keep their working folders from now on; those of others are removed, as soon as no run needs them.
  func keepFolders(of jobs: Set<JobName>) {
    keepers = jobs
    let active = entries.values.map(\.run.job).filter { $0.run.workFolder == .keep }
    runner.removeKeptFolders(but: jobs.union(active.map(\.name)))
  }

  /// A job as it fires now.
  func installed(_ job: JobName) -> FiringJob? { machine.installed(job) }

  /// Decides what is due, and gives back how long there is nothing to do.
  func tick() -> Duration {
    writeNotBegun()
    guard isFiring else { return unwritten.isEmpty ? .seconds(3600) : .seconds(1) }
    let now = clock.now
    if holdsBack(at: now) { return .seconds(1) }
    if let due = machine.nextWake, due <= now {
      do {
        try change { $0.tick(at: now) }
        solved("ledger")
      } catch {
        troubled("ledger", error)
        return .seconds(2)
      }
    }
    // At most a second, because a clock that is set shows only when somebody looks.
    return min(max((machine.nextWake ?? now + .seconds(1)) - clock.now, .zero), .seconds(1))
  }

  /// Attempts ended, in one transaction for all of them; the error says that none could be written down and that they
  /// must be told again. What is told a second time is passed over.
  func ended(_ ends: [EndedAttempt]) throws {
    let now = clock.now
    let before = entries
    let told = ends.filter { entries[$0.attempt.run]?.run.attempt == $0.attempt.number }
    guard !told.isEmpty else {
      artifacts?.unpin(ends.flatMap { $0.outcome.record.artifacts.map(\.digest) })
      return
    }
    // Those never were attempts.
    let dismissed = Set(told.filter(isDismissed).map(\.attempt))
    for end in told where !dismissed.contains(end.attempt) {
      entries[end.attempt.run]?.attempts.append(end.outcome.record)
    }
    CrashPoint.reach("agent.attemptEnded")
    let crashed = told.filter { $0.outcome.crash != nil }
    var counted = crashes
    do {
      let runs = told.compactMap { entries[$0.attempt.run]?.run }
      try change(
        ending: runs,
        also: { transaction in
          for end in told where !dismissed.contains(end.attempt) {
            try transaction.keep(log: end.outcome.log, of: end.attempt.run, attempt: end.attempt.number)
          }
          for end in crashed {
            guard let run = entries[end.attempt.run]?.run else { continue }
            try transaction.crashed(run.bundle, at: now, end.outcome.crash ?? "")
          }
        },
        // Before what starts next, which may use the folders again. Of a dismissed one the folder is gone already, and there
        // may be a new one in its place.
        first: {
          for end in told where !dismissed.contains(end.attempt) { runner.discard(end.attempt) }
        }
      ) { machine in
        var actions: [FiringAction] = []
        // First, so that none of them is tried again.
        for end in crashed {
          guard let run = entries[end.attempt.run]?.run, counted.add(run.bundle, at: now) else { continue }
          let words = counted.words(run.job.name, last: end.outcome.crash ?? "")
          actions += machine.quarantine(run.bundle, words, at: now)
        }
        for end in told {
          let record = end.outcome.record
          actions +=
            dismissed.contains(end.attempt)
            ? machine.disarmed(end.attempt.run, at: now)
            : machine.attemptEnded(
              end.attempt.run, attempt: end.attempt.number, record.state, ended: min(record.ended, now), at: now)
        }
        return actions
      }
      crashes = counted
    } catch {
      entries = before
      troubled("ledger", error)
      throw error
    }
    CrashPoint.reach("agent.endWritten")
    // From here on the ledger says who needs them.
    artifacts?.unpin(ends.flatMap { $0.outcome.record.artifacts.map(\.digest) })
    let leaving = told.compactMap { before[$0.attempt.run]?.run.job }.contains {
      $0.run.workFolder == .keep && !keepers.contains($0.name)
    }
    if leaving { keepFolders(of: keepers) }
    wake.raise()
    stateChanged.raise()
  }

  /// Whether an armed attempt did not start, because it was disarmed, the clock was set, or its shim died. One that
  /// somebody cancelled has ended.
  private func isDismissed(_ end: EndedAttempt) -> Bool {
    guard !end.outcome.mayHaveRun, let run = entries[end.attempt.run]?.run, case .armed = run.phase else {
      return false
    }
    return !run.cancelRequested
  }

  func dispatch(_ order: Dispatch) throws -> [FiringAction] {
    guard isFiring else { return [.refuse(order, reason: "the agent is stopping")] }
    let wasQuarantined = machine.quarantined[order.bundle] != nil
    let actions = try change(startBy: order.startBy) { $0.dispatch(order, at: clock.now) }
    if wasQuarantined, machine.quarantined[order.bundle] == nil {
      crashes.forgive(order.bundle)
      logger.notice("its quarantine is over, because somebody runs it", metadata: ["job": "\(order.job)"])
    }
    return actions
  }

  /// The controller was heard. Written at most once a minute: a lease lasts days.
  func heard() {
    let now = clock.now
    if let written = heardWritten, written <= now, now - written < .seconds(60), machine.lastHeard != nil { return }
    heardWritten = now
    do {
      try change(also: { try $0.heard(at: now) }) { $0.heard(at: now) }
    } catch {
      troubled("ledger", error)
    }
  }

  // MARK: - The one way to change anything

  @discardableResult
  func change(
    startBy: Timestamp? = nil, ending ended: [ActiveRun] = [],
    also write: (LedgerTransaction) throws -> Void = { _ in }, first: () -> Void = {},
    _ decide: (inout FiringMachine) -> [FiringAction]
  ) throws -> [FiringAction] {
    var next = machine
    let actions = decide(&next)
    let cursors = next.takeCursorMoves()
    var changed = entries
    // Not around what is performed afterwards: what starts then is none of their doing.
    try handling(ended, "the agent died while it wrote down its end") {
      try writeLedger { transaction in
        changed = entries
        try write(transaction)
        for (job, cursor) in cursors {
          if let cursor { try transaction.move(job, to: cursor) } else { try transaction.forgetCursor(of: job) }
        }
        try recordQuarantine(next.quarantined, in: transaction)
        for action in actions { try record(action, in: transaction, &changed, startBy: startBy) }
      }
    }
    machine = next
    entries = changed
    CrashPoint.reach("agent.ledgerWritten")
    first()
    perform(actions)
    return actions
  }

  /// One transaction; on a full disk once more, with the room that the ballast has kept. When the disk fails the process
  /// ends.
  func writeLedger(_ body: (LedgerTransaction) throws -> Void) throws {
    do {
      do { try ledger.write(body) } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
        guard let disk = guards.disk, disk.dropBallast() else { throw error }
        logger.error("the disk is full; the ballast goes overboard")
        try ledger.write(body)
      }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_IOERR {
      // What SQLite believes and what the disk holds may differ now; only a fresh look after a restart can tell.
      logger.critical("the disk failed under the ledger; stopping", metadata: ["reason": "\(error)"])
      // No job is to blame for it.
      guards.handling?.clear()
      // Not abort: the runtime would look for a minute at how it came to that, and nobody could start the agent meanwhile.
      _exit(Self.diskFailed)
    }
  }

  /// The process's exit code when the disk fails under the ledger: EX_IOERR of sysexits(3).
  static let diskFailed: Int32 = 74

  // MARK: - Problems

  func troubled(_ kind: String, _ error: any Error) {
    let words = "\(error)"
    if problems[kind] == nil { logger.error("\(kind): \(words)") }
    problems[kind] = "\(kind): \(words)"
    stateChanged.raise()
  }

  func solved(_ kind: String) {
    if problems.removeValue(forKey: kind) != nil { stateChanged.raise() }
  }

  /// Bundles whose bytes were found damaged.
  var damaged: Set<String> {
    Set(problems.keys.filter { $0.hasPrefix("bundle ") }.map { String($0.dropFirst("bundle ".count)) })
  }

  func damaged(_ bundle: Digest, _ reason: String) { problems["bundle \(bundle.hex)"] = reason }

  func repaired(_ bundle: Digest) { solved("bundle \(bundle.hex)") }
}

/// What keeps the engine from starting what it should not.
struct EngineGuards: Sendable {
  var quarantine = QuarantineRule()
  var handling: HandlingMark?
  var disk: DiskSpace?
}

/// How the engine wakes the loops around it.
struct EngineSignals: Sendable {
  let wake = Signal()
  let stateChanged = Signal()
  let spoolChanged = Signal()
}
