public import Model
import Schedule

extension FiringMachine {
  /// How long the cursor of a removed job is remembered.
  private static let memory = Duration.seconds(7 * 86_400)

  /// Makes `installed` the jobs that fire, in place of all that did before.
  ///
  /// - A job that is new starts at `now`, unless `cursors` knows it: then it goes on from there, and what was missed
  ///   since is decided at the next tick.
  /// - A job whose bundle changed: occurrences whose nominal time is not later than `now` are the old version's, and
  ///   are decided now, those too that still wait for their jitter; the others are the new one's. What is queued or
  ///   going goes on, each run in its own version.
  /// - A job whose bundle is the same goes on; commit and lease are taken over.
  /// - A job that is gone fires no more; what was due and undecided is recorded as missed, and so are its queued runs.
  ///   Those that are going go on with their own retry policy. Should it come back, it starts then.
  ///
  /// `cursors` are the ledger's, at start-up; later calls pass none. Cursors of jobs that are not installed are
  /// remembered for a week, so that a job which comes back after the clock was set back repeats nothing.
  public mutating func install(
    _ installed: [FiringJob], cursors: [JobName: Cursor] = [:], at now: Timestamp
  ) -> [FiringAction] {
    var actions = noticeClock(at: now)
    let next = Dictionary(installed.map { ($0.job.name, $0) }, uniquingKeysWith: { $1 })
    for name in jobs.keys.filter({ next[$0] == nil }).sorted() { actions += retire(name, at: now) }
    for (name, cursor) in cursors where next[name] == nil && jobs[name] == nil {
      let end = max(cursor.decided, cursor.floor)
      retired[name] = max(end, retired[name] ?? end)
    }
    for name in next.keys.sorted() {
      guard let version = next[name] else { continue }
      if let job = jobs[name] {
        actions += update(job, to: version, at: now)
      } else {
        add(version, cursor: cursors[name], at: now)
      }
    }
    forgetRetired(at: now)
    settleWakes()
    return actions
  }

  private mutating func add(_ version: FiringJob, cursor: Cursor?, at now: Timestamp) {
    let name = version.job.name
    let end = retired.removeValue(forKey: name)
    var start = cursor ?? Cursor(now)
    if let end { start = Cursor(decided: max(start.decided, end), floor: max(start.floor, end)) }
    jobs[name] = InstalledJob(version, cursor: start, since: now)
    setCursor(of: name, to: start)
    schedule(name, at: now)
  }

  private mutating func update(_ job: InstalledJob, to version: FiringJob, at now: Timestamp) -> [FiringAction] {
    let name = version.job.name
    guard job.installed.bundle != version.bundle else {
      jobs[name]?.installed = version
      schedule(name, at: now)
      return []
    }
    var actions = closeStale(name, at: now)
    let end = end(of: name, at: now)
    if let old = jobs[name] {
      var waiting = Pending(
        old.schedule.only(through: now), after: old.cursor.decided, through: Timestamp(microseconds: .max))
      actions += judge(&waiting, of: old.installed, final: true, at: now)
      actions += settleAhead(old, through: end, FiringWords.setBack, at: now)
    }
    lapsed.remove(name)
    actions += disarmAhead(name, at: now)
    jobs[name] = InstalledJob(version, cursor: Cursor(end), since: now)
    setCursor(of: name, to: Cursor(end))
    if version.job.overlap == .allow { actions += startQueued(of: name, at: now) }
    schedule(name, at: now)
    return actions
  }

  private mutating func retire(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    var actions = closeStale(name, at: now)
    let end = end(of: name, at: now)
    if let old = jobs[name] {
      let version = old.installed
      var waiting = Pending(
        old.schedule.only(through: now), after: old.cursor.decided, through: Timestamp(microseconds: .max))
      actions += foldSuspended(&waiting, of: version, final: true, at: now)
      actions += settle(
        &waiting, of: version, through: waiting.through, .missedDeadline, FiringWords.removed, final: true, at: now)
      actions += settleAhead(old, through: end, FiringWords.removed, at: now)
    }
    actions += finishQueued(of: name, .missedDeadline, FiringWords.removed)
    actions += disarmAhead(name, at: now)
    lapsed.remove(name)
    jobs[name] = nil
    retired[name] = end
    cursorMoves[name] = .some(Cursor(end))
    return actions
  }

  /// Whatever was armed by a version before the one that now goes too, for an instant that has passed, has its run.
  private mutating func closeStale(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    guard let stale = staleRun(of: name), stale.occurrence.nominal <= now else { return [] }
    return takeOver(stale, at: now)
  }

  /// Up to when nominal instants are the present version's, should it end now: all that it and those before it decided,
  /// also where the clock was set back since. What is only armed is not decided.
  private func end(of name: JobName, at now: Timestamp) -> Timestamp {
    guard let job = jobs[name] else { return now }
    let isArmed = armed(name, at: now).contains {
      $0.armedFor == job.cursor.decided && $0.occurrence.nominal > job.cursor.floor
    }
    return max(now, job.cursor.floor, isArmed ? decided(before: job.cursor.decided, of: job) : job.cursor.decided)
  }

  /// Records a version's undecided instants that are later than now and up to `end`, where they are not decided any
  /// other way: there may be some after the clock was set back.
  func settleAhead(_ old: InstalledJob, through end: Timestamp, _ words: String, at now: Timestamp)
    -> [FiringAction]
  {
    guard end > now else { return [] }
    var ahead = Pending(
      old.schedule.only(after: now).only(through: end), after: old.cursor.decided,
      through: Timestamp(microseconds: .max))
    return settle(&ahead, of: old.installed, through: ahead.through, .missedDeadline, words, final: true, at: now)
  }

  /// Asks those that are armed not to begin, unless their nominal time has passed.
  private mutating func disarmAhead(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    armed(name, at: now).filter { $0.occurrence.nominal > now }.flatMap { disarm($0) }
  }

  private mutating func forgetRetired(at now: Timestamp) {
    for (name, end) in retired where end + Self.memory < now {
      retired[name] = nil
      cursorMoves[name] = .some(nil)
    }
  }
}
