import CLibGit2
public import Model

extension Repository {
  /// A blob's bytes. Throws `tooLarge`, before reading them, when there are more than `limit`.
  public func blob(_ id: ObjectID, limit: Int) throws(GitError) -> [UInt8] {
    try withObject(id, .blob, limit: limit) { (bytes) throws(GitError) in [UInt8](bytes) }
  }

  /// How many bytes a blob has, from its header.
  public func blobSize(_ id: ObjectID) throws(GitError) -> Int {
    let (type, size) = try header(of: id)
    guard type == .blob else { throw GitError(.corrupt, "object \(id) is a \(type), not a blob") }
    return size
  }

  /// The bytes of a regular file in a commit; nil when there is none at the path (or a folder, a link, a submodule).
  ///
  /// Throws `tooLarge` when it has more than `limit` bytes.
  public func file(at path: String, in commit: CommitID, limit: Int = 16 << 20) throws(GitError) -> [UInt8]? {
    let names = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).map { Array($0) }
    guard let last = names.last, let folder = try folder(names.dropLast(), in: rootTree(of: commit)) else { return nil }
    guard let entry = try tree(folder).first(where: { $0.name == last }),
      entry.mode == TreeEntry.fileMode || entry.mode == TreeEntry.executableMode
    else { return nil }
    return try blob(entry.id, limit: limit)
  }

  /// What a folder of a commit holds, in git's order; `""` is the root. Empty when there is no such folder.
  ///
  /// Entries that a listing would refuse are left out.
  public func entries(inFolder path: String, of commit: CommitID) throws(GitError) -> [FolderEntry] {
    let names = path.utf8.split(separator: 0x2f).map { Array($0) }
    guard let folder = try folder(names[...], in: rootTree(of: commit)) else { return [] }
    return try entries(ofTree: folder)
  }

  /// What a folder holds whose id another folder's entry gave; so a walk does not begin at the root each time.
  public func entries(ofTree id: ObjectID) throws(GitError) -> [FolderEntry] {
    try tree(id).compactMap { entry in
      guard EntryName.problem(entry.name) == nil else { return nil }
      let name = String(decoding: entry.name, as: UTF8.self)
      if entry.isFolder { return FolderEntry(name: name, kind: .folder, id: entry.id) }
      return entry.fileKind.map { FolderEntry(name: name, kind: .file($0), id: entry.id) }
    }
  }

  /// The tree of a folder below a tree; nil when one of the names is missing or no folder.
  func folder(_ names: ArraySlice<[UInt8]>, in root: ObjectID) throws(GitError) -> ObjectID? {
    var id = root
    for name in names {
      guard let next = try tree(id).first(where: { $0.name == name && $0.isFolder }) else { return nil }
      id = next.id
    }
    return id
  }

  func tree(_ id: ObjectID) throws(GitError) -> [TreeEntry] {
    try withObject(id, .tree) { (bytes) throws(GitError) in try TreeObject.parse(bytes) }
  }

  /// Lends the bytes of an object of the type that is expected.
  func withObject<Result>(
    _ id: ObjectID, _ expected: ObjectType, limit: Int = .max,
    _ body: (UnsafeRawBufferPointer) throws(GitError) -> Result
  ) throws(GitError) -> Result {
    if limit < .max {
      let (_, size) = try header(of: id)
      guard size <= limit else {
        throw GitError(.tooLarge, "object \(id) has \(size) bytes; at most \(limit) are allowed")
      }
    }
    var object: OpaquePointer?
    var oid = id.oid
    let code = git_odb_read(&object, database, &oid)
    guard code == 0, let object else { throw readError(code, id) }
    defer { git_odb_object_free(object) }
    let type = ObjectType(git_odb_object_type(object))
    guard type == expected else {
      throw GitError(.corrupt, "object \(id) is a \(type.map(String.init(describing:)) ?? "?"), not a \(expected)")
    }
    return try body(UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object)))
  }

  /// Type and size, without the content.
  func header(of id: ObjectID) throws(GitError) -> (type: ObjectType, size: Int) {
    var size = 0
    var type = GIT_OBJECT_ANY
    var oid = id.oid
    let code = git_odb_read_header(&size, &type, database, &oid)
    guard code == 0 else { throw readError(code, id) }
    guard let type = ObjectType(type) else { throw GitError(.corrupt, "object \(id) has an unknown type") }
    return (type, size)
  }

  func contains(_ id: ObjectID) -> Bool {
    var oid = id.oid
    return git_odb_exists(database, &oid) == 1
  }

  private func readError(_ code: Int32, _ id: ObjectID) -> GitError {
    if code == GIT_ENOTFOUND.rawValue {
      return GitError(.notFound, "object \(id) is missing", hint: "the repository is incomplete or damaged")
    }
    var error = lastError(code, "cannot read object \(id)")
    if error.kind == .other { error.kind = .corrupt }
    return error
  }
}

/// The types of objects that git has.
enum ObjectType: UInt8 {
  case commit = 1, tree, blob, tag

  init?(_ type: git_object_t) {
    switch type {
    case GIT_OBJECT_COMMIT: self = .commit
    case GIT_OBJECT_TREE: self = .tree
    case GIT_OBJECT_BLOB: self = .blob
    case GIT_OBJECT_TAG: self = .tag
    default: return nil
    }
  }

  /// The id that content of this type has.
  func id(of bytes: [UInt8]) throws(GitError) -> ObjectID {
    let type: git_object_t =
      switch self {
      case .commit: GIT_OBJECT_COMMIT
      case .tree: GIT_OBJECT_TREE
      case .blob: GIT_OBJECT_BLOB
      case .tag: GIT_OBJECT_TAG
      }
    var oid = git_oid()
    try check(git_odb_hash(&oid, bytes, bytes.count, type), "cannot compute an object's id")
    return ObjectID(oid)
  }
}

extension TreeEntry {
  /// Nil for folders and for modes that are not allowed.
  var fileKind: TreeFile.Kind? {
    switch mode {
    case Self.fileMode: .file
    case Self.executableMode: .executable
    case Self.symlinkMode: .symlink
    case Self.submoduleMode: .submodule
    default: nil
    }
  }
}
