public import Model

/// One value with the name of its key. Each method gives the value in a form, or reports why not and gives nil.
public struct ValueReader {
  public let node: YAMLNode
  /// Of the key, for messages; an element of a list has the list's.
  public let name: String
  public let keyPlace: SourcePlace
  public let sink: DiagnosticSink

  public init(_ node: YAMLNode, named name: String, key keyPlace: SourcePlace, _ sink: DiagnosticSink) {
    self.node = node
    self.name = name
    self.keyPlace = keyPlace
    self.sink = sink
  }

  /// Reports an error at the value.
  public func fail(_ message: @autoclosure () -> String, suggestion: @autoclosure () -> String? = nil) {
    sink.error(at: node.place, message(), suggestion: suggestion())
  }

  /// Reports that the value is not of the form, such as `a duration such as 30s`.
  public func wants(_ form: @autoclosure () -> String, suggestion: @autoclosure () -> String? = nil) {
    if case .invalid = node.content { return }
    if node.scalar?.resolved == .null {
      // An empty value is nearly always a slip, and taking it for "no condition" could mean every agent.
      fail("'\(name)' has no value; it wants \(form())", suggestion: "leave the key out, or give it a value")
    } else {
      fail("\(Legible.quoted(name)) wants \(form()), not \(node.summary)", suggestion: suggestion())
    }
  }

  // MARK: Scalars

  /// The text as written. Numbers and booleans are taken too, as their text: nothing is converted, so nothing is lost.
  /// `count` is the range of bytes.
  public func string(bytes count: ClosedRange<Int> = 1...ManifestLimits.stringBytes) -> String? {
    guard let scalar = node.scalar, scalar.resolved != .null else {
      wants("a text")
      return nil
    }
    guard count.contains(scalar.text.utf8.count) else {
      if scalar.text.isEmpty {
        fail("\(Legible.quoted(name)) is empty")
      } else {
        fail("\(Legible.quoted(name)) is too long", suggestion: "at most \(count.upperBound) bytes")
      }
      return nil
    }
    return scalar.text
  }

  public func boolean() -> Bool? {
    if case .boolean(let flag)? = node.scalar?.resolved { return flag }
    wants("true or false", suggestion: booleanSuggestion)
    return nil
  }

  private var booleanSuggestion: String? {
    guard let text = node.scalar?.text.lowercased() else { return nil }
    if ["yes", "on", "y"].contains(text) { return "write true: '\(text)' is a string in YAML 1.2" }
    if ["no", "off", "n"].contains(text) { return "write false: '\(text)' is a string in YAML 1.2" }
    if text == "true" || text == "false" { return "leave the quotes out" }
    return nil
  }

