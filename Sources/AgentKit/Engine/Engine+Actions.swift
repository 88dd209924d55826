import Logging
import Model
import Planning
import Platform
import Trust

// What the machine decides: written down first, then performed.
extension Engine {
  func record(
    _ action: FiringAction, in transaction: LedgerTransaction, _ entries: inout [RunID: LedgerRun], startBy: Timestamp?
  ) throws {
    switch action {
    case .start(let run), .enqueue(let run):
      let entry = LedgerRun(run: run, boot: runner.boot)
      var isOrdered = false
      if case .person = run.occurrence.cause { isOrdered = true }
      try transaction.begin(entry, startBy: isOrdered ? startBy : nil)
      entries[run.id] = entry
    case .startAttempt(let run), .retryLater(let run, _), .cancel(let run):
      entries[run.id, default: LedgerRun(run: run, boot: runner.boot)].run = run
      if case .startAttempt = action { entries[run.id]?.boot = runner.boot }
      if let entry = entries[run.id] { try transaction.update(entry) }
    case .forget(let run):
      entries[run.id] = nil
      try transaction.forget(run.id)
    case .finish(let run, let outcome, let reason):
      let entry = entries.removeValue(forKey: run.id) ?? LedgerRun(run: run, boot: runner.boot)
      let receipt = receipts.receipt(
        entry, outcome, reason: refusals[run.id] ?? reason ?? entry.attempts.last?.reason, at: clock.now)
      try spool(receipt, in: transaction)
    case .skip(let skipped): try spool(receipts.receipt(skipped, at: clock.now), in: transaction)
    case .disarm, .refuse, .note: break
    }
  }

  private func spool(_ receipt: Receipt, in transaction: LedgerTransaction) throws {
    let signed = try receipts.sign(receipt)
    try transaction.finish(
      receipt.run, attempts: receipt.attempts, line: signed.line, signature: signed.signatureLine,
      artifacts: Set(receipt.attempts.flatMap { $0.artifacts.map(\.digest) }))
  }

  /// In their order; but starting a process is mostly waiting, so what is to start is gathered and started together, before
  /// anything that could concern the same attempts.
  func perform(_ actions: [FiringAction]) {
    var starts: [ActiveRun] = []
    for action in actions {
      switch action {
      case .start(let run), .startAttempt(let run):
        starts.append(run)
        continue
      case .cancel, .disarm, .forget:
        launch(starts)
        starts = []
      case .retryLater, .enqueue, .finish, .skip, .refuse, .note: break
      }
      perform(action)
    }
    launch(starts)
  }

  private func perform(_ action: FiringAction) {
    switch action {
    case .start, .startAttempt: break
    case .retryLater(let run, let time):
      logger.info(
        "trying again later", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)", "at": "\(time)"])
    case .enqueue(let run):
      logger.info("waits for its turn", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)"])
      stateChanged.raise()
    case .finish(let run, let outcome, _):
      refusals[run.id] = nil
      logger.info("run ended", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)", "outcome": "\(outcome)"])
      spoolChanged.raise()
    case .skip(let skipped):
      logger.info(
        "did not run",
        metadata: [
          "job": "\(skipped.occurrence.job)", "nominal": "\(skipped.occurrence.nominal)", "why": "\(skipped.words)",
        ])
      spoolChanged.raise()
    case .cancel(let run):
      if fetches.end(run.attemptID) {
        failed(run.attemptID, .cancelled, "cancelled before it started")
      } else {
        runner.cancel(run.attemptID)
      }
    case .disarm(let run):
      if fetches.end(run.attemptID) { dismissed(run) } else { runner.disarm(run.attemptID) }
    case .forget(let run):
      runner.discard(run.attemptID)
      logger.info(
        "disarmed before it started", metadata: ["run": "\(run.id)", "job": "\(run.occurrence.job)"])
    case .refuse(let order, let reason):
      logger.warning("order refused", metadata: ["job": "\(order.job)", "reason": "\(reason)"])
    case .note(let text): logger.warning("\(text)")
    }
  }
}
