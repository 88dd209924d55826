/// How a command ended, as the shell sees it. Thrown as an error by a command whose output has said why already.
public enum ExitStatus: Int32, Error, Sendable, CaseIterable {
  case fine = 0
  /// The thing asked about is bad: invalid manifests, a failed run, a signature that does not verify.
  case bad = 1
  /// Wrong arguments.
  case usage = 2
  /// Cannot reach a controller, repository or file, or has no permission to.
  case unreachable = 3
  /// A mistake in Belfry.
  case bug = 70
}
