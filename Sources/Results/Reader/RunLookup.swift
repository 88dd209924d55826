import Git
public import Model

/// The answer to a question for a run by the first digits of its id.
public enum RunLookup: Hashable, Sendable {
  case found(StoredReceipt)
  /// Several runs begin with these digits: some of them, newest first.
  case ambiguous([StoredReceipt])
  /// `searchedAll` is false when a limit ended the search.
  case notFound(searchedAll: Bool)
}

extension ResultsReader {
  /// Digits that an abbreviated run id has at least.
  public static let shortestRunID = 4

  /// Finds a run by its id, or by at least four of its first digits. There is no index: the receipts are searched from
  /// the newest on, a full id up to its run, an abbreviated one through `fileLimit` files, to see whether it is unique.
  ///
  /// Throws `invalidRunID`, or `git`.
  public func run(_ prefix: String, job: JobName? = nil, fileLimit: Int = 100_000) throws(ResultsError) -> RunLookup {
    let digits = prefix.utf8
    guard (Self.shortestRunID...20).contains(digits.count),
      digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else {
      throw ResultsError(
        .invalidRunID,
        "'\(TerminalText.neutralised(String(prefix.prefix(40))))' is not a run id: want 20 lower-case hexadecimal "
          + "digits, or the first 4 or more"
      )
    }
    return try overGit { () throws(GitError) in
      var found: [RunID: StoredReceipt] = [:]
      var order: [RunID] = []
      var walk = RunWalk(tree, jobs: try tree.jobs(only: job))
      var files = 0
      var searchedAll = true
      while order.count < Self.ambiguousLimit, let entries = try walk.next() {
        files += 1
        guard files <= fileLimit else {
          searchedAll = false
          break
        }
        for stored in try candidates(entries, prefix) where found[stored.receipt.run] == nil {
          found[stored.receipt.run] = stored
          order.append(stored.receipt.run)
        }
        if digits.count == 20, !order.isEmpty { break }
      }
      let matches = order.compactMap { found[$0] }
      guard let first = matches.first else { return .notFound(searchedAll: searchedAll) }
      return matches.count == 1 ? .found(first) : .ambiguous(matches)
    }
  }

  private static let ambiguousLimit = 10

  /// The receipts of a file whose run ids begin so. Most files have none, so they are looked through before any line
  /// of them is parsed.
  private func candidates(_ entries: RunFileEntries, _ prefix: String) throws(GitError) -> [StoredReceipt] {
    guard let receipts = try tree.bytes(entries.receipts, limit: BranchTree.fileLimit),
      RunFileLines(receipts).heads.contains(where: { $0?.run.hasPrefix(prefix) ?? false })
    else { return [] }
    let signatures = try tree.bytes(entries.signatures, limit: BranchTree.fileLimit) ?? []
    return RunFileContent(entries.file, receipts: receipts, signatures: signatures).receipts
      .filter { $0.receipt.run.text.hasPrefix(prefix) }
  }
}
