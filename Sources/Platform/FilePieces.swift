import Glibc

/// Files that come and go in pieces. Symbolic links at the end of a path are refused. All of it blocks.
public enum FilePieces {
  public struct Status: Hashable, Sendable {
    /// Bytes.
    public var size: Int64
    /// When it was last written to, in microseconds since 1970.
    public var modified: Int64
  }

  /// Of a regular file; nil for anything else.
  public static func status(_ path: String) -> Status? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Status(
      size: Int64(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000)
  }

  /// Writes at the offset; makes the file when there is none.
  public static func write(_ bytes: [UInt8], to path: String, at offset: Int64) throws(FileError) {
    try opened(path, O_WRONLY | O_CREAT) { descriptor throws(FileError) in
      var done = 0
      while done < bytes.count {
        let count = bytes.withUnsafeBytes {
          pwrite(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(offset) + off_t(done))
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          throw FileError(path: path, code: count == 0 ? ENOSPC : errno, operation: "cannot write")
        }
        done += count
      }
    }
  }

  /// At most `limit` bytes from the offset on; fewer at the end.
  public static func read(_ path: String, at offset: Int64, limit: Int) throws(FileError) -> [UInt8] {
    try opened(path, O_RDONLY) { descriptor throws(FileError) in
      var bytes = [UInt8](repeating: 0, count: limit)
      var filled = 0
      while filled < limit {
        let count = bytes.withUnsafeMutableBytes {
          pread(descriptor, $0.baseAddress?.advanced(by: filled), limit - filled, off_t(offset) + off_t(filled))
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError(path: path, code: errno, operation: "cannot read") }
        if count == 0 { break }
        filled += count
      }
      return Array(bytes[..<filled])
    }
  }

  /// Makes what was written to a file, or the names in a folder, durable.
  public static func sync(_ path: String) throws(FileError) {
    try opened(path, O_RDONLY) { descriptor throws(FileError) in
      guard fsync(descriptor) == 0 else { throw FileError(path: path, code: errno, operation: "cannot sync") }
    }
  }

  /// Throws ENOSPC unless so many bytes may be written to the disk of a folder: a twentieth of it, at most a gigabyte, is left
  /// to what matters more.
  public static func checkRoom(for bytes: Int64, in folder: String) throws(FileError) {
    var disk = statvfs()
    guard statvfs(folder, &disk) == 0 else {
      throw FileError(path: folder, code: errno, operation: "cannot look at the disk")
    }
    let block = UInt64(disk.f_frsize)
    guard UInt64(disk.f_bavail) * block >= UInt64(max(bytes, 0)) + min(UInt64(disk.f_blocks) * block / 20, 1 << 30)
    else {
      throw FileError(path: folder, code: ENOSPC, operation: "cannot write")
    }
  }

  private static func opened<Result>(
    _ path: String, _ flags: Int32, _ body: (Int32) throws(FileError) -> Result
  ) throws(FileError) -> Result {
    let descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno, operation: "cannot open") }
    defer { close(descriptor) }
    return try body(descriptor)
  }
}
