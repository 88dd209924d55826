public import Model

extension FiringMachine {
  /// How long the cursor of a removed job is remembered.
  private static let memory = Duration.seconds(7 * 86_400)

  /// Makes `installed` the jobs that fire, in place of all that did before.
  ///
  /// - A job that is new starts at `now`, unless `cursors` knows it: then it goes on from there, and what was missed
  ///   since is decided at the next tick.
  /// - A job whose bundle changed: what was due up to `now` is decided in its old version; the new one starts at `now`
  ///   and never fires an instant that lies before.
  /// - A job whose bundle is the same goes on; commit and lease are taken over.
  /// - A job that is gone fires no more; what was due and undecided is recorded as missed. Its active runs go on with
  ///   their own retry policy. Should it come back, it starts then.
  ///
  /// `cursors` are the ledger's, at start-up; later calls pass none. Cursors of jobs that are not installed are
  /// remembered for a week, so that a job which comes back after the clock was set back repeats nothing.
  public mutating func install(
    _ installed: [FiringJob], cursors: [JobName: Timestamp] = [:], at now: Timestamp
  ) -> [FiringAction] {
    var actions = noticeClock(at: now)
    let next = Dictionary(installed.map { ($0.job.name, $0) }, uniquingKeysWith: { $1 })
    for name in jobs.keys.filter({ next[$0] == nil }).sorted() { actions += retire(name, at: now) }
    for (name, cursor) in cursors where next[name] == nil && jobs[name] == nil {
      retired[name] = max(cursor, retired[name] ?? cursor)
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

  private mutating func add(_ version: FiringJob, cursor: Timestamp?, at now: Timestamp) {
    let name = version.job.name
    let floor = retired.removeValue(forKey: name)
    let start = cursor.map { max($0, floor ?? $0) } ?? max(now, floor ?? now)
    jobs[name] = InstalledJob(installed: version, cursor: start, since: now)
    moveCursor(of: name, to: start)
    schedule(name, at: now)
  }

  private mutating func update(_ job: InstalledJob, to version: FiringJob, at now: Timestamp) -> [FiringAction] {
    let name = version.job.name
    guard job.installed.bundle != version.bundle else {
      jobs[name]?.installed = version
      return []
    }
    let actions = decideLast(name, at: now)
    let start = max(now, jobs[name]?.cursor ?? now)
    jobs[name] = InstalledJob(installed: version, cursor: start, since: now)
    moveCursor(of: name, to: start)
    schedule(name, at: now)
    return actions
  }

  /// What was due before the job changed is decided as if a tick had come just before.
  private mutating func decideLast(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    if lapsed.contains(name) { return foldUndecided(name, at: now, "the job was changed while its lease had run out") }
    var actions = foldSuspended(name, through: now, early: true)
    if let wake = jobs[name]?.wake, wake <= now { actions += decide(name, at: now) }
    if lapsed.contains(name) {
      actions += foldUndecided(name, at: now, "the job was changed while its lease had run out")
    }
    return actions
  }

  private mutating func retire(_ name: JobName, at now: Timestamp) -> [FiringAction] {
    let actions = foldUndecided(name, at: now, "the job was removed before it could start")
    if let job = jobs.removeValue(forKey: name) { retired[name] = job.cursor }
    return actions
  }

  private mutating func foldUndecided(_ name: JobName, at now: Timestamp, _ words: String) -> [FiringAction] {
    lapsed.remove(name)
    let actions = foldSuspended(name, through: now, early: true)
    return actions + fold(name, through: now, .missedDeadline, words)
  }

  private mutating func forgetRetired(at now: Timestamp) {
    for (name, cursor) in retired where cursor + Self.memory < now {
      retired[name] = nil
      cursorMoves[name] = .some(nil)
    }
  }
}
