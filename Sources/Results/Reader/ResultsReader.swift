public import Git
public import Model

/// Reads the results branch of any clone, bare or not, without a controller.
///
/// It holds on to the commit that was the branch's tip when it was made. Not `Sendable`, as the repository is not.
public struct ResultsReader {
  let tree: BranchTree

  /// The commit that is read.
  public var commit: CommitID { tree.commit }

  public static let defaultBranch = "belfry/results"

  /// Reads `branch`, or what it was at the remote `origin` when that was last fetched, whichever is further; a plain
  /// `git clone` has only the latter.
  ///
  /// Throws `noBranch`, or `git`.
  public init(repository: Repository, branch: String = Self.defaultBranch) throws(ResultsError) {
    let tips = try overGit { () throws(GitError) in
      [
        try repository.tip(ofBranch: branch),
        try repository.tip(ofReference: "refs/remotes/origin/\(branch)"),
      ].compactMap { $0 }
    }
    guard var tip = tips.first else {
      throw ResultsError(
        .noBranch,
        "there is no branch '\(TerminalText.neutralised(branch))' in this repository or at its remote 'origin'")
    }
    if let remote = tips.last, remote != tip {
      let local = tip
      if try overGit({ () throws(GitError) in try repository.isAncestor(local, of: remote) }) { tip = remote }
    }
    self.init(repository: repository, commit: tip)
  }

  /// Reads one commit of a results branch.
  public init(repository: Repository, commit: CommitID) {
    tree = BranchTree(repository: repository, commit: commit)
  }

  /// The jobs that ever ran, sorted.
  public func jobs() throws(ResultsError) -> [JobName] { try overGit { () throws(GitError) in try tree.jobs() } }

  /// Receipts, newest nominal time first, with what could not be read on the way.
  public func history(
    _ query: HistoryQuery, where keeps: (Receipt) -> Bool = { _ in true }
  ) throws(ResultsError) -> HistoryPage {
    try overGit { () throws(GitError) in
      var page = HistoryPage()
      var walk = RunWalk(tree, jobs: try tree.jobs(only: query.job), through: query.until)
      var files = 0
      while let entries = try walk.next() {
        if let since = query.since, entries.file.nominal < since { return page }
        files += 1
        guard files <= query.fileLimit, page.receipts.count < query.limit else {
          page.isComplete = false
          return page
        }
        for stored in try read(entries, &page.problems) where keeps(stored.receipt) { page.receipts.append(stored) }
      }
      return page
    }
  }

  /// The receipts of one file.
  func read(_ entries: RunFileEntries, _ problems: inout [ResultsProblem]) throws(GitError) -> [StoredReceipt] {
    guard let content = try tree.content(entries) else {
      let path = ResultsLayout.receipts(entries.file)
      problems.append(ResultsProblem(path: path, message: "not a readable file, or too large for one"))
      return []
    }
    let file = RunFileContent(entries.file, receipts: content.receipts, signatures: content.signatures)
    if problems.count < HistoryPage.problemLimit { problems += file.problems }
    return file.receipts
  }

  /// What is kept of an attempt's output; nil when there is none.
  public func log(of stored: StoredReceipt, attempt: Int) throws(ResultsError) -> [UInt8]? {
    guard let path = stored.logPath(attempt: attempt) else { return nil }
    // Twice the limit, so that a log which somebody has made longer is still seen.
    return try overGit { () throws(GitError) in try tree.file(path, limit: 2 * ReceiptDelivery.logLimit) }
  }
}

/// Which receipts are wanted.
public struct HistoryQuery: Hashable, Sendable {
  /// Nil for all jobs.
  public var job: JobName?
  /// Reading ends with the file in which this many are reached, so that a page holds all runs of its last time.
  public var limit: Int
  /// By nominal time, both included.
  public var since: Timestamp?
  public var until: Timestamp?
  /// Files that are read at the most, whatever is found in them.
  public var fileLimit: Int

  public init(
    job: JobName? = nil, limit: Int = 50, since: Timestamp? = nil, until: Timestamp? = nil, fileLimit: Int = 200_000
  ) {
    self.job = job
    self.limit = limit
    self.since = since
    self.until = until
    self.fileLimit = fileLimit
  }
}

/// A stretch of history.
public struct HistoryPage: Hashable, Sendable {
  public var receipts: [StoredReceipt] = []
  public var problems: [ResultsProblem] = []
  /// False when a limit ended the reading: there may be more.
  public var isComplete = true

  static let problemLimit = 100
}
