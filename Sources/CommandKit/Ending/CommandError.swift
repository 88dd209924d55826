import Glibc

/// Why a command did not do what it was asked to, in the command's own words.
struct CommandError: Error, Hashable, CustomStringConvertible {
  var status: ExitStatus
  var message: String
  /// What to do about it.
  var hint: String?

  init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }

  /// For a call of the system that failed with errno(3).
  init(errno code: Int32, _ message: String) {
    self.init(.unreachable, "\(message): \(String(cString: strerror(code)))")
  }

  var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
