import Glibc
public import Model

/// The working folders of jobs that keep theirs (`workdir: keep`): `JOB/work` below one folder of the agent's, the slashes
/// of the job's name as `+`.
///
/// `JOB` is the agent's alone to list, and its lock (flock(2)) belongs to the shim whose run is at work in there. `work` is the
/// job's user's: whatever stands in it is opened by nobody here, and never given to anybody else.
public struct KeptFolders: Sendable {
  /// Absolute, made by the caller.
  public let path: String
  private let discard: @Sendable (String) -> Void

  /// `discard` is told of each folder that has been put out of the way, for it to be removed when there is time.
  public init(path: String, discard: @escaping @Sendable (String) -> Void) {
    self.path = path
    self.discard = discard
  }

  /// How the names begin of folders that are out of the way. No job's name begins so.
  private static let removed = ".removed-"

  private static func folderName(_ job: JobName) -> String { job.text.split(separator: "/").joined(separator: "+") }

  /// Where the job itself works, below the folder of all of them.
  static func workFolder(of job: JobName, in path: String) -> String { "\(path)/\(folderName(job))/work" }

  private static func job(_ name: String) -> JobName? {
    try? JobName(name.split(separator: "+", omittingEmptySubsequences: false).joined(separator: "/"))
  }

  /// The folder for the shim's spec, its `work` there and the owner's; nil is the agent's own user.
  ///
  /// One that was another user's is put out of the way: what is in it was not meant for the new one, and giving it away file
  /// by file would follow the links that the old one has made. Throws `system` when a run is still at work in it.
  func prepare(_ job: JobName, for owner: JobUser?) throws(ExecutionError) -> String {
    let name = Self.folderName(job)
    let all = try open()
    if mkdirat(all.number, name, 0o700) != 0, errno != EEXIST {
      throw ExecutionError(errno: errno, "cannot make the folder \(path)/\(name)")
    }
    let folder = try all.open(name, O_RDONLY | O_DIRECTORY)
    guard fchmod(folder.number, 0o711) == 0 else {
      throw ExecutionError(errno: errno, "cannot open up \(path)/\(name)")
    }
    if try !isThere(in: folder, of: owner?.id ?? geteuid()) {
      guard flock(folder.number, LOCK_EX | LOCK_NB) == 0 else {
        throw ExecutionError(.system, "the folder that \(job) keeps is in use by a run of another user")
      }
      try putAway("work", in: folder, all)
      // In two steps, so that a folder under that name is always its owner's.
      try putAway("new", in: folder, all)
      try folder.makeFolder("new", for: owner)
      guard renameat(folder.number, "new", folder.number, "work") == 0 else {
        throw ExecutionError(errno: errno, "cannot make the folder that \(job) keeps")
      }
    }
    return "\(path)/\(name)"
  }

  private func isThere(in folder: borrowing Descriptor, of owner: uid_t) throws(ExecutionError) -> Bool {
    let opened = LinuxCalls.openBeneath(folder.number, "work", LinuxCalls.pathOnly | O_DIRECTORY)
    guard opened >= 0 else {
      // A link or a file may stand there, where a job is the agent's own user.
      if [ENOENT, ELOOP, ENOTDIR].contains(errno) { return false }
      throw ExecutionError(errno: errno, "cannot open the folder that a job keeps")
    }
    return try Descriptor(owning: opened).status("work").st_uid == owner
  }

  /// Puts the folders of all jobs but these out of the way, as far as no run is at work in them, and whatever was left of
  /// earlier ones.
  public func removeAll(but kept: Set<JobName>) throws(ExecutionError) {
    let all = try open()
    for name in try all.names() {
      if name.hasPrefix(Self.removed) {
        discard("\(path)/\(name)")
      } else if let job = Self.job(name), !kept.contains(job) {
        let folder = try all.open(name, O_RDONLY | O_DIRECTORY)
        if flock(folder.number, LOCK_EX | LOCK_NB) == 0 { try putAway(name, in: all, all) }
      }
    }
  }

  /// Removes an entry of a folder, when there is one, or, when it is a folder itself, renames it to a name of `all` that is to be removed.
  private func putAway(
    _ name: String, in folder: borrowing Descriptor, _ all: borrowing Descriptor
  ) throws(ExecutionError) {
    if unlinkat(folder.number, name, 0) == 0 { return }
    for _ in 0..<100 {
      let new = Self.removed + String(UInt64.random(in: 0 ... .max), radix: 36)
      if renameat(folder.number, name, all.number, new) == 0 { return discard("\(path)/\(new)") }
      if errno == ENOENT { return }
      // An empty folder of that name would be replaced, which is as well.
      guard errno == EEXIST || errno == ENOTEMPTY else {
        throw ExecutionError(errno: errno, "cannot put \(name) out of the way")
      }
    }
    throw ExecutionError(.system, "\(path) is full of folders that are to be removed")
  }

  private func open() throws(ExecutionError) -> Descriptor {
    try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }
}
