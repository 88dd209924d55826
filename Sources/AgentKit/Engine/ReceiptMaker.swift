import Model
import Planning
import Trust

/// Turns what happened into receipts with this agent's name and signature.
struct ReceiptMaker: Sendable {
  let identity: AgentIdentity

  func receipt(_ entry: LedgerRun, _ outcome: Outcome, reason: String?, at now: Timestamp) -> Receipt {
    let run = entry.run
    var attempts = entry.attempts
    if case .ran(let state) = outcome, attempts.isEmpty {
      // Cancelled while it waited for its turn, or before its instant.
      attempts = [
        Receipt.Attempt(
          number: 1, started: now, ended: now, state: state, reason: reason ?? "cancelled before it started")
      ]
    }
    var receipt = Receipt(
      run: run.id, occurrence: run.occurrence, agent: identity.id, agentName: identity.name, bundle: run.bundle,
      commit: run.commit, outcome: outcome, reason: reason, started: attempts.first?.started,
      ended: attempts.last?.ended ?? now, attempts: attempts)
    receipt.person = run.person
    receipt.shorten()
    return receipt
  }

  func receipt(_ skipped: SkippedOccurrences, at now: Timestamp) -> Receipt {
    let count = skipped.count > 1 && !skipped.isCountExact ? "; at least \(skipped.count) occurrences" : ""
    return Receipt(
      run: skipped.run, occurrence: skipped.occurrence, agent: identity.id, agentName: identity.name,
      bundle: skipped.bundle, commit: skipped.commit, outcome: .skipped(skipped.reason), reason: skipped.words + count,
      ended: now, count: skipped.count, firstNominal: skipped.firstNominal)
  }

  func sign(_ receipt: Receipt) throws(TrustError) -> Signed<Receipt> { try identity.key.sign(receipt) }
}