  public func integer(in range: ClosedRange<Int>) -> Int? {
    if case .integer(let number)? = node.scalar?.resolved, let value = Int(exactly: number), range.contains(value) {
      return value
    }
    wants("a whole number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }

  /// `digits[.digits]` with at most 3 decimals, in thousandths; nil, and nothing is reported, for anything else.
  func thousandths(in range: ClosedRange<Int>) -> Int? {
    guard let text = node.scalar?.text, ParameterValue.isDecimal(text), !text.hasPrefix("-") else { return nil }
    let parts = text.split(separator: ".")
    guard let whole = Int(parts[0]), whole <= 9_999, parts.count == 1 || parts[1].utf8.count <= 3 else { return nil }
    let fraction = parts.count == 1 ? 0 : Int(parts[1] + String(repeating: "0", count: 3 - parts[1].utf8.count))
    return fraction.map { whole * 1_000 + $0 }.flatMap { range.contains($0) ? $0 : nil }
  }

  /// A number of bytes, such as `512M`.
  public func size(in range: ClosedRange<Int>) -> Int? {
    guard let text = node.scalar?.text, let bytes = ByteCount.bytes(manifest: text) else {
      wants("a size such as 64K, 512M or 2G", suggestion: sizeSuggestion)
      return nil
    }
    guard range.contains(bytes) else {
      wants(
        "a size from \(ByteCount.manifestText(range.lowerBound)) to \(ByteCount.manifestText(range.upperBound))")
      return nil
    }
    return bytes
  }

  /// `512MB`, `512Mi` and `512m` mean what `512M` does.
  private var sizeSuggestion: String? {
    guard let text = node.scalar?.text, text.utf8.count <= 20 else { return nil }
    let mended = text.uppercased().filter { $0 != " " }.replacing("IB", with: "").replacing("I", with: "").replacing(
      "B", with: "")
    return ByteCount.bytes(manifest: mended).map { _ in "did you mean '\(mended)'?" }
  }

  public func duration(in range: ClosedRange<Duration>) -> Duration? {
    guard let text = node.scalar?.text, let duration = Duration(manifest: text) else {
      wants("a duration such as 30s, 5m or 1h30m", suggestion: durationSuggestion)
      return nil
    }
    guard range.contains(duration) else {
      wants("a duration from \(range.lowerBound.manifestText) to \(range.upperBound.manifestText)")
      return nil
    }
    return duration
  }

  private var durationSuggestion: String? {
    switch node.scalar?.resolved {
    case .integer(let number) where number >= 0: "the unit is missing: did you mean '\(number)s'?"
    default: nil
    }
  }

  /// RFC 3339 with an offset.
  public func timestamp() -> Timestamp? {
    if let text = node.scalar?.text, let time = Timestamp(rfc3339: text) { return time }
    wants(
      "an instant such as 2026-12-01T03:00:00+01:00 or 2026-12-01T02:00:00Z", suggestion: timestampSuggestion)
    return nil
  }

  /// The text with what an instant lacks: its offset, its `T`, its time of day.
  private var timestampSuggestion: String? {
    guard let text = node.scalar?.text, text.utf8.count <= 40 else { return nil }
    let joined = text.split(separator: " ").joined(separator: "T")
    let mended = [joined, joined + "Z", joined + "T00:00:00Z"].first { Timestamp(rfc3339: $0) != nil }
    return mended.map { "did you mean '\($0)'?" }
  }

  /// One of some words. `foreign` says which of them other programs' words mean, those in lower case.
  public func choice<T>(_ words: KeyValuePairs<String, T>, foreign: [String: String] = [:]) -> T? {
    if let text = node.scalar?.text {
      if let match = words.first(where: { $0.key == text }) { return match.value }
      wants(Self.list(words.map(\.key)), suggestion: Self.suggestion(for: text, among: words.map(\.key), foreign))
    } else {
      wants(Self.list(words.map(\.key)))
    }
    return nil
  }

  /// The word that was meant, by what other programs call it or by its spelling.
  static func suggestion(for text: String, among words: [String], _ foreign: [String: String]) -> String? {
    (foreign[text.lowercased()] ?? Suggestion.nearest(to: text, among: words)).map { "did you mean '\($0)'?" }
  }

  static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  // MARK: Collections

  /// Each element read by `element`; an element that gives nil (and was reported) makes the list nil.
  public func list<T>(count: ClosedRange<Int>, of form: String, _ element: (ValueReader) -> T?) -> [T]? {
    guard let nodes = node.elements else {
      wants("a list of \(form)", suggestion: listSuggestion)
      return nil
    }
    guard count.contains(nodes.count) else {
      if nodes.isEmpty {
        fail("\(Legible.quoted(name)) is an empty list", suggestion: "leave the key out, or list \(form)")
      } else {
        fail("\(Legible.quoted(name)) lists \(nodes.count) \(form)", suggestion: "at most \(count.upperBound)")
      }
      return nil
    }
    var values: [T] = []
    values.reserveCapacity(nodes.count)
    for node in nodes {
      if let value = element(ValueReader(node, named: name, key: keyPlace, sink)) { values.append(value) }
    }
    return values.count == nodes.count ? values : nil
  }

  /// What stands there, as a list of its words.
  private var listSuggestion: String? {
    guard let scalar = node.scalar, scalar.resolved != .null, scalar.text.utf8.count <= 60 else { return nil }
    return "write [\(Legible.text(scalar.text.split(separator: " ").joined(separator: ", ")))]"
  }

  /// Each entry's value under its own key's name; nil, reported, when this is no mapping or has too many keys.
  public func entries(count: ClosedRange<Int>, of form: String) -> [ValueReader]? {
    guard let entries = node.entries else {
      wants("a mapping of \(form)")
      return nil
    }
    guard count.contains(entries.count) else {
      if entries.isEmpty {
        fail("\(Legible.quoted(name)) is an empty mapping", suggestion: "leave the key out, or name \(form)")
      } else {
        fail("\(Legible.quoted(name)) has \(entries.count) keys", suggestion: "at most \(count.upperBound)")
      }
      return nil
    }
    return entries.map { ValueReader($0.value, named: $0.key, key: $0.keyPlace, sink) }
  }

  /// The value as a mapping with the keys of a table.
  public func fields(_ table: FieldTable) -> FieldReader? {
    guard node.scalar == nil, node.elements == nil else {
      wants("a mapping of keys to values")
      return nil
    }
    return FieldReader(node, table, sink)
  }
}
