import Model

/// Words from an agent, for logs and status: bounded in bytes (one character can be megabytes of combining marks) and
/// safe to print.
enum AgentWords {
  /// Bytes of a reason or a problem.
  static let reason = 1_000

  /// The first `bytes` bytes, without what a terminal would obey.
  static func safe(_ text: String, bytes: Int = reason) -> String {
    text.utf8.count <= bytes
      ? TerminalText.neutralised(text) : TerminalText.neutralised(bytes: text.utf8.prefix(bytes)) + "…"
  }
}
