import Glibc
import Model
import Trust

/// Takes one file out of a folder that is a job's, which may do with it what it likes until it is taken.
///
/// In the agent's folder a file is, one after the other: `N.moved`, out of reach by name; `N.vetted`, looked at, and perhaps
/// still written to by who has it open; or `N.copy`, a part of it; and `N`, which nobody can change. An agent that dies goes
/// on from there.
struct ArtifactTaking {
  let name: String
  let number: Int
  /// The user whose file it must be: of another one's it would be told by the job what it cannot read itself.
  let owner: uid_t
  /// False where the job goes on using the file.
  let mayMove: Bool
  /// Nobody knows whether all of it had come to the disk when the host stopped.
  let isDoubtful: Bool
  let spool: ArtifactSpool
  /// Bytes for which there is room in the spool, because a copy was made.
  private var held: Int64 = 0

  init(name: String, number: Int, owner: uid_t, mayMove: Bool, isDoubtful: Bool, spool: ArtifactSpool) {
    self.name = name
    self.number = number
    self.owner = owner
    self.mayMove = mayMove
    self.isDoubtful = isDoubtful
    self.spool = spool
  }

  /// What is held is somebody else's to give back from now on.
  mutating func passHeld() -> Int64 {
    defer { held = 0 }
    return held
  }

  private var sealed: String { String(number) }
  private var moved: String { "\(number).moved" }
  private var vetted: String { "\(number).vetted" }
  private var copied: String { "\(number).copy" }

  mutating func take(
    from root: borrowing Descriptor?, to taken: borrowing Descriptor
  ) throws(ExecutionError) -> Artifact {
    if !isThere(sealed, in: taken) {
      guard !isDoubtful else {
        throw ExecutionError(.corrupted, "the host stopped before it was taken, and its disk may not have all of it")
      }
      if !isThere(moved, in: taken), !isThere(vetted, in: taken) {
        switch root {
        case .some(let root): try fetch(from: root, to: taken)
        case .none: throw ExecutionError(.missing, "its folder is gone")
        }
      }
      if isThere(moved, in: taken) { try vet(in: taken) }
      if isThere(vetted, in: taken) { try seal(in: taken) }
    }
    let file = try taken.open(sealed, O_RDONLY)
    let size = Int64(try file.status(name).st_size)
    return Artifact(name: name, size: size, digest: try file.hash(limit: spool.limits.file, name: "it"))
  }

  /// How many bytes it has, wherever it is by now; 0 when that cannot be told.
  static func size(
    _ name: String, _ number: Int, from root: borrowing Descriptor?, in taken: borrowing Descriptor
  ) -> Int64 {
    for place in ["\(number)", "\(number).vetted", "\(number).moved"] {
      var status = stat()
      if fstatat(taken.number, place, &status, AT_SYMLINK_NOFOLLOW) == 0 { return Int64(status.st_size) }
    }
    switch root {
    case .some(let root): return Int64((try? root.openBeneath(name, LinuxCalls.pathOnly).status(name))?.st_size ?? 0)
    case .none: return 0
    }
  }

  private func isThere(_ name: String, in taken: borrowing Descriptor) -> Bool {
    faccessat(taken.number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// Moves the file, or copies it.
  private mutating func fetch(from root: borrowing Descriptor, to taken: borrowing Descriptor) throws(ExecutionError) {
    let named = try root.openBeneath(name, LinuxCalls.pathOnly)
    let status = try named.status(name)
    try check(status)
    // A file with other names is somebody's elsewhere, who would lose it by becoming root's.
    if mayMove, status.st_nlink == 1, try move(status, from: root, to: taken) { return }
    let source = try Descriptor(open: "/proc/self/fd/\(named.number)", O_RDONLY | O_NONBLOCK)
    try copy(source, in: taken)
  }

  private func check(_ status: stat) throws(ExecutionError) {
    guard status.st_mode & S_IFMT == S_IFREG else { throw ExecutionError(.refused, "it is not a regular file") }
    guard owner == 0 || status.st_uid == owner else { throw ExecutionError(.refused, "it belongs to another user") }
    guard status.st_size <= spool.limits.file else {
      throw ExecutionError(.tooLarge, "it has \(status.st_size) bytes, more than \(spool.limits.file)")
    }
  }

  /// False when it cannot be moved, or is another file by now. What was moved is looked at once more by ``vet(in:)``.
  private func move(
    _ status: stat, from root: borrowing Descriptor, to taken: borrowing Descriptor
  ) throws(ExecutionError) -> Bool {
    let slash = name.lastIndex(of: "/")
    let folder = try root.openBeneath(slash.map { String(name[..<$0]) } ?? ".", LinuxCalls.pathOnly | O_DIRECTORY)
    let last = slash.map { String(name[name.index(after: $0)...]) } ?? name
    return renameat(folder.number, last, taken.number, moved) == 0
  }

  /// Looks at what was moved: the job may have put another file under that name at the last moment.
  private func vet(in taken: borrowing Descriptor) throws(ExecutionError) {
    do throws(ExecutionError) {
      let status = try taken.open(moved, LinuxCalls.pathOnly).status(name)
      try check(status)
      guard status.st_nlink == 1 else { throw ExecutionError(.refused, "it has got another name meanwhile") }
      try rename(moved, to: vetted, in: taken)
    } catch {
      unlinkat(taken.number, moved, 0)
      throw error
    }
  }

  /// Makes it the agent's own. From then on only who has it open for writing can change it, and of whom there is one it is
  /// copied.
  private mutating func seal(in taken: borrowing Descriptor) throws(ExecutionError) {
    let named = try taken.open(vetted, LinuxCalls.pathOnly)
    let file = try Descriptor(open: "/proc/self/fd/\(named.number)", O_RDONLY | O_NONBLOCK)
    guard fchown(file.number, geteuid(), getegid()) == 0, fchmod(file.number, 0o400) == 0 else {
      throw ExecutionError(errno: errno, "it cannot be taken from its owner")
    }
    if Self.hasNoWriter(file) {
      try file.sync(name)
      try rename(vetted, to: sealed, in: taken)
    } else {
      try copy(file, in: taken)
      unlinkat(taken.number, vetted, 0)
    }
  }

  /// Whether no process has the file open for writing, mapped memory included: else the kernel gives no read lease
  /// (fcntl(2)). False also where there are no leases.
  private static func hasNoWriter(_ file: borrowing Descriptor) -> Bool {
    let (setSignal, setLease, readLease, unlock): (Int32, Int32, Int32, Int32) = (10, 1024, 0, 2)
    // Whoever opens it for writing in the next moment makes the kernel send a signal here. SIGIO would end the agent.
    guard fcntl(file.number, setSignal, SIGURG) == 0, fcntl(file.number, setLease, readLease) == 0 else { return false }
    _ = fcntl(file.number, setLease, unlock)
    return true
  }

  /// Asks for room first, on the disk and among what waits: a file that takes little where it stands may be full of holes.
  private mutating func copy(_ source: borrowing Descriptor, in taken: borrowing Descriptor) throws(ExecutionError) {
    let before = try source.status(name)
    try spool.hold(Int64(before.st_size))
    held += Int64(before.st_size)
    unlinkat(taken.number, copied, 0)
    let target = try taken.open(copied, O_WRONLY | O_CREAT | O_EXCL, mode: 0o400)
    do throws(ExecutionError) {
      // No more than there is room for, should it grow meanwhile.
      let result = Result { () throws(ExecutionError) in
        try source.hash(copyingTo: target.number, limit: Int64(before.st_size), name: "it")
      }
      if case .failure(let error) = result, error.code != .tooLarge { throw error }
      let after = try source.status(name)
      // A half of one version and a half of another would be neither.
      guard (try? result.get()) != nil, before.st_size == after.st_size,
        Self.time(before.st_mtim) == Self.time(after.st_mtim)
      else { throw ExecutionError(.tampered, "it was written to while it was copied") }
      try target.sync(name)
      try rename(copied, to: sealed, in: taken)
    } catch {
      unlinkat(taken.number, copied, 0)
      throw error
    }
  }

  private static func time(_ time: timespec) -> [Int] { [Int(time.tv_sec), Int(time.tv_nsec)] }

  private func rename(_ old: String, to new: String, in taken: borrowing Descriptor) throws(ExecutionError) {
    guard renameat(taken.number, old, taken.number, new) == 0 else {
      throw ExecutionError(errno: errno, "it cannot be taken")
    }
  }
}
