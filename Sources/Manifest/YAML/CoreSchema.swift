extension YAMLScalar {
  /// What a scalar means by the core schema of YAML 1.2.2, section 10.3.2. Only plain scalars can be anything but a
  /// string; `on`, `yes`, `no` and dates are strings, and `0755` is seven hundred and fifty-five.
  public enum Value: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// An integer that does not fit 64 bits.
    case hugeInteger
    /// A number with a point or an exponent; it stays text, so that nothing is rounded.
    case float
    case string
  }

  public var resolved: Value {
    guard style == .plain else { return .string }
    var text = self.text
    return text.withUTF8 { CoreSchema.resolve($0) }
  }
}

enum CoreSchema {
  static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> YAMLScalar.Value {
    guard let first = bytes.first else { return .null }
    switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
      return number(bytes)
    case UInt8(ascii: "~"): return bytes.count == 1 ? .null : .string
    case UInt8(ascii: "n"), UInt8(ascii: "N"): return word(bytes, "null") ? .null : .string
    case UInt8(ascii: "t"), UInt8(ascii: "T"): return word(bytes, "true") ? .boolean(true) : .string
    case UInt8(ascii: "f"), UInt8(ascii: "F"): return word(bytes, "false") ? .boolean(false) : .string
    default: return .string
    }
  }

  /// Whether the bytes are the word in one of its three spellings: `null`, `Null`, `NULL`.
  private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ lower: StaticString) -> Bool {
    guard bytes.count == lower.utf8CodeUnitCount else { return false }
    let word = UnsafeBufferPointer(start: lower.utf8Start, count: lower.utf8CodeUnitCount)
    return bytes.elementsEqual(word)
      || bytes.elementsEqual(word.map { $0 - 32 })
      || (bytes[0] == word[0] - 32 && bytes.dropFirst().elementsEqual(word.dropFirst()))
  }

  private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> YAMLScalar.Value {
    if bytes.count > 2, bytes[0] == UInt8(ascii: "0") {
      if bytes[1] == UInt8(ascii: "o") { return integer(bytes.dropFirst(2), radix: 8, isNegative: false) ?? .string }
      if bytes[1] == UInt8(ascii: "x") { return integer(bytes.dropFirst(2), radix: 16, isNegative: false) ?? .string }
    }
    let isSigned = bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+")
    let unsigned = bytes.dropFirst(isSigned ? 1 : 0)
    if let value = integer(unsigned, radix: 10, isNegative: bytes[0] == UInt8(ascii: "-")) { return value }
    return isFloat(unsigned, isSigned: isSigned) ? .float : .string
  }

  /// Nil unless all bytes are digits of the radix and there is at least one.
  private static func integer(_ digits: Slice<UnsafeBufferPointer<UInt8>>, radix: Int64, isNegative: Bool)
    -> YAMLScalar.Value?
  {
    guard !digits.isEmpty else { return nil }
    var value: Int64 = 0
    var isHuge = false
    for byte in digits {
      guard let digit = digitValue(byte), digit < radix else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carried) =
        isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      isHuge = isHuge || overflow || carried
      value = sum
    }
    return isHuge ? .hugeInteger : .integer(value)
  }

  private static func digitValue(_ byte: UInt8) -> Int64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `.inf` and, without a sign, `.nan`.
  private static func isFloat(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, isSigned: Bool) -> Bool {
    if bytes.count == 4, bytes.first == UInt8(ascii: ".") {
      let text = String(decoding: bytes, as: UTF8.self)
      if [".inf", ".Inf", ".INF"].contains(text) { return true }
      if !isSigned, [".nan", ".NaN", ".NAN"].contains(text) { return true }
    }
    func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    let whole = bytes.prefix(while: isDigit)
    var rest = bytes[whole.endIndex...]
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      let fraction = rest.prefix(while: isDigit)
      if whole.isEmpty && fraction.isEmpty { return false }
      rest = rest[fraction.endIndex...]
    } else if whole.isEmpty {
      return false
    }
    guard let letter = rest.first else { return true }
    guard letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E") else { return false }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }
}
