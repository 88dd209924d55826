import Glibc
public import Model
import Synchronization
import Trust

/// The files that wait for a controller, each under its digest in a folder that only the agent can enter. What is in here
/// never changes: a file comes in complete, by its name (link(2)), and is removed when nothing needs it any more.
///
/// Who needs what is not known here: ``collect(keeping:)`` is told.
public final class ArtifactSpool: Sendable {
  /// Absolute.
  public let path: String
  public let limits: ArtifactLimits
  private let bytes: Mutex<Int64>
  /// Bytes of copies that are being made.
  private let copies = Mutex<Int64>(0)
  /// How often each was taken in by somebody who has not said yet who needs it: it is not removed meanwhile.
  private let pins = Mutex<[Digest: Int]>([:])

  private let copyCount = Mutex(0)

  private static let unfinished = ".new-"

  /// Makes the folder, and removes what an agent that died has left unfinished.
  public init(path: String, limits: ArtifactLimits = ArtifactLimits()) throws(ExecutionError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw ExecutionError(errno: errno, "cannot make the folder \(path)")
    }
    self.path = path
    self.limits = limits
    let folder = try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    guard fchmod(folder.number, 0o700) == 0 else { throw ExecutionError(errno: errno, "cannot close \(path)") }
    var sum: Int64 = 0
    for name in try folder.names() {
      if name.hasPrefix(Self.unfinished) {
        unlinkat(folder.number, name, 0)
      } else {
        sum += Self.size(name, in: folder)
      }
    }
    bytes = Mutex(sum)
  }

  /// Bytes of all that waits.
  public var size: Int64 { bytes.withLock { $0 } }

  private func open() throws(ExecutionError) -> Descriptor {
    try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  private static func size(_ name: String, in folder: borrowing Descriptor) -> Int64 {
    var status = stat()
    return fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? Int64(status.st_size) : 0
  }

  /// Throws `diskFull` unless so many bytes may be written to the disk of the folder: a twentieth of it, at most a
  /// gigabyte, is left to what matters more.
  func checkRoom(for size: Int64) throws(ExecutionError) {
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else { throw ExecutionError(errno: errno, "cannot look at the disk of \(path)") }
    let block = UInt64(disk.f_frsize)
    let reserve = min(UInt64(disk.f_blocks) * block / 20, 1 << 30)
    guard UInt64(disk.f_bavail) * block >= UInt64(max(size, 0)) + reserve else {
      throw ExecutionError(errno: ENOSPC, "there is no room on the disk")
    }
  }

  /// Keeps room for a copy that is to be made: among what waits, and on the disk. Throws `tooLarge` and `diskFull`. Give it
  /// back by ``release(_:)``, or tell ``add(_:in:_:size:held:)`` of it.
  func hold(_ size: Int64) throws(ExecutionError) {
    try reserve(size)
    let all = copies.withLock { copies in
      copies += size
      return copies
    }
    do throws(ExecutionError) { try checkRoom(for: all) } catch {
      release(size)
      throw error
    }
  }

  func release(_ held: Int64) {
    bytes.withLock { $0 -= held }
    copies.withLock { $0 -= held }
  }

  /// Takes a sealed file in that stands in a folder of the agent's and has these bytes. It stays there too. For so many bytes
  /// as are `held` there is room already; they are given back in any case.
  ///
  /// Throws `tooLarge` when too much is waiting already.
  func add(
    _ name: String, in other: borrowing Descriptor, _ digest: Digest, size: Int64, held: Int64 = 0
  ) throws(ExecutionError) {
    let folder: Descriptor
    do throws(ExecutionError) { folder = try open() } catch {
      release(held)
      throw error
    }
    pins.withLock { $0[digest, default: 0] += 1 }
    do throws(ExecutionError) {
      try link(name, in: other, digest, size: size, held: held, to: folder)
    } catch {
      unpin([digest])
      throw error
    }
  }

  private func link(
    _ name: String, in other: borrowing Descriptor, _ digest: Digest, size: Int64, held: Int64,
    to folder: borrowing Descriptor
  ) throws(ExecutionError) {
    // Among what waits the room that is held becomes the file's own; on the disk the copy has it by now.
    copies.withLock { $0 -= held }
    if faccessat(folder.number, digest.hex, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
      bytes.withLock { $0 -= held }
      // Whose it was may not have come to it yet.
      return try folder.sync(path)
    }
    do throws(ExecutionError) { try reserve(size - held) } catch {
      bytes.withLock { $0 -= held }
      throw error
    }
    do throws(ExecutionError) {
      var isNew = true
      if linkat(other.number, name, folder.number, digest.hex, 0) != 0 {
        switch errno {
        // Another attempt was quicker.
        case EEXIST: isNew = false
        case EXDEV, EMLINK, EPERM, EOPNOTSUPP: try copy(name, in: other, to: digest.hex, folder, size: size)
        default: throw ExecutionError(errno: errno, "cannot keep it in \(path)")
        }
      }
      try folder.sync(path)
      if !isNew { bytes.withLock { $0 -= size } }
    } catch {
      bytes.withLock { $0 -= size }
      throw error
    }
  }

  /// Somebody else knows from now on who needs them, as often as they were taken in.
  public func unpin(_ digests: some Sequence<Digest>) {
    pins.withLock { pins in
      for digest in digests {
        let count = (pins[digest] ?? 1) - 1
        pins[digest] = count > 0 ? count : nil
      }
    }
  }

  private func reserve(_ size: Int64) throws(ExecutionError) {
    let waiting = bytes.withLock { bytes in
      guard bytes + size > limits.spool else {
        bytes += size
        return nil as Int64?
      }
      return bytes
    }
    guard let waiting else { return }
    throw ExecutionError(
      .tooLarge, "\(waiting) bytes wait for the controller already, and no more than \(limits.spool) may")
  }

  /// On another file system.
  private func copy(
    _ name: String, in other: borrowing Descriptor, to target: String, _ folder: borrowing Descriptor, size: Int64
  ) throws(ExecutionError) {
    try checkRoom(for: size)
    // Two attempts may have the same file.
    let number = copyCount.withLock { count in
      count += 1
      return count
    }
    let temporary = "\(Self.unfinished)\(number)-\(target)"
    unlinkat(folder.number, temporary, 0)
    let source = try other.open(name, O_RDONLY)
    let copy = try folder.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o400)
    do throws(ExecutionError) {
      _ = try source.hash(copyingTo: copy.number, limit: size, name: name)
      try copy.sync(temporary)
      guard renameat(folder.number, temporary, folder.number, target) == 0 else {
        throw ExecutionError(errno: errno, "cannot keep it in \(path)")
      }
    } catch {
      unlinkat(folder.number, temporary, 0)
      throw error
    }
  }

  /// Bytes from `offset` on, at most `limit`; `missing` when the file is not there.
  public func read(_ digest: Digest, at offset: Int64, limit: Int) throws(ExecutionError) -> [UInt8] {
    try open().open(digest.hex, O_RDONLY).read(at: Int(offset), limit: limit, name: digest.short)
  }

  /// Whether the file is there and still has the bytes that it is named by. Throws when the system does not let it be read
  /// now, which says nothing about the file.
  public func isWhole(_ digest: Digest) throws(ExecutionError) -> Bool {
    do throws(ExecutionError) {
      let file = try open().open(digest.hex, O_RDONLY)
      return try file.hash(limit: Int64(file.status(digest.short).st_size), name: digest.short) == digest
    } catch {
      guard [.missing, .tooLarge].contains(error.code) else { throw error }
      return false
    }
  }

  /// Removes what nothing needs any more.
  public func remove(_ digests: some Sequence<Digest>) throws(ExecutionError) {
    let folder = try open()
    for digest in digests {
      let size = Self.size(digest.hex, in: folder)
      let number = folder.number
      // Within the lock: who takes it in says so before looking whether it is here.
      let error = pins.withLock { pins -> Int32? in
        guard pins[digest] == nil else { return nil }
        return unlinkat(number, digest.hex, 0) == 0 ? 0 : errno
      }
      guard let error else { continue }
      if error == 0 {
        bytes.withLock { $0 -= size }
      } else if error != ENOENT {
        throw ExecutionError(errno: error, "cannot remove \(digest.short)")
      }
    }
  }

  /// Removes all but these: what was taken in by an agent that died before it had written down for which run.
  public func collect(keeping kept: Set<Digest>) throws(ExecutionError) {
    try remove(open().names().compactMap { try? Digest(hex: $0) }.filter { !kept.contains($0) })
  }
}

extension Descriptor {
  /// SHA-256 of the file's bytes, which are written to another file as they are read. `tooLarge` beyond the limit.
  func hash(copyingTo other: Int32? = nil, limit: Int64, name: String) throws(ExecutionError) -> Digest {
    var hash = SHA256.Stream()
    var offset = 0
    while true {
      let bytes = try read(at: offset, limit: 1 << 20, name: name)
      if bytes.isEmpty { return hash.finish() }
      offset += bytes.count
      guard offset <= limit else { throw ExecutionError(.tooLarge, "\(name) has more than \(limit) bytes") }
      hash.update(bytes)
      if let other { try Self.write(bytes, to: other, name: name) }
    }
  }

  private static func write(_ bytes: [UInt8], to number: Int32, name: String) throws(ExecutionError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: done), $0.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw ExecutionError(errno: count == 0 ? ENOSPC : errno, "cannot copy \(name)") }
      done += count
    }
  }
}
