public import Model

// What happens to runs once they have started.
extension FiringMachine {
  /// Takes over the runs that the ledger says are not over, at start-up.
  ///
  /// `spent` are the runs of recent orders that are over, each with its order's start-by time, so that a repeated order
  /// is recognised. A run that waits for its next attempt gets it when that is due, however long the agent was down.
  public mutating func restore(_ active: [ActiveRun], spent: [RunID: Timestamp] = [:], at now: Timestamp) {
    for run in active where runs.all[run.id] == nil {
      runs.insert(run)
      if case .waiting(let until) = run.phase { wakes.insert(WakeQueue.Entry(time: until, target: .run(run.id))) }
    }
    for (id, startBy) in spent { runs.spend(id, startBy: startBy, at: now) }
    settleWakes()
  }

  /// An attempt ended in `state`. An end that was reported before, or of an attempt that is not the running one, is
  /// ignored; so is a state that is not final.
  public mutating func attemptEnded(
    _ id: RunID, attempt: Int, _ state: RunState, at now: Timestamp
  ) -> [FiringAction] {
    guard var run = runs.all[id], run.phase == .running, run.attempt == attempt, state.isFinal else { return [] }
    guard !run.cancelRequested, let pause = run.job.retry.pause(after: attempt, endedIn: state) else {
      return finish(run, .ran(state))
    }
    let until = now + pause
    run.attempt += 1
    run.phase = .waiting(until: until)
    runs.update(run)
    wakes.insert(WakeQueue.Entry(time: until, target: .run(id)))
    settleWakes()
    return [.retryLater(run, at: until)]
  }

  /// Somebody wants the run to end. A waiting one ends at once; of a running one the attempt is ended, and no other
  /// follows. An unknown run is ignored.
  public mutating func cancel(_ id: RunID, at now: Timestamp) -> [FiringAction] {
    guard var run = runs.all[id] else { return [] }
    guard run.phase == .running else { return finish(run, .ran(.cancelled)) }
    run.cancelRequested = true
    runs.update(run)
    return [.cancel(run)]
  }

  /// The running attempt was not begun, because the bundle's bytes are not what was signed. The run ends whatever its
  /// retry policy says: the same bytes would be wrong again.
  public mutating func refuse(_ id: RunID, attempt: Int, at now: Timestamp) -> [FiringAction] {
    guard let run = runs.all[id], run.phase == .running, run.attempt == attempt else { return [] }
    return finish(run, .skipped(.refusedVerification))
  }

  /// Carries out an order to run a job now. First match wins:
  ///
  /// | case | decision |
  /// | --- | --- |
  /// | the run is known already | nothing: the order came twice |
  /// | the job is not installed, or in another version than the order names | refused |
  /// | a parameter is not declared, or of another kind | refused |
  /// | it is later than the order's start-by time | `MissedDeadline` |
  /// | `overlap: skip` and a run of the job is going | `SkippedOverlap` |
  /// | otherwise, suspended or not | a run starts |
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
    runs.spend(id, startBy: order.startBy, at: now)
    guard now <= order.startBy else {
      let late = FiringWords.about(now - order.startBy)
      return [skip(occurrence, of: version, .missedDeadline, "the order came \(late) after its time, \(order.startBy)")]
    }
    return begin(occurrence, of: version, params: order.params, at: now)
  }

  mutating func startWaiting(_ id: RunID, at now: Timestamp) -> [FiringAction] {
    guard var run = runs.all[id], case .waiting = run.phase else { return [] }
    run.phase = .running
    runs.update(run)
    return [.startAttempt(run)]
  }

  private mutating func finish(_ run: ActiveRun, _ outcome: Outcome) -> [FiringAction] {
    runs.remove(run)
    settleWakes()
    return [.finish(run, outcome)]
  }
}

extension RunSpec {
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
    }
    return nil
  }
}
