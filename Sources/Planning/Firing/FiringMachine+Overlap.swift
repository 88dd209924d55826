import Model
import Schedule

// Runs in each other's way, and the queue.
extension FiringMachine {
  /// Whether no more may wait.
  func isFull(_ version: FiringJob) -> Bool {
    guard case .queue(let depth) = version.job.overlap else { return true }
    return runs.queueLength(version.job.name) >= depth
  }

  /// Whether nothing of the job is decided before a run ends: the counterpart of the rows that decide nothing yet.
  func waitsForRun(_ job: InstalledJob, _ next: DueInstant) -> Bool {
    let name = job.installed.job.name
    switch job.installed.job.overlap {
    case .allow: return false
    case .skip:
      guard let oldest = runs.going(name).first else { return false }
      return job.cursor.decided > oldest.started
    case .queue:
      guard isFull(job.installed), let oldest = runs.going(name).first else { return false }
      return job.cursor.decided > runs.lastQueued(name)?.started ?? oldest.started
    case .replace:
      guard runs.queueLength(name) == 0 else { return false }
      let going = runs.going(name)
      return !going.isEmpty && going.allSatisfy(\.cancelRequested)
    }
  }

  /// The rows for instants that do not run because of a run that is going: the first one since `since` is recorded at
  /// once, so that people see it while it lasts; the others wait until it has ended and become one record.
  ///
  /// Whether the first one is recorded is seen from the cursor: it is past `since` then. So it needs no memory.
  mutating func overlapped(
    _ pending: inout Pending, of version: FiringJob, since: Timestamp, _ words: String, final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    guard !final else {
      return settle(&pending, of: version, through: pending.through, .overlap, words, final: true, at: now)
    }
    var actions: [FiringAction] = []
    while pending.after <= since, let stretch = pending.firstStretch {
      if let blackout = stretch.blackout {
        guard blackout.end <= now else { break }
        actions += fold(&pending, of: version, through: stretch.through, .blackout, FiringWords.blackout(blackout))
      } else {
        let through = max(stretch.first.due, min(since, stretch.through))
        actions += fold(&pending, of: version, through: through, .overlap, words)
      }
      // Whatever the schedule says: a loop must end.
      pending.pass(stretch.first.due)
    }
    return actions
  }

  /// The row of `overlap: replace` while a run is going.
  mutating func replacing(
    _ pending: inout Pending, of version: FiringJob, ready: Timestamp?, final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    let name = version.job.name
    guard version.schedule.blackout(at: now) == nil,
      let newest = choose(from: pending, of: version, ready: ready, limit: 1, at: now).instants.last
    else { return start(&pending, of: version, ready: ready, final: final, at: now) }
    let occurrence = Occurrence(job: name, nominal: newest.nominal)
    var actions = emptyQueue(of: name, for: occurrence) + cancelGoing(of: name, for: occurrence)
    // Going on to its end, and this is decided then; unless it cannot wait.
    if runs.hasGoing(name), !final { return actions }
    let words = FiringWords.replaced(by: occurrence)
    let before = newest.due - .microseconds(1)
    actions += settle(&pending, of: version, through: before, .overlap, words, final: final, at: now)
    pending.pass(newest.due)
    actions += admit(newest, of: version, whateverDepth: true, at: now)
    return actions
      + settle(&pending, of: version, through: pending.through, .overlap, words, final: final, at: now)
  }

  /// Asks for the end of all that is going. What waits for its next attempt ends at once.
  mutating func cancelGoing(of name: JobName, for occurrence: Occurrence) -> [FiringAction] {
    var actions: [FiringAction] = []
    for var run in runs.going(name) where !run.cancelRequested {
      if case .waiting = run.phase {
        runs.remove(run)
        actions.append(.finish(run, .ran(.cancelled), reason: FiringWords.replaced(by: occurrence)))
      } else {
        run.cancelRequested = true
        runs.update(run)
        actions.append(.cancel(run))
      }
    }
    return actions
  }

  /// Ends what waits for its turn, because of an occurrence that is newer.
  mutating func emptyQueue(of name: JobName, for occurrence: Occurrence) -> [FiringAction] {
    finishQueued(of: name, .overlap, FiringWords.replaced(by: occurrence))
  }

  mutating func finishQueued(of name: JobName, _ reason: SkipReason, _ words: String) -> [FiringAction] {
    runs.queued(name).map { run in
      runs.remove(run)
      return .finish(run, .skipped(reason), reason: words)
    }
  }

