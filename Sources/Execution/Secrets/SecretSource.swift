import Glibc
import Model

/// Where the agent has its secrets from: files in a folder, and a command for what the folder does not hold.
public struct SecretSource: Sendable {
  /// Absolute. Each secret is a file under its name.
  public var folder: String
  /// A program's absolute path; it is run with the secret's name as its only argument, without a shell, and prints the value.
  public var command: String?

  public init(folder: String, command: String? = nil) {
    self.folder = folder
    self.command = command
  }

  /// The value, from wherever it is. May take as long as a dead disk takes for the folder; the command has until `deadline`,
  /// by ``MonotonicTime``. Throws `noSecret`.
  func secret(_ name: SecretName, before deadline: Int) throws(ExecutionError) -> Secret {
    if let value = try file(name) { return value }
    if let command { return try SecretCommand(path: command).secret(name, before: deadline) }
    throw ExecutionError(.noSecret, "this agent has no secret \(name)")
  }

  /// Nil when the folder has no file of that name, or does not exist.
  private func file(_ name: SecretName) throws(ExecutionError) -> Secret? {
    let file: Descriptor
    do throws(ExecutionError) {
      let folder = try Descriptor(open: folder, O_RDONLY | O_DIRECTORY)
      try Self.check(try folder.status("the folder of secrets"), isFolder: true, "the folder of secrets")
      // Without waiting for a fifo's other end; a link is refused by `open`.
      file = try folder.open(name.text, O_RDONLY | O_NONBLOCK)
    } catch {
      switch error.code {
      case .missing: return nil
      case .noSecret: throw error
      default: throw ExecutionError(.noSecret, "the secret \(name) cannot be read: \(error)")
      }
    }
    let status = try file.status(name.text)
    try Self.check(status, isFolder: false, "the secret \(name)")
    // With room for the newline at its end.
    guard status.st_size <= Secret.limit + 1 else {
      throw ExecutionError(.noSecret, "the secret \(name) has more than \(Secret.limit) bytes")
    }
    var bytes = try file.read(at: 0, limit: Secret.limit + 1, name: name.text)
    defer { Secret.overwrite(&bytes) }
    return try Secret.checked(bytes[...], name.text)
  }

  /// What anybody else could read is no secret, and what anybody else could write is not ours.
  private static func check(_ status: stat, isFolder: Bool, _ what: String) throws(ExecutionError) {
    guard status.st_mode & S_IFMT == (isFolder ? S_IFDIR : S_IFREG) else {
      throw ExecutionError(.noSecret, "\(what) is not a \(isFolder ? "folder" : "regular file")")
    }
    guard status.st_uid == 0 || status.st_uid == geteuid() else {
      throw ExecutionError(.noSecret, "\(what) belongs to user \(status.st_uid), and not to root or the agent")
    }
    guard status.st_mode & (isFolder ? 0o022 : 0o077) == 0 else {
      throw ExecutionError(
        .noSecret,
        isFolder ? "\(what) can be written to by others: chmod 700" : "\(what) can be read by others: chmod 600")
    }
  }
}

/// Milliseconds of a clock that nobody sets.
enum MonotonicTime {
  static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }
}
