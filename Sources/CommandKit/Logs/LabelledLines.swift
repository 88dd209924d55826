/// Output of one of several runs that are shown at once: whole lines, each behind the run's label, so that runs do not
/// write into each other's.
struct LabelledLines {
  let label: String
  /// The beginning of a line whose end has not come; shorter than ``limit``.
  private var unfinished: [UInt8] = []

  /// Bytes of a line at most: what is longer is shown in pieces, each a line of its own.
  static let limit = 64 << 10

  private static let newline = UInt8(ascii: "\n")

  init(_ label: String) { self.label = label }

  /// Takes output; gives back the lines that are complete with it.
  mutating func add(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var lines: [UInt8] = []
    for byte in bytes {
      if byte == Self.newline {
        finish(into: &lines)
      } else {
        unfinished.append(byte)
        if unfinished.count == Self.limit { finish(into: &lines) }
      }
    }
    return lines
  }

  /// Nothing comes that would belong to the last line: gives it back, if it has begun.
  mutating func end() -> [UInt8] {
    var lines: [UInt8] = []
    if !unfinished.isEmpty { finish(into: &lines) }
    return lines
  }

  private mutating func finish(into lines: inout [UInt8]) {
    lines += Array("\(label) | ".utf8)
    lines += unfinished
    lines.append(Self.newline)
    unfinished.removeAll(keepingCapacity: true)
  }
}
