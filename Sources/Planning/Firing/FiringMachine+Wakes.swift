import Model
import Schedule

// When the machine has to look again.
extension FiringMachine {
  /// Whether the entry still stands for something.
  func isTrue(_ entry: WakeQueue.Entry) -> Bool {
    switch entry.target {
    case .job(let name): jobs[name]?.wake == entry.time
    case .run(let id): runs.all[id]?.phase == .waiting(until: entry.time)
    }
  }

  /// Puts the job where it belongs in the queue, by its cursor and suspension.
  mutating func schedule(_ name: JobName, at now: Timestamp) {
    guard let job = jobs[name] else { return }
    let wake: Timestamp?
    if let suspension = job.installed.job.suspension, suspension.isInForce(at: now) {
      wake = suspension.until
    } else {
      wake = job.installed.schedule.nextDue(after: job.cursor)?.due
    }
    guard wake != job.wake else { return }
    jobs[name]?.wake = wake
    if let wake { wakes.insert(WakeQueue.Entry(time: wake, target: .job(name))) }
  }

  /// Makes sure that the first entry is a true one, and that void ones do not pile up.
  mutating func settleWakes() {
    while let entry = wakes.first, !isTrue(entry) { _ = wakes.removeFirst() }
    if wakes.count > 2 * (jobs.count + runs.all.count) + 64 { wakes.keep(where: isTrue) }
  }
}

extension WakeQueue.Target: Comparable {
  /// Runs before jobs: a run's next attempt does not wait behind what has yet to start.
  static func < (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.run(let a), .run(let b)): a < b
    case (.job(let a), .job(let b)): a < b
    case (.run, .job): true
    case (.job, .run): false
    }
  }
}
