public import Git
public import Model
public import Trust

/// Writes the results branch: the only writer there is, as long as no other controller claims a higher epoch.
///
/// The order of calls is ``claimEpoch(atLeast:now:)``, then ``append(_:newAgentKeys:overview:now:)`` as often as there
/// are receipts and ``push()`` from time to time. What has been appended is known to be safe when a push says so,
/// and agents are to be told then, not before. After an error everything stays as it was and the call can be repeated.
///
/// Not `Sendable`, as its repository is not; all its calls block.
public final class ResultsWriter {
  /// Who writes, and where.
  public struct Identity: Sendable {
    /// Unique to this controller process or host, one line; it stands in every commit.
    public var writer: String
    /// Where the desired state comes from, for people, without passwords; it stands in every commit and on the
    /// overview.
    public var source: String
    /// Signs the commits.
    public var key: SigningKey
    /// Author and committer of the commits.
    public var name: String
    public var email: String

    public init(
      writer: String, source: String, key: SigningKey, name: String = "Belfry", email: String = "belfry@localhost"
    ) {
      self.writer = writer
      self.source = source
      self.key = key
      self.name = name
      self.email = email
    }
  }

  let repository: Repository
  let remote: Remote
  let branch: String
  let identity: Identity

  /// Nil until it was claimed.
  public internal(set) var epoch: Int64?
  /// Set when a higher epoch was seen.
  var fencedBy: Trailers?
  var state: BranchState

  /// `repository` is a local one to work in, any will do; the branch itself is at `remote`. Writes nothing yet.
  public init(
    repository: Repository, remote: Remote, branch: String = ResultsReader.defaultBranch, identity: Identity,
    recordLimit: Int = 10_000
  ) {
    self.repository = repository
    self.remote = remote
    self.branch = branch
    self.identity = identity
    state = BranchState(pages: PageCache(recordLimit: recordLimit))
  }

  /// Receipts that are appended and not known to be pushed. The caller stops taking more when there are too many.
  public var unpushedReceipts: Int { state.pending.reduce(0) { $0 + $1.batch.deliveries.count } }

  /// Bytes that they and their logs hold in memory, about.
  public var unpushedBytes: Int { state.pending.reduce(0) { $0 + $1.batch.bytes } }

  /// The latest commit made here, pushed or not; a ``ResultsReader`` of the same repository can read it.
  public var localTip: CommitID? { state.head }

  /// The keys of all agents as they were first seen on the branch or given: what the controller holds agents to.
  public var agentKeys: [AgentID: PublicKey] { state.pins }

  /// The names that agents have and had, the present one first: as the branch says, and what waits to be written there.
  public var agentNames: [AgentID: [AgentName]] { state.names }

  /// References that keep our commits, and what was fetched, from git's garbage collection.
  var writingReference: String { "refs/belfry/writing/\(branch)" }
  var fetchedReference: String { "refs/belfry/fetched/\(branch)" }

  /// The tip of the branch at the remote, fetched; nil when there is no branch.
  func fetchTip() throws(GitError) -> CommitID? {
    do {
      return try repository.fetch(branch, from: remote, into: fetchedReference).tip
    } catch  where error.kind == .notFound || error.kind == .empty {
      // A repository that does not exist is "not found" as well; pushing to it then says so.
      return nil
    }
  }

  /// Makes a commit on `parent` and keeps it from being collected.
  func commit(_ edits: [BatchPlan.Edit], on parent: CommitID?, message: String, now: Timestamp) throws(ResultsError)
    -> CommitID
  {
    let key = identity.key
    let batch = BatchCommit(
      files: edits.map { ($0.path, $0.bytes) }, parent: parent, message: message,
      author: GitSignature(name: identity.name, email: identity.email, time: now),
      sign: { try SSHSignature.sign($0, key: key) })
    do {
      let now = try repository.tip(ofReference: writingReference)
      return try repository.commit(batch, updating: writingReference, expecting: now)
    } catch let error as GitError {
      throw ResultsError(error)
    } catch {
      throw ResultsError(.git, "cannot sign a commit: \(error)")
    }
  }

  /// Does something to the state, all of it or, when it throws, nothing.
  func changingState<Value>(_ body: () throws(ResultsError) -> Value) throws(ResultsError) -> Value {
    let before = state
    do {
      return try body()
    } catch {
      state = before
      throw error
    }
  }

  func trailers(_ epoch: Int64) -> Trailers {
    Trailers(epoch: epoch, writer: identity.writer, source: identity.source)
  }

  /// The newest trailers in the history of a commit. People's commits have none and are passed over.
  func newestTrailers(from tip: CommitID) throws(GitError) -> Trailers? {
    var limit = 64
    while true {
      let commits = try repository.commits(from: tip, limit: limit)
      let found = commits.compactMap { Trailers(message: $0.message) }
      // The highest of those read and not the first: a merge can bring an older controller's commits after newer ones.
      if let highest = found.max(by: { $0.epoch < $1.epoch }) { return highest }
      if commits.count < limit || limit > 1 << 20 { return nil }
      limit *= 16
    }
  }
}
