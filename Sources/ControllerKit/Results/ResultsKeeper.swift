import Git
import Logging
import Model
import Platform
import Results
import Trust

/// Takes receipts in, has them committed and pushed, and knows which agents may forget which. It answers at once, however
/// long the remote takes: what blocks is in ``ResultsBranch``.
///
/// ``commit(overview:)``, ``push()`` and ``look()`` are called by one loop, one after the other; receipts come in between.
actor ResultsKeeper {
  /// Receipts held in memory at the most. Agents keep what is not taken and send it again when told.
  private static let capacity = 50_000
  /// And bytes of them and their logs.
  private static let byteCapacity = 256 << 20
  /// From so many on they are not kept waiting.
  private static let muchPending = 1_000

  private let branch: ResultsBranch
  private let clock: WallClock
  private let logger: Logger
  /// Raised when there is enough for a commit at once.
  let full: Signal
  private var facts = ResultsBranch.Facts()
  private var queue: [ReceiptDelivery] = []
  private var queuedBytes = 0
  private var records: AgentRecords
  /// When the overview was last worked out.
  private var overviewed: Timestamp?
  /// Which agents wait for the acknowledgement of a run.
  private var senders: [RunID: AgentID] = [:]
  private var shares: [AgentID: Share] = [:]
  /// Agents that will soon send no more before there is a push, see ``Share/isPressing``.
  private var pressing: Set<AgentID> = []
  /// Agents whose receipts were not taken for want of room.
  private var turnedAway: Set<AgentID> = []
  private(set) var recent = RecentRuns()
  private(set) var logs = RecentLogs()
  /// Why nothing is being written; nil when all is well.
  private(set) var trouble: String?
  private(set) var fence: String?
  private(set) var pushed: CommitID?

  init(branch: ResultsBranch, bindsNames: Bool = true, clock: WallClock, full: Signal, logger: Logger) {
    records = AgentRecords(bindsNames: bindsNames)
    self.branch = branch
    self.clock = clock
    self.full = full
    self.logger = logger
  }

  /// Receipts that are not pushed yet.
  var pending: Int { queue.count + facts.unpushedReceipts }

  /// Whether enough has come for a push before its time. At its own pace alone one agent with many short jobs could
  /// deliver no more than a window of receipts with each push, and its spool would grow for ever.
  var isPushUrgent: Bool { pending >= Self.muchPending || !pressing.isEmpty }

  /// Claims the next epoch, `atLeast` or higher, and reads what the branch knows of the last while.
  func claim(atLeast: Int64) async throws -> Int64 {
    let (claim, latest, facts) = try await branch.claim(atLeast: atLeast)
    learn(facts)
    pushed = claim.commit
    // Where agents are new each time, as with `belfry dev`, so is the controller's key.
    if claim.replacedControllerKey, records.bindsNames {
      logger.warning("the results branch had another controller's key; it has this one's now")
    }
    for receipt in latest.reversed() { recent.add(receipt, commit: claim.commit) }
    return claim.epoch
  }

  // MARK: - Agents

  /// The key on record for an agent.
  func key(of agent: AgentID) -> PublicKey? { records.key(of: agent) }

  /// All names under which an agent may deliver receipts, the present one first.
  func names(of agent: AgentID) -> [AgentName] { records.names(of: agent) }

  /// Whether an agent may come as it says. Changes nothing.
  func judge(_ agent: AgentID, name: AgentName, key: PublicKey) throws(AgentRecords.Refused) {
    try records.judge(agent, name: name, key: key)
  }

  /// Puts a proven agent's key and name on record with the next commit, where there is none.
  func admit(_ agent: AgentID, name: AgentName, key: PublicKey) throws(AgentRecords.Refused) {
    try records.admit(agent, name: name, key: key)
    if records.hasNews { full.raise() }
  }

  // MARK: - Receipts

  /// Whether there is room for another receipt of the agent. If not, it will be asked for all of them once more.
  func hasRoom(for agent: AgentID) -> Bool {
    let share = shares[agent] ?? Share()
    guard pending < Self.capacity, queuedBytes + facts.unpushedBytes < Self.byteCapacity, fence == nil,
      share.runs.count < Share.runsLimit, share.bytes < Share.byteLimit
    else {
      turnAway(agent)
      return false
    }
    return true
  }

  /// Has the agent asked for its receipts once more, later.
  func turnAway(_ agent: AgentID) { turnedAway.insert(agent) }

  /// Sent again on a new stream while it waits here for the remote: once is enough.
  func isWaiting(_ run: RunID) -> Bool { senders[run] != nil }

  /// Whether a receipt of the agent for the job is on the branch or on its way there, as far back as memory goes.
  func hasReceipt(of job: JobName, from agent: AgentID) -> Bool { recent.latest[job]?[agent] != nil }

  /// Puts a delivery that is checked into the next commit.
  func take(_ delivery: ReceiptDelivery) {
    let receipt = delivery.signed.value
    guard senders[receipt.run] == nil else { return }
    queue.append(delivery)
    queuedBytes += delivery.bytes
    senders[receipt.run] = receipt.agent
    shares[receipt.agent, default: Share()].add(receipt.run, delivery.bytes)
    logs.add(delivery.logs, of: receipt.run)
    recent.add(receipt)
    CrashPoint.reach("controller.received")
    let isPressing = shares[receipt.agent]?.isPressing == true && pressing.insert(receipt.agent).inserted
    if queue.count >= Self.muchPending || isPressing { full.raise() }
  }

  /// A receipt waits no more: it is pushed, or never will be.
  private func forget(_ run: RunID) -> AgentID? {
    guard let agent = senders.removeValue(forKey: run) else { return nil }
    shares[agent]?.remove(run)
    if shares[agent]?.isPressing != true { pressing.remove(agent) }
    if shares[agent]?.runs.isEmpty == true { shares[agent] = nil }
    return agent
  }

  // MARK: - Commits and pushes

  var hasNews: Bool { !queue.isEmpty || records.hasNews }
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
    let keys = records.newKeys
    let names = records.newNames
    guard
      let (outcome, facts) = try await branch.append(
        batch, newAgentKeys: keys, newAgentNames: names, overview: overview)
    else { return [:] }
    // What came in meanwhile stands behind the batch.
    queue.removeFirst(batch.count)
    queuedBytes -= batch.reduce(0) { $0 + $1.bytes }
    records.written(keys: keys.keys, names: names.keys)
    learn(facts)
    if overview != nil { overviewed = clock.now }
    for problem in outcome.problems { logger.warning("\(problem)") }
    var rejected: [AgentID: [(RunID, String)]] = [:]
    for refused in outcome.refused {
      logger.error("receipt refused", metadata: ["reason": "\(refused)"])
      if let agent = forget(refused.run) {
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
    learn(facts)
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
      if let agent = forget(run) { acknowledged[agent, default: []].append(run) }
    }
    return acknowledged
  }

  var hasUnpushed: Bool { facts.unpushedReceipts > 0 || facts.localTip != pushed }

  /// Agents that may send again what was not taken.
  func takeTurnedAway() -> Set<AgentID> {
    guard pending < Self.capacity / 2 else { return [] }
    // Those who still use their share would only be turned away again.
    let ready = turnedAway.filter { agent in shares[agent].map(\.hasDrained) ?? true }
    turnedAway.subtract(ready)
    return ready
  }

  private func learn(_ facts: ResultsBranch.Facts) {
    self.facts = facts
    records.learned(keys: facts.agentKeys, names: facts.agentNames)
  }

  func troubled(_ reason: String?) { trouble = reason }
}
