import Model
import Schedule

// What becomes of a job's due instants: the table in the documentation of `FiringMachine`, row by row.
extension FiringMachine {
  mutating func decide(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    guard let job = jobs[name] else { return [] }
    countDecision()
    jobs[name]?.wake = nil
    if leaseEnd(job) <= now {
      guard lapsed.insert(name).inserted else { return [] }
      let words = "no controller was heard since \(lastHeard ?? job.since), and its lease of "
      return [.note("\(name) does not fire: \(words)\(job.installed.lease.manifestText) has run out")]
    }
    var actions = foldSuspended(name, through: now)
    if job.installed.job.suspension?.isInForce(at: now) != true { actions += decideDue(name, at: now) }
    schedule(name, at: now)
    return actions
  }

  /// The instants that are due and neither suspended nor without a lease.
  private mutating func decideDue(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    guard let job = jobs[name], let due = job.due(through: now, limit: foldLimit) else { return [] }
    var actions: [FiringAction] = []
    if due.count > 1 {
      let words = "missed while the agent was down, the host asleep or the clock ahead; only the latest is made up for"
      actions += fold(name, through: due.last.due - .microseconds(1), .missedDeadline, words)
    }
    moveCursor(of: name, to: due.last.due)
    return actions + begin(Occurrence(job: name, nominal: due.last.nominal), of: job.installed, at: now)
  }

  /// Starts a run or records the overlap.
  mutating func begin(
    _ occurrence: Occurrence, of version: FiringJob, params: [String: ParameterValue] = [:], at now: Timestamp
  ) -> [FiringAction] {
    let id = occurrence.run(on: agent)
    // The ledger's cursor is past every run that it holds; should one come up again all the same, it must not start.
    guard runs.all[id] == nil else { return [] }
    if version.job.overlap == .skip, let going = runs.oldest(of: occurrence.job) {
      return [skip(occurrence, of: version, .overlap, FiringWords.overlap(going, at: now))]
    }
    let run = ActiveRun(
      id: id, occurrence: occurrence, job: version.job, bundle: version.bundle, commit: version.commit,
      params: version.job.run.params.merging(params) { $1 }, started: now)
    runs.insert(run)
    return [.start(run)]
  }

  /// Records what fell into the job's suspension, once that is over or as far as `through`.
  ///
  /// While it lasts nothing is recorded and the cursor stays: a suspension of months becomes one record. `early` means
  /// that its end is not waited for, because the job changes or goes.
  mutating func foldSuspended(_ name: JobName, through: Timestamp, early: Bool = false) -> [FiringAction] {
    guard let job = jobs[name], let suspension = job.installed.job.suspension else { return [] }
    var last = through
    if let until = suspension.until { last = min(last, until - .microseconds(1)) }
    guard early || !suspension.isInForce(at: through) else { return [] }
    return fold(name, through: last, .suspended, FiringWords.suspended(suspension))
  }

  mutating func foldLapsed(_ name: JobName, since: Timestamp?, at now: Timestamp) -> [FiringAction] {
    guard let job = jobs[name] else { return [] }
    var actions = foldSuspended(name, through: now)
    if job.installed.job.suspension?.isInForce(at: now) != true {
      let words = "no controller was heard since \(since ?? job.since), and the lease of "
      actions += fold(name, through: now, .missedDeadline, "\(words)\(job.installed.lease.manifestText) had run out")
    }
    schedule(name, at: now)
    return actions
  }

  /// One record for all undecided instants up to `through`, and the cursor behind them; nothing when there are none.
  mutating func fold(_ name: JobName, through: Timestamp, _ reason: SkipReason, _ words: String) -> [FiringAction] {
    guard let job = jobs[name], let due = job.due(through: through, limit: foldLimit) else { return [] }
    moveCursor(of: name, to: due.last.due)
    var record = skipped(Occurrence(job: name, nominal: due.last.nominal), of: job.installed, reason, words)
    record.count = due.count
    record.isCountExact = due.isExact
    if due.count > 1 { record.firstNominal = due.first.nominal }
    if !due.isExact { record.words += "; at least \(due.count) in all" }
    return [.skip(record)]
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
    jobs[name]?.cursor = time
    cursorMoves[name] = .some(time)
  }

  func leaseEnd(_ job: InstalledJob) -> Timestamp { (lastHeard ?? job.since) + job.installed.lease }
}

extension InstalledJob {
  /// The undecided instants up to `through`; nil when there are none.
  func due(through: Timestamp, limit: Int) -> DueSummary? {
    guard cursor < through else { return nil }
    return installed.schedule.latest(after: cursor, through: through, limit: limit)
  }
}
