import Git
import Model
import Platform
import Results
import Trust

/// The results branch and its only writer here. All its calls block, for as long as the remote takes, so it has a thread
/// of its own; whoever must answer agents meanwhile asks ``ResultsKeeper``.
actor ResultsBranch {
  private let executor = BlockingExecutor(label: "belfry.results")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// What others may know of the writer without waiting for it.
  struct Facts: Sendable {
    var unpushedReceipts = 0
    var unpushedBytes = 0
    var localTip: CommitID?
    var agentKeys: [AgentID: PublicKey] = [:]
    var agentNames: [AgentID: [AgentName]] = [:]
  }

  private let folder: String
  private let configuration: ControllerConfiguration.Results
  private let identity: ResultsWriter.Identity
  private let clock: WallClock
  private var writer: ResultsWriter?

  init(
    folder: String, configuration: ControllerConfiguration.Results, identity: ResultsWriter.Identity, clock: WallClock
  ) {
    self.folder = folder
    self.configuration = configuration
    self.identity = identity
    self.clock = clock
  }

  /// Claims the next epoch, `atLeast` or higher, and reads the branch's latest receipts, newest first.
  func claim(atLeast: Int64) throws -> (claim: ResultsWriter.Claim, latest: [Receipt], facts: Facts) {
    let repository = try Repository.openOrCreateBare(at: folder)
    repository.removeReferenceLocks()
    let writer = ResultsWriter(
      repository: repository, remote: configuration.remote, branch: configuration.branch, identity: identity)
    let claim = try writer.claimEpoch(atLeast: atLeast, now: clock.now)
    self.writer = writer
    CrashPoint.reach("controller.claimed")
    let reader = ResultsReader(repository: repository, commit: claim.commit)
    let history = try reader.history(HistoryQuery(limit: 2_000, fileLimit: 2_000))
    return (claim, history.receipts.map(\.receipt), facts(of: writer))
  }

  /// Commits a batch. Nil before the claim.
  func append(
    _ batch: [ReceiptDelivery], newAgentKeys: [AgentID: PublicKey], newAgentNames: [AgentID: AgentName],
    overview: Overview?
  ) throws -> (outcome: ResultsWriter.AppendOutcome, facts: Facts)? {
    guard let writer else { return nil }
    let outcome = try writer.append(
      batch, newAgentKeys: newAgentKeys, newAgentNames: newAgentNames, overview: overview, now: clock.now)
    CrashPoint.reach("controller.committed")
    return (outcome, facts(of: writer))
  }

  /// Pushes, or without `push` only looks whether somebody else has written the branch. Nil before the claim.
  func settle(push: Bool) throws -> (outcome: ResultsWriter.PushOutcome, facts: Facts)? {
    guard let writer else { return nil }
    let outcome = try push ? writer.push() : writer.look()
    CrashPoint.reach("controller.pushed")
    return (outcome, facts(of: writer))
  }

  private func facts(of writer: ResultsWriter) -> Facts {
    Facts(
      unpushedReceipts: writer.unpushedReceipts, unpushedBytes: writer.unpushedBytes, localTip: writer.localTip,
      agentKeys: writer.agentKeys, agentNames: writer.agentNames)
  }
}
