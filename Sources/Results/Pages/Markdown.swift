import Model

/// Markdown from parts that may be hostile.
enum Markdown {
  /// The text as a code span for a table's cell, at most `limit` characters of it; empty for an empty text.
  ///
  /// In a code span nothing is a tag, a link, a mention or an entity, in any renderer. What could still get out of it
  /// is dealt with here: control characters and bidi marks are made visible, the fence is longer than any run of
  /// backticks inside, and a vertical bar, which ends a table's cell even in code, becomes a broken bar.
  static func code(_ text: String, limit: Int = 120) -> String {
    guard !text.isEmpty else { return "" }
    // Cut first: what is not shown need not be looked at.
    let cut = text.unicodeScalars.count > limit
    var shown = String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    shown = TerminalText.neutralised(shown) + (cut ? "…" : "")
    // By scalars: a bar with a combining mark on it is another character, but still a bar.
    shown = String(String.UnicodeScalarView(shown.unicodeScalars.map { $0 == "|" ? "¦" : $0 }))
    var longest = 0
    var current = 0
    for byte in shown.utf8 {
      current = byte == 0x60 ? current + 1 : 0
      longest = max(longest, current)
    }
    let fence = String(repeating: "`", count: longest + 1)
    // A code span loses one space at both ends when it has them, and needs them beside a backtick.
    let pad = longest > 0 || shown.hasPrefix(" ") || shown.hasSuffix(" ") ? " " : ""
    return fence + pad + shown + pad + fence
  }

  /// A link with a name that has a grammar (a job's, an agent's) to a path that ``ResultsLayout`` gives.
  static func link(code name: String, to path: String) -> String { "[`\(name)`](\(path))" }
}

/// A duration for people: `350ms`, `1.2s`, `4m05s`, `3h07m`, `2d4h`.
func shortText(_ duration: Duration) -> String {
  let milliseconds = max(0, duration.wholeMilliseconds)
  let seconds = milliseconds / 1_000
  switch seconds {
  case 0: return "\(milliseconds)ms"
  case ..<60: return milliseconds % 1_000 / 100 == 0 ? "\(seconds)s" : "\(seconds).\(milliseconds % 1_000 / 100)s"
  case ..<3_600: return "\(seconds / 60)m\(padded(Int(seconds % 60), 2))s"
  case ..<86_400: return "\(seconds / 3_600)h\(padded(Int(seconds / 60 % 60), 2))m"
  default: return "\(seconds / 86_400)d\(seconds / 3_600 % 24)h"
  }
}

extension Timestamp {
  /// `2026-11-20 02:30:00`, in UTC, with a fraction where there is one.
  var pageText: String {
    let text = description
    return text.prefix(10) + " " + text.dropFirst(11).dropLast()
  }
}
