import Glibc

extension Descriptor {
  /// Removes everything below this folder, symbolic links never followed.
  ///
  /// A job may have left folders nested deeper than a path or a stack can go, with names that are not UTF-8. So
  /// nothing recurses (what is found two levels down is moved up one, until everything is gone), and names stay bytes.
  /// Each folder is taken from its owner before it is looked into, so that nobody can go on filling it. What is mounted
  /// below stays: it may be a part of the host that a job has bound there.
  func removeContents() throws(ExecutionError) {
    var moved = 0
    while true {
      let entries = try entries()
      if entries.isEmpty { return }
      for entry in entries { try remove(entry, moved: &moved) }
    }
  }

  private func remove(_ entry: [CChar], moved: inout Int) throws(ExecutionError) {
    if unlinkat(number, entry, 0) == 0 || errno == ENOENT { return }
    // EISDIR for a folder; POSIX says EPERM.
    guard errno == EISDIR || errno == EPERM else { throw Self.cannotRemove(entry) }
    // Most are empty, and then there is nothing to look into.
    if unlinkat(number, entry, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
    try withoutWriteProtection(entry).moveContents(to: self, moved: &moved)
    guard unlinkat(number, entry, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
      throw Self.cannotRemove(entry)
    }
  }

  private func moveContents(to upper: borrowing Descriptor, moved: inout Int) throws(ExecutionError) {
    while true {
      let entries = try entries()
      if entries.isEmpty { return }
      for entry in entries {
        if unlinkat(number, entry, 0) == 0 || errno == ENOENT { continue }
        if unlinkat(number, entry, AT_REMOVEDIR) == 0 { continue }
        // A folder can only be moved by who may write to it, because its `..` changes.
        _ = try withoutWriteProtection(entry)
        // Somebody who goes on making folders must not keep this going for ever.
        guard moved < 10_000_000 else { throw Self.cannotRemove(entry) }
        moved += 1
        while renameat(number, entry, upper.number, ".moved-\(moved)") != 0 {
          guard errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR else { throw Self.cannotRemove(entry) }
          moved += 1
        }
      }
    }
  }

  /// The folder, opened, and ours alone to change.
  private func withoutWriteProtection(_ entry: [CChar]) throws(ExecutionError) -> Descriptor {
    var opened = LinuxCalls.openBeneath(number, entry, O_RDONLY | O_DIRECTORY)
    if opened < 0, errno == EACCES {
      fchmodat(number, entry, 0o700, AT_SYMLINK_NOFOLLOW)
      opened = LinuxCalls.openBeneath(number, entry, O_RDONLY | O_DIRECTORY)
    }
    guard opened >= 0 else { throw Self.cannotRemove(entry) }
    if geteuid() == 0 { fchown(opened, 0, 0) }
    fchmod(opened, 0o700)
    return Descriptor(owning: opened)
  }

  /// Names that are held in memory at a time.
  private static let batch = 10_000

  /// Names in the folder, each with its NUL, not more than so many of them.
  func entries(limit: Int = Self.batch) throws(ExecutionError) -> [[CChar]] {
    let copy = openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { throw ExecutionError(errno: errno, "cannot list a folder") }
    defer { closedir(stream) }
    let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
    var names: [[CChar]] = []
    while names.count < limit, let entry = readdir(stream) {
      let name = UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
      let bytes = Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
      if bytes != [0x2e, 0], bytes != [0x2e, 0x2e, 0] { names.append(bytes) }
    }
    return names
  }

  /// The same as text, for folders whose names are ours; in others a name need not be text.
  func names(limit: Int = .max) throws(ExecutionError) -> [String] { try entries(limit: limit).map(Self.text) }

  private static func text(_ entry: [CChar]) -> String {
    String(decoding: entry.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func cannotRemove(_ entry: [CChar]) -> ExecutionError {
    ExecutionError(errno: errno, "cannot remove \(text(entry))")
  }
}
