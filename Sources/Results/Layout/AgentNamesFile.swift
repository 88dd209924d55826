import Model

/// The file with an agent's names: one a line, the first is the one that it has.
enum AgentNamesFile {
  /// Bytes that are read at the most.
  static let limit = 4 << 10
  /// Names that count at the most.
  static let namesLimit = 16

  static func write(_ names: [AgentName]) -> [UInt8] { Array(names.map { $0.text + "\n" }.joined().utf8) }

  /// The names in the order of their lines, empty lines passed over; nil when there is none, or a line that is no name:
  /// people edit this file, and half of a mistake must not bind half of the names.
  static func read(_ bytes: [UInt8]) -> [AgentName]? {
    var names: [AgentName] = []
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let text = line.trimmingPrefix { $0 == " " }
      let end = text.lastIndex { $0 != " " }.map(text.index(after:)) ?? text.startIndex
      guard end > text.startIndex else { continue }
      guard names.count < namesLimit, let name = try? AgentName(String(text[..<end])) else { return nil }
      names.append(name)
    }
    return names.isEmpty ? nil : names
  }
}
