/// A user's mistake, or a warning, at a place in a file: what `validate` prints.
public struct Diagnostic: Error, Hashable, Sendable {
  public enum Severity: String, Sendable { case error, warning }

  /// Path from the repository's root.
  public var file: String
  /// From 1. Zero when the whole file is meant.
  public var line: Int
  /// From 1, counted in Unicode characters. Zero when the whole line is meant.
  public var column: Int
  public var severity: Severity
  public var message: String
  /// What to do about it, such as `did you mean 'timeout'?`.
  public var suggestion: String?
  /// The line of source text, with control characters neutralised, for the caret; nil when there is none.
  public var source: String?

  public init(
    file: String, line: Int = 0, column: Int = 0, severity: Severity = .error, message: String,
    suggestion: String? = nil, source: String? = nil
  ) {
    self.file = file
    self.line = line
    self.column = column
    self.severity = severity
    self.message = message
    self.suggestion = suggestion
    self.source = source
  }

  /// `file:line:column: error: message; suggestion`, then the source line and a caret under the column.
  public var rendered: String {
    var text = file
    if line > 0 { text += ":\(line)" }
    if line > 0, column > 0 { text += ":\(column)" }
    text += ": \(severity.rawValue): \(message)"
    if let suggestion { text += "; \(suggestion)" }
    if let source {
      text += "\n  \(source)"
      if column > 0 { text += "\n  \(String(repeating: " ", count: column - 1))^" }
    }
    return text
  }
}

extension Diagnostic: Comparable {
  public static func < (a: Diagnostic, b: Diagnostic) -> Bool {
    (a.file, a.line, a.column, a.message) < (b.file, b.line, b.column, b.message)
  }
}
