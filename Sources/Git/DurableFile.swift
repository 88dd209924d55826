import Glibc

/// Files that are either whole and on the disk, or not there.
enum DurableFile {
  /// Writes and fsyncs a new file, mode 0444, in the place of one that may be left of an earlier attempt.
  /// Removes what it wrote when that fails.
  static func create(_ path: String, _ bytes: [UInt8]) throws(GitError) {
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
    guard descriptor >= 0 else { throw failure("cannot create '\(path)'") }
    do throws(GitError) {
      try write(bytes, to: descriptor, path)
      guard fsync(descriptor) == 0 else { throw failure("cannot sync '\(path)'") }
    } catch {
      close(descriptor)
      unlink(path)
      throw error
    }
    // Some file systems report a failed write as late as here.
    guard close(descriptor) == 0 else {
      let error = failure("cannot close '\(path)'")
      unlink(path)
      throw error
    }
  }

  /// All of a file.
  static func read(_ path: String) throws(GitError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot open '\(path)'") }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw failure("cannot look at '\(path)'") }
    var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
    var offset = 0
    while offset < bytes.count {
      let wanted = bytes.count - offset
      let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + offset }, wanted) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("cannot read '\(path)'") }
      offset += count
    }
    return bytes
  }

  static func move(_ path: String, to target: String) throws(GitError) {
    guard rename(path, target) == 0 else { throw failure("cannot rename '\(path)'") }
  }

  /// Makes new names in a folder survive a power cut.
  static func syncFolder(_ path: String) throws(GitError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot open '\(path)'") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("cannot sync '\(path)'") }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(GitError) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("cannot write '\(path)'") }
      offset += count
    }
  }

  static func failure(_ what: String) -> GitError {
    let code = errno
    let text = "\(what): \(String(cString: strerror(code)))"
    return GitError(code == ENOENT ? .notFound : .disk, text, hint: errorHint(.disk, text))
  }
}
