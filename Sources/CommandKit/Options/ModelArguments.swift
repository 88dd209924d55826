import Model

// How names and times on the command line become values. What these throw ends up in the parser's message.

/// `2026-11-20T02:30:00Z`, with any offset, or `2026-11-20` for its first instant in UTC.
func timeArgument(_ text: String) throws -> Timestamp {
  if let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") { return time }
  throw NameError("want a time such as 2026-11-20T02:30:00Z or 2026-11-20")
}

/// From 1.
func countArgument(_ text: String) throws -> Int {
  if let count = Int(text), (1...100_000).contains(count) { return count }
  throw NameError("want a number from 1 to 100000")
}

/// `key=value`.
func parameterArgument(_ text: String) throws -> (key: String, value: String) {
  guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
    throw NameError("want name=value, such as database=orders")
  }
  return (String(text[..<equals]), String(text[text.index(after: equals)...]))
}
