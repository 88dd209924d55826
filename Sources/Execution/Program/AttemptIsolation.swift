import Glibc
import Model

// `run.isolate`: what an isolated attempt is given, and whether this host can isolate it at all.

extension ShimLauncher {
  /// Nil for a job that is not isolated. Throws `unsupported` with what is lacking.
  func isolation(of attempt: AttemptSpec, in folder: RunFolder, work: String) throws(ExecutionError) -> ShimSpec
    .Isolation?
  {
    let level = attempt.program.isolation
    guard level != .none else { return nil }
    if let lack = Self.lack(for: level, isRoot: geteuid() == 0, landlock: LinuxCalls.landlockVersion) {
      throw ExecutionError(.unsupported, "isolate: \(level.rawValue) cannot be held on this host: \(lack)")
    }
    return ShimSpec.Isolation(
      isFull: level == .full,
      writable: [work, folder.temporary, folder.artifacts, folder.outputFile]
        + (Executors.name(for: attempt.program.program) != nil ? [folder.answerFile] : []),
      given: attempt.program.write,
      shown: [folder.bundle, folder.eventFile],
      hidden: hidden + secretFolders.paths, passing: folder.temporary)
  }

  /// What is missing for the level; nil when nothing is known to be. The shim says what else the kernel refuses.
  static func lack(for level: RunSpec.Isolation, isRoot: Bool, landlock: Int) -> String? {
    switch level {
    case .none: nil
    case .full: isRoot ? nil : "the agent is not root"
    case .files where landlock == 0: "the kernel has no landlock (Linux 5.13 with 'landlock' in its list lsm=)"
    // Version 1 forbids to move files from folder to folder, and only version 3 knows about cutting them short.
    case .files where landlock < 2: "the kernel's landlock is too old: Linux 5.19 is needed"
    case .files: isRoot || landlock >= 3 ? nil : "Linux 6.2 is needed where the agent is not root"
    }
  }
}
