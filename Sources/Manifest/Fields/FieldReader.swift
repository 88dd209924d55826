import Model

/// Reads the keys of one mapping by name, reports mistakes to a sink, and goes on: one pass finds all of them.
///
/// ```swift
/// let sink = DiagnosticSink()
/// guard var fields = FieldReader(document, table, sink) else { return nil }
/// let port = fields.take("port")?.integer(in: 1...65_535) ?? 7443
/// let key = fields.require("key")?.string()
/// fields.finish()                    // unknown keys, with suggestions
/// ```
public struct FieldReader {
  /// Where the mapping begins.
  public let place: SourcePlace
  public let table: FieldTable
  public let sink: DiagnosticSink
  private let entries: [YAMLEntry]
  /// Of the first 64 entries, those that were asked for. No table has more keys, so an entry further on that a
  /// reader does ask for is noted by name.
  private var taken: UInt64 = 0
  private var takenFarther: Set<Int> = []

  /// Nil, reported, when the node is no mapping.
  public init?(_ node: YAMLNode, _ table: FieldTable, _ sink: DiagnosticSink) {
    switch node.content {
    case .mapping(let entries):
      self.entries = entries
    case .invalid:
      return nil
    case .scalar, .sequence:
      sink.error(
        at: node.place, "\(table.title) wants a mapping of keys to values, not \(node.summary)",
        suggestion: Self.example(table))
      return nil
    }
    place = node.place
    self.table = table
    self.sink = sink
  }

  private static func example(_ table: FieldTable) -> String? {
    table.fields.first { $0.isRequired }.map { "such as '\($0.name): …'" }
  }

  /// The key's value; nil when the key is absent. Takes note that the key is known.
  public mutating func take(_ name: String) -> ValueReader? {
    guard let index = entries.firstIndex(where: { $0.key == name }) else { return nil }
    if index < 64 { taken |= 1 << UInt64(index) } else { takenFarther.insert(index) }
    return ValueReader(entries[index].value, named: name, key: entries[index].keyPlace, sink)
  }

  /// The key's value; reports an error when the key is absent.
  public mutating func require(_ name: String) -> ValueReader? {
    if let value = take(name) { return value }
    let form = table[name]?.form
    sink.error(at: place, "'\(name)' is missing in \(table.title)", suggestion: form.map { "it is \($0)" })
    return nil
  }

  /// Whether the mapping has the key.
  public func has(_ name: String) -> Bool { entries.contains { $0.key == name } }

  /// Reports each key that nobody asked for: as not supported yet, or as unknown with a suggestion.
  public func finish() {
    guard taken.nonzeroBitCount + takenFarther.count < entries.count else { return }
    for (index, entry) in entries.enumerated() {
      let isTaken = index < 64 ? taken & (1 << UInt64(index)) != 0 : takenFarther.contains(index)
      if !isTaken { refuse(entry) }
    }
  }

  private func refuse(_ entry: YAMLEntry) {
    if let field = table[entry.key], !field.isSupported {
      sink.error(
        at: entry.keyPlace, "'\(entry.key)' is not supported yet", suggestion: "leave it out for this version")
    } else {
      sink.error(
        at: entry.keyPlace, "unknown key \(Legible.quoted(entry.key)) in \(table.title)",
        suggestion: suggestion(for: entry))
    }
  }

  private func suggestion(for entry: YAMLEntry) -> String? {
    let key = entry.key
    // What stands in defaults alone may well be what is meant here.
    func has(_ name: String) -> Bool {
      entries.contains { $0.key == name && $0.keyPlace.source === entry.keyPlace.source }
    }
    if let home = table.elsewhere[key] { return "'\(key)' belongs in \(home)" }
    if let ours = table.foreign[key] {
      if let home = table.elsewhere[ours] { return "did you mean '\(ours)' in \(home)?" }
      if !has(ours) { return "did you mean '\(ours)'?" }
    }
    let absent = table.fields.filter { !has($0.name) }
    let nearest =
      Suggestion.nearest(to: key, among: absent.filter(\.isSupported).map(\.name))
      ?? Suggestion.nearest(to: key, among: absent.map(\.name))
    return nearest.map { "did you mean '\($0)'?" }
  }
}