  // MARK: When a run is over

  /// What follows from the end of `run`, which is out of the table. `wasFull` is whether the queue was full until then.
  ///
  /// What came due while it was going is recorded first; then the next of the queue starts; then what came due since is
  /// decided.
  mutating func freed(
    by run: ActiveRun, ended: Timestamp, wasFull: Bool, at now: Timestamp
  ) -> [FiringAction] {
    let name = run.occurrence.job
    guard let job = jobs[name] else { return [] }
    var actions: [FiringAction] = []
    let isPaused = lapsed.contains(name) || job.installed.job.suspension?.isInForce(at: now) == true
    if !isPaused, staleRun(of: name) == nil {
      var pending = job.pending(through: now)
      if !pending.isEmpty {
        actions += foldSuspended(&pending, of: job.installed, final: false, at: now)
        actions += recordOverlapped(&pending, of: job.installed, by: run, ended: ended, wasFull: wasFull, at: now)
        commit(pending, of: name)
      }
    }
    return actions + proceed(name, ready: ended, at: now)
  }

  private mutating func recordOverlapped(
    _ pending: inout Pending, of version: FiringJob, by run: ActiveRun, ended: Timestamp, wasFull: Bool,
    at now: Timestamp
  ) -> [FiringAction] {
    let name = version.job.name
    let isGoing = runs.hasGoing(name)
    var (through, words) = (ended, FiringWords.overlap(run, until: ended))
    switch version.job.overlap {
    case .skip where !isGoing && !run.isQueued: break
    case .queue where wasFull && (!isGoing || run.isQueued):
      words = FiringWords.full(runs.queueLength(name) + (run.isQueued ? 1 : 0), behind: run.isQueued ? nil : run)
    case .replace where !isGoing && run.cancelRequested:
      guard let last = pending.last(through: ended) else { return [] }
      let next = pending.next(after: last.due)
      if next == nil { through = last.due - .microseconds(1) }
      words = FiringWords.replaced(by: Occurrence(job: name, nominal: (next ?? last).nominal))
    default: return []
    }
    return settle(&pending, of: version, through: through, .overlap, words, final: false, at: now)
  }

  /// The next of the queue, and whatever is due. With `overlap: replace` the other way round: what is due is newer
  /// than what waits.
  mutating func proceed(_ name: JobName, ready: Timestamp? = nil, at now: Timestamp) -> [FiringAction] {
    guard let job = jobs[name] else { return [] }
    if job.installed.job.overlap != .replace {
      return startQueued(of: name, at: now) + decide(name, ready: ready, at: now)
    }
    let actions = decide(name, ready: ready, at: now) + startQueued(of: name, at: now)
    schedule(name, at: now)
    return actions
  }

  /// Starts the first of the queue that still may, when nothing is in its way.
  mutating func startQueued(of name: JobName, at now: Timestamp) -> [FiringAction] {
    guard !isStopped, hold == nil, let job = jobs[name] else { return [] }
    var actions: [FiringAction] = []
    while job.isAllow || !runs.hasGoing(name), var run = runs.firstQueued(name) {
      if let obstacle = obstacle(to: run, in: job, at: now) {
        runs.remove(run)
        actions.append(.finish(run, .skipped(obstacle.reason), reason: obstacle.words))
      } else {
        run.phase = .running
        run.started = now
        runs.update(run)
        actions.append(.startAttempt(run))
      }
    }
    return actions
  }

  /// Why a queued run whose turn has come does not start.
  private func obstacle(
    to run: ActiveRun, in job: InstalledJob, at now: Timestamp
  ) -> (reason: SkipReason, words: String)? {
    if run.occurrence.cause == .schedule {
      if leaseEnd(of: job.installed, at: now) <= now {
        return (.missedDeadline, FiringWords.lease(since: lastHeard ?? job.since, job.installed.lease))
      }
      if let suspension = job.installed.job.suspension, suspension.isInForce(at: now) {
        return (.suspended, FiringWords.suspended(suspension))
      }
      if let blackout = job.schedule.blackout(at: now) { return (.blackout, FiringWords.blackout(blackout)) }
      if let words = quarantined[run.bundle] { return (.quarantined, words) }
    }
    if let startBy = run.startBy, startBy < now {
      return (.missedDeadline, FiringWords.tooLate(for: startBy, at: now))
    }
    return nil
  }
}
