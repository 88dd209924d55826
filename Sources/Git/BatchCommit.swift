import CLibGit2
public import Model

/// A commit to be made: what changes, and what is said about it.
public struct BatchCommit {
  /// Makes the armoured SSH signature (`-----BEGIN SSH SIGNATURE-----` …) over the commit's bytes.
  public typealias Sign = (_ payload: [UInt8]) throws -> String

  /// New content by path. All become regular files, unless the path is in `executables`.
  public var files: [(path: String, bytes: [UInt8])]
  public var executables: Set<String>
  /// Paths of files or whole folders. Those that do not exist are ignored.
  public var removing: [String]
  /// Nil starts a history.
  public var parent: CommitID?
  public var message: String
  /// Author and committer.
  public var author: GitSignature
  public var sign: Sign?

  public init(
    files: [(path: String, bytes: [UInt8])], executables: Set<String> = [], removing: [String] = [],
    parent: CommitID?, message: String, author: GitSignature, sign: Sign? = nil
  ) {
    self.files = files
    self.executables = executables
    self.removing = removing
    self.parent = parent
    self.message = message
    self.author = author
    self.sign = sign
  }
}

extension Repository {
  /// Makes one commit of a whole batch and moves a reference to it, if that is at `old` now (nil: not there yet).
  ///
  /// All new objects are in one pack, which is on the disk before the reference moves: after a crash at any point
  /// either the whole commit is there or nothing of it is seen. Without a change to any file it is a commit with its
  /// parent's tree. Throws a `GitError` (`nonFastForward`: the reference is elsewhere), or what `sign` threw.
  @discardableResult
  public func commit(
    _ batch: BatchCommit, updating reference: String, expecting old: CommitID?
  ) throws -> CommitID {
    let name = try Self.reference(ofBranch: reference)
    // Checked again, for certain, when the reference moves; here it saves the work.
    guard try tip(ofReference: name) == old else {
      throw GitError(.nonFastForward, "'\(name)' is not at \(old?.short ?? "nothing")")
    }
    var pack = try PackWriter()
    let tree = try batch.parent.map { try rootTree(of: $0) }
    let newTree = try TreeUpdate(batch).apply(to: tree, in: self, &pack)
    let parents = batch.parent.map { [$0] } ?? []
    let object = CommitObject(tree: newTree, parents: parents, author: batch.author, message: batch.message)
    let id = try pack.add(.commit, object.bytes(signedBy: batch.sign)).commit
    try store(pack)
    try setReference(name, to: id, expecting: old)
    return id
  }

  /// Writes a pack into this repository and makes it known.
  func store(_ pack: consuming PackWriter) throws(GitError) {
    let folder = path + "objects/pack"
    try pack.write(into: folder)
    try check(git_odb_refresh(database), "cannot see the new pack")
    // Many packs are slow and not wrong, so a failure to merge them must not undo what has been stored.
    do { try compactPacks() } catch {}
  }
}

extension CommitObject {
  func bytes(signedBy sign: BatchCommit.Sign?) throws -> [UInt8] {
    guard let sign else { return payload }
    return try signed(sign(payload))
  }
}
