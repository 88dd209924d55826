// The content of a tree object: `mode SP name NUL id`, one after the other (gitformat-pack(5), "tree").
// Read and written here, because libgit2 gives names as C strings and accepts more than we do.

/// An entry of a tree, unjudged.
struct TreeEntry: Hashable {
  static let folderMode: UInt32 = 0o040000
  static let fileMode: UInt32 = 0o100644
  static let executableMode: UInt32 = 0o100755
  static let symlinkMode: UInt32 = 0o120000
  static let submoduleMode: UInt32 = 0o160000

  var mode: UInt32
  var name: [UInt8]
  var id: ObjectID

  var isFolder: Bool { mode == Self.folderMode }

  /// Git's order: bytes, as if folders' names had a slash at the end.
  static func comesBefore(_ a: TreeEntry, _ b: TreeEntry) -> Bool {
    orders(a.name, a.isFolder, before: b.name, b.isFolder)
  }

  static func orders(_ a: [UInt8], _ aIsFolder: Bool, before b: [UInt8], _ bIsFolder: Bool) -> Bool {
    let shared = min(a.count, b.count)
    for index in 0..<shared where a[index] != b[index] { return a[index] < b[index] }
    // Past its end a folder's name goes on with a slash, a file's with nothing (zero).
    let nextOfA: UInt8 = a.count > shared ? a[shared] : aIsFolder ? 0x2f : 0
    let nextOfB: UInt8 = b.count > shared ? b[shared] : bIsFolder ? 0x2f : 0
    if nextOfA != nextOfB { return nextOfA < nextOfB }
    return a.count < b.count
  }
}

enum TreeObject {
  /// Throws `corrupt` when the bytes are not a tree. Order and names are not judged.
  static func parse(_ bytes: UnsafeRawBufferPointer) throws(GitError) -> [TreeEntry] {
    var entries: [TreeEntry] = []
    var index = 0
    while index < bytes.count {
      var mode: UInt32 = 0
      var digits = 0
      while index < bytes.count, (0x30...0x37).contains(bytes[index]), digits < 7 {
        mode = mode << 3 | UInt32(bytes[index] - 0x30)
        digits += 1
        index += 1
      }
      guard digits > 0, index < bytes.count, bytes[index] == 0x20 else { throw malformed }
      index += 1
      let start = index
      while index < bytes.count, bytes[index] != 0 { index += 1 }
      guard index + 20 < bytes.count else { throw malformed }
      let name = [UInt8](UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
      let id = ObjectID(raw: UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...]))
      entries.append(TreeEntry(mode: mode, name: name, id: id))
      index += 21
    }
    return entries
  }

  /// `entries` are in git's order.
  static func bytes(_ entries: [TreeEntry]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.reduce(0) { $0 + $1.name.count + 28 })
    for entry in entries {
      bytes.append(contentsOf: String(entry.mode, radix: 8).utf8)
      bytes.append(0x20)
      bytes.append(contentsOf: entry.name)
      bytes.append(0)
      entry.id.append(to: &bytes)
    }
    return bytes
  }

  private static var malformed: GitError { GitError(.corrupt, "a tree object is malformed") }
}
