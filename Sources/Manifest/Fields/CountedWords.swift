import Model

/// A value that is one of some words, or a mapping of one of the words to a number: `queue`, or `{queue: 3}`.
struct CountedWords<Value> {
  let words: KeyValuePairs<String, Value>
  /// The word that may have a number.
  let counted: String
  let range: ClosedRange<Int>
  /// Of a number in the range.
  let value: (Int) -> Value
  /// Of the mapping.
  let table: FieldTable
  /// What those want who write 0.
  let none: String
  /// Which of the words other programs' words mean, those in lower case.
  let foreign: [String: String]

  /// Nil, reported, for anything else.
  func read(_ reader: ValueReader) -> Value? {
    if let entries = reader.node.entries { return read(reader, entries) }
    guard let scalar = reader.node.scalar else {
      reader.wants(form)
      return nil
    }
    if let match = words.first(where: { $0.key == scalar.text }) { return match.value }
    reader.wants(form, suggestion: suggestion(for: scalar))
    return nil
  }

  private func read(_ reader: ValueReader, _ entries: [YAMLEntry]) -> Value? {
    // `{latest: 3}` is nearer to `latest` than to an unknown key.
    if let other = words.first(where: { $0.key != counted && $0.key == entries.first?.key }) {
      reader.wants(form, suggestion: "'\(other.key)' stands alone: write '\(reader.name): \(other.key)'")
      return nil
    }
    if entries.isEmpty { reader.wants(form) }
    guard var fields = reader.fields(table) else { return nil }
    let number = fields.take(counted).flatMap(number)
    fields.finish()
    return number.map(value)
  }

  private func number(_ reader: ValueReader) -> Int? {
    if reader.node.scalar?.resolved == .integer(0) {
      reader.wants("a whole number from \(range.lowerBound) to \(range.upperBound)", suggestion: none)
      return nil
    }
    return reader.integer(in: range)
  }

  private func suggestion(for scalar: YAMLScalar) -> String? {
    switch scalar.resolved {
    case .integer(0): none
    case .integer(let number) where range.contains(Int(clamping: number)): "write {\(counted): \(number)}"
    default: ValueReader.suggestion(for: scalar.text, among: words.map(\.key), foreign)
    }
  }

  private var form: String { ValueReader.list(words.map(\.key) + ["{\(counted): N}"]) }
}
