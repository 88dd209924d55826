// Execution: everything between "start this attempt" and "this is how it ended".
//
// Lives here: the store of bundles and their files, what a run executes and which environment it sees, the spec for
// the shim (a C program, one process an attempt, see Sources/shim), how a shim is started, watched, cancelled and
// found again after the agent was away, and what its records mean.
// Must not: know about wires, ledgers, schedules or retries, keep state between calls other than in files, use
// Foundation, or run a job by any other way than the shim.
//
// Everything that touches files blocks; call it where blocking is allowed. Judgements (`judge`, `classify`,
// `Shebang`, `RunEnvironment`) are pure.

import Glibc

/// Why something could not be stored, prepared, started or stopped.
public struct ExecutionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind; its raw value is the one spelling in logs and reports.
  public enum Code: String, Sendable, CaseIterable {
    /// Not there. For a bundle or a file of one: ask the controller for it again.
    case missing
    /// Stored bytes do not have the digest that they are stored under; they have been removed.
    case corrupted
    case tooLarge
    /// No space or quota left on the device. Nothing half-written counts.
    case diskFull
    /// The script cannot be run as it is: no `#!` line, CRLF, no run bit.
    case unusableScript
    /// A path, variable, argument or parameter that must not reach a process.
    case refused
    /// Files were changed between being hashed and being run.
    case tampered
    /// There is no such user here, or the agent may not become it.
    case noUser
    /// This host, or the agent's rights on it, lack what a limit or an isolation of the job needs.
    case unsupported
    /// A secret that the run needs cannot be had.
    case noSecret
    /// There is no file system in memory, or no room in it, for the files of the secrets.
    case noMemory
    /// There is no such executor on this host, or it may be changed by others.
    case noExecutor
    /// The shim is not where it should be, or did not start.
    case noShim
    /// The attempt was started, but there is no descriptor left to watch it with: adopt its folder later.
    case notWatched
    /// There is no such process any more.
    case notRunning
    /// Anything else that the system refused.
    case system
  }

  public let code: Code
  /// In words, one line.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// From errno(3).
  init(errno number: Int32, _ what: String) {
    let code: Code =
      switch number {
      case ENOSPC, EDQUOT: .diskFull
      case ENOENT: .missing
      default: .system
      }
    self.init(code, "\(what): \(systemMessage(number))")
  }

  public var description: String { message }
}

/// What strerror(3) says; for the few numbers that need it, in words of our own.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }
