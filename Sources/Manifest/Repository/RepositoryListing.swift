import Glibc

/// Every path of one commit, with what stands there.
public struct RepositoryListing: Sendable {
  public enum Kind: Hashable, Sendable {
    /// git mode 100644.
    case file
    /// git mode 100755.
    case executable
    /// git mode 120000: never followed, because it could lead out of the repository.
    case symbolicLink
    /// git mode 160000: another repository, whose content the commit does not hold.
    case submodule

    var isRegular: Bool { self == .file || self == .executable }

    /// For messages: "is …".
    var words: String {
      switch self {
      case .file, .executable: "a file"
      case .symbolicLink: "a symbolic link"
      case .submodule: "a submodule"
      }
    }
  }

  public struct Entry: Sendable {
    /// From the repository's root.
    public let path: String
    public let kind: Kind
    /// Bytes, where it is known.
    public let size: Int64?
    /// Tells whether the content is the same as in another listing; never interpreted.
    public let blob: String

    public init(path: String, kind: Kind, size: Int64? = nil, blob: String = "") {
      self.path = path
      self.kind = kind
      self.size = size
      self.blob = blob
    }
  }

  /// In ascending order of the paths' bytes, which is the order of git's trees.
  public let entries: [Entry]

  /// Entries in any order; those of a commit's trees, flattened, are in the right one already.
  public init(_ entries: [Entry]) {
    let isSorted = zip(entries, entries.dropFirst()).allSatisfy { Self.precedes($0.path, $1.path) }
    self.entries = isSorted ? entries : entries.sorted { Self.precedes($0.path, $1.path) }
  }

  /// What stands at the path, compared byte by byte; nil when there is nothing, or a folder.
  public subscript(path: String) -> Entry? { index(of: path).map { entries[$0] } }

  func index(of path: String) -> Int? {
    let index = firstIndex(notBefore: path)
    return index < entries.count && entries[index].path.utf8.elementsEqual(path.utf8) ? index : nil
  }

  /// Whether something stands below the path.
  func isFolder(_ path: String) -> Bool { !inside(folder: path + "/").isEmpty }

  /// Everything whose path begins with `folder`, which is empty or ends with `/`.
  func inside(folder: String) -> ArraySlice<Entry> {
    guard !folder.isEmpty else { return entries[...] }
    // "0" follows "/": the first path that can stand after all that begin with the folder.
    let start = firstIndex(notBefore: folder)
    let end = firstIndex(notBefore: String(folder.dropLast()) + "0")
    return entries[start..<max(start, end)]
  }

  private func firstIndex(notBefore path: String) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if Self.precedes(entries[middle].path, path) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // Bytes, not `String.<`: that one takes different spellings of one letter for the same, and git does not.
  static func precedes(_ a: String, _ b: String) -> Bool {
    var (a, b) = (a, b)
    return a.withUTF8 { a in
      b.withUTF8 { b in
        guard let left = a.baseAddress, let right = b.baseAddress else { return a.count < b.count }
        let order = memcmp(left, right, min(a.count, b.count))
        return order == 0 ? a.count < b.count : order < 0
      }
    }
  }
}
