public import Model

// What persons ask for.
extension FiringMachine {
  /// Carries out an order to run a job now. First match wins:
  ///
  /// | case | decision |
  /// | --- | --- |
  /// | the run is known already | nothing: the order came twice |
  /// | the job is not installed, or in another version than the order names | refused |
  /// | a parameter is not declared, or of another kind | refused |
  /// | the agent holds back, because it has no room | refused |
  /// | it is later than the order's start-by time | `MissedDeadline` |
  /// | `overlap: allow`, or no run of the job is going | a run starts |
  /// | a run is armed for a time to come, and none is queued | the run is queued, the armed one is asked not to begin |
  /// | `overlap: skip` | `SkippedOverlap` |
  /// | `overlap: queue` | the run is queued; `SkippedOverlap` when the queue is full |
  /// | `overlap: replace` | what is going is cancelled, what is queued or due is recorded, the run is queued |
  ///
  /// Suspensions and blackouts are for the schedule: a person's run starts in them. It ends a quarantine of its bundle, since
  /// somebody looks now. What is due is decided first.
  public mutating func dispatch(_ order: Dispatch, at now: Timestamp) -> [FiringAction] {
    let occurrence = order.occurrence
    let id = occurrence.run(on: agent)
    if runs.isKnown(id) { return [] }
    guard let version = jobs[order.job]?.installed else {
      return [.refuse(order, reason: "\(order.job) is not installed here")]
    }
    guard version.bundle == order.bundle else {
      let bundles = "installed is bundle \(version.bundle.short)…, ordered was \(order.bundle.short)…"
      return [.refuse(order, reason: "\(order.job) is another version here: \(bundles)")]
    }
    if let problem = version.job.run.problem(with: order.params) { return [.refuse(order, reason: problem)] }
    if let hold { return [.refuse(order, reason: hold.words)] }
    runs.spend(id, startBy: order.startBy, at: now)
    guard now <= order.startBy else {
      let late = FiringWords.about(now - order.startBy)
      return [skip(occurrence, of: version, .missedDeadline, "the order came \(late) after its time, \(order.startBy)")]
    }
    defer { settleWakes() }
    var actions: [FiringAction] = []
    if let wake = jobs[order.job]?.wake, wake <= now { actions += decide(order.job, at: now) }
    quarantined[version.bundle] = nil
    var run = makeRun(occurrence, of: version, params: order.params, at: now)
    run.startBy = order.startBy
    run.person = order.person
    actions += enter(run, of: version, at: now)
    schedule(order.job, at: now)
    return actions
  }

  private mutating func enter(_ run: ActiveRun, of version: FiringJob, at now: Timestamp) -> [FiringAction] {
    let name = run.occurrence.job
    guard version.job.overlap != .allow, let oldest = runs.going(name).first else { return begin(run) }
    if let waiting = armed(name, at: now).first, runs.queueLength(name) == 0 {
      return enqueue(run) + disarm(waiting)
    }
    let blocking = runs.lastQueued(name) ?? oldest
    switch version.job.overlap {
    case .skip, .allow:
      let obstacle = armed(name, at: now).isEmpty ? oldest : blocking
      return [skip(run.occurrence, of: version, .overlap, FiringWords.overlap(obstacle, at: now))]
    case .queue where isFull(version):
      let words = FiringWords.full(runs.queueLength(name), behind: oldest)
      return [skip(run.occurrence, of: version, .overlap, words)]
    case .queue: return enqueue(run)
    case .replace: return replace(by: run, of: version, at: now)
    }
  }

  private mutating func replace(by run: ActiveRun, of version: FiringJob, at now: Timestamp) -> [FiringAction] {
    let name = run.occurrence.job
    var actions = emptyQueue(of: name, for: run.occurrence)
    let isPaused = lapsed.contains(name) || version.job.suspension?.isInForce(at: now) == true
    if let job = jobs[name], !isPaused, staleRun(of: name) == nil {
      var pending = job.pending(through: now)
      let words = FiringWords.replaced(by: run.occurrence)
      actions += settle(&pending, of: version, through: now, .overlap, words, final: false, at: now)
      commit(pending, of: name)
    }
    if let waiting = armed(name, at: now).first { return actions + enqueue(run) + disarm(waiting) }
    actions += cancelGoing(of: name, for: run.occurrence)
    return actions + (runs.hasGoing(name) ? enqueue(run) : begin(run))
  }

  private mutating func begin(_ run: ActiveRun) -> [FiringAction] {
    runs.insert(run)
    return [.start(run)]
  }

  private mutating func enqueue(_ run: ActiveRun) -> [FiringAction] {
    var run = run
    run.phase = .queued
    runs.insert(run)
    return [.enqueue(run)]
  }
}

extension RunSpec {
  /// Bytes of a text that is given as a parameter: half of what Linux lets one variable have (MAX_ARG_STRLEN).
  public static let parameterLimit = 64 << 10

  /// What is wrong with parameters given in place of declared ones; nil when nothing is.
  public func problem(with given: [String: ParameterValue]) -> String? {
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      guard let declared = params[name] else {
        let nearest = Suggestion.nearest(to: name, among: params.keys.sorted())
        return "there is no parameter '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
      }
      guard declared.kind == value.kind else {
        return "parameter '\(name)' must be \(declared.kind), not \(value.kind)"
      }
      if case .string(let text) = value {
        // What a process could not be given.
        if text.utf8.contains(0) { return "parameter '\(name)' holds a NUL" }
        if text.utf8.count > Self.parameterLimit {
          return "parameter '\(name)' has more than \(Self.parameterLimit) bytes"
        }
      }
    }
    return nil
  }
}
