import Model
import Schedule

// What becomes of a job's due instants: the table in the documentation of `FiringMachine`, row by row.
extension FiringMachine {
  /// Decides what is due of a job. `ready` is the end of the run that it had to wait for, where it had to.
  mutating func decide(_ name: JobName, ready: Timestamp? = nil, at now: Timestamp) -> [FiringAction] {
    guard !isStopped, let job = jobs[name] else { return [] }
    countDecision()
    var actions: [FiringAction] = []
    if let stale = staleRun(of: name) {
      guard let time = stale.armedFor, time <= now else {
        schedule(name, at: now)
        return []
      }
      actions += takeOver(stale, at: now)
    }
    if !lapsed.contains(name) {
      var pending = (jobs[name] ?? job).pending(through: now)
      actions += judge(&pending, of: job.installed, ready: ready, at: now)
      commit(pending, of: name)
    }
    schedule(name, at: now)
    return actions + arm(name, at: now)
  }

  /// What was decided of pending instants, written down in the job's cursor.
  mutating func commit(_ pending: Pending, of name: JobName) {
    if let job = jobs[name], pending.after > job.cursor.decided { moveCursor(of: name, to: pending.after) }
  }

  /// The rows of the table, from the lease on. With `final` none of the instants stays undecided, whatever it would
  /// otherwise wait for, and those that are due later count as due.
  mutating func judge(
    _ pending: inout Pending, of version: FiringJob, ready: Timestamp? = nil, final: Bool = false, at now: Timestamp
  ) -> [FiringAction] {
    guard !pending.isEmpty else { return [] }
    let name = version.job.name
    if lapsed.contains(name) || leaseEnd(of: version, at: now) <= now {
      return noteLapsed(&pending, of: version, final: final, at: now)
    }
    var actions = foldSuspended(&pending, of: version, final: final, at: now)
    if version.job.suspension?.isInForce(at: now) == true || pending.isEmpty { return actions }
    if let hold {
      guard final else { return actions }
      return actions
        + settle(&pending, of: version, through: pending.through, .noRoom, hold.words, final: true, at: now)
    }
    if let words = quarantined[version.bundle] {
      return actions
        + settle(&pending, of: version, through: pending.through, .quarantined, words, final: final, at: now)
    }
    let going = version.job.overlap == .allow ? [] : runs.going(name)
    guard let oldest = going.first else {
      return actions + start(&pending, of: version, ready: ready, final: final, at: now)
    }
    switch version.job.overlap {
    case .skip:
      let words = FiringWords.overlap(oldest, at: now)
      actions += overlapped(&pending, of: version, since: oldest.started, words, final: final, at: now)
    case .queue where isFull(version):
      let words = FiringWords.full(runs.queueLength(name), behind: oldest)
      let since = runs.lastQueued(name)?.started ?? oldest.started
      actions += overlapped(&pending, of: version, since: since, words, final: final, at: now)
    case .replace:
      actions += replacing(&pending, of: version, ready: ready, final: final, at: now)
    case .queue, .allow:
      actions += start(&pending, of: version, ready: ready, final: final, at: now)
    }
    return actions
  }

  // MARK: Lease

  private mutating func noteLapsed(
    _ pending: inout Pending, of version: FiringJob, final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    if final {
      return foldSuspended(&pending, of: version, final: true, at: now)
        + fold(&pending, of: version, through: pending.through, .missedDeadline, FiringWords.lapsed)
    }
    let name = version.job.name
    guard lapsed.insert(name).inserted else { return [] }
    let words = "no controller was heard since \(lastHeard ?? jobs[name]?.since ?? now), and its lease of "
    return [.note("\(name) does not fire: \(words)\(version.lease.manifestText) has run out")]
  }

