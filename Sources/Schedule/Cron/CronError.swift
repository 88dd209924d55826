/// Why a text is no cron expression.
public struct CronError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String
  /// Unicode scalars from the start of the expression to what is wrong.
  public let offset: Int
  /// What to do about it, such as `did you mean 'FEB'?`.
  public let suggestion: String?

  public init(_ message: String, at offset: Int, suggestion: String? = nil) {
    self.message = message
    self.offset = offset
    self.suggestion = suggestion
  }

  public var description: String { suggestion.map { "\(message); \($0)" } ?? message }
}
