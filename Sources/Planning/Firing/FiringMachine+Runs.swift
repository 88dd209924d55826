public import Model

// What happens to runs once they have started.
extension FiringMachine {
  /// Takes over the runs that the ledger says are not over, at start-up, before ``install(_:cursors:at:)``.
  ///
  /// `spent` are the runs of recent orders that are over, each with its order's start-by time, so that a repeated order
  /// is recognised. A run that waits for its next attempt gets it when that is due, however long the agent was down; a
  /// queued one goes on waiting. An armed run comes back as it is: whoever owns its shim says with
  /// ``disarmed(_:at:)`` that it never began, or reports its end.
  ///
  /// Ends that came while the agent was away are best reported before the first ``tick(at:)``: what came due after
  /// them is then not taken for an overlap.
  public mutating func restore(_ active: [ActiveRun], spent: [RunID: Timestamp] = [:], at now: Timestamp) {
    for run in active where runs.all[run.id] == nil {
      runs.insert(run)
      switch run.phase {
      case .waiting(let until): wakes.insert(WakeQueue.Entry(time: until, target: .run(run.id)))
      case .queued, .armed:
        questions[run.id] = now
        wakes.insert(WakeQueue.Entry(time: now, target: .run(run.id)))
      case .running: break
      }
      if case .person = run.occurrence.cause, let startBy = run.startBy {
        runs.spend(run.id, startBy: startBy, at: now)
      }
    }
    for (id, startBy) in spent { runs.spend(id, startBy: startBy, at: now) }
    settleWakes()
  }

  /// An attempt ended in `state` at the time `ended`, which is taken to be `now` where it is later. An end that was
  /// reported before, or of an attempt that is not the running one, is ignored; so is a state that is not final.
  ///
  /// The pause before another attempt counts from now: from when the end is known.
  public mutating func attemptEnded(
    _ id: RunID, attempt: Int, _ state: RunState, ended: Timestamp, at now: Timestamp
  ) -> [FiringAction] {
    guard var run = beginning(id, attempt), state.isFinal else { return [] }
    defer { settleWakes() }
    guard !run.cancelRequested, quarantined[run.bundle] == nil,
      let pause = run.job.retry.pause(after: attempt, endedIn: state)
    else {
      return finish(run, .ran(state), ended: min(ended, now), at: now)
    }
    var actions: [FiringAction] = []
    if isStale(run) { actions += takeOver(run, at: now) }
    drop(run)
    // An armed one that could not be made ready does not start before its instant for that.
    let until = max(now, run.armedFor ?? now) + pause
    run.attempt += 1
    run.phase = .waiting(until: until)
    runs.insert(run)
    wakes.insert(WakeQueue.Entry(time: until, target: .run(id)))
    schedule(run.occurrence.job, at: now)
    return [.retryLater(run, at: until)] + actions
  }

  /// Somebody wants the run to end. One that waits for its turn or its next attempt ends at once; of a running one the
  /// attempt is ended, and no other follows; an armed one ends as cancelled, whether it begins or not. An unknown run
  /// is ignored.
  public mutating func cancel(_ id: RunID, at now: Timestamp) -> [FiringAction] {
    guard var run = runs.all[id] else { return [] }
    switch run.phase {
    case .queued, .waiting:
      defer { settleWakes() }
      return finish(run, .ran(.cancelled), ended: now, at: now)
    case .running, .armed:
      run.cancelRequested = true
      runs.update(run)
      return [.cancel(run)]
    }
  }

  /// The attempt was not begun, because the bundle's bytes are not what was signed, or there is no room for it. The run
  /// ends whatever its retry policy says: the same bytes would be wrong again, and nothing more goes onto a full disk.
  public mutating func refuse(
    _ id: RunID, attempt: Int, _ reason: SkipReason = .refusedVerification, at now: Timestamp
  ) -> [FiringAction] {
    guard let run = beginning(id, attempt) else { return [] }
    defer { settleWakes() }
    return finish(run, .skipped(reason), ended: now, at: now)
  }

  /// The run, if its attempt of that number is one that can end.
  private func beginning(_ id: RunID, _ attempt: Int) -> ActiveRun? {
    guard let run = runs.all[id], run.attempt == attempt else { return nil }
    return run.phase == .running || run.armedFor != nil ? run : nil
  }

  /// A run's entry in the queue of wakes has come: its next attempt starts, or what was left open before a restart is
  /// asked again.
  mutating func startWaiting(_ id: RunID, at now: Timestamp) -> [FiringAction] {
    questions[id] = nil
    guard var run = runs.all[id] else { return [] }
    let name = run.occurrence.job
    switch run.phase {
    case .waiting:
      run.phase = .running
      runs.update(run)
      return [.startAttempt(run)]
    case .armed(let time):
      guard now < time, isStale(run) || !isAllow(name) && runs.queueLength(name) > 0 else { return [] }
      return disarm(run)
    case .queued:
      guard jobs[name] != nil else { return finishQueued(of: name, .missedDeadline, FiringWords.removed) }
      return runs.hasGoing(name) ? [] : proceed(name, at: now)
    case .running: return []
    }
  }

  func isAllow(_ name: JobName) -> Bool { jobs[name]?.isAllow ?? false }

  mutating func finish(
    _ run: ActiveRun, _ outcome: Outcome, ended: Timestamp, at now: Timestamp
  ) -> [FiringAction] {
    var actions: [FiringAction] = [.finish(run, outcome, reason: nil)]
    if isStale(run) { actions += takeOver(run, at: now) }
    let wasFull = jobs[run.occurrence.job].map { isFull($0.installed) } ?? false
    drop(run)
    return actions + freed(by: run, ended: ended, wasFull: wasFull, at: now)
  }
}
