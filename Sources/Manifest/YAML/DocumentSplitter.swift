import Glibc

/// Cuts a file into its documents before libyaml sees them.
///
/// `---` at the start of a line always begins a document, whatever stands around it (YAML 1.2.2, section 9.1.2), so
/// this needs no parsing. It is done first because libyaml cannot go on after a syntax error: this way one broken
/// document does not hide the others of its file.
enum DocumentSplitter {
  struct Piece {
    var bytes: UnsafeBufferPointer<UInt8>
    /// Of the file, from 1.
    var firstLine: Int
  }

  static func split(_ bytes: UnsafeBufferPointer<UInt8>) -> [Piece] {
    var pieces: [Piece] = []
    var start = 0
    var startLine = 1
    var line = 1
    var position = 0
    while position < bytes.count {
      if position > start, isMarker(bytes, at: position) {
        pieces.append(Piece(bytes: UnsafeBufferPointer(rebasing: bytes[start..<position]), firstLine: startLine))
        start = position
        startLine = line
      }
      guard let end = nextLine(bytes, after: position) else { break }
      position = end
      line += 1
    }
    pieces.append(Piece(bytes: UnsafeBufferPointer(rebasing: bytes[start...]), firstLine: startLine))
    return pieces
  }

  private static func isMarker(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    let dash = UInt8(ascii: "-")
    guard index + 3 <= bytes.count, bytes[index] == dash, bytes[index + 1] == dash, bytes[index + 2] == dash
    else { return false }
    return index + 3 == bytes.count || [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index + 3])
  }

  /// The offset after the next LF; nil when there is none.
  static func nextLine(_ bytes: UnsafeBufferPointer<UInt8>, after position: Int) -> Int? {
    guard let base = bytes.baseAddress, position < bytes.count,
      let found = memchr(base + position, 0x0a, bytes.count - position)
    else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
  }

  /// The values of all lines `job: …` without indentation: the names that a document claims, even one that libyaml
  /// cannot read. A document that lost its `---` claims several.
  static func claims(in piece: Piece) -> [String] {
    let key = Array("job:".utf8)
    var claims: [String] = []
    var position: Int? = 0
    while let start = position, start < piece.bytes.count {
      position = nextLine(piece.bytes, after: start)
      let line = piece.bytes[start..<(position ?? piece.bytes.count)]
      guard line.starts(with: key) else { continue }
      let value = line.dropFirst(key.count).prefix { $0 != UInt8(ascii: "#") }
      let quotes = [UInt8(ascii: "\""), UInt8(ascii: "'"), 0x20, 0x09, 0x0a, 0x0d]
      let trimmed = value.drop { quotes.contains($0) }
      let end = trimmed.lastIndex { !quotes.contains($0) }.map { $0 + 1 } ?? trimmed.startIndex
      claims.append(String(decoding: trimmed[..<end].prefix(200), as: UTF8.self))
    }
    return claims
  }
}
