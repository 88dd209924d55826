import Model
import Schedule

// When the machine has to look again.
extension FiringMachine {
  /// Whether the entry still stands for something.
  func isTrue(_ entry: WakeQueue.Entry) -> Bool {
    switch entry.target {
    case .job(let name): jobs[name]?.wake == entry.time
    case .arming(let name): jobs[name]?.armWake == entry.time
    case .run(let id): runs.all[id]?.phase == .waiting(until: entry.time) || questions[id] == entry.time
    }
  }

  /// Puts the job where it belongs in the queues, by what it waits for.
  mutating func schedule(_ name: JobName, at now: Timestamp) {
    guard let job = jobs[name] else { return }
    // The next instant serves both; the search for it is most of what a decision costs.
    let next = job.schedule.nextDue(after: job.cursor.decided)
    let wake = wakeTime(of: job, next, at: now)
    let armWake = next.flatMap { armTime(of: job, $0, at: now) }
    if wake != job.wake {
      jobs[name]?.wake = wake
      if let wake { wakes.insert(WakeQueue.Entry(time: wake, target: .job(name))) }
    }
    if armWake != job.armWake {
      jobs[name]?.armWake = armWake
      if let armWake { wakes.insert(WakeQueue.Entry(time: armWake, target: .arming(name))) }
    }
  }

  /// When something of the job can be decided; nil when not before somebody acts or a run ends.
  private func wakeTime(of job: InstalledJob, _ next: DueInstant?, at now: Timestamp) -> Timestamp? {
    let name = job.installed.job.name
    if lapsed.contains(name) { return nil }
    if let stale = staleRun(of: name) { return stale.armedFor }
    if let suspension = job.installed.job.suspension, suspension.isInForce(at: now) { return suspension.until }
    guard let next, !waitsForRun(job, next) else { return nil }
    return job.schedule.blackout(at: next.due)?.end ?? next.due
  }

  /// Makes sure that the first entry is a true one, and that void ones do not pile up.
  mutating func settleWakes() {
    while let entry = wakes.first, !isTrue(entry) { _ = wakes.removeFirst() }
    if wakes.count > 3 * (jobs.count + runs.all.count) + 64 { wakes.keep(where: isTrue) }
  }
}

extension WakeQueue.Target: Comparable {
  /// Runs before jobs: a run's next attempt does not wait behind what has yet to start.
  static func < (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.run(let a), .run(let b)): a < b
    case (.job(let a), .job(let b)), (.arming(let a), .arming(let b)): a < b
    case (.run, _), (.job, .arming): true
    case (.job, _), (.arming, _): false
    }
  }
}
