import Glibc

/// An open file descriptor, closed when the value goes away. Always close-on-exec.
struct Descriptor: ~Copyable, Sendable {
  let number: Int32

  init(owning number: Int32) { self.number = number }

  deinit { close(number) }

  /// open(2).
  init(open path: String, _ flags: Int32, mode: mode_t = 0) throws(ExecutionError) {
    let number = Glibc.open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw ExecutionError(errno: errno, "cannot open \(path)") }
    self.number = number
  }

  /// openat(2): below this folder, a symbolic link at the end refused.
  func open(_ name: String, _ flags: Int32, mode: mode_t = 0) throws(ExecutionError) -> Descriptor {
    let opened = openat(number, name, flags | O_CLOEXEC | O_NOFOLLOW, mode)
    guard opened >= 0 else { throw ExecutionError(errno: errno, "cannot open \(name)") }
    return Descriptor(owning: opened)
  }

  /// Below this folder, with neither a symbolic link nor a mount point on the way or at the end: see
  /// ``LinuxCalls/openBeneath(_:_:_:)``. For whatever a job could have put there.
  func openBeneath(_ path: String, _ flags: Int32) throws(ExecutionError) -> Descriptor {
    let opened = LinuxCalls.openBeneath(number, path, flags)
    if opened < 0, errno == ENOSYS { return try openStepwise(path, flags) }
    guard opened >= 0 else { throw ExecutionError(errno: errno, "cannot open \(path)") }
    return Descriptor(owning: opened)
  }

  /// The same one segment after the other, where the kernel has no openat2(2).
  private func openStepwise(_ path: String, _ flags: Int32) throws(ExecutionError) -> Descriptor {
    let segments = path.split(separator: "/").map(String.init)
    guard !segments.contains(".."), let last = segments.last else {
      throw ExecutionError(.refused, "\(path) does not lie below the folder")
    }
    var folder = try open(".", LinuxCalls.pathOnly | O_DIRECTORY)
    for segment in segments.dropLast() { folder = try folder.open(segment, LinuxCalls.pathOnly | O_DIRECTORY) }
    return try folder.open(last, flags)
  }

  /// A regular file below this folder, for reading; `refused` for anything else. Whatever stands there, nothing waits: a
  /// file is looked at before it is opened, since opening a fifo waits for somebody and opening a device may do something.
  func openFile(_ path: String) throws(ExecutionError) -> Descriptor {
    let named = try openBeneath(path, LinuxCalls.pathOnly)
    guard try named.status(path).st_mode & S_IFMT == S_IFREG else {
      throw ExecutionError(.refused, "\(path) is not a regular file")
    }
    // The very file that was looked at. O_NONBLOCK, because somebody may hold a lease on it.
    return try Descriptor(open: "/proc/self/fd/\(named.number)", O_RDONLY | O_NONBLOCK)
  }

  func write(_ bytes: [UInt8], name: String) throws(ExecutionError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: done), $0.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw ExecutionError(errno: count == 0 ? ENOSPC : errno, "cannot write \(name)") }
      done += count
    }
  }

  /// Makes these bytes the whole content of a file that was opened at its beginning. Room that it has stays its own meanwhile.
  func replace(with bytes: [UInt8], name: String) throws(ExecutionError) {
    try write(bytes, name: name)
    guard try status(name).st_size > bytes.count else { return }
    guard ftruncate(number, off_t(bytes.count)) == 0 else {
      throw ExecutionError(errno: errno, "cannot cut off \(name)")
    }
  }

  /// Bytes from `offset` on, at most `limit` of them.
  func read(at offset: Int, limit: Int, name: String) throws(ExecutionError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
      while filled < limit {
        let count = pread(number, buffer.baseAddress?.advanced(by: filled), limit - filled, off_t(offset + filled))
        if count < 0, errno == EINTR { continue }
        if count < 0 { failure = errno }
        guard count > 0 else { return }
        filled += count
      }
    }
    guard failure == 0 else { throw ExecutionError(errno: failure, "cannot read \(name)") }
    return bytes
  }

  /// The whole of a regular file; `tooLarge` when it has more than `limit` bytes.
  func readWhole(limit: Int, name: String) throws(ExecutionError) -> [UInt8] {
    let status = try status(name)
    guard status.st_mode & S_IFMT == S_IFREG else { throw ExecutionError(.system, "\(name) is not a regular file") }
    guard status.st_size <= limit else { throw ExecutionError(.tooLarge, "\(name) has more than \(limit) bytes") }
    return try read(at: 0, limit: Int(status.st_size), name: name)
  }

  func status(_ name: String) throws(ExecutionError) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw ExecutionError(errno: errno, "cannot look at \(name)") }
    return status
  }

  func sync(_ name: String) throws(ExecutionError) {
    guard fsync(number) == 0 else { throw ExecutionError(errno: errno, "cannot sync \(name)") }
  }

  func makeFolder(_ name: String, mode: mode_t) throws(ExecutionError) {
    guard mkdirat(number, name, mode) == 0 else {
      throw ExecutionError(errno: errno, "cannot make the folder \(name)")
    }
  }

  /// Makes a folder that only `owner` can look into; nil is the agent's own user.
  func makeFolder(_ name: String, for owner: JobUser?) throws(ExecutionError) {
    try makeFolder(name, mode: 0o700)
    guard let owner else { return }
    guard fchownat(number, name, owner.id, owner.group, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw ExecutionError(errno: errno, "cannot give \(name) to user \(owner.id)")
    }
  }
}