  mutating func foldLapsed(_ name: JobName, since: Timestamp?, at now: Timestamp) -> [FiringAction] {
    guard let job = jobs[name] else { return [] }
    var actions: [FiringAction] = []
    if let stale = staleRun(of: name) {
      // Its answer comes any moment, and what is due meanwhile is decided then, by the new lease.
      guard let time = stale.armedFor, time <= now else {
        schedule(name, at: now)
        return []
      }
      actions += takeOver(stale, at: now)
    }
    var pending = (jobs[name] ?? job).pending(through: now)
    actions += foldSuspended(&pending, of: job.installed, final: false, at: now)
    if job.installed.job.suspension?.isInForce(at: now) != true {
      let words = FiringWords.lease(since: since ?? job.since, job.installed.lease)
      actions += fold(&pending, of: job.installed, through: now, .missedDeadline, words)
    }
    commit(pending, of: name)
    schedule(name, at: now)
    return actions
  }

  func leaseEnd(of version: FiringJob, at now: Timestamp) -> Timestamp {
    (lastHeard ?? jobs[version.job.name]?.since ?? now) + version.lease
  }

  // MARK: Suspension

  /// Records what fell into the job's suspension, once that is over.
  ///
  /// While it lasts nothing is recorded and the cursor stays: a suspension of months becomes one record. `final` means
  /// that its end is not waited for, because the job changes or goes.
  mutating func foldSuspended(
    _ pending: inout Pending, of version: FiringJob, final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    guard let suspension = version.job.suspension else { return [] }
    var last = pending.through
    if suspension.isInForce(at: now) {
      guard final else { return [] }
    } else if let until = suspension.until {
      last = min(last, until - .microseconds(1))
    }
    return fold(&pending, of: version, through: last, .suspended, FiringWords.suspended(suspension))
  }

  // MARK: Records

  /// One record for all pending instants up to `limit`; nothing when there are none.
  func fold(
    _ pending: inout Pending, of version: FiringJob, through limit: Timestamp, _ reason: SkipReason, _ words: String
  ) -> [FiringAction] {
    guard let due = pending.summary(through: limit, count: foldLimit) else { return [] }
    pending.pass(due.last.due)
    var record = skipped(
      Occurrence(job: version.job.name, nominal: due.last.nominal), of: version, reason, words)
    record.count = due.count
    record.isCountExact = due.isExact
    if due.count > 1 { record.firstNominal = due.first.nominal }
    if !due.isExact { record.words += "; at least \(due.count) in all" }
    return [.skip(record)]
  }

  /// Records all pending instants up to `limit`: those outside blackouts with the reason given, those in a blackout
  /// with that. It stops before a blackout that is in force, unless `final`.
  func settle(
    _ pending: inout Pending, of version: FiringJob, through limit: Timestamp, _ reason: SkipReason, _ words: String,
    final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    var actions: [FiringAction] = []
    for _ in 0..<Pending.stretchLimit {
      guard let stretch = pending.firstStretch, stretch.first.due <= limit else { return actions }
      let through = min(stretch.through, limit)
      if let blackout = stretch.blackout {
        guard final || blackout.end <= now else { return actions }
        actions += fold(&pending, of: version, through: through, .blackout, FiringWords.blackout(blackout))
      } else {
        actions += fold(&pending, of: version, through: through, reason, words)
      }
    }
    return actions + fold(&pending, of: version, through: limit, reason, "\(words); some of them lay in blackouts")
  }

  func skip(_ occurrence: Occurrence, of version: FiringJob, _ reason: SkipReason, _ words: String) -> FiringAction {
    .skip(skipped(occurrence, of: version, reason, words))
  }

  private func skipped(
    _ occurrence: Occurrence, of version: FiringJob, _ reason: SkipReason, _ words: String
  ) -> SkippedOccurrences {
    SkippedOccurrences(
      run: occurrence.run(on: agent), occurrence: occurrence, bundle: version.bundle, commit: version.commit,
      reason: reason, words: words)
  }

  mutating func moveCursor(of name: JobName, to time: Timestamp) {
    guard var cursor = jobs[name]?.cursor else { return }
    cursor.decided = time
    setCursor(of: name, to: cursor)
  }

  mutating func setCursor(of name: JobName, to cursor: Cursor) {
    jobs[name]?.cursor = cursor
    cursorMoves[name] = .some(cursor)
  }
}
