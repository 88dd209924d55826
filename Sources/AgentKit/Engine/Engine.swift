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
actor Engine {
  private let executor = BlockingExecutor(label: "belfry.engine")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  let receipts: ReceiptMaker
  let ledger: Ledger
  let runner: any AttemptRunner
  /// Nil where no artifacts are taken, as in tests.
  private let artifacts: ArtifactSpool?
  let clock: WallClock
  let logger: Logger
  /// Raised when the firing loop should look again, or a heartbeat should go out.
  let wake: Signal
  let stateChanged: Signal
  /// Raised when there is something new in the spool, or an active run ended.
  let spoolChanged: Signal
  private let watches: AsyncStream<ActiveRun>.Continuation

  private var machine: FiringMachine
  private(set) var entries: [RunID: LedgerRun] = [:]
  private var isFiring = true
  /// Attempts that were not begun, which could not be written yet: nobody else will ever tell of them.
  private var unwritten: [AttemptID: NotBegun] = [:]
  /// The jobs whose working folders stay between runs.
  private var keepers: Set<JobName> = []
  /// What keeps the agent from working, by kind; told to the controller.
  private(set) var problems: [String: String] = [:]
  private let guards: EngineGuards
  private var crashes: Crashes
  private var heardWritten: Timestamp?

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
      launch(entry.run)
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
    // Of a dismissed one the folder is gone already, and there may be a new one in its place.
    for end in told where !dismissed.contains(end.attempt) { runner.discard(end.attempt) }
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

  // MARK: - Spool

  func acknowledged(_ runs: [RunID]) throws {
    CrashPoint.reach("agent.beforeAcknowledged")
    try settle(runs) { try $0.acknowledged(runs) }
    CrashPoint.reach("agent.acknowledged")
  }

  func rejected(_ run: RunID, reason: String) throws {
    logger.error("the controller will never commit a receipt", metadata: ["run": "\(run)", "reason": "\(reason)"])
    try writeLedger { try $0.rejected(run, reason: reason) }
    removeSpareArtifacts()
    spoolChanged.raise()
  }

  func spooled(after number: Int64, limit: Int) throws -> [SpooledReceipt] {
    try ledger.spooled(after: number, limit: limit)
  }

  // MARK: - Artifacts

  func artifactOffers(except runs: Set<RunID>, limit: Int) throws -> [SpooledReceipt] {
    try ledger.artifactOffers(except: runs, limit: limit)
  }

  func owesArtifact(_ digest: Digest) throws -> Bool { try ledger.owesArtifact(digest) }

  /// A run's artifacts are with the controller, or will never be.
  func artifactsReceived(_ run: RunID) throws {
    try settle([run]) { try $0.received(artifactsOf: run) }
  }

  /// Writes something about runs down after which artifacts may be needed by nobody any more, and removes those.
  private func settle(_ runs: [RunID], _ write: (LedgerTransaction) throws -> Void) throws {
    let owed = try ledger.owedArtifacts(of: runs)
    try writeLedger(write)
    for digest in owed where try !ledger.owesArtifact(digest) && !isHeld(digest) { try artifacts?.remove([digest]) }
    spoolChanged.raise()
  }

  /// Whether a run that is going has given it back and its receipt is still to be made.
  private func isHeld(_ digest: Digest) -> Bool {
    entries.values.contains { $0.attempts.contains { $0.artifacts.contains { $0.digest == digest } } }
  }

  /// Removes from the spool what nothing needs: what an agent that died took in and had not written down.
  private func removeSpareArtifacts() {
    guard let artifacts else { return }
    do {
      let held = entries.values.flatMap { $0.attempts.flatMap { $0.artifacts.map(\.digest) } }
      try artifacts.collect(keeping: try ledger.owedArtifacts().union(held))
    } catch {
      logger.warning("old artifacts cannot be removed", metadata: ["reason": "\(error)"])
    }
  }

  /// Whether any artifact is still to be received.
  var owesArtifacts: Bool { (try? ledger.owedArtifacts().isEmpty) == false }

  func spoolCount() -> Int { (try? ledger.spoolCount()) ?? 0 }

  /// Forgets old runs whose receipts are gone, and of the others so many that the ledger has its size.
  func tidy() throws {
    removeSpareArtifacts()
    let now = clock.now
    let week = now - .seconds(7 * 86_400)
    try writeLedger {
      try $0.forgetRuns(before: week)
      try $0.forgetCrashes(
        before: now - QuarantineRule.window, quarantines: week, except: Set(machine.installedBundles))
    }
    try shrinkLedger()
  }

  /// Oldest first, and never what no controller has taken yet.
  private func shrinkLedger() throws {
    guard let disk = guards.disk else { return }
    var forgotten = 1
    while forgotten > 0, disk.ledgerShortage(try ledger.usedBytes()) != nil {
      forgotten = 0
      try writeLedger { forgotten = try $0.forgetOldest(1_000, now: clock.now) }
    }
    isLedgerFull = disk.ledgerShortage(try ledger.usedBytes())
  }

  /// Why nothing may start for the ledger's size, as it was found when somebody last looked.
  private var isLedgerFull: String?
  private var ledgerLooked: Timestamp?

  // MARK: - Room and crashes

  /// Whether nothing may start at present, because there is no room. Looks, and tells the machine and the controller.
  private func holdsBack(at now: Timestamp) -> Bool {
    guard let disk = guards.disk else { return false }
    if ledgerLooked.map({ now - $0 > .seconds(30) || now < $0 }) ?? true {
      ledgerLooked = now
      do { try shrinkLedger() } catch { troubled("ledger", error) }
    }
    let shortage = disk.shortage(isHeld: machine.isHeld) ?? isLedgerFull
    do {
      if let shortage {
        if !machine.isHeld { logger.error("nothing starts", metadata: ["reason": "\(shortage)"]) }
        try change { $0.hold(shortage, at: now) }
        if problems["room"] == nil { stateChanged.raise() }
        problems["room"] = "nothing starts: \(shortage)"
      } else if machine.isHeld {
        try change { $0.resume(at: now) }
        logger.notice("there is room again")
        solved("room")
      }
    } catch {
      troubled("ledger", error)
    }
    return machine.isHeld
  }

  /// Runs `body` with the mark set that these attempts are in the agent's hands.
  @discardableResult
  private func handling<Value, Failure: Error>(
    _ runs: [ActiveRun], _ doing: String, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard let mark = guards.handling, !runs.isEmpty else { return try body() }
    return try mark.during(runs.map { .init(bundle: $0.bundle, job: $0.job.name, doing: doing) }, body)
  }

  /// The former life of the agent died with this in its hands.
  private func crashed(_ entry: HandlingMark.Entry) throws {
    let now = clock.now
    logger.error("the agent crashed", metadata: ["job": "\(entry.job)", "when": "\(entry.doing)"])
    var counted = crashes
    let isTooMany = counted.add(entry.bundle, at: now)
    let words = counted.words(entry.job, last: entry.doing)
    try change(also: { try $0.crashed(entry.bundle, at: now, entry.doing) }) {
      isTooMany ? $0.quarantine(entry.bundle, words, at: now) : []
    }
    crashes = counted
  }

  /// Bundles that start no more by themselves, and why.
  var quarantined: [Digest: String] { machine.quarantined }

  // MARK: - Stop

  /// Nothing new starts from now on; what runs goes on, and what is armed is disarmed.
  func stopFiring() {
    isFiring = false
    do { try change { $0.stop(at: clock.now) } } catch { troubled("ledger", error) }
  }

  /// Ends the runs that wait for their turn.
  func cancelQueued() {
    for entry in entries.values.sorted(by: { $0.run.id < $1.run.id }) where entry.run.phase == .queued {
      do { try change { $0.cancel(entry.run.id, at: clock.now) } } catch { troubled("ledger", error) }
    }
  }

  var activeRuns: Int { entries.count }

  /// Runs with an attempt that is going: those that an agent can wait for when it starts nothing any more.
  var goingRuns: Int { entries.values.count { $0.run.phase == .running } }

  /// What is kept of the output of an attempt that has ended, until its receipt is acknowledged; nil when there is none.
  func log(of attempt: AttemptID) -> [UInt8]? { try? ledger.log(of: attempt) }

  /// Where a run stands for somebody who follows its output.
  func standing(of run: RunID) -> LogFeed.Standing {
    guard let run = entries[run]?.run else { return .over }
    switch run.phase {
    case .queued: return .queued
    case .armed(let instant): return clock.now < instant ? .queued : .running(attempt: run.attempt)
    case .running: return .running(attempt: run.attempt)
    case .waiting: return .waiting(after: run.attempt - 1)
    }
  }

  /// Ends all runs, those too that wait for their next attempt.
  func cancelAll() {
    for run in entries.keys.sorted() {
      do { try change { $0.cancel(run, at: clock.now) } } catch { troubled("ledger", error) }
    }
  }

  // MARK: - The one way to change anything

  @discardableResult
  private func change(
    startBy: Timestamp? = nil, ending ended: [ActiveRun] = [],
    also write: (LedgerTransaction) throws -> Void = { _ in },
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
    for action in actions { perform(action) }
    return actions
  }

  /// One transaction; on a full disk once more, with the room that the ballast has kept. When the disk fails the process
  /// ends.
  private func writeLedger(_ body: (LedgerTransaction) throws -> Void) throws {
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

  private func recordQuarantine(_ next: [Digest: String], in transaction: LedgerTransaction) throws {
    guard next != machine.quarantined else { return }
    for (bundle, words) in next where machine.quarantined[bundle] == nil {
      try transaction.quarantine(bundle, words, since: clock.now)
    }
    for bundle in machine.quarantined.keys where next[bundle] == nil {
      try transaction.release(bundle, keeping: max(0, guards.quarantine.crashes - 1))
    }
  }

  private func record(
    _ action: FiringAction, in transaction: LedgerTransaction, _ entries: inout [RunID: LedgerRun], startBy: Timestamp?
  ) throws {
    switch action {
    case .start(let run), .enqueue(let run):
      let entry = LedgerRun(run: run, boot: runner.boot)
      var isOrdered = false
      if case .person = run.occurrence.cause { isOrdered = true }
      try transaction.begin(entry, startBy: isOrdered ? startBy : nil)
      entries[run.id] = entry
    case .startAttempt(let run), .retryLater(let run, _), .cancel(let run):
      entries[run.id, default: LedgerRun(run: run, boot: runner.boot)].run = run
      if case .startAttempt = action { entries[run.id]?.boot = runner.boot }
      if let entry = entries[run.id] { try transaction.update(entry) }
    case .forget(let run):
      entries[run.id] = nil
      try transaction.forget(run.id)
    case .finish(let run, let outcome, let reason):
      let entry = entries.removeValue(forKey: run.id) ?? LedgerRun(run: run, boot: runner.boot)
      let receipt = receipts.receipt(
        entry, outcome, reason: refusals[run.id] ?? reason ?? entry.attempts.last?.reason, at: clock.now)
      try spool(receipt, in: transaction)
    case .skip(let skipped): try spool(receipts.receipt(skipped, at: clock.now), in: transaction)
    case .disarm, .refuse, .note: break
    }
  }

  private func spool(_ receipt: Receipt, in transaction: LedgerTransaction) throws {
    let signed = try receipts.sign(receipt)
    try transaction.finish(
      receipt.run, attempts: receipt.attempts, line: signed.line, signature: signed.signatureLine,
      artifacts: Set(receipt.attempts.flatMap { $0.artifacts.map(\.digest) }))
  }

  private func perform(_ action: FiringAction) {
    switch action {
    case .start(let run), .startAttempt(let run): launch(run)
    case .retryLater(let run, let time):
      logger.info(
        "trying again later", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)", "at": "\(time)"])
    case .enqueue(let run):
      logger.info("waits for its turn", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)"])
      stateChanged.raise()
    case .finish(let run, let outcome, _):
      refusals[run.id] = nil
      logger.info("run ended", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)", "outcome": "\(outcome)"])
      spoolChanged.raise()
    case .skip(let skipped):
      logger.info(
        "did not run",
        metadata: [
          "job": "\(skipped.occurrence.job)", "nominal": "\(skipped.occurrence.nominal)", "why": "\(skipped.words)",
        ])
      spoolChanged.raise()
    case .cancel(let run):
      if fetches.end(run.attemptID) {
        failed(run.attemptID, .cancelled, "cancelled before it started")
      } else {
        runner.cancel(run.attemptID)
      }
    case .disarm(let run):
      if fetches.end(run.attemptID) { dismissed(run) } else { runner.disarm(run.attemptID) }
    case .forget(let run):
      runner.discard(run.attemptID)
      logger.info(
        "disarmed before it started", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)"])
    case .refuse(let order, let reason):
      logger.warning("order refused", metadata: ["job": "\(order.job)", "reason": "\(reason)"])
    case .note(let text): logger.warning("\(text)")
    }
  }

  /// Why runs were refused, by verification or for want of room, until their end is written.
  private var refusals: [RunID: String] = [:]

  private func launch(_ run: ActiveRun) {
    CrashPoint.reach("agent.beforeLaunch")
    if run.job.run.secretNames.isEmpty { launch(run, with: [:]) } else { fetches.begin(run) }
  }

  private func launch(_ run: ActiveRun, with secrets: SecretValues) {
    do throws(LaunchProblem) {
      try handling([run], "the agent died while it started an attempt") { () throws(LaunchProblem) in
        try runner.launch(run, with: secrets)
      }
      CrashPoint.reach("agent.launched")
      watches.yield(run)
      stateChanged.raise()
    } catch {
      switch error {
      case .refused(let reason): refuse(run, reason)
      case .failed(let reason): couldNot(start: run, reason)
      case .noRoom(let reason): couldNot(start: run, reason, isForRoom: true)
      case .unwatched: watches.yield(run)
      }
    }
  }

  /// What could not be made ready ahead of its instant is tried again then: until then things may be as they should be, and
  /// nobody wants to read that a run failed before it was due.
  private func couldNot(start run: ActiveRun, _ reason: String, isForRoom: Bool = false) {
    guard case .armed(let instant) = run.phase, clock.now < instant else {
      // What has had an attempt is a run that failed; without one it is none.
      guard isForRoom, run.attempt == 1 else { return failed(run.attemptID, .failed, reason) }
      logger.error("no room for a run", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
      refusals[run.id] = reason
      return write(.refused(.noRoom), of: run.attemptID)
    }
    logger.info("not ready ahead of its time", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
    dismissed(run, reason)
  }

  /// An armed attempt that has no shim yet will not start at its instant, which is decided anew.
  private func dismissed(_ run: ActiveRun, _ reason: String = "disarmed before it started") {
    do { try change { $0.disarmed(run.id, at: clock.now) } } catch {
      troubled("ledger", error)
      failed(run.attemptID, .failed, reason)
    }
  }

  // MARK: - Secrets

  /// Attempts whose secrets are being fetched: in the ledger, and without a shim.
  private var fetches: SecretFetches
  /// For whoever fetches them.
  nonisolated let secretRequests: AsyncStream<SecretRequest>

  /// What became of a request. Of one whose attempt was cancelled or disarmed meanwhile nobody asks any more.
  func fetched(_ request: SecretRequest, _ result: Result<SecretValues, ExecutionError>) {
    guard fetches.end(request), let run = entries[request.run.id]?.run, run.attempt == request.run.attempt else {
      return
    }
    switch result {
    case .success(let secrets): launch(run, with: secrets)
    case .failure(let error): couldNot(start: run, "\(error)")
    }
  }

  private enum NotBegun {
    /// The bytes are wrong: the run ends here whatever its retry policy says, because the same bytes would be wrong
    /// again. Or there is no room for it.
    case refused(SkipReason)
    case failed(Receipt.Attempt)
  }

  private func refuse(_ run: ActiveRun, _ reason: String) {
    logger.error("refused to run", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
    refusals[run.id] = reason
    problems["bundle \(run.bundle.hex)"] = "\(run.occurrence.job): \(reason)"
    write(.refused(.refusedVerification), of: run.attemptID)
    stateChanged.raise()
  }

  private func failed(_ attempt: AttemptID, _ state: RunState, _ reason: String) {
    let now = clock.now
    let record = Receipt.Attempt(number: attempt.number, started: now, ended: now, state: state, reason: reason)
    write(.failed(record), of: attempt)
  }

  /// Tries again what a full disk kept from being written.
  private func writeNotBegun() {
    for (attempt, end) in unwritten { write(end, of: attempt) }
  }

  private func write(_ end: NotBegun, of attempt: AttemptID) {
    unwritten[attempt] = nil
    do {
      switch end {
      case .refused(let reason):
        try change { $0.refuse(attempt.run, attempt: attempt.number, reason, at: clock.now) }
      case .failed(let record):
        try ended([EndedAttempt(attempt: attempt, outcome: AttemptOutcome(record: record, log: []))])
      }
      solved("ledger")
    } catch {
      unwritten[attempt] = end
      troubled("ledger", error)
    }
  }

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
