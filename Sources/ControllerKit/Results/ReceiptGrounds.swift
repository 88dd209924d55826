import Model
import Planning

/// On what grounds an agent may write under a job. An agent that has proven its key can sign whatever it likes, and
/// must not be able to write history for jobs that are none of its business; and an honest receipt must be taken
/// whatever this controller has forgotten, since it can lose its disk while agents go on.
///
/// First match wins:
///
/// | what is known | verdict |
/// | --- | --- |
/// | the bundle was assigned as another job's | no |
/// | this controller has assigned the job to the agent | yes |
/// | the job is desired now, and its targets admit the agent's name | yes |
/// | the results branch has a receipt of the agent for the job | yes |
/// | the source's history has the job at the commit that the receipt names, and its targets admit the name | yes |
/// | the source or its history cannot be read at this moment | not now: the agent keeps the receipt and is asked again |
/// | otherwise | no: the agent puts the receipt aside for people |
///
/// Labels play no part: they are the agent's own word, and it may have had others when the job was assigned to it. Neither
/// does the bundle have to be rebuilt: moving the source's URL changes every bundle, and receipts of the old ones are
/// honest all the same.
struct ReceiptGrounds: Sendable {
  enum Verdict: Hashable, Sendable {
    case yes
    case notNow
    case no(String)
  }

  let fleet: Fleet
  let source: SourceState
  let keeper: ResultsKeeper
  let history: SourceHistory

  /// `names` are all that the agent has and had.
  func judge(_ receipt: Receipt, names: [AgentName]) async -> Verdict {
    let job = receipt.occurrence.job
    let agent = receipt.agent
    if let other = await fleet.job(ofBundle: receipt.bundle), other != job {
      return .no("its bundle is one of \(other) and not of \(job)")
    }
    if await fleet.hasAssigned(job, to: agent) { return .yes }
    if let targets = await source.desired.jobs[job]?.job.targets, targets.admit(names) { return .yes }
    if await keeper.hasReceipt(of: job, from: agent) { return .yes }
    switch await history.targets(of: job, at: receipt.commit) {
    case .found(let targets) where targets.admit(names): return .yes
    case .notNow: return .notNow
    case .found: return .no("\(job) was never meant for this agent at \(receipt.commit.short)")
    case .absent:
      // Until the source was read, an empty mirror says nothing about what there was.
      guard await source.commit != nil else { return .notNow }
      return .no("nothing says that \(job) was ever assigned to this agent")
    }
  }
}

extension Targets {
  /// Whether they let an agent have the job that has one of the names, with some labels.
  func admit(_ names: [AgentName]) -> Bool { agents.map { !Set($0).isDisjoint(with: names) } ?? true }
}
