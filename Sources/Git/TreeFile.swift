/// Something that a commit holds at a path.
public struct TreeFile: Hashable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case file, executable
    /// Never followed. The blob is the link's target.
    case symlink
    /// Never looked into. The id is a commit of another repository.
    case submodule
    /// The path cannot be trusted: see ``TreeFile/problem``. It may stand for a whole folder.
    case refused
  }

  /// From the commit's root, with `/` between names; for a refused entry, escaped so that it can be printed.
  public var path: String
  public var kind: Kind
  public var id: ObjectID
  /// Why the entry is refused; nil for every other kind.
  public var problem: String?

  public init(path: String, kind: Kind, id: ObjectID, problem: String? = nil) {
    self.path = path
    self.kind = kind
    self.id = id
    self.problem = problem
  }
}

/// What a listing may cost. Anything above throws `tooLarge`.
public struct ListingLimits: Hashable, Sendable {
  /// Files and other entries in all.
  public var entries: Int
  /// Folders inside folders.
  public var depth: Int
  /// Bytes of a path.
  public var pathLength: Int

  public init(entries: Int = 1_000_000, depth: Int = 32, pathLength: Int = 1_024) {
    self.entries = entries
    self.depth = depth
    self.pathLength = pathLength
  }
}

/// An entry of one folder.
public struct FolderEntry: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case folder
    case file(TreeFile.Kind)
  }

  public var name: String
  public var kind: Kind
  public var id: ObjectID

  public init(name: String, kind: Kind, id: ObjectID) {
    self.name = name
    self.kind = kind
    self.id = id
  }
}

/// A difference between two commits.
public struct ChangedPath: Hashable, Sendable {
  public enum Change: String, Sendable { case added, modified, removed }

  public var path: String
  public var change: Change

  public init(path: String, change: Change) {
    self.path = path
    self.change = change
  }
}
