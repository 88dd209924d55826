import Glibc
public import Model

/// The folder of one attempt. While the shim lives it is the shim's; what is in it afterwards is the attempt's record.
///
/// - `spec`: what to run; renamed to `spec.revoked` when an agent has decided that it will not be run any more.
/// - `status`: the shim's lock, that it started, how it ended. `output`: head and tail of what the job wrote,
///   with times (``OutputRecord``).
/// - `work/`: the job's working folder, unless it keeps one. `tmp/`: its `TMPDIR`. `bundle/`: the bundle's files,
///   read-only. `event.json`: why it runs. `outputs`: for the job to write its output values to.
/// - `artifacts/`: for the job to put files into that are to be sent back. `taken/`: the agent's, where it takes them.
///
/// Others may pass through it (0711) to `work/` and `bundle/`, because a job need not run as the agent's user; the
/// records are the agent's alone (0600).
public struct RunFolder: Hashable, Sendable {
  /// Absolute.
  public let path: String

  /// An existing folder.
  public init(path: String) { self.path = path }

  /// What the folders of an attempt are called, and those of no other one.
  public static func name(of run: RunID, attempt: Int) -> String { "\(run.text).\(attempt)" }

  /// What is in the folder of all attempts' folders; nothing when it cannot be read.
  public static func names(in folder: String) -> [String] {
    (try? Descriptor(open: folder, O_RDONLY | O_DIRECTORY).names()) ?? []
  }

  /// Makes the folder, which must not exist, and its `work/`; the one above must exist.
  public static func create(at path: String) throws(ExecutionError) -> RunFolder {
    // Two steps, because mkdir applies the umask.
    guard mkdir(path, 0o700) == 0 else { throw ExecutionError(errno: errno, "cannot make the run folder \(path)") }
    let folder = RunFolder(path: path)
    do throws(ExecutionError) {
      let opened = try folder.open()
      guard fchmod(opened.number, 0o711) == 0 else { throw ExecutionError(errno: errno, "cannot open up \(path)") }
      try opened.makeFolder("work", mode: 0o700)
      return folder
    } catch {
      try? folder.remove()
      throw error
    }
  }

  /// Removes the folder and everything in it; nothing happens when it does not exist. Symbolic links are not followed.
  public func remove() throws(ExecutionError) {
    let opened: Descriptor
    do throws(ExecutionError) {
      opened = try open()
    } catch {
      if error.code == .missing { return }
      throw error
    }
    try opened.removeContents()
    guard rmdir(path) == 0 || errno == ENOENT else { throw ExecutionError(errno: errno, "cannot remove \(path)") }
  }

  /// The job's working folder.
  public var work: String { path + "/work" }
  /// The read-only folder with the bundle's files.
  public var bundle: String { path + "/bundle" }

  /// For the job's temporary files.
  public var temporary: String { path + "/tmp" }

  /// Makes what the job finds beside its working folder, and gives all of it to whom it runs as; nil is the agent's user.
  func furnish(for owner: JobUser?) throws(ExecutionError) {
    let opened = try open()
    if let owner {
      guard fchownat(opened.number, "work", owner.id, owner.group, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw ExecutionError(errno: errno, "cannot give \(work) to user \(owner.id)")
      }
    }
    try opened.makeFolder("tmp", for: owner)
    try opened.makeFolder("artifacts", for: owner)
    let outputs = try opened.open("outputs", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    if let owner, fchown(outputs.number, owner.id, owner.group) != 0 {
      throw ExecutionError(errno: errno, "cannot give outputs to user \(owner.id)")
    }
  }

  func open() throws(ExecutionError) -> Descriptor {
    try Descriptor(open: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  /// Its name, by which its status file knows that it is meant.
  var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

  /// Writes a file of the agent's own, in place of what an earlier attempt has left there.
  func write(_ bytes: [UInt8], to name: String) throws(ExecutionError) {
    try open().open(name, O_WRONLY | O_CREAT, mode: 0o600).replace(with: bytes, name: name)
  }
}
