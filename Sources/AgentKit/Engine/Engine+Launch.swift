import Execution
import Logging
import Model
import Planning
import Platform

// From a decision to a shim, or to a record that says why there is none.
extension Engine {
  func launch(_ runs: [ActiveRun]) {
    guard !runs.isEmpty else { return }
    CrashPoint.reach("agent.beforeLaunch")
    for run in runs where !run.job.run.secretNames.isEmpty { fetches.begin(run) }
    launch(runs.filter(\.job.run.secretNames.isEmpty).map { ($0, with: [:]) })
  }

  private func launch(_ runs: [(ActiveRun, with: SecretValues)]) {
    // After a crash one by one, so that only the guilty one stands in the mark when it happens again.
    let starter = AttemptStarter(runner: runner, handling: guards.handling, isCareful: !crashes.times.isEmpty)
    for ((run, _), problem) in zip(runs, starter.start(runs)) {
      switch problem {
      case nil:
        watches.yield(run)
        stateChanged.raise()
      case .refused(let reason): refuse(run, reason)
      case .failed(let reason): couldNot(start: run, reason)
      case .noRoom(let reason): couldNot(start: run, reason, isForRoom: true)
      case .unwatched: watches.yield(run)
      }
    }
  }

  /// What could not be made ready ahead of its instant is tried again then: until then things may be as they should be, and
  /// nobody wants to read that a run failed before it was due.
  func couldNot(start run: ActiveRun, _ reason: String, isForRoom: Bool = false) {
    guard case .armed(let instant) = run.phase, clock.now < instant else {
      // What has had an attempt is a run that failed; without one it is none.
      guard isForRoom, run.attempt == 1 else { return failed(run.attemptID, .failed, reason) }
      logger.error("no room for a run", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
      refusals[run.id] = reason
      return write(.refused(.noRoom), of: run.attemptID)
    }
    logger.info("not ready ahead of its time", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
    dismissed(run, reason)
  }

  /// An armed attempt that has no shim yet will not start at its instant, which is decided anew.
  func dismissed(_ run: ActiveRun, _ reason: String = "disarmed before it started") {
    do { try change { $0.disarmed(run.id, at: clock.now) } } catch {
      troubled("ledger", error)
      failed(run.attemptID, .failed, reason)
    }
  }

  /// What became of a request. Of one whose attempt was cancelled or disarmed meanwhile nobody asks any more.
  func fetched(_ request: SecretRequest, _ result: Result<SecretValues, ExecutionError>) {
    guard fetches.end(request), let run = entries[request.run.id]?.run, run.attempt == request.run.attempt else {
      return
    }
    CrashPoint.reach("agent.secretsFetched")
    switch result {
    case .success(let secrets): launch([(run, with: secrets)])
    case .failure(let error): couldNot(start: run, "\(error)")
    }
  }

  enum NotBegun {
    /// The bytes are wrong: the run ends here whatever its retry policy says, because the same bytes would be wrong
    /// again. Or there is no room for it.
    case refused(SkipReason)
    case failed(Receipt.Attempt)
  }

  func refuse(_ run: ActiveRun, _ reason: String) {
    logger.error("refused to run", metadata: ["job": "\(run.occurrence.job)", "reason": "\(reason)"])
    refusals[run.id] = reason
    problems["bundle \(run.bundle.hex)"] = "\(run.occurrence.job): \(reason)"
    write(.refused(.refusedVerification), of: run.attemptID)
    stateChanged.raise()
  }

  func failed(_ attempt: AttemptID, _ state: RunState, _ reason: String) {
    let now = clock.now
    let record = Receipt.Attempt(number: attempt.number, started: now, ended: now, state: state, reason: reason)
    write(.failed(record), of: attempt)
  }

  /// Tries again what a full disk kept from being written.
  func writeNotBegun() {
    for (attempt, end) in unwritten { write(end, of: attempt) }
  }

  func write(_ end: NotBegun, of attempt: AttemptID) {
    unwritten[attempt] = nil
    do {
      switch end {
      case .refused(let reason):
        try change { $0.refuse(attempt.run, attempt: attempt.number, reason, at: clock.now) }
      case .failed(let record):
        try ended([EndedAttempt(attempt: attempt, outcome: AttemptOutcome(record: record, log: []))])
      }
      solved("ledger")
    } catch {
      unwritten[attempt] = end
      troubled("ledger", error)
    }
  }
}
