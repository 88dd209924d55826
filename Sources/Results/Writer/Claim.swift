import Git
public import Model
import Trust

extension ResultsWriter {
  /// What a claim found.
  public struct Claim: Hashable, Sendable {
    public var epoch: Int64
    public var commit: CommitID
    /// The branch did not exist.
    public var isNewBranch: Bool
    /// The controller that wrote before, as it called itself, and its epoch; nil when there was none.
    public var previousWriter: String?
    public var previousEpoch: Int64?
    /// Another key stood in `controller.pem`: the controller's key was changed, or somebody else wrote.
    public var replacedControllerKey: Bool
  }

  /// Takes the branch over: pushes a commit with the next epoch, which changes no file (but for what a new branch or a
  /// new key needs). The compare-and-swap of the push makes the claim exclusive, and every earlier writer finds out
  /// with its next push.
  ///
  /// `atLeast` is the lowest epoch to take, for when agents have seen a higher one than the branch tells.
  /// Receipts that were appended and not pushed stay so. Throws `contended` or `git`; may be called again, also after
  /// having been fenced.
  public func claimEpoch(atLeast: Int64 = 1, now: Timestamp) throws(ResultsError) -> Claim {
    for _ in 0..<Self.attempts {
      let tip = try overGit { () throws(GitError) in try fetchTip() }
      if let claim = try claim(on: tip, atLeast: atLeast, now: now) {
        try settle(after: claim)
        return claim
      }
    }
    throw ResultsError(.contended, "the results branch moved \(Self.attempts) times while it was being claimed")
  }

  private func settle(after claim: Claim) throws(ResultsError) {
    epoch = claim.epoch
    fencedBy = nil
    try changingState { () throws(ResultsError) in
      let batches = state.pending.map(\.batch)
      try overGit { () throws(GitError) in try state.stand(on: claim.commit, in: repository) }
      _ = try rewrite(batches, claim.epoch)
    }
  }

  /// How often a push that came too late is tried again within one call.
  static var attempts: Int { 5 }

  /// Nil when somebody else pushed in between.
  private func claim(on tip: CommitID?, atLeast: Int64, now: Timestamp) throws(ResultsError) -> Claim? {
    let previous = try overGit { () throws(GitError) in
      try tip.flatMap { tip throws(GitError) in try newestTrailers(from: tip) }
    }
    let tree = tip.map { BranchTree(repository: repository, commit: $0) }
    let known = try overGit { () throws(GitError) in try tree?.key(ResultsLayout.controllerKey) }
    let epoch = max(atLeast, (previous?.epoch ?? 0) + 1)
    var edits = tip == nil ? firstFiles : []
    if tip != nil, known != identity.key.publicKey { edits.append(controllerKeyFile) }
    let message =
      "results: \(TerminalText.neutralised(identity.writer)) takes over as epoch \(epoch)\n\n" + trailers(epoch).text
    let commit = try commit(edits, on: tip, message: message, now: now)
    do throws(GitError) {
      try repository.push(commit, to: branch, of: remote, expecting: tip)
    } catch  where error.kind == .nonFastForward {
      return nil
    } catch {
      throw ResultsError(error)
    }
    return Claim(
      epoch: epoch, commit: commit, isNewBranch: tip == nil, previousWriter: previous?.writer,
      previousEpoch: previous?.epoch, replacedControllerKey: known != nil && known != identity.key.publicKey)
  }

  /// What a branch without any history begins with.
  var firstFiles: [BatchPlan.Edit] {
    [
      controllerKeyFile,
      BatchPlan.Edit(path: ResultsLayout.overview, bytes: OverviewPage.empty(source: identity.source)),
    ]
  }

  private var controllerKeyFile: BatchPlan.Edit {
    BatchPlan.Edit(path: ResultsLayout.controllerKey, bytes: Array(identity.key.publicKey.pem.utf8))
  }
}
