import Glibc
public import Model
import Synchronization

/// Run folders of attempts that have ended and changed nothing in them, to be used again.
///
/// Making and removing ten files and folders for each attempt costs more than all the rest of an attempt together, and
/// most jobs leave them as they are. A folder is used again by renaming it to the new attempt's name; the agent's own
/// files in it are written anew, in place.
///
/// It must be as good as a new one to whoever runs in it, so it is kept only when nobody has touched it: what the job was
/// given is the same, by its inodes and by the time of its last change (ctime), which no program can set and which also
/// tells of modes, access lists, attributes, links and files that have come and gone. And it is used again only for the same user
/// and group; what an earlier process of theirs may have left open or may watch, they could open and watch anew.
///
/// A loss of power may undo renames: a status file tells whose it is (``recover(_:)``).
public final class SpareFolders: Sendable {
  /// Absolute: where all run folders are.
  public let path: String
  /// More of them than this are not kept. Each takes about 32 KiB of the disk.
  public let limit: Int

  private struct Owner: Hashable {
    var user: UInt32?
    var group: UInt32?
  }

  private struct State {
    var names: [Owner: [String]] = [:]
    var count = 0
    /// The fewest that there were since somebody last looked: they were not needed.
    var fewest = 0
    var made = 0
  }

  private let state = Mutex(State())
  private let prefix: String
  private let coarseness: Duration

  /// How the names begin, which are no attempts'.
  public static let prefix = "spare-"
  /// How the names of folders begin that are to be removed, whoever removes them.
  public static let removed = "removed-"

  /// The folder must exist. Looks how finely the file system there tells two changes apart.
  public init(path: String, limit: Int = 1_024) {
    self.path = path
    self.limit = limit
    // Another one for each life of the agent: what its former life has left is removed meanwhile.
    let life = UInt32.random(in: 0 ... .max)
    prefix = "\(Self.prefix)\(String(life, radix: 16))-"
    coarseness = Self.tellsChangesApart(probe: "\(path)/\(prefix)probe") ? .zero : Self.longestTick
  }

  /// How far apart two changes are for certain that a file system with coarse times shows as two: a tick of the kernel's
  /// clock is at most 10 ms.
  private static let longestTick = Duration.milliseconds(20)

  /// Whether each of a few changes in a row has a time of its own: Linux 6.13, on most file systems.
  private static func tellsChangesApart(probe: String) -> Bool {
    guard mkdir(probe, 0o700) == 0 else { return false }
    defer { rmdir(probe) }
    var seen: Set<Stamp> = []
    for round in 0..<4 {
      guard chmod(probe, round % 2 == 0 ? 0o500 : 0o700) == 0, let stamp = Stamp(AT_FDCWD, probe) else { return false }
      guard seen.insert(stamp).inserted else { return false }
    }
    return true
  }

  /// A spare folder for a job of this user's, under the attempt's path; nil when there is none.
  func take(for user: JobUser?, as path: String) -> RunFolder? {
    // Whatever stands there is none of ours to replace, and its own launch will say so.
    guard access(path, F_OK) != 0 else { return nil }
    let owner = Owner(user: user?.id, group: user?.group)
    while true {
      let name = state.withLock { state -> String? in
        guard let name = state.names[owner]?.popLast() else { return nil }
        state.count -= 1
        state.fewest = min(state.fewest, state.count)
        return name
      }
      guard let name else { return nil }
      guard rename("\(self.path)/\(name)", path) == 0 else {
        try? RunFolder(path: "\(self.path)/\(name)").remove()
        continue
      }
      return RunFolder(path: path)
    }
  }

  /// Keeps the folder of an attempt that has ended, unless it is not as it was made, or there are enough of them; false says
  /// that it is where it was. `started` is when the job's first instruction was.
  public func keep(_ folder: RunFolder, _ made: UntouchedFolder, started: Timestamp, isOutputHeld: Bool) -> Bool {
    let owner = Owner(user: made.user?.id, group: made.user?.group)
    guard state.withLock({ $0.count }) < limit, made.latest + coarseness <= started || coarseness == .zero,
      (try? made.clean(folder, isOutputHeld: isOutputHeld)) == true
    else { return false }
    let name = state.withLock { state in
      state.made += 1
      return "\(prefix)\(state.made)"
    }
    guard rename(folder.path, "\(path)/\(name)") == 0 else { return false }
    state.withLock { state in
      state.names[owner, default: []].append(name)
      state.count += 1
    }
    return true
  }

  /// The folders that were not needed since this was last called, which are to be removed.
  public func trim() -> [String] {
    let names = state.withLock { state in
      var names: [String] = []
      for owner in state.names.keys {
        while names.count < state.fewest, let name = state.names[owner]?.first {
          names.append(name)
          state.names[owner]?.removeFirst()
        }
      }
      state.names = state.names.filter { !$0.value.isEmpty }
      state.count -= names.count
      state.fewest = state.count
      return names
    }
    return names.map { "\(path)/\($0)" }
  }

