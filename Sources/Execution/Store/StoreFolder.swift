import Glibc
import Model

/// A folder of files that are named by digests.
struct StoreFolder {
  let path: String
  let suffix: String

  private static let unfinished = ".new-"

  /// Writes each file beside its place, syncs it, renames it, and syncs the folder once: after a crash a file is whole
  /// or absent.
  func write(_ files: [(digest: Digest, bytes: [UInt8])]) throws(ExecutionError) {
    let folder = try open()
    for file in files { try write(file.bytes, to: file.digest.hex + suffix, in: folder) }
    try folder.sync(path)
  }

  private func write(_ bytes: [UInt8], to name: String, in folder: borrowing Descriptor) throws(ExecutionError) {
    let new = try create(in: folder)
    do throws(ExecutionError) {
      try new.file.write(bytes, name: "\(path)/\(name)")
      try new.file.sync("\(path)/\(name)")
      guard renameat(folder.number, new.name, folder.number, name) == 0 else {
        throw ExecutionError(errno: errno, "cannot rename \(path)/\(name)")
      }
    } catch {
      unlinkat(folder.number, new.name, 0)
      throw error
    }
  }

  private struct NewFile: ~Copyable {
    let file: Descriptor
    let name: String
  }

  /// A new file under the first free temporary name, so that several writers need not know of each other.
  private func create(in folder: borrowing Descriptor) throws(ExecutionError) -> NewFile {
    for attempt in 0..<10_000 {
      let name = "\(Self.unfinished)\(attempt)"
      let opened = openat(folder.number, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if opened >= 0 { return NewFile(file: Descriptor(owning: opened), name: name) }
      guard errno == EEXIST else { throw ExecutionError(errno: errno, "cannot write to \(path)") }
    }
    throw ExecutionError(.system, "\(path) is full of unfinished files")
  }

  /// The file, if `isRight` likes its bytes; otherwise it is removed and the error is `corrupted`.
  func read(
    _ digest: Digest, limit: Int, what: String, isRight: ([UInt8]) -> Bool
  ) throws(ExecutionError) -> [UInt8] {
    let folder = try open()
    let name = digest.hex + suffix
    do throws(ExecutionError) {
      let bytes = try folder.open(name, O_RDONLY).readWhole(limit: limit, name: name)
      if isRight(bytes) { return bytes }
    } catch {
      if error.code == .missing { throw ExecutionError(.missing, "\(what) \(digest.short) is not in the store") }
      // A larger one cannot be right; of anything else, such as a failing disk, nothing is known.
      guard error.code == .tooLarge else { throw error }
    }
    unlinkat(folder.number, name, 0)
    throw ExecutionError(.corrupted, "\(what) \(digest.short) had other bytes in the store than its digest says")
  }

  func remove(_ digest: Digest) throws(ExecutionError) {
    guard unlink("\(path)/\(digest.hex)\(suffix)") == 0 || errno == ENOENT else {
      throw ExecutionError(errno: errno, "cannot remove \(digest.short)")
    }
  }

  func removeUnfinished() throws(ExecutionError) {
    for name in try open().names() where name.hasPrefix(Self.unfinished) { unlink("\(path)/\(name)") }
  }

  /// A file of the folder.
  struct Entry {
    var digest: Digest
    var size: Int64
    /// When it was stored, nanoseconds since 1970.
    var stored: Int64
  }

  /// All files that are whole.
  func entries() throws(ExecutionError) -> [Entry] {
    var entries: [Entry] = []
    for name in try open().names() where name.hasSuffix(suffix) {
      guard let digest = try? Digest(hex: String(name.dropLast(suffix.count))) else { continue }
      var status = stat()
      guard lstat("\(path)/\(name)", &status) == 0 else { continue }
      let stored = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
      entries.append(Entry(digest: digest, size: Int64(status.st_size), stored: stored))
    }
    return entries
  }

  private func open() throws(ExecutionError) -> Descriptor {
    try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }
}
