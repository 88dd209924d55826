import Git
public import Model
import Trust

extension ResultsWriter {
  /// How a push ended.
  public enum PushOutcome: Hashable, Sendable {
    /// Everything that was appended is at the remote.
    case pushed(PushReport)
    /// Another controller has claimed a higher epoch: this writer stops. What of ours had got through by then is in the
    /// report; the rest is the other's to write, and agents will deliver it there.
    case fenced(epoch: Int64, writer: String, PushReport)
    /// Somebody else was always faster. To be tried again after a random while.
    case contended(PushReport)
  }

  /// What a push found and did.
  public struct PushReport: Hashable, Sendable {
    /// The remote's tip as far as we know.
    public var commit: CommitID?
    /// Runs whose receipts are certainly committed AND at the remote: their agents may drop them.
    public var runs: Set<RunID> = []
    /// What others did to the branch, for the log.
    public var changes: [BranchChange] = []
    /// Receipts that could not be written again on the new tip.
    public var refused: [RefusedReceipt] = []
  }

  /// Something that somebody else did to the branch.
  public enum BranchChange: Hashable, Sendable, CustomStringConvertible {
    /// New commits were pushed on top of what we knew; they are kept.
    case foreignCommits(tip: CommitID)
    /// The branch was forced to another history. What we had not pushed yet was written again on its tip.
    case rewritten(from: CommitID, to: CommitID)
    /// The branch was deleted. It begins anew, with what we had not pushed yet.
    case deleted(was: CommitID)
    /// The branch now holds another key of an agent than before. The one known before stays in force here.
    case agentKeyChanged(AgentID)

    public var description: String {
      switch self {
      case .foreignCommits(let tip): "somebody else pushed to the results branch; its tip is \(tip.short) now"
      case .rewritten(let old, let new): "the results branch was rewritten from \(old.short) to \(new.short)"
      case .deleted(let old): "the results branch was deleted; it was at \(old.short)"
      case .agentKeyChanged(let agent): "somebody else put another key of agent \(agent) on the results branch"
      }
    }
  }

  /// Pushes what was appended. Never forced: when the remote's branch is elsewhere, its tip is fetched, what is not
  /// pushed yet is written again on it, and the push is tried again, a few times.
  ///
  /// Throws `notClaimed`, `fenced` (of an earlier call), or `git` (unreachable, authentication, …).
  public func push() throws(ResultsError) -> PushOutcome {
    let epoch = try requireEpoch()
    for _ in 0..<Self.attempts {
      if try pushOnce() {
        settle(state.pending.count)
        return .pushed(takeReport())
      }
      if let other = try refetch(epoch) {
        fencedBy = other
        return .fenced(epoch: other.epoch, writer: other.writer, takeReport())
      }
    }
    return .contended(takeReport())
  }

  /// Looks at where the remote's branch is, and puts our work on top of it when it has moved: a writer with nothing to
  /// push learns in this way only that another has taken over. Throws like ``push()``.
  public func look() throws(ResultsError) -> PushOutcome {
    let epoch = try requireEpoch()
    let tip = try overGit { () throws(GitError) in try Repository.remoteTip(of: branch, at: remote) }
    if tip != state.confirmed, let other = try refetch(epoch) {
      fencedBy = other
      return .fenced(epoch: other.epoch, writer: other.writer, takeReport())
    }
    return .pushed(takeReport())
  }

  /// False when the remote's branch is not where we believed it.
  private func pushOnce() throws(ResultsError) -> Bool {
    guard let head = state.head, head != state.confirmed else { return true }
    do throws(GitError) {
      try repository.push(head, to: branch, of: remote, expecting: state.confirmed)
    } catch  where error.kind == .nonFastForward {
      return false
    } catch {
      throw ResultsError(error)
    }
    state.confirmed = head
    return true
  }

  /// The first `count` pending batches are at the remote.
  private func settle(_ count: Int) {
    for done in state.pending.prefix(count) { state.report.runs.formUnion(done.runs) }
    state.pending.removeFirst(count)
  }

  private func takeReport() -> PushReport {
    var report = state.report
    report.commit = state.confirmed
    state.report = PushReport()
    return report
  }

  /// Looks at where the remote's branch is and puts our work on top of it. Gives back who fences us, if somebody does.
  private func refetch(_ epoch: Int64) throws(ResultsError) -> Trailers? {
    let old = state.confirmed
    let found = try overGit { () throws(GitError) in
      let tip = try fetchTip()
      return (tip: tip, trailers: try tip.flatMap { tip throws(GitError) in try newestTrailers(from: tip) })
    }
    guard let tip = found.tip else {
      try replay(onto: nil, epoch, old.map { .deleted(was: $0) })
      return nil
    }
    // The push may have arrived although its confirmation did not, or others may have built on it.
    settle(try overGit { () throws(GitError) in try arrivedBatches(in: tip) })
    if let other = found.trailers,
      other.epoch > epoch || (other.epoch == epoch && other.writer != trailers(epoch).writer)
    {
      state.confirmed = tip
      return other
    }
    if tip == state.head {
      state.confirmed = tip
    } else if tip != old {
      let change = try overGit { () throws(GitError) in try self.change(from: old, to: tip) }
      try replay(onto: tip, epoch, change)
    }
    return nil
  }

  private func change(from old: CommitID?, to tip: CommitID) throws(GitError) -> BranchChange {
    guard let old, try !repository.isAncestor(old, of: tip) else { return .foreignCommits(tip: tip) }
    return .rewritten(from: old, to: tip)
  }

  /// How many of the pending batches are in the history of a commit. A batch without a commit of its own is where the
  /// one before it is, as that is what it was compared with.
  private func arrivedBatches(in tip: CommitID) throws(GitError) -> Int {
    if tip == state.head { return state.pending.count }
    var count = 0
    for (index, batch) in state.pending.enumerated() {
      guard let commit = batch.commit else { continue }
      guard try repository.isAncestor(commit, of: tip) else { break }
      count = index + 1
    }
    return count
  }

  /// Forgets what was known of the branch, makes `tip` our head, and writes all pending batches again on it.
  private func replay(onto tip: CommitID?, _ epoch: Int64, _ change: BranchChange?) throws(ResultsError) {
    try changingState { () throws(ResultsError) in
      let batches = state.pending.map(\.batch)
      let names = state.names
      try overGit { () throws(GitError) in try state.stand(on: tip, in: repository) }
      switch change {
      case .rewritten, .deleted: state.restore(names: names)
      case .foreignCommits, .agentKeyChanged, nil: break
      }
      state.report.refused += try rewrite(batches, epoch)
      if let change { state.report.changes.append(change) }
      for (agent, key) in state.pins.sorted(by: { $0.key < $1.key }) {
        if let other = state.keysOnBranch[agent], other != key {
          state.report.changes.append(.agentKeyChanged(agent))
        }
      }
    }
  }
}
