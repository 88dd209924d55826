import Model

/// What the bytes of a document must be before libyaml sees them.
///
/// libyaml checks most of this too, but stops at a byte offset without a line, and follows YAML 1.1 in ending lines at
/// U+0085, U+2028 and U+2029, where editors and git do not: refusing these keeps its line numbers true.
enum TextCheck {
  struct Problem {
    var offset: Int
    var message: String
    var suggestion: String?
  }

  static func hasByteOrderMark(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0xef, 0xbb, 0xbf]) }

  /// The first thing that is wrong, or nil.
  static func firstProblem(in bytes: UnsafeBufferPointer<UInt8>) -> Problem? {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte >= 0x20 && byte < 0x7f || byte == 0x0a || byte == 0x09 {
        index += 1
      } else if byte < 0x80 {
        if byte == 0x0d, index + 1 < bytes.count, bytes[index + 1] == 0x0a {
          index += 2
        } else {
          return problem(control: byte, at: index)
        }
      } else {
        guard let (scalar, width) = UTF8Scalar.decode(bytes, at: index) else {
          return Problem(offset: index, message: "the file is not UTF-8 here", suggestion: "save it as UTF-8")
        }
        if let message = refusal(of: scalar) { return Problem(offset: index, message: message) }
        index += width
      }
    }
    return nil
  }

  private static func problem(control byte: UInt8, at offset: Int) -> Problem {
    switch byte {
    case 0:
      Problem(offset: offset, message: "a NUL byte", suggestion: "save the file as UTF-8 text")
    case 0x0d:
      Problem(
        offset: offset, message: "a carriage return without a line feed",
        suggestion: "end lines with LF (or with CR LF)")
    default:
      Problem(offset: offset, message: "a control character (U+\(hex4(UInt32(byte))))")
    }
  }

  private static func refusal(of scalar: UInt32) -> String? {
    switch scalar {
    case 0x80...0x9f where scalar != 0x85: "a control character (U+\(hex4(scalar)))"
    case 0x85, 0x2028, 0x2029: "a line separator (U+\(hex4(scalar))) that most programs do not show as a line's end"
    case 0xfeff: "a byte order mark within the text"
    case 0xfffe, 0xffff: "U+\(hex4(scalar)), which is not a character"
    default: nil
    }
  }

  private static func hex4(_ scalar: UInt32) -> String {
    let text = String(scalar, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - text.utf8.count)) + text
  }
}
