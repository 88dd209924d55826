import Glibc
import Model

/// The folders with secrets as files, one for each attempt, in memory and on no disk.
///
/// A file system in memory that the host has anyway (tmpfs(5)): `/dev/shm`, or `/run` where that is none or the agent may not
/// write to it. In this order because a job that is the agent's own user, or root, can make its files grow: `/dev/shm` it can
/// fill in any case, and the host does not live in it. To any other user they are lent to be read, and stay the agent's: so it
/// can neither make them grow nor keep one by another name. Nothing has to be mounted, so no right to do that is needed and nothing has to be unmounted after a crash; a
/// restart of the host empties it. Below it is a folder of this agent's own, which others may pass through and not list.
public struct SecretFolders: Sendable {
  /// Where to look for memory, in this order.
  let places: [String]
  /// The agent's own folder in it.
  let name: String

  /// `owner` names the agent, such as by its id: two agents of a host have folders of their own.
  public init(owner: String, places: [String] = ["/dev/shm", "/run"]) {
    self.places = places
    name = "belfry-secrets.\(owner)"
  }

  /// Makes the folder of an attempt with a file for each secret, which only `user` may read; nil is the agent's own user.
  /// Gives back its absolute path. Throws `noMemory` when there is no file system in memory, or no room in it.
  func make(_ attempt: String, _ secrets: SecretValues, for user: JobUser?) throws(ExecutionError) -> String {
    var reasons: [String] = []
    for place in places {
      let own: Descriptor
      do throws(ExecutionError) { own = try open(in: place) } catch {
        reasons.append("\(error)")
        continue
      }
      do throws(ExecutionError) {
        // Of an attempt that was begun and then forgotten.
        try? remove(attempt, in: place)
        try own.makeFolder(attempt, mode: 0o700)
        let folder = try own.open(attempt, O_RDONLY | O_DIRECTORY)
        for (name, secret) in secrets { try Self.write(secret, to: name.text, in: folder, for: user) }
        try Self.close(folder, to: user)
        return "\(place)/\(name)/\(attempt)"
      } catch {
        try? remove(attempt, in: place)
        throw ExecutionError(.noMemory, "the files of the secrets cannot be made: \(error)")
      }
    }
    throw ExecutionError(
      .noMemory, "there is no file system in memory for the files of the secrets: \(reasons.joined(separator: "; "))")
  }

  private static func write(
    _ secret: Secret, to name: String, in folder: borrowing Descriptor, for user: JobUser?
  ) throws(ExecutionError) {
    let file = try folder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    var bytes = secret.withBytes { Array($0) }
    defer { Secret.overwrite(&bytes) }
    try file.write(bytes, name: name)
    try close(file.number, mode: 0o400, to: user)
  }

  /// The folder stays the agent's, or its user could go on filling it. Where there are no lists of rights its group may look
  /// into it, and read nothing.
  private static func close(_ folder: borrowing Descriptor, to user: JobUser?) throws(ExecutionError) {
    if let user, user.id != geteuid(), LinuxCalls.allow(user.id, 5, owner: 5, folder.number) == 0 { return }
    if let user, fchown(folder.number, 0, user.group) != 0 {
      throw ExecutionError(errno: errno, "cannot give a folder of secrets to group \(user.group)")
    }
    guard fchmod(folder.number, user == nil ? 0o500 : 0o550) == 0 else {
      throw ExecutionError(errno: errno, "cannot close a folder of secrets")
    }
  }

  /// Where there are no lists of rights the file becomes the user's own.
  private static func close(_ number: Int32, mode: mode_t, to user: JobUser?) throws(ExecutionError) {
    if let user, user.id != geteuid(), LinuxCalls.allow(user.id, 4, owner: 4, number) == 0 { return }
    if let user, fchown(number, user.id, user.group) != 0 {
      throw ExecutionError(errno: errno, "cannot give a secret to user \(user.id)")
    }
    guard fchmod(number, mode) == 0 else { throw ExecutionError(errno: errno, "cannot close a secret") }
  }

  /// The agent's own folder there, made when it is missing.
  private func open(in place: String) throws(ExecutionError) -> Descriptor {
    guard Self.isMemory(place) else { throw ExecutionError(.noMemory, "\(place) is none") }
    let path = "\(place)/\(name)"
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw ExecutionError(errno: errno, "cannot make \(path)") }
    let folder = try existing(in: place)
    guard fchmod(folder.number, 0o711) == 0 else { throw ExecutionError(errno: errno, "cannot open up \(path)") }
    return folder
  }

  /// Anybody may write to some of these places, so what is there already must be ours.
  private func existing(in place: String) throws(ExecutionError) -> Descriptor {
    let path = "\(place)/\(name)"
    let folder = try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let status = try folder.status(path)
    guard status.st_uid == geteuid() else {
      throw ExecutionError(.noMemory, "\(path) belongs to user \(status.st_uid)")
    }
    return folder
  }

  /// Whether the path is on a file system that is only in memory (statfs(2): TMPFS_MAGIC, RAMFS_MAGIC).
  static func isMemory(_ path: String) -> Bool {
    LinuxCalls.fileSystemType(path).map { [0x0102_1994, 0x8584_58f6].contains($0) } ?? false
  }

  /// Removes the folder of an attempt, wherever it is; nothing happens when there is none.
  public func remove(_ attempt: String) throws(ExecutionError) {
    var problem: ExecutionError?
    for place in places {
      do throws(ExecutionError) { try remove(attempt, in: place) } catch { problem = problem ?? error }
    }
    if let problem { throw problem }
  }

  private func remove(_ attempt: String, in place: String) throws(ExecutionError) {
    // What is not ours holds nothing of ours: anybody may have put a file or a link there.
    var found = stat()
    guard lstat("\(place)/\(name)", &found) == 0, found.st_mode & S_IFMT == S_IFDIR, found.st_uid == geteuid() else {
      return
    }
    let own = try existing(in: place)
    let folder: Descriptor
    do throws(ExecutionError) { folder = try own.open(attempt, O_RDONLY | O_DIRECTORY) } catch {
      guard error.code == .missing else { throw error }
      return
    }
    // From its owner first, who could go on filling it.
    if geteuid() == 0 { fchown(folder.number, 0, 0) }
    fchmod(folder.number, 0o700)
    try folder.removeContents()
    guard unlinkat(own.number, attempt, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw ExecutionError(errno: errno, "cannot remove the folder of secrets \(attempt)")
    }
  }

  /// The folders in which others' secrets may lie.
  var paths: [String] { places.map { "\($0)/\(name)" } }

  /// The attempts that have a folder.
  public func all() -> Set<String> {
    var names: Set<String> = []
    for place in places { names.formUnion((try? existing(in: place).names()) ?? []) }
    return names
  }
}
