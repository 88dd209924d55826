public import Model

// What keeps jobs from starting beside their own manifests: a bundle that is dangerous, an agent that has no room.
extension FiringMachine {
  /// A time in which nothing starts.
  struct Hold: Sendable {
    var since: Timestamp
    var until: Timestamp
    var words: String
  }

  // MARK: Quarantine

  /// What was in quarantine in a former life, at start-up.
  public mutating func restoreQuarantine(_ quarantined: [Digest: String]) { self.quarantined = quarantined }

  /// From now on nothing of the bundle starts by itself: what is due is recorded, what waits for its turn or its next
  /// attempt ends, what is armed is disarmed, and what is going is not tried again. It ends with another version of the
  /// job, or with a person's run.
  public mutating func quarantine(_ bundle: Digest, _ words: String, at now: Timestamp) -> [FiringAction] {
    guard quarantined[bundle] == nil else { return [] }
    quarantined[bundle] = words
    defer { settleWakes() }
    var actions: [FiringAction] = []
    var names: Set<JobName> = Set(jobs.values.lazy.filter { $0.installed.bundle == bundle }.map(\.installed.job.name))
    for run in activeRuns where run.bundle == bundle {
      switch run.phase {
      case .queued, .waiting:
        runs.remove(run)
        names.insert(run.occurrence.job)
        actions.append(.finish(run, .skipped(.quarantined), reason: words))
      case .armed(let time): if now < time { actions += disarm(run) }
      case .running: break
      }
    }
    for name in names.sorted() { actions += proceed(name, at: now) }
    return actions
  }

  // MARK: Hold

  public var isHeld: Bool { hold != nil }

  /// From now on nothing starts, whoever asks; what is due stays undecided, and what is armed for later is disarmed.
  public mutating func hold(_ words: String, at now: Timestamp) -> [FiringAction] {
    guard hold == nil else {
      hold?.words = words
      return []
    }
    hold = Hold(since: now, until: now, words: words)
    return jobs.keys.sorted().flatMap { armed($0, at: now) }.flatMap { disarm($0) }
  }

  /// There is room again: decides what came due meanwhile.
  public mutating func resume(at now: Timestamp) -> [FiringAction] {
    guard var over = hold else { return [] }
    over.until = max(now, over.since)
    pastHold = over
    hold = nil
    var actions: [FiringAction] = []
    for name in jobs.keys.sorted() where runs.queueLength(name) > 0 { actions += proceed(name, at: now) }
    for name in jobs.keys.sorted() { schedule(name, at: now) }
    return actions + tick(at: now)
  }
}
