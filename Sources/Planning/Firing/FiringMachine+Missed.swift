import Model
import Schedule

// The rows of the table from the blackouts on: which of the instants that nothing stands in the way of start.
extension FiringMachine {
  /// Starts, or puts into the queue, what may start, and records the rest.
  mutating func start(
    _ pending: inout Pending, of version: FiringJob, ready: Timestamp?, final: Bool, at now: Timestamp
  ) -> [FiringAction] {
    if let blackout = version.schedule.blackout(at: now) {
      let words = FiringWords.blackout(blackout)
      return settle(&pending, of: version, through: pending.through, .blackout, words, final: final, at: now)
    }
    let name = version.job.name
    let chosen = choose(from: pending, of: version, ready: ready, at: now)
    let (reason, words) = whyMissed(pending, else: chosen.words)
    var actions: [FiringAction] = []
    if version.job.overlap == .replace, let newest = chosen.instants.last {
      actions += emptyQueue(of: name, for: Occurrence(job: name, nominal: newest.nominal))
    }
    let isCatchUp = !runs.hasGoing(name) || version.job.missed.isAll && chosen.isLate
    for due in chosen.instants {
      if pending.first != due {
        let before = due.due - .microseconds(1)
        actions += settle(
          &pending, of: version, through: before, reason, words, final: final, at: now)
      }
      pending.pass(due.due)
      actions += admit(due, of: version, whateverDepth: isCatchUp, at: now)
    }
    actions += settle(
      &pending, of: version, through: pending.through, reason, words, final: final, at: now)
    return actions
  }

  /// What is missed because the agent held back is recorded as that.
  private func whyMissed(_ pending: Pending, else words: String) -> (SkipReason, String) {
    // What was due just before was found undecided when the time without room began.
    guard let pastHold, let first = pending.first?.due, first > pastHold.since - Self.punctuality,
      first <= pastHold.until
    else { return (.missedDeadline, words) }
    return (.noRoom, "\(pastHold.words); since \(pastHold.until) there is room again")
  }

  /// Starts a run, or puts it into the queue, or records that there is no place.
  mutating func admit(
    _ due: DueInstant, of version: FiringJob, whateverDepth: Bool, at now: Timestamp
  ) -> [FiringAction] {
    let name = version.job.name
    var run = makeRun(Occurrence(job: name, nominal: due.nominal), of: version, at: now)
    // The ledger's cursor is past every run that it holds; should one come up again all the same, it must not start.
    guard runs.all[run.id] == nil else { return [] }
    run.startBy = version.job.startBy.map { due.due + $0 }
    if version.job.overlap == .allow || !runs.hasGoing(name) {
      runs.insert(run)
      return [.start(run)]
    }
    guard whateverDepth || !isFull(version) else {
      let words = FiringWords.full(runs.queueLength(name), behind: runs.going(name).first)
      return [skip(run.occurrence, of: version, .overlap, words)]
    }
    run.phase = .queued
    runs.insert(run)
    return [.enqueue(run)]
  }

  func makeRun(
    _ occurrence: Occurrence, of version: FiringJob, params: [String: ParameterValue] = [:], at now: Timestamp
  ) -> ActiveRun {
    ActiveRun(
      id: occurrence.run(on: agent), occurrence: occurrence, job: version.job, bundle: version.bundle,
      commit: version.commit, params: version.job.run.params.merging(params) { $1 }, started: now)
  }

  struct Chosen {
    /// Those that may start, in ascending order.
    var instants: [DueInstant] = []
    /// Why the others may not.
    var words: String
    /// Whether the first one was missed.
    var isLate = false
  }

  /// Which of the pending instants may start by `missed`, `startBy` and the blackouts in which they are due.
  ///
  /// `limit` in place of the policy's own. Costs a step for each one chosen and each blackout in between.
  func choose(
    from pending: Pending, of version: FiringJob, ready: Timestamp?, limit: Int? = nil, at now: Timestamp
  ) -> Chosen {
    let job = version.job
    var chosen = Chosen(words: FiringWords.missed(job.missed))
    let limit = limit ?? job.missed.limit
    for stretch in openStretches(pending).reversed() {
      var end = stretch.through
      var steps = 0
      while chosen.instants.count < limit, let due = pending.last(through: end), due.due >= stretch.first.due {
        if let startBy = job.startBy, now > due.due + startBy {
          chosen.words = FiringWords.tooLate(startBy, at: now)
          return chosen.ascending
        }
        let isLate = now - max(due.due, ready ?? due.due) > Self.punctuality
        // All before it are later still.
        if isLate, job.missed == .skip { return chosen.ascending }
        end = due.due - .microseconds(1)
        if stretch.isMixed, version.schedule.blackout(at: due.due) != nil {
          steps += 1
          if steps > 10 * Pending.stretchLimit { break }
          continue
        }
        chosen.instants.append(due)
        chosen.isLate = isLate
      }
      if chosen.instants.count == limit { break }
    }
    return chosen.ascending
  }

  private struct OpenStretch {
    var first: DueInstant
    var through: Timestamp
    /// There are blackouts in it, too many to be told apart.
    var isMixed = false
  }

  private func openStretches(_ pending: Pending) -> [OpenStretch] {
    var (rest, open) = (pending, [OpenStretch]())
    for _ in 0..<Pending.stretchLimit {
      guard rest.after < rest.through, let stretch = rest.firstStretch else { return open }
      if stretch.blackout == nil { open.append(OpenStretch(first: stretch.first, through: stretch.through)) }
      rest.pass(stretch.through)
    }
    if let first = rest.first { open.append(OpenStretch(first: first, through: rest.through, isMixed: true)) }
    return open
  }
}

extension FiringMachine.Chosen {
  fileprivate var ascending: Self {
    var chosen = self
    chosen.instants.reverse()
    return chosen
  }
}

extension Missed {
  /// How many missed instants are made up for.
  fileprivate var limit: Int { if case .all(let limit) = self { max(1, limit) } else { 1 } }

  fileprivate var isAll: Bool { if case .all = self { true } else { false } }
}
