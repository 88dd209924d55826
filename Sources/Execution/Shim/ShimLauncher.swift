import CSpawn
import Glibc

/// Starts shims.
public struct ShimLauncher: Sendable {
  /// The shim's program.
  public let path: String
  /// Where attempts get cgroups of their own.
  public let cgroups: Cgroups
  /// Folders that an isolated job is not to see into, such as the agent's own.
  public let hidden: [String]
  let users = HostUsers()
  /// Where the files of secrets are made.
  public let secretFolders: SecretFolders
  let executors: Executors

  /// `path` nil means ``locate()``. Throws `noShim` when there is none that may be executed.
  public init(
    path: String? = nil, secretFolders: SecretFolders? = nil, cgroups: Cgroups = .none("none was looked for"),
    hidden: [String] = [], executors: Executors = Executors()
  ) throws(ExecutionError) {
    guard let found = path ?? Self.locate() else {
      throw ExecutionError(.noShim, "\(Self.programName) is neither beside this program nor in ../libexec/belfry")
    }
    guard access(found, X_OK) == 0 else {
      throw ExecutionError(.noShim, "\(found) cannot be executed: \(systemMessage(errno))")
    }
    self.path = found
    self.cgroups = cgroups
    self.hidden = hidden
    self.executors = executors
    self.secretFolders = secretFolders ?? SecretFolders(owner: "\(getpid())")
  }

  /// Starts a shim for the spec in a fresh run folder. When it throws, nothing has been run, except for `notWatched`.
  ///
  /// All disk space that the outcome needs is taken here: a full disk is an error now and not a lost record later.
  public func launch(_ spec: ShimSpec, in folder: RunFolder) throws(ExecutionError) -> Shim {
    try prepare(spec, in: folder)
    return try Shim(
      child: spawn(in: folder, script: nil, secrets: nil), in: folder, sealedFolder: nil, cgroup: spec.cgroup,
      untouched: nil)
  }

  /// `user` is that of a job whose folder may be used again, which is not so when this is nil.
  func launch(
    _ spec: ShimSpec, in folder: RunFolder, program: borrowing PreparedProgram, secrets: borrowing SealedMemory?,
    reusable: (user: JobUser?, files: [String])?
  ) throws(ExecutionError) -> Shim {
    try prepare(spec, in: folder)
    let untouched = reusable.flatMap { UntouchedFolder(folder, user: $0.user, files: $0.files) }
    let memory: Int32? =
      switch secrets {
      case .some(let memory): memory.descriptor.number
      case .none: nil
      }
    let pid = try spawn(in: folder, script: program.scriptDescriptor, secrets: memory)
    return try Shim(
      child: pid, in: folder, sealedFolder: program.bundle, cgroup: spec.cgroup, untouched: untouched)
  }

  private func prepare(_ spec: ShimSpec, in folder: RunFolder) throws(ExecutionError) {
    try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: StatusFile.name)
    try folder.write(try spec.bytes(), to: "spec")
  }

  /// `script` is a descriptor that the job is to inherit, `secrets` one for the shim itself.
  private func spawn(in folder: RunFolder, script: Int32?, secrets: Int32?) throws(ExecutionError) -> Int32 {
    let descriptors = [
      passed(descriptor: script ?? -1, number: SealedMemory.numberInJob),
      passed(descriptor: secrets ?? -1, number: SecretMemory.numberInShim),
    ]
    let pid = withCStrings([path, folder.path]) { spawn_shim(path, $0, descriptors) }
    guard pid > 0 else { throw ExecutionError(.noShim, "cannot start \(path): \(systemMessage(-pid))") }
    return pid
  }
}

/// Calls with a NULL-terminated array of C strings.
func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { buffer in
    // An array with at least the NULL in it has a base address.
    guard let base = buffer.baseAddress else { preconditionFailure("an array of strings without storage") }
    return body(base)
  }
}
