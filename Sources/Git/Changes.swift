public import Model

extension Repository {
  /// The paths that differ between two commits, sorted; nil compares with nothing. Folders are not listed.
  public func changedPaths(from old: CommitID?, to new: CommitID) throws(GitError) -> [ChangedPath] {
    var changes: [ChangedPath] = []
    var before: ObjectID?
    if let old { before = try rootTree(of: old) }
    try compare(before, rootTree(of: new), "", 0, &changes)
    return changes.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private func compare(
    _ old: ObjectID?, _ new: ObjectID?, _ prefix: String, _ depth: Int, _ changes: inout [ChangedPath]
  ) throws(GitError) {
    guard old != new else { return }
    guard depth <= ListingLimits().depth else {
      throw GitError(.tooLarge, "folders are nested too deep at '\(prefix)'")
    }
    let before = try entries(old)
    let after = try entries(new)
    for name in Set(before.keys).union(after.keys) {
      let (a, b) = (before[name], after[name])
      guard a != b else { continue }
      let path =
        prefix + (EntryName.problem(name) == nil ? String(decoding: name, as: UTF8.self) : EntryName.escaped(name))
      let (oldFolder, newFolder) = (a?.isFolder == true ? a?.id : nil, b?.isFolder == true ? b?.id : nil)
      if oldFolder != nil || newFolder != nil {
        try compare(oldFolder, newFolder, path + "/", depth + 1, &changes)
      }
      let wasFile = a != nil && oldFolder == nil
      let isFile = b != nil && newFolder == nil
      guard changes.count < ListingLimits().entries else { throw GitError(.tooLarge, "too many files differ") }
      switch (wasFile, isFile) {
      case (true, true): changes.append(ChangedPath(path: path, change: .modified))
      case (true, false): changes.append(ChangedPath(path: path, change: .removed))
      case (false, true): changes.append(ChangedPath(path: path, change: .added))
      case (false, false): break
      }
    }
  }

  private func entries(_ id: ObjectID?) throws(GitError) -> [[UInt8]: TreeEntry] {
    guard let id else { return [:] }
    return Dictionary(try tree(id).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
