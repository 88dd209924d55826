public import Glibc

/// Why a file could not be read or written.
public struct FileError: Error, Sendable, CustomStringConvertible {
  public let path: String
  /// errno(3).
  public let code: Int32
  public let operation: String

  public init(path: String, code: Int32, operation: String) {
    self.path = path
    self.code = code
    self.operation = operation
  }

  public var description: String { "\(path): \(operation): \(String(cString: strerror(code)))" }
  public var isMissing: Bool { code == ENOENT }
}

/// Small files that must be whole or absent after a crash.
public enum DurableFile {
  /// Writes beside the target, syncs, renames over it, and syncs the folder, so that a reader sees the old content or
  /// the new one and never a part. `mode` holds from the first byte on.
  public static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FileError) {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw FileError(path: temporary, code: errno, operation: "cannot create") }
    do throws(FileError) {
      try writeAll(bytes, to: descriptor, path: temporary)
      guard fsync(descriptor) == 0 else { throw FileError(path: temporary, code: errno, operation: "cannot sync") }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else { throw FileError(path: path, code: errno, operation: "cannot rename") }
    try syncFolder(of: path)
  }

  /// The whole file, at most `limit` bytes. A symbolic link at the end of the path is refused.
  public static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno, operation: "cannot open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: path, code: errno, operation: "cannot read") }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else { throw FileError(path: path, code: EFBIG, operation: "cannot read") }
    }
  }

  /// Makes the folder and those above it, new ones with `mode`.
  public static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(FileError) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw FileError(path: path, code: errno, operation: "cannot make the folder")
    }
    try makeFolder(String(path[..<slash]), mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
      throw FileError(path: path, code: errno, operation: "cannot make the folder")
    }
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError(path: path, code: errno, operation: "cannot write") }
      rest = rest.dropFirst(count)
    }
  }

  private static func syncFolder(of path: String) throws(FileError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: folder, code: errno, operation: "cannot open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError(path: folder, code: errno, operation: "cannot sync") }
  }
}
