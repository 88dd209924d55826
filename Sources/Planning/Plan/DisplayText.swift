import Model

/// Values of a job's JSON form as people write them in a manifest.
enum DisplayText {
  /// Longer values are cut in the middle of a line that people read.
  private static let limit = 80

  /// The name that a manifest uses for a key of the JSON form.
  static func key(_ key: String) -> String {
    if key.hasSuffix("Thousandths") { return String(key.dropLast("Thousandths".utf8.count)) }
    return key.hasSuffix("Ms") ? String(key.dropLast(2)) : key
  }

  /// `key` is the path from the job.
  static func value(_ value: JSONValue, key: String) -> String {
    // Our own words, such as `queue (2)`.
    if ["missed", "overlap"].contains(key), let text = value.stringValue { return text }
    let text = flow(value, key: key)
    return text.count <= limit ? text : text.prefix(limit - 1) + "…"
  }

  /// YAML's flow style.
  private static func flow(_ value: JSONValue, key: String) -> String {
    switch value {
    case .string(let text): return quoted(text)
    case .integer(let number) where key.hasSuffix("Ms"): return Duration.milliseconds(number).manifestText
    case .integer(let number) where key.hasSuffix("Thousandths"): return thousandths(number)
    case .integer(let number) where ["memory", "disk"].contains(where: key.hasSuffix):
      return ByteCount.manifestText(Int(number))
    case .array(let list): return "[" + list.map { flow($0, key: key) }.joined(separator: ", ") + "]"
    case .object(let members):
      if members.count == 1, members[0].key == "decimal", let text = members[0].value.stringValue { return text }
      let pairs = members.map { "\(neutral(self.key($0.key))): \(flow($0.value, key: $0.key))" }
      return "{" + pairs.joined(separator: ", ") + "}"
    case .null, .bool, .integer: return value.text
    }
  }

  /// 2000 as `2`, 1500 as `1.5`.
  private static func thousandths(_ number: Int64) -> String {
    var text = "\(number / 1000).\(padded(Int(number % 1000), 3))"
    while text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  /// As it is when it is plain; else in quotes, so that spaces and commas cannot be mistaken for structure.
  static func quoted(_ text: String) -> String {
    // What YAML gives a meaning to at the beginning, such as the @ of @daily, would not be read as it stands there.
    if let first = text.utf8.first, !"@`&*!|>%#?".utf8.contains(first),
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !#",[]{}""#.utf8.contains($0) })
    {
      return text
    }
    return "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : neutral(String($0)) }.joined() + "\""
  }

  /// Text that cannot move a terminal's cursor, change its colours or turn its direction around.
  static func neutral(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar == "\n" {
        result += "\\n"
      } else if scalar == "\t" {
        result += "\\t"
      } else if isUnsafe(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: false
    }
  }
}
