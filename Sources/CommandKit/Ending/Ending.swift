import ArgumentParser
import ControllerKit
import Foundation
import Git
import Model
import NIOCore
import Platform
import Results
import Schedule
import Trust

/// What the user is told when a command ends early, and with which status: the one place where errors become exit codes.
struct Ending: Hashable {
  var status: ExitStatus
  /// For standard output, such as a help text that was asked for.
  var output: String
  /// For standard error.
  var complaint: String

  init(status: ExitStatus, output: String = "", complaint: String = "") {
    self.status = status
    self.output = output
    self.complaint = complaint
  }

  init(_ error: any Error) {
    if let status = error as? ExitStatus {
      self.init(status: status)
    } else if let known = Self.known(error) {
      self.init(known)
    } else {
      self.init(parserError: error)
    }
  }

  private init(_ error: CommandError) {
    var complaint = "error: " + TerminalText.neutralised(error.message, keepingLines: true) + "\n"
    if let hint = error.hint { complaint += "hint: " + TerminalText.neutralised(hint, keepingLines: true) + "\n" }
    self.init(status: error.status, complaint: complaint)
  }

  /// Help, versions and completion scripts are errors of the argument parser too; its own code for wrong usage is 64
  /// (EX_USAGE), and whatever it does not know is none of its errors.
  private init(parserError error: any Error) {
    let message = BelfryCommand.fullMessage(for: error)
    switch BelfryCommand.exitCode(for: error).rawValue {
    case 0:
      self.init(status: .fine, output: message.isEmpty ? "" : message + "\n")
    case 64:
      self.init(
        status: .usage, complaint: (message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message) + "\n")
    default:
      self.init(
        CommandError(
          .bug, "an unexpected error of type \(type(of: error))",
          hint: "this is a mistake in Belfry: please report it with the command that you gave"))
    }
  }

  /// The error in a command's words; nil for what no module of ours throws.
  private static func known(_ error: any Error) -> CommandError? {
    switch error {
    case let error as CommandError: error
    case let error as AmbiguousRun: error.inWords
    case let error as ControllerObstacle: CommandError(.unreachable, error.message, hint: error.hint)
    case let error as GitError: CommandError(status(of: error.kind), error.message, hint: error.hint)
    case let error as ResultsError: results(error)
    case let error as TrustError: CommandError(.bad, error.message)
    case let error as FileError: file(error)
    case let error as ConfigurationError: CommandError(.bad, "the configuration has mistakes\n\(error)")
    case let error as ScheduleError: CommandError(.bad, error.message, hint: error.suggestion)
    case let error as JSONError: CommandError(.bad, error.description)
    case let error as NameError: CommandError(.usage, error.description)
    case let error as IOError: CommandError(.unreachable, error.description)
    case let error as CocoaError: CommandError(.unreachable, error.localizedDescription)
    case is CancellationError: CommandError(.unreachable, "interrupted")
    default: nil
    }
  }

  private static func status(of kind: GitError.Kind) -> ExitStatus {
    switch kind {
    case .unreachable, .authentication, .untrusted, .rejected, .disk: .unreachable
    case .notFound, .empty, .nonFastForward, .conflict, .unchanged, .corrupt, .tooLarge, .unsupported, .other: .bad
    }
  }

  private static func results(_ error: ResultsError) -> CommandError {
    switch error.code {
    case .noBranch:
      CommandError(
        .bad, error.message,
        hint: "'git fetch' brings it from a remote; before the first run there is none; --branch names another")
    case .invalidRunID: CommandError(.usage, error.message, hint: "'belfry history' shows run ids")
    case .git:
      CommandError(
        error.cause.map { status(of: $0.kind) } ?? .bad, error.cause?.message ?? error.message, hint: error.cause?.hint)
    case .notClaimed, .fenced, .contended: CommandError(.unreachable, error.message)
    }
  }

  private static func file(_ error: FileError) -> CommandError {
    let hint: String? =
      switch error.code {
      case EACCES, EPERM: "run this as the file's owner, or as root"
      case ENOENT: "check the path"
      default: nil
      }
    return CommandError(.unreachable, error.description, hint: hint)
  }
}