  /// Gives the folders of these attempts their names back, which a loss of power has taken from them. At start, before
  /// anything else looks at them.
  public static func recover(_ attempts: Set<String>, in path: String) {
    for name in RunFolder.names(in: path) {
      // What is to be removed is of attempts that are over.
      guard !name.hasPrefix(removed),
        let status = try? RunFolder(path: "\(path)/\(name)").open().open(StatusFile.name, O_RDONLY),
        let bytes = try? status.read(at: 0, limit: StatusFile.size, name: StatusFile.name),
        let meant = StatusFile.made(in: bytes)?.name, meant != name, attempts.contains(meant),
        access("\(path)/\(meant)", F_OK) != 0
      else { continue }
      rename("\(path)/\(name)", "\(path)/\(meant)")
    }
  }
}

/// What a run folder looked like when its attempt was made ready.
public struct UntouchedFolder: Sendable {
  let user: JobUser?
  private let stamps: [Stamp]
  /// Of the bundle.
  private let files: [String]
  /// More of a bundle's files than this are too much to be removed while others wait.
  private static let mostFiles = 8

  /// What may be in a folder that is used again, in ascending order.
  private static let names = [
    "artifacts", "bundle", "event.json", "output", "outputs", "spec", "status", "tmp", "work",
  ]
  /// Of these, what must be as it was: all but the shim's own files.
  private static let given = ["artifacts", "bundle", "event.json", "outputs", "spec", "tmp", "work"]

  /// Nil when it cannot be looked at, or can never be used again. `files`: paths of the bundle. In folders of it a job may leave
  /// as many files as it likes.
  init?(_ folder: RunFolder, user: JobUser?, files: [String]) {
    guard files.count <= Self.mostFiles, !files.contains(where: { $0.utf8.contains(UInt8(ascii: "/")) }),
      let opened = try? folder.open()
    else { return nil }
    let stamps = Self.given.compactMap { Stamp(opened.number, $0) }
    guard stamps.count == Self.given.count else { return nil }
    self.stamps = stamps
    self.user = user
    self.files = files
  }

  /// When the last of it was changed.
  var latest: Timestamp { stamps.map(\.time).max() ?? Timestamp(microseconds: 0) }

  /// Makes the folder ready to be used again; false when something in it is not as it was.
  fileprivate func clean(_ folder: RunFolder, isOutputHeld: Bool) throws(ExecutionError) -> Bool {
    let opened = try folder.open()
    let names = Set(try opened.names(limit: Self.names.count + 1))
    guard names.isSubset(of: Self.names), Self.isAgents(opened, folder.path),
      Self.given.compactMap({ Stamp(opened.number, $0) }) == stamps
    else {
      return false
    }
    // Only the header of a record is written anew: what another one held must not come up in it, nor what the next one
    // holds be read by whoever reads this one still.
    if names.contains("output"),
      isOutputHeld || (Stamp(opened.number, "output")?.size ?? .max) > OutputRecord.headerSize
    {
      guard unlinkat(opened.number, "output", 0) == 0 else { return false }
    }
    guard !files.isEmpty else { return true }
    let bundle = try opened.open("bundle", O_RDONLY | O_DIRECTORY)
    guard fchmod(bundle.number, 0o700) == 0 else { return false }
    return files.allSatisfy { unlinkat(bundle.number, $0, 0) == 0 }
  }

  /// Whether nobody but the agent can change what is the agent's own: a job that runs as its user could have let somebody in.
  private static func isAgents(_ opened: borrowing Descriptor, _ path: String) -> Bool {
    guard let folder = try? opened.status("it"), folder.st_mode == S_IFDIR | 0o711, folder.st_uid == geteuid(),
      !LinuxCalls.hasAnyAttribute("system.posix_acl_access", of: path),
      !LinuxCalls.hasAnyAttribute("system.posix_acl_default", of: path)
    else { return false }
    return ["status", "output"].allSatisfy { name in
      var status = stat()
      guard fstatat(opened.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return name == "output" }
      return status.st_mode == S_IFREG | 0o600 && status.st_uid == geteuid() && status.st_nlink == 1
    }
  }
}

/// Which file it is, and when anything about it was last changed.
private struct Stamp: Hashable {
  let device, inode, size, seconds, nanoseconds: Int

  init?(_ folder: Int32, _ name: String) {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    device = Int(status.st_dev)
    inode = Int(status.st_ino)
    size = Int(status.st_size)
    seconds = Int(status.st_ctim.tv_sec)
    nanoseconds = Int(status.st_ctim.tv_nsec)
  }

  var time: Timestamp { Timestamp(microseconds: Int64(seconds) * 1_000_000 + Int64(nanoseconds / 1_000)) }
}
