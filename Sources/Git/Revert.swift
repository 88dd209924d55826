import CLibGit2
public import Model

extension Repository {
  /// Makes a commit on `tip` that undoes `commit`, as git-revert(1) does, and moves `reference` there (nil: none).
  ///
  /// Of a merge it undoes what the merge brought into its first parent. Throws `conflict`, with the paths, when later
  /// commits changed the same places, `unchanged` when there is nothing to undo, or what `sign` threw.
  public func revert(
    _ commit: CommitID, on tip: CommitID, message: String, author: GitSignature, sign: BatchCommit.Sign? = nil,
    updating reference: String? = nil
  ) throws -> CommitID {
    let tree = try revertedTree(commit, tip)
    guard try tree != rootTree(of: tip) else {
      throw GitError(.unchanged, "reverting \(commit.short) changes nothing: its changes are undone already")
    }
    let object = CommitObject(tree: tree, parents: [tip], author: author, message: message)
    var pack = try PackWriter()
    let id = try pack.add(.commit, object.bytes(signedBy: sign)).commit
    try store(pack)
    if let reference { try setReference(Self.reference(ofBranch: reference), to: id, expecting: tip) }
    return id
  }

  private func revertedTree(_ commit: CommitID, _ tip: CommitID) throws(GitError) -> ObjectID {
    try withCommit(commit) { (undone) throws(GitError) in
      try withCommit(tip) { (ours) throws(GitError) in
        var options = git_merge_options()
        git_merge_options_init(&options, UInt32(GIT_MERGE_OPTIONS_VERSION))
        var index: OpaquePointer?
        let mainline: UInt32 = git_commit_parentcount(undone) > 1 ? 1 : 0
        try check(
          git_revert_commit(&index, pointer, undone, ours, mainline, &options), "cannot revert \(commit.short)")
        defer { git_index_free(index) }
        let paths = try Self.conflicts(in: index)
        guard paths.isEmpty else {
          throw GitError(
            .conflict, "reverting \(commit.short) conflicts with later changes in \(paths.joined(separator: ", "))",
            hint: "revert the later commits first, or undo the change by hand", paths: paths)
        }
        var oid = git_oid()
        try check(git_index_write_tree_to(&oid, index, pointer), "cannot write the reverted tree")
        return ObjectID(oid)
      }
    }
  }

  private static func conflicts(in index: OpaquePointer?) throws(GitError) -> [String] {
    guard git_index_has_conflicts(index) == 1 else { return [] }
    var iterator: OpaquePointer?
    try check(git_index_conflict_iterator_new(&iterator, index), "cannot list the conflicts")
    defer { git_index_conflict_iterator_free(iterator) }
    var paths: Set<String> = []
    var (ancestor, ours, theirs):
      (UnsafePointer<git_index_entry>?, UnsafePointer<git_index_entry>?, UnsafePointer<git_index_entry>?)
    while git_index_conflict_next(&ancestor, &ours, &theirs, iterator) == 0 {
      if let path = (ours ?? theirs ?? ancestor)?.pointee.path { paths.insert(String(cString: path)) }
    }
    return paths.sorted()
  }
}
