extension Job {
  /// Output values that a job may declare.
  public static let outputLimit = 64
  public static let artifactPatternLimit = 20

  /// Why a text is no name of an output; nil when it is one: a letter or `_`, then up to 63 letters, digits, `_` and `-`.
  public static func problem(inOutput name: String) -> String? {
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) || byte == 0x5f }
    func isInside(_ byte: UInt8) -> Bool { isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x2d }
    guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 64, name.utf8.allSatisfy(isInside) else {
      return "an output's name has up to 64 letters, digits, '_' and '-', and begins with a letter or '_'"
    }
    return nil
  }
}

extension Receipt.Attempt {
  /// Its outputs in a line for people, such as `rows=42, table=orders`, cut where it gets long; nil when there are none.
  public var outputsText: String? {
    guard !outputs.isEmpty else { return nil }
    let names = outputs.keys.sorted()
    let pairs = names.prefix(4).map { "\($0)=\(Self.short(outputs[$0]?.text ?? ""))" }
    return pairs.joined(separator: ", ") + (names.count > 4 ? ", …" : "")
  }

  private static func short(_ text: String) -> String {
    text.unicodeScalars.count <= 40 ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(40))) + "…"
  }
}
