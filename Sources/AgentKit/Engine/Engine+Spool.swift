import Execution
import Logging
import Model
import Planning
import Platform
import Trust

// Receipts on their way to the controller, and the artifacts that they list.
extension Engine {
  func acknowledged(_ runs: [RunID]) throws {
    CrashPoint.reach("agent.beforeAcknowledged")
    try settle(runs) { try $0.acknowledged(runs) }
    CrashPoint.reach("agent.acknowledged")
  }

  func rejected(_ receipts: [(run: RunID, reason: String)]) throws {
    guard !receipts.isEmpty else { return }
    for (run, reason) in receipts {
      logger.error("the controller will never commit a receipt", metadata: ["run": "\(run)", "reason": "\(reason)"])
    }
    try writeLedger { for (run, reason) in receipts { try $0.rejected(run, reason: reason, at: clock.now) } }
    removeSpareArtifacts()
    spoolChanged.raise()
    tellPutAside()
  }

  /// As long as there are receipts that the controller will never commit, people are told: something is wrong between
  /// the two.
  private func tellPutAside() {
    let count = (try? ledger.rejectedCount()) ?? 0
    let number = count == 1 ? "1 receipt was" : "\(count) receipts were"
    let words = count == 0 ? nil : "\(number) put aside, which the controller will never commit; see the agent's log"
    guard problems["put aside"] != words else { return }
    problems["put aside"] = words
    stateChanged.raise()
  }

  func spooled(after number: Int64, limit: Int) throws -> [SpooledReceipt] {
    try ledger.spooled(after: number, limit: limit)
  }

  // MARK: - Artifacts

  func artifactOffers(except runs: Set<RunID>, limit: Int) throws -> [SpooledReceipt] {
    try ledger.artifactOffers(except: runs, limit: limit)
  }

  func owesArtifact(_ digest: Digest) throws -> Bool { try ledger.owesArtifact(digest) }

  func runs(owing digest: Digest) throws -> Set<RunID> { try ledger.runs(owing: digest) }

  /// A run's artifacts are with the controller, or will never be.
  func artifactsReceived(_ run: RunID) throws {
    try settle([run]) { try $0.received(artifactsOf: run) }
  }

  /// Writes something about runs down after which artifacts may be needed by nobody any more, and removes those.
  private func settle(_ runs: [RunID], _ write: (LedgerTransaction) throws -> Void) throws {
    let owed = try ledger.owedArtifacts(of: runs)
    try writeLedger(write)
    for digest in owed where try !ledger.owesArtifact(digest) && !isHeld(digest) { try artifacts?.remove([digest]) }
    spoolChanged.raise()
  }

  /// Whether a run that is going has given it back and its receipt is still to be made.
  private func isHeld(_ digest: Digest) -> Bool {
    entries.values.contains { $0.attempts.contains { $0.artifacts.contains { $0.digest == digest } } }
  }

  /// Removes from the spool what nothing needs: what an agent that died took in and had not written down.
  func removeSpareArtifacts() {
    guard let artifacts else { return }
    do {
      let held = entries.values.flatMap { $0.attempts.flatMap { $0.artifacts.map(\.digest) } }
      try artifacts.collect(keeping: try ledger.owedArtifacts().union(held))
    } catch {
      logger.warning("old artifacts cannot be removed", metadata: ["reason": "\(error)"])
    }
  }

  /// Whether any artifact is still to be received.
  var owesArtifacts: Bool { (try? ledger.owedArtifacts().isEmpty) == false }

  func spoolCount() -> Int { (try? ledger.spoolCount()) ?? 0 }

  /// Forgets old runs whose receipts are gone, and of the others so many that the ledger has its size.
  func tidy() throws {
    removeSpareArtifacts()
    runner.tidy()
    let now = clock.now
    let week = now - .seconds(7 * 86_400)
    try writeLedger {
      try $0.forgetRuns(before: week)
      try $0.forgetRejected(before: now - LedgerTransaction.rejectedAge, now: now)
      try $0.forgetCrashes(
        before: now - QuarantineRule.window, quarantines: week, except: Set(machine.installedBundles))
    }
    try shrinkLedger()
    tellPutAside()
  }
}
