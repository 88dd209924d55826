import Glibc
import Model

/// A fresh folder with the files of a bundle, read-only and the agent's own, and a note of what it looked like. Only the
/// agent's user and, where it is another, the job's group can look into it.
///
/// Another user cannot change it. Its own user can (the permissions are his), as root can everything; but not without
/// a trace: the kernel stamps each change of a file into its ctime, which no program can set.
struct SealedFolder: Sendable {
  let path: String
  private var stamps: [String: Stamp] = [:]

  private struct Stamp: Hashable {
    let device, inode, seconds, nanoseconds: Int
  }

  /// Makes the folder `name` of a run folder, or fills the empty one of a run folder that is used again. `bytes` gives the content of a file, hashed in the very memory that is
  /// written here. `group` is that of a job which runs as another user.
  init(
    _ files: [BundleFile], in run: RunFolder, name: String, group: UInt32? = nil,
    bytes: (BundleFile) throws(ExecutionError) -> [UInt8]
  ) throws(ExecutionError) {
    path = "\(run.path)/\(name)"
    let runFolder = try run.open()
    let closed: mode_t = group == nil ? 0o500 : 0o550
    let isThere = mkdirat(runFolder.number, name, 0o700) != 0
    guard !isThere || errno == EEXIST else { throw ExecutionError(errno: errno, "cannot make the folder \(name)") }
    let root = try runFolder.open(name, O_RDONLY | O_DIRECTORY)
    if isThere {
      if files.isEmpty, try root.status(name).st_mode & 0o777 == closed { return }
      guard fchmod(root.number, 0o700) == 0 else { throw ExecutionError(errno: errno, "cannot open up \(name)") }
    }
    var folders: Set<String> = []
    for file in files {
      if let problem = RepositoryPath.problem(in: file.path) {
        throw ExecutionError(.refused, "\(file.path): \(problem)")
      }
      try Self.write(try bytes(file), of: file, below: root, folders: &folders)
    }
    // The deepest first: what is closed cannot be entered by path, but the descriptors go by path too.
    for folder in folders.sorted(by: >) + ["."] {
      guard fchmodat(root.number, folder, 0o555, 0) == 0 else {
        throw ExecutionError(errno: errno, "cannot close \(folder)")
      }
    }
    if let group {
      guard fchown(root.number, UInt32.max, group) == 0 else {
        throw ExecutionError(errno: errno, "cannot give \(name) away")
      }
    }
    guard fchmod(root.number, closed) == 0 else {
      throw ExecutionError(errno: errno, "cannot close \(name)")
    }
    for file in files { stamps[file.path] = try Self.stamp("\(path)/\(file.path)", withTime: true) }
    // Of folders only which ones they are: an interpreter that runs as root may leave its caches in them.
    for folder in folders { stamps[folder] = try Self.stamp("\(path)/\(folder)", withTime: false) }
  }

  /// Those that are not what they were, at most 10. Changes within the clock tick of their making (4 ms) go unseen on
  /// kernels before 6.13, whose stamps are no finer.
  func changedFiles() -> [String] {
    let changed = stamps.filter { path, stamp in
      let now = try? Self.stamp("\(self.path)/\(path)", withTime: stamp.nanoseconds >= 0)
      return now != stamp
    }
    return Array(changed.keys.sorted().prefix(10))
  }

  private static func write(
    _ bytes: [UInt8], of file: BundleFile, below root: borrowing Descriptor, folders: inout Set<String>
  ) throws(ExecutionError) {
    let segments = file.path.split(separator: "/")
    var folder = try root.open(".", O_RDONLY | O_DIRECTORY)
    for depth in 0..<(segments.count - 1) {
      let name = String(segments[depth])
      if folders.insert(segments[...depth].joined(separator: "/")).inserted { try folder.makeFolder(name, mode: 0o700) }
      folder = try folder.open(name, O_RDONLY | O_DIRECTORY)
    }
    let name = String(segments[segments.count - 1])
    let target = try folder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    try target.write(bytes, name: file.path)
    guard fchmod(target.number, file.executable ? 0o555 : 0o444) == 0 else {
      throw ExecutionError(errno: errno, "cannot close \(file.path)")
    }
  }

  private static func stamp(_ path: String, withTime: Bool) throws(ExecutionError) -> Stamp {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw ExecutionError(errno: errno, "cannot look at \(path)") }
    return Stamp(
      device: Int(status.st_dev), inode: Int(status.st_ino),
      seconds: withTime ? Int(status.st_ctim.tv_sec) : -1, nanoseconds: withTime ? Int(status.st_ctim.tv_nsec) : -1)
  }
}
