/// Changes to a tree, folder by folder, so that only folders with a change are read and written.
struct TreeUpdate {
  fileprivate indirect enum Node {
    case file(content: Int, mode: UInt32)
    case removed
    /// `isFresh`: what stood there before is removed first.
    case folder([[UInt8]: Node], isFresh: Bool)
  }

  private var root: [[UInt8]: Node] = [:]
  private let contents: [(path: String, bytes: [UInt8])]

  /// Throws `unsupported` for paths that cannot be in a commit, or when a file is wanted where a folder is.
  init(_ batch: BatchCommit) throws(GitError) {
    contents = batch.files
    for path in batch.removing {
      try Self.insert(.removed, EntryName.components(ofPath: path)[...], path, &root)
    }
    for (index, file) in batch.files.enumerated() {
      let mode = batch.executables.contains(file.path) ? TreeEntry.executableMode : TreeEntry.fileMode
      let names = try EntryName.components(ofPath: file.path)
      try Self.insert(.file(content: index, mode: mode), names[...], file.path, &root)
    }
  }

  private static func insert(
    _ node: Node, _ names: ArraySlice<[UInt8]>, _ path: String, _ folder: inout [[UInt8]: Node]
  ) throws(GitError) {
    guard let name = names.first else { return }
    guard names.count > 1 else {
      if case .folder(let inner, _) = folder[name], case .file = node, !inner.values.allSatisfy(\.isRemoval) {
        throw GitError(.unsupported, "'\(path)' is both a file and a folder")
      }
      folder[name] = node
      return
    }
    var inner: [[UInt8]: Node] = [:]
    var isFresh = false
    switch folder[name] {
    case .folder(let existing, let wasFresh): (inner, isFresh) = (existing, wasFresh)
    case .file: throw GitError(.unsupported, "'\(path)' is below a file of the same batch")
    case .removed: isFresh = true
    case nil: break
    }
    // Out of the dictionary while it changes, so that it is not copied.
    folder[name] = nil
    try insert(node, names.dropFirst(), path, &inner)
    folder[name] = .folder(inner, isFresh: isFresh)
  }

  /// The new root tree; new blobs and trees go into `pack`.
  func apply(
    to tree: ObjectID?, in repository: Repository, _ pack: inout PackWriter
  ) throws(GitError) -> ObjectID {
    guard let id = try apply(root, tree, repository, &pack) else { return try pack.add(.tree, []) }
    return id
  }

  /// Nil when nothing is left in the folder: git has no empty folders.
  private func apply(
    _ changes: [[UInt8]: Node], _ tree: ObjectID?, _ repository: Repository, _ pack: inout PackWriter
  ) throws(GitError) -> ObjectID? {
    var before: [TreeEntry] = []
    if let tree { before = try repository.tree(tree) }
    var replaced: [[UInt8]: TreeEntry] = [:]
    if !before.isEmpty { for entry in before where changes[entry.name] != nil { replaced[entry.name] = entry } }
    var added: [TreeEntry] = []
    for (name, node) in changes {
      let old = replaced[name]
      switch node {
      case .removed: break
      case .file(let content, let mode):
        let bytes = contents[content].bytes
        let id = try ObjectType.blob.id(of: bytes)
        if old?.id != id { try pack.add(.blob, bytes, id: id) }
        added.append(TreeEntry(mode: mode, name: name, id: id))
      case .folder(let inner, let isFresh):
        let base = old?.isFolder == true && !isFresh ? old?.id : nil
        if let id = try apply(inner, base, repository, &pack) {
          added.append(TreeEntry(mode: TreeEntry.folderMode, name: name, id: id))
        } else if !isFresh, inner.values.allSatisfy(\.isRemoval), let old, !old.isFolder {
          // Removing something below a file leaves the file.
          added.append(old)
        }
      }
    }
    added.sort(by: TreeEntry.comesBefore)
    let kept = replaced.isEmpty ? before : before.filter { replaced[$0.name] == nil }
    let after = Self.merge(kept, added)
    guard !after.isEmpty else { return nil }
    let bytes = TreeObject.bytes(after)
    let id = try ObjectType.tree.id(of: bytes)
    if id != tree { try pack.add(.tree, bytes, id: id) }
    return id
  }

  /// Both are in git's order, without a common name.
  private static func merge(_ a: [TreeEntry], _ b: [TreeEntry]) -> [TreeEntry] {
    guard !a.isEmpty else { return b }
    var result: [TreeEntry] = []
    result.reserveCapacity(a.count + b.count)
    var rest = b[...]
    for entry in a {
      while let next = rest.first, TreeEntry.comesBefore(next, entry) { result.append(rest.removeFirst()) }
      result.append(entry)
    }
    return result + rest
  }
}

extension TreeUpdate.Node {
  fileprivate var isRemoval: Bool {
    switch self {
    case .removed: true
    case .file: false
    case .folder(let inner, _): inner.values.allSatisfy(\.isRemoval)
    }
  }
}
