import CLibGit2
public import Model

extension Repository {
  /// A commit's header and message.
  public func commit(_ id: CommitID) throws(GitError) -> CommitInfo {
    try withCommit(id) { (commit) throws(GitError) in try Self.info(commit) }
  }

  /// The commits from a tip backwards, newest first, children always before their parents.
  ///
  /// `excluding` leaves out that commit and everything that it stands on.
  public func commits(
    from tip: CommitID, excluding: CommitID? = nil, limit: Int = .max, firstParentOnly: Bool = false
  ) throws(GitError) -> [CommitInfo] {
    var walk: OpaquePointer?
    try check(git_revwalk_new(&walk, pointer), "cannot walk the history")
    defer { git_revwalk_free(walk) }
    // No sorting is git's own default order, and the only one that does not read the whole history first.
    git_revwalk_sorting(walk, GIT_SORT_NONE.rawValue)
    if firstParentOnly { git_revwalk_simplify_first_parent(walk) }
    var start = try tip.oid
    try check(git_revwalk_push(walk, &start), "cannot walk from commit \(tip.short)")
    if var hidden = try excluding?.oid {
      try check(git_revwalk_hide(walk, &hidden), "cannot leave out commit \(excluding?.short ?? "")")
    }
    var found: [CommitInfo] = []
    var oid = git_oid()
    while found.count < limit {
      let code = git_revwalk_next(&oid, walk)
      if code == GIT_ITEROVER.rawValue { break }
      try check(code, "cannot walk the history of \(tip.short)")
      found.append(try commit(ObjectID(oid).commit))
    }
    return found
  }

  /// Whether `ancestor` is `commit` itself or one that it stands on. Throws `notFound` unless both are here.
  public func isAncestor(_ ancestor: CommitID, of commit: CommitID) throws(GitError) -> Bool {
    guard ancestor != commit else { return true }
    for id in [ancestor, commit] {
      guard try contains(id.object) else { throw GitError(.notFound, "there is no commit \(id.short) here") }
    }
    var old = try ancestor.oid
    var new = try commit.oid
    return try check(
      git_graph_descendant_of(pointer, &new, &old), "cannot compare commits \(ancestor.short) and \(commit.short)") == 1
  }

  func rootTree(of commit: CommitID) throws(GitError) -> ObjectID {
    try withCommit(commit) { (commit) throws(GitError) in ObjectID(git_commit_tree_id(commit).pointee) }
  }

  func withCommit<Result>(
    _ id: CommitID, _ body: (OpaquePointer) throws(GitError) -> Result
  ) throws(GitError) -> Result {
    var commit: OpaquePointer?
    var oid = try id.oid
    let code = git_commit_lookup(&commit, pointer, &oid)
    guard code == 0, let commit else {
      if code == GIT_ENOTFOUND.rawValue { throw GitError(.notFound, "there is no commit \(id.short) here") }
      var error = lastError(code, "cannot read commit \(id.short)")
      if error.kind == .other { error.kind = .corrupt }
      throw error
    }
    defer { git_commit_free(commit) }
    return try body(commit)
  }

  private static func info(_ commit: OpaquePointer) throws(GitError) -> CommitInfo {
    var parents: [CommitID] = []
    for index in 0..<git_commit_parentcount(commit) {
      parents.append(try ObjectID(git_commit_parent_id(commit, index).pointee).commit)
    }
    return CommitInfo(
      id: try ObjectID(git_commit_id(commit).pointee).commit, parents: parents,
      author: GitSignature(git_commit_author(commit)), committer: GitSignature(git_commit_committer(commit)),
      message: git_commit_message(commit).map { String(cString: $0) } ?? "")
  }
}

extension GitSignature {
  fileprivate init(_ signature: UnsafePointer<git_signature>?) {
    let when = signature?.pointee.when
    self.init(
      name: signature?.pointee.name.map { String(cString: $0) } ?? "",
      email: signature?.pointee.email.map { String(cString: $0) } ?? "",
      time: Timestamp(seconds: when?.time ?? 0), offset: Int(when?.offset ?? 0))
  }
}
