public import Model

extension Repository {
  /// Everything in a commit that is not a folder, sorted by the bytes of the path.
  ///
  /// Folders that did not change since this object's last listing are not read again.
  /// Throws `tooLarge` when a limit is passed.
  public func listing(
    of commit: CommitID, limits: ListingLimits = ListingLimits()
  ) throws(GitError) -> [TreeFile] {
    var walk = ListingWalk(limits: limits)
    let known = cache.limits == limits ? cache.root : nil
    let root = try walk.folder(rootTree(of: commit), prefix: "", depth: 0, known: known, in: self)
    cache = ListingCache(limits: limits, root: root)
    return root.files
  }
}

/// The last listing.
struct ListingCache {
  var limits: ListingLimits?
  var root: ListedFolder?
}

/// A folder as it was listed.
struct ListedFolder {
  var tree: ObjectID
  /// All below it, with full paths.
  var files: [TreeFile] = []
  var folders: [[UInt8]: ListedFolder] = [:]
}

private struct ListingWalk {
  let limits: ListingLimits
  private var count = 0

  init(limits: ListingLimits) { self.limits = limits }

  /// `prefix` is empty or ends with a slash; `known` is what stood at the same path last time.
  mutating func folder(
    _ tree: ObjectID, prefix: String, depth: Int, known: ListedFolder?, in repository: Repository
  ) throws(GitError) -> ListedFolder {
    if let known, known.tree == tree {
      try add(known.files.count)
      return known
    }
    guard depth <= limits.depth else {
      throw GitError(.tooLarge, "folders are nested more than \(limits.depth) deep at '\(prefix)'")
    }
    let entries = try repository.tree(tree)
    var folder = ListedFolder(tree: tree)
    folder.files.reserveCapacity(entries.count)
    if let problem = Self.disorder(entries) {
      try add(1)
      folder.files = [TreeFile(path: String(prefix.dropLast()), kind: .refused, id: tree, problem: problem)]
      return folder
    }
    for entry in entries {
      guard entry.isFolder, EntryName.problem(entry.name) == nil else {
        try add(1)
        try folder.files.append(file(entry, prefix))
        continue
      }
      let path = try checkedPath(prefix, entry.name)
      let inner = try self.folder(
        entry.id, prefix: path + "/", depth: depth + 1, known: known?.folders[entry.name], in: repository)
      folder.files += inner.files
      folder.folders[entry.name] = inner
    }
    return folder
  }

  private func file(_ entry: TreeEntry, _ prefix: String) throws(GitError) -> TreeFile {
    if let problem = EntryName.problem(entry.name) {
      let path = prefix + EntryName.escaped(entry.name)
      return TreeFile(path: path, kind: .refused, id: entry.id, problem: problem)
    }
    let path = try checkedPath(prefix, entry.name)
    if let kind = entry.fileKind { return TreeFile(path: path, kind: kind, id: entry.id) }
    let problem = "mode \(String(entry.mode, radix: 8)) is not one of 100644, 100755, 120000, 160000"
    return TreeFile(path: path, kind: .refused, id: entry.id, problem: problem)
  }

  private func checkedPath(_ prefix: String, _ name: [UInt8]) throws(GitError) -> String {
    let path = prefix + String(decoding: name, as: UTF8.self)
    guard path.utf8.count <= limits.pathLength else {
      throw GitError(.tooLarge, "a path has more than \(limits.pathLength) bytes: '\(path.prefix(80))…'")
    }
    return path
  }

  /// Counted while walking, because trees that name each other many times can stand for billions of files.
  private mutating func add(_ more: Int) throws(GitError) {
    count += more
    guard count <= limits.entries else { throw GitError(.tooLarge, "a commit has more than \(limits.entries) files") }
  }

  /// Two entries of one name, or entries out of order: different readers would see different files.
  private static func disorder(_ entries: [TreeEntry]) -> String? {
    for (a, b) in zip(entries, entries.dropFirst()) where !TreeEntry.comesBefore(a, b) {
      return a.name == b.name ? "a folder has two entries of one name" : "a folder's entries are out of order"
    }
    // A file and a folder of one name need not be neighbours in git's order.
    let names = Set(entries.map(\.name))
    return names.count == entries.count ? nil : "a folder has two entries of one name"
  }
}
