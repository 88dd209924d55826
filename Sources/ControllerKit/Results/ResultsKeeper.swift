import Git
import Logging
import Model
import Platform
import Results
import Trust
import Wire

/// Takes receipts in, has them committed and pushed, and knows which agents may forget which. It answers at once, however
/// long the remote takes: what blocks is in ``ResultsBranch``.
///
/// ``commit(overview:)``, ``push()`` and ``look()`` are called by one loop, one after the other; receipts come in between.
actor ResultsKeeper {
  /// Receipts held in memory at the most. Agents keep what is not taken and send it again when told.
  private static let capacity = 50_000
  /// And bytes of them and their logs.
  private static let byteCapacity = 256 << 20

  private let branch: ResultsBranch
  private let clock: WallClock
  private let logger: Logger
  /// Raised when there is enough for a commit at once.
  let full: Signal
  private var facts = ResultsBranch.Facts()
  private var queue: [ReceiptDelivery] = []
  private var queuedBytes = 0
  private var newKeys: [AgentID: PublicKey] = [:]
  /// When the overview was last worked out.
  private var overviewed: Timestamp?
  /// Which agents wait for the acknowledgement of a run.
  private var senders: [RunID: AgentID] = [:]
  /// Agents whose receipts were not taken for want of room.
  private var turnedAway: Set<AgentID> = []
  private(set) var recent = RecentRuns()
  /// Why nothing is being written; nil when all is well.
  private(set) var trouble: String?
  private(set) var fence: String?
  private(set) var pushed: CommitID?

  init(branch: ResultsBranch, clock: WallClock, full: Signal, logger: Logger) {
    self.branch = branch
    self.clock = clock
    self.full = full
    self.logger = logger
  }

  /// Receipts that are not pushed yet.
  var pending: Int { queue.count + facts.unpushedReceipts }

  /// Claims the next epoch, `atLeast` or higher, and reads what the branch knows of the last while.
  func claim(atLeast: Int64) async throws -> Int64 {
    let (claim, latest, facts) = try await branch.claim(atLeast: atLeast)
    self.facts = facts
    pushed = claim.commit
    if claim.replacedControllerKey {
      logger.warning("the results branch had another controller's key; it has this one's now")
    }
    for receipt in latest.reversed() { recent.add(receipt, commit: claim.commit) }
    return claim.epoch
  }

  /// The key on record for an agent.
  func key(of agent: AgentID) -> PublicKey? { newKeys[agent] ?? facts.agentKeys[agent] }

  /// Puts an agent's key on record with the next commit, when there is none; gives back the one on record.
  func pin(_ key: PublicKey, for agent: AgentID) -> PublicKey {
    if let known = self.key(of: agent) { return known }
    newKeys[agent] = key
    full.raise()
    return key
  }

  /// What became of a delivery.
  enum Reception: Sendable {
    case taken
    /// Never to be committed.
    case rejected(RunID?, String)
  }

  /// Checks a delivery and puts it into the next commit.
  func receive(_ delivery: Belfry_V1_ReceiptDelivery, from agent: AgentID, key: PublicKey) -> Reception {
    guard pending < Self.capacity, queuedBytes + facts.unpushedBytes < Self.byteCapacity, fence == nil else {
      turnedAway.insert(agent)
      return .taken
    }
    let signed: Signed<Receipt>
    do throws(TrustError) {
      signed = try verifyReceipt(
        line: Array(delivery.line), signatureLine: Array(delivery.signature), key: key, agent: agent)
    } catch {
      return .rejected(Self.claimedRun(delivery), "\(error)")
    }
    let receipt = signed.value
    guard max(receipt.occurrence.nominal, receipt.ended) < clock.now + .seconds(86_400) else {
      return .rejected(receipt.run, "it lies more than a day in the future: the agent's clock or this one is wrong")
    }
    // Sent again on a new stream while it waits here for the remote: once is enough.
    guard senders[receipt.run] == nil else { return .taken }
    return accept(signed, delivery, from: agent)
  }

  /// Which run a delivery that cannot be verified speaks of, so that the agent stops sending it. Not trusted.
  private static func claimedRun(_ delivery: Belfry_V1_ReceiptDelivery) -> RunID? {
    let json = try? JSONValue(parsing: Array(delivery.line), limit: Receipt.payloadLimit)
    return (json?["predicate"]?["run"]?.stringValue).flatMap { try? RunID($0) }
  }

  private func accept(
    _ signed: Signed<Receipt>, _ delivery: Belfry_V1_ReceiptDelivery, from agent: AgentID
  ) -> Reception {
    let logs = Dictionary(
      delivery.logs.map { (Int($0.attempt), Array($0.data)) }, uniquingKeysWith: { first, _ in first })
    for attempt in signed.value.attempts {
      guard let digest = attempt.log.digest, let data = logs[attempt.number] else { continue }
      guard data.count <= ReceiptDelivery.logLimit, SHA256.hash(data) == digest else {
        return .rejected(signed.value.run, "the log of attempt \(attempt.number) is not the one that was signed")
      }
    }
    let known = Set(signed.value.attempts.compactMap { $0.log.digest == nil ? nil : $0.number })
    let accepted = ReceiptDelivery(signed: signed, logs: logs.filter { known.contains($0.key) })
    queue.append(accepted)
    queuedBytes += Self.size(accepted)
    senders[signed.value.run] = agent
    recent.add(signed.value)
    CrashPoint.reach("controller.received")
    if queue.count >= 1_000 { full.raise() }
    return .taken
  }

  private static func size(_ delivery: ReceiptDelivery) -> Int {
    delivery.signed.line.count + delivery.logs.values.reduce(0) { $0 + $1.count }
  }

  var hasNews: Bool { !queue.isEmpty || !newKeys.isEmpty }
  /// Whether the page should be rendered with the next commit: at most once a minute, since it looks at all jobs.
  var isOverviewDue: Bool {
    guard !queue.isEmpty else { return false }
    return overviewed.map { clock.now - $0 >= .seconds(60) || clock.now < $0 } ?? true
  }

  /// Commits what has come. Throws a `ResultsError`; everything is kept then. Gives back what will never be committed.
  ///
  /// `overview` is asked for only now and then, see ``isOverviewDue``.
  func commit(overview: Overview?) async throws -> [AgentID: [(RunID, String)]] {
    let batch = queue
    let keys = newKeys
    guard let (outcome, facts) = try await branch.append(batch, newAgentKeys: keys, overview: overview) else {
      return [:]
    }
    // What came in meanwhile stands behind the batch.
    queue.removeFirst(batch.count)
    queuedBytes -= batch.reduce(0) { $0 + Self.size($1) }
    for agent in keys.keys { newKeys[agent] = nil }
    self.facts = facts
    if overview != nil { overviewed = clock.now }
    for problem in outcome.problems { logger.warning("\(problem)") }
    var rejected: [AgentID: [(RunID, String)]] = [:]
    for refused in outcome.refused {
      logger.error("receipt refused", metadata: ["reason": "\(refused)"])
      if let agent = senders.removeValue(forKey: refused.run) {
        rejected[agent, default: []].append((refused.run, "\(refused)"))
      }
    }
    return rejected
  }

  /// Pushes what is committed. Gives back which agents may forget which runs.
  func push() async throws -> [AgentID: [RunID]] { try await settle(push: true) }

  /// Looks whether somebody else has written the branch. Gives back which agents may forget which runs.
  func look() async throws -> [AgentID: [RunID]] { try await settle(push: false) }

  private func settle(push: Bool) async throws -> [AgentID: [RunID]] {
    guard let (outcome, facts) = try await branch.settle(push: push) else { return [:] }
    self.facts = facts
    switch outcome {
    case .pushed(let report), .contended(let report): return settle(report)
    case .fenced(let epoch, let other, let report):
      fence = "another controller (\(other)) has taken over with epoch \(epoch)"
      return settle(report)
    }
  }

  private func settle(_ report: ResultsWriter.PushReport) -> [AgentID: [RunID]] {
    for change in report.changes { logger.warning("\(change)") }
    if let commit = report.commit {
      pushed = commit
      recent.committed(report.runs, in: commit)
    }
    var acknowledged: [AgentID: [RunID]] = [:]
    for run in report.runs {
      if let agent = senders.removeValue(forKey: run) { acknowledged[agent, default: []].append(run) }
    }
    return acknowledged
  }

  var hasUnpushed: Bool { facts.unpushedReceipts > 0 || facts.localTip != pushed }

  /// Agents that may send again what was not taken.
  func takeTurnedAway() -> Set<AgentID> {
    guard pending < Self.capacity / 2 else { return [] }
    defer { turnedAway = [] }
    return turnedAway
  }

  func troubled(_ reason: String?) { trouble = reason }
}
