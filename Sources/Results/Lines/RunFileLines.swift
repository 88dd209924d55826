import Model

/// The lines of a file of receipts, with what the writer needs to know of each, found without parsing them all: a file
/// may hold ten thousand, and a batch adds a few.
struct RunFileLines {
  let bytes: [UInt8]
  /// Of each line, without its line break. A last line without one counts as well.
  let lines: [Range<Int>]
  /// By line; nil for a line that is no receipt.
  let heads: [Head?]

  /// What tells one receipt from another.
  struct Head: Hashable {
    var run: String
    var agentName: String
  }

  init(_ bytes: [UInt8]) {
    let lines = Self.split(bytes)
    self.bytes = bytes
    self.lines = lines
    heads = bytes.withUnsafeBufferPointer { buffer in
      lines.map { Self.head(UnsafeBufferPointer(rebasing: buffer[$0])) }
    }
  }

  /// The ranges between line feeds; nothing after the last one unless there are bytes.
  static func split(_ bytes: [UInt8]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start = 0
    bytes.withUnsafeBufferPointer { buffer in
      for index in buffer.indices where buffer[index] == 0x0a {
        result.append(start..<index)
        start = index + 1
      }
    }
    if start < bytes.count { result.append(start..<bytes.count) }
    return result
  }

  /// Whether the run of the line owns the plain names of logs: no line before it is a receipt of another agent with
  /// the same name. Computed from the file alone, so that writer and reader agree on where a log is.
  func ownersOfPlainLogs() -> [Bool] {
    var seen: Set<String> = []
    return heads.map { head in head.map { seen.insert($0.agentName).inserted } ?? false }
  }

  /// The lines by run id; of two lines with one id the first.
  func linesByRun() -> [String: Int] {
    var result: [String: Int] = [:]
    for (index, head) in heads.enumerated() {
      if let head, result[head.run] == nil { result[head.run] = index }
    }
    return result
  }

  private static let runMarker = Array(#"{"run":""#.utf8)
  private static let nameMarker = Array(#","agentName":""#.utf8)

  /// Quotes within a JSON string are escaped, so neither marker can occur inside a text that a job or an agent chose;
  /// and a receipt's predicate is the only object that begins with `run`.
  private static func head(_ line: UnsafeBufferPointer<UInt8>) -> Head? {
    guard let run = value(after: runMarker, in: line, from: 0),
      let name = value(after: nameMarker, in: line, from: run.upperBound), run.count == 20,
      (1...63).contains(name.count)
    else { return nil }
    return Head(
      run: String(decoding: line[run], as: UTF8.self), agentName: String(decoding: line[name], as: UTF8.self))
  }

  /// The range from behind the marker up to the next quote.
  private static func value(
    after marker: [UInt8], in line: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Range<Int>? {
    var index = start
    let last = line.count - marker.count
    while index <= last {
      if line[index] == marker[0], matches(marker, line, index) {
        let begin = index + marker.count
        var end = begin
        while end < line.count, line[end] != 0x22 { end += 1 }
        return end < line.count ? begin..<end : nil
      }
      index += 1
    }
    return nil
  }

  private static func matches(_ marker: [UInt8], _ line: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
    for offset in marker.indices where line[at + offset] != marker[offset] { return false }
    return true
  }
}
