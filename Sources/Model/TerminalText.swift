/// Text from jobs, agents and repositories, made safe to show to a person.
public enum TerminalText {
  /// The text with everything visible that a terminal would obey or a reader could not see: line breaks and tabs as
  /// `\n`, `\r`, `\t`, every other control character, format character (bidi marks, zero-width spaces, tags) and line
  /// separator as `<U+001B>`. The joiners U+200C and U+200D stay, since scripts and emoji need them and they only join.
  ///
  /// `keepingLines` leaves line feeds and tabs as they are: for a log, whose lines are its own.
  public static func neutralised(_ text: String, keepingLines: Bool = false) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if keepingLines, scalar == "\n" || scalar == "\t" {
        result.unicodeScalars.append(scalar)
      } else if let visible = visibleForm(of: scalar) {
        result += visible
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The same for bytes that should be UTF-8: what is not shows as U+FFFD.
  public static func neutralised(bytes: some Collection<UInt8>, keepingLines: Bool = false) -> String {
    neutralised(String(decoding: bytes, as: UTF8.self), keepingLines: keepingLines)
  }

  /// Nil for a scalar that may be shown as it is.
  private static func visibleForm(of scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    case " "..."~", "\u{200c}", "\u{200d}": return nil
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "<U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits + ">"
    default: return nil
    }
  }
}
