import Glibc

/// Files that must not be there yet.
enum NewFile {
  /// Whether something stands at the path, be it a link to nowhere.
  static func exists(_ path: String) -> Bool {
    faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// Makes the file and writes it to the disk. `mode` holds from the first byte on, whatever the umask allows beyond.
  /// A file written in part is removed.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(CommandError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw CommandError(errno: errno, "cannot make \(path)") }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(path) }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> CommandError {
    let error = CommandError(errno: errno, "cannot write \(path)")
    unlink(path)
    return error
  }
}
