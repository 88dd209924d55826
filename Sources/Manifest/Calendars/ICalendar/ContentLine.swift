import Model

/// One content line of an iCalendar file (RFC 5545 section 3.1), unfolded: `NAME;PARAMETER=VALUE:VALUE`.
struct ContentLine {
  /// In upper case.
  var name: String
  /// Names in upper case, values without quotes.
  var parameters: [(name: String, value: String, place: SourcePlace)]
  var value: String
  var place: SourcePlace
  /// Of each part of the text that stands on a line of its own: where it begins in the unfolded text, and its place.
  /// Ascending, and no more than there are bytes in the text and one: an empty part has none.
  fileprivate var pieces: [Piece]
  fileprivate var valueOffset: Int

  fileprivate struct Piece {
    var offset: Int
    var place: SourcePlace
  }

  subscript(parameter name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// The place of a character of the value, by its offset in bytes; dates and rules are ASCII.
  func place(ofValueAt offset: Int) -> SourcePlace { Self.place(valueOffset + offset, pieces) ?? place }

  var valuePlace: SourcePlace { place(ofValueAt: 0) }

  /// By halving: a line may have as many parameters as pieces, and the place of each is looked for.
  fileprivate static func place(_ offset: Int, _ pieces: [Piece]) -> SourcePlace? {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].offset <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    return pieces[low - 1].place.advanced(by: offset - pieces[low - 1].offset)
  }
}

/// Takes the content lines of a file one after the other, in time proportional to its length.
struct ContentLines {
  /// Bytes of one line after unfolding.
  static let longestLine = 64 * 1_024

  private let source: SourceText
  private let sink: DiagnosticSink
  /// Where the next physical line begins, and its number.
  private var position: Int
  private var number = 1

  init(_ source: SourceText, _ sink: DiagnosticSink) {
    self.source = source
    self.sink = sink
    position = TextCheck.hasByteOrderMark(source.bytes) ? 3 : 0
  }

  /// Nil at the end of the file. Lines that are none are reported and passed over; empty ones are passed over.
  mutating func next() -> ContentLine? {
    while position < source.bytes.count {
      let start = SourcePlace(source, line: number, column: 1)
      var text = physicalLine()
      var pieces = [ContentLine.Piece(offset: 0, place: start)]
      var isTooLong = false
      while position < source.bytes.count, [0x20, 0x09].contains(source.bytes[position]) {
        let place = SourcePlace(source, line: number, column: 2)
        let more = physicalLine().dropFirst()
        isTooLong = isTooLong || text.count + more.count > Self.longestLine
        guard !isTooLong, !more.isEmpty else { continue }
        pieces.append(ContentLine.Piece(offset: text.count, place: place))
        text += more
      }
      if isTooLong || text.count > Self.longestLine {
        sink.error(at: start, "the line has more than \(Self.longestLine / 1_024) KiB")
      } else if !text.isEmpty, let line = parse(text, pieces) {
        return line
      }
    }
    return nil
  }

  private mutating func physicalLine() -> [UInt8] {
    let end = source.bytes[position...].firstIndex(of: 0x0a) ?? source.bytes.count
    var line = source.bytes[position..<end]
    if line.last == 0x0d { line.removeLast() }
    position = end + 1
    number += 1
    return Array(line)
  }

  private func parse(_ text: [UInt8], _ pieces: [ContentLine.Piece]) -> ContentLine? {
    func place(_ offset: Int) -> SourcePlace { ContentLine.place(offset, pieces) ?? pieces[0].place }
    var at = text.firstIndex { !Self.isNameByte($0) } ?? text.count
    let name = String(decoding: text[..<at], as: UTF8.self).uppercased()
    guard !name.isEmpty, at < text.count, [0x3a, 0x3b].contains(text[at]) else {
      sink.error(at: place(0), "no line of an iCalendar file", suggestion: "such as 'DTSTART;VALUE=DATE:20261224'")
      return nil
    }
    var parameters: [(name: String, value: String, place: SourcePlace)] = []
    while at < text.count, text[at] == UInt8(ascii: ";") {
      let start = at + 1
      guard let equals = text[start...].firstIndex(where: { !Self.isNameByte($0) }), text[equals] == UInt8(ascii: "=")
      else {
        sink.error(at: place(start), "a parameter without '='")
        return nil
      }
      var isQuoted = false
      let isEnd = { (byte: UInt8) -> Bool in
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        return !isQuoted && (byte == UInt8(ascii: ";") || byte == UInt8(ascii: ":"))
      }
      guard let end = text[(equals + 1)...].firstIndex(where: isEnd) else {
        sink.error(at: place(start), "a parameter without end", suggestion: "a ':' comes before the value")
        return nil
      }
      let value = text[(equals + 1)..<end].filter { $0 != UInt8(ascii: "\"") }
      parameters.append(
        (
          String(decoding: text[start..<equals], as: UTF8.self).uppercased(), String(decoding: value, as: UTF8.self),
          place(start)
        ))
      at = end
    }
    guard at < text.count else {
      sink.error(at: place(0), "a line without ':'")
      return nil
    }
    return ContentLine(
      name: name, parameters: parameters, value: String(decoding: text[(at + 1)...], as: UTF8.self), place: place(0),
      pieces: pieces, valueOffset: at + 1)
  }

  /// Letters, digits and `-`.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "-")
  }
}
