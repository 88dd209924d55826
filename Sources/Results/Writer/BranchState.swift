import Git
import Model
import Trust

/// What a writer knows of the branch. A value, so that a step that fails half-way can be undone by putting the old
/// one back.
struct BranchState {
  /// What is written in one commit.
  struct Batch {
    var deliveries: [ReceiptDelivery]
    var newAgentKeys: [AgentID: PublicKey]
    var newAgentNames: [AgentID: AgentName]
    var overview: Overview?
    var now: Timestamp

    var bytes: Int {
      deliveries.reduce(0) { $0 + $1.signed.line.count * 2 + $1.logs.values.reduce(0) { $0 + $1.count } }
    }
  }

  /// A batch that is committed here (or needed no commit) and not known to be at the remote.
  struct Pending {
    var batch: Batch
    /// Nil when everything in it stood on the branch already.
    var commit: CommitID?
    /// All runs whose receipts are on the branch once the batch is pushed.
    var runs: Set<RunID>
  }

  /// Where we add the next commit; nil while there is no branch at all.
  var head: CommitID?
  /// Where the remote's branch was when we last saw it.
  var confirmed: CommitID?
  var pending: [Pending] = []
  /// What the next push that ends without an error reports: a failure half-way must not lose the news that receipts had
  /// arrived before it.
  var report = ResultsWriter.PushReport()
  var pages: PageCache
  /// Agents that have a key at our head, and which.
  var keysOnBranch: [AgentID: PublicKey] = [:]
  /// The first key seen of every agent, whatever happened to the branch since.
  var pins: [AgentID: PublicKey] = [:]

  /// The names that agents have and had, the present one first. Unlike keys they are what the branch says: a commit that
  /// takes a file away releases the name.
  var names: [AgentID: [AgentName]] = [:]
  /// Agents whose names somebody took away by rewriting or deleting the branch, which releases nothing.
  var missingNames: Set<AgentID> = []

  /// Keys that somebody took away by rewriting or deleting the branch.
  var missingKeys: [AgentID: PublicKey] { pins.filter { keysOnBranch[$0.key] == nil } }

  /// Forgets what was known of the branch and stands on another tip of it, with nothing pending.
  mutating func stand(on tip: CommitID?, in repository: Repository) throws(GitError) {
    head = tip
    confirmed = tip
    pending = []
    pages = PageCache(recordLimit: pages.recordLimit)
    keysOnBranch =
      try tip.map { tip throws(GitError) in
        try BranchTree(repository: repository, commit: tip).agentKeys()
      } ?? [:]
    pins.merge(keysOnBranch) { old, _ in old }
    names =
      try tip.map { tip throws(GitError) in
        try BranchTree(repository: repository, commit: tip).agentNames()
      } ?? [:]
    missingNames = []
  }

  /// Puts back the names that a rewritten or deleted branch has lost.
  mutating func restore(names before: [AgentID: [AgentName]]) {
    missingNames = Set(before.keys.filter { names[$0] == nil })
    names.merge(before) { branch, _ in branch }
  }
}
