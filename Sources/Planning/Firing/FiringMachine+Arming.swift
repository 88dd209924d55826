public import Model
import Schedule

// Runs whose shims are started ahead of time: see the tables in the documentation of `FiringMachine`.
extension FiringMachine {
  /// Arms the job's next run, if it is time to.
  mutating func arm(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    guard lead > .zero, !isStopped, hold == nil, let job = jobs[name],
      let due = job.schedule.nextDue(after: job.cursor.decided),
      let time = armTime(of: job, due, at: now)
    else { return [] }
    guard time <= now else {
      schedule(name, at: now)
      return []
    }
    var run = makeRun(Occurrence(job: name, nominal: due.nominal), of: job.installed, at: now)
    guard runs.all[run.id] == nil else { return [] }
    run.phase = .armed(for: due.due)
    run.started = due.due
    runs.insert(run)
    moveCursor(of: name, to: due.due)
    schedule(name, at: now)
    return [.start(run)]
  }

  /// When the run of `next`, the first undecided instant, is to be armed; nil when it is not.
  func armTime(of job: InstalledJob, _ next: DueInstant, at now: Timestamp) -> Timestamp? {
    let name = job.installed.job.name
    guard lead > .zero, next.due > now, next.due != job.unarmed, !lapsed.contains(name),
      quarantined[job.installed.bundle] == nil,
      leaseEnd(of: job.installed, at: now) > next.due,
      job.installed.job.suspension?.isInForce(at: next.due) != true, job.schedule.blackout(at: next.due) == nil
    else { return nil }
    guard runs.isActive(name) else { return next.due - lead }
    guard job.isAllow, staleRun(of: name) == nil else { return nil }
    // One at a time, so that there is never more than one to disarm.
    let armed = runs.going(name).compactMap(\.armedFor).max() ?? now
    return max(next.due - lead, armed)
  }

  /// An armed attempt certainly did not begin: it was asked not to, the clock was set, or its shim died before. An
  /// answer for a run that is not armed is ignored.
  public mutating func disarmed(_ id: RunID, at now: Timestamp) -> [FiringAction] {
    guard let run = runs.all[id], let due = run.armedFor else { return [] }
    defer { settleWakes() }
    if run.cancelRequested { return finish(run, .ran(.cancelled), ended: now, at: now) }
    let (name, nominal) = (run.occurrence.job, run.occurrence.nominal)
    let wasStale = isStale(run)
    drop(run)
    guard let job = jobs[name] else { return [.forget(run)] + recordRemoved(run, wasStale: wasStale) }
    if wasStale { return [.forget(run)] + proceed(name, at: now) }
    guard nominal > job.cursor.floor, job.cursor.decided == due else {
      return [.forget(run)] + decideAlone(run, at: now) + proceed(name, at: now)
    }
    putBack(due, of: name)
    return [.forget(run)] + proceed(name, at: now)
  }

  mutating func drop(_ run: ActiveRun) {
    runs.remove(run)
    disarming.remove(run.id)
    questions[run.id] = nil
  }

  /// Makes the last decided instant undecided again.
  private mutating func putBack(_ due: Timestamp, of name: JobName) {
    guard let job = jobs[name] else { return }
    moveCursor(of: name, to: decided(before: due, of: job))
    jobs[name]?.unarmed = due
  }

  /// The cursor as it was before an armed run moved it. It is exact about instants, as nothing is due in between.
  func decided(before due: Timestamp, of job: InstalledJob) -> Timestamp {
    job.schedule.previousDue(before: due)?.due ?? job.cursor.floor
  }

  /// Decides an armed run's instant when later ones are decided already, or it belongs to a version that is gone.
  private mutating func decideAlone(_ run: ActiveRun, at now: Timestamp) -> [FiringAction] {
    let (name, nominal) = (run.occurrence.job, run.occurrence.nominal)
    guard let job = jobs[name] else { return [] }
    let version = FiringJob(
      job: run.job, bundle: run.bundle, commit: run.commit, lease: job.installed.lease,
      schedule: job.installed.schedule)
    func missed(_ words: String) -> [FiringAction] {
      [skip(run.occurrence, of: version, .missedDeadline, words)]
    }
    let schedule = job.installed.schedule.only(after: nominal - .microseconds(1)).only(through: nominal)
    var pending = Pending(schedule)
    // An old version's instants are only its own; that it is not started late is safe, whatever the change was for.
    guard !pending.isEmpty else { return missed(FiringWords.changed) }
    guard nominal <= now else { return missed(FiringWords.clockBack) }
    var actions: [FiringAction] = []
    // A person's run was asked for while this one was armed.
    if let first = runs.firstQueued(name), first.occurrence.cause != .schedule {
      actions += startQueued(of: name, at: now)
    }
    if job.installed.job.missed == .latest, !job.pending(through: now).isEmpty {
      return actions + missed(FiringWords.missed(.latest))
    }
    return actions + judge(&pending, of: job.installed, final: true, at: now)
  }

  private func recordRemoved(_ run: ActiveRun, wasStale: Bool) -> [FiringAction] {
    guard !wasStale else { return [] }
    let record = SkippedOccurrences(
      run: run.id, occurrence: run.occurrence, bundle: run.bundle, commit: run.commit, reason: .missedDeadline,
      words: FiringWords.removed)
    return [.skip(record)]
  }

  // MARK: Armed by a version that is gone

  /// Whether the run was armed for an instant that is not its version's any more, because the job changed or went.
  ///
  /// It is seen from the cursor, which an armed run of the version in force is never behind of.
  func isStale(_ run: ActiveRun) -> Bool {
    guard let due = run.armedFor, run.occurrence.cause == .schedule else { return false }
    guard let job = jobs[run.occurrence.job] else {
      return retired[run.occurrence.job].map { run.occurrence.nominal > $0 } ?? true
    }
    return run.occurrence.nominal > job.cursor.floor && job.cursor.decided < due
  }

  /// The job's run of that kind; there is one at most.
  func staleRun(of name: JobName) -> ActiveRun? {
    guard lead > .zero || runs.isActive(name) else { return nil }
    return runs.going(name).first(where: isStale)
  }

  /// Takes a stale run for one that runs: its occurrence is no longer the new version's, nor is what is before it,
  /// which is decided now.
  mutating func takeOver(_ run: ActiveRun, at now: Timestamp) -> [FiringAction] {
    let (name, nominal) = (run.occurrence.job, run.occurrence.nominal)
    guard let job = jobs[name] else {
      let floor = max(retired[name] ?? nominal, nominal)
      retired[name] = floor
      cursorMoves[name] = .some(Cursor(floor))
      return []
    }
    let before = nominal - .microseconds(1)
    var pending = Pending(
      job.schedule.only(through: min(now, before)), after: job.cursor.decided,
      through: Timestamp(microseconds: .max))
    var actions = judge(&pending, of: job.installed, final: true, at: now)
    // Where the clock was set back since it began, there may be some that are not due yet and never will be.
    actions += settleAhead(job, through: before, FiringWords.setBack, at: now)
    setCursor(of: name, to: Cursor(decided: job.cursor.decided, floor: nominal))
    return actions
  }

  /// The runs that are armed for a time to come.
  func armed(_ name: JobName, at now: Timestamp) -> [ActiveRun] {
    runs.going(name).filter { run in run.armedFor.map { now < $0 } ?? false }
  }

  /// Asks a shim not to begin, once.
  mutating func disarm(_ run: ActiveRun) -> [FiringAction] {
    guard !run.cancelRequested, disarming.insert(run.id).inserted else { return [] }
    return [.disarm(run)]
  }
}
