/// Reads the text of a ``PosixRule``.
struct PosixRuleParser {
  private let bytes: ArraySlice<UInt8>
  private var index: Int

  /// `bytes` are a slice of the file, so that errors can say where in it.
  static func rule(_ bytes: ArraySlice<UInt8>) throws(TZifError) -> PosixRule {
    var parser = PosixRuleParser(bytes: bytes, index: bytes.startIndex)
    return try parser.rule()
  }

  private mutating func rule() throws(TZifError) -> PosixRule {
    try name()
    // POSIX counts hours west of Greenwich.
    let standard = -(try signedTime(hours: 24))
    guard index < bytes.endIndex else { return PosixRule(standardOffset: standard, daylight: nil) }
    try name()
    var offset = standard + 3_600
    if let byte = current, byte != Self.comma { offset = -(try signedTime(hours: 24)) }
    guard TZifReader.offsets.contains(offset), TZifReader.offsets.contains(standard) else {
      throw error("an offset from UT is out of range")
    }
    try want(Self.comma, "','")
    let start = try date()
    try want(Self.comma, "','")
    let end = try date()
    guard index == bytes.endIndex else { throw error("text after the rule") }
    return PosixRule(standardOffset: standard, daylight: .init(offset: offset, start: start, end: end))
  }

  private static let comma = UInt8(ascii: ",")

  private var current: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    index += 1
    return true
  }

  private mutating func want(_ byte: UInt8, _ what: String) throws(TZifError) {
    guard take(byte) else { throw error("want \(what)") }
  }

  /// At least three letters, or letters, digits and signs between angle brackets.
  private mutating func name() throws(TZifError) {
    let quoted = take(UInt8(ascii: "<"))
    let start = index
    while let byte = current, Self.isLetter(byte) || quoted && Self.isDigitOrSign(byte) { index += 1 }
    guard index - start >= 3 else { throw error("a designation has at least 3 characters") }
    if quoted { try want(UInt8(ascii: ">"), "'>'") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }
  private static func isDigitOrSign(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
  }

  /// `[+-]hh[:mm[:ss]]` in seconds.
  private mutating func signedTime(hours: Int) throws(TZifError) -> Int {
    let sign = take(UInt8(ascii: "-")) ? -1 : 1
    if sign > 0 { _ = take(UInt8(ascii: "+")) }
    var seconds = try number(0...hours) * 3_600
    if take(UInt8(ascii: ":")) {
      seconds += try number(0...59) * 60
      if take(UInt8(ascii: ":")) { seconds += try number(0...59) }
    }
    return sign * seconds
  }

  private mutating func date() throws(TZifError) -> PosixRule.Date {
    let day: PosixRule.Day
    if take(UInt8(ascii: "J")) {
      day = .julian(try number(1...365))
    } else if take(UInt8(ascii: "M")) {
      let month = try number(1...12)
      try want(UInt8(ascii: "."), "'.'")
      let week = try number(1...5)
      try want(UInt8(ascii: "."), "'.'")
      day = .weekday(month: month, week: week, weekday: try number(0...6))
    } else {
      day = .zeroBased(try number(0...365))
    }
    let time = take(UInt8(ascii: "/")) ? try signedTime(hours: 167) : 7_200
    return PosixRule.Date(day: day, time: time)
  }

  private mutating func number(_ range: ClosedRange<Int>) throws(TZifError) -> Int {
    let digits = bytes[index...].prefix { (0x30...0x39).contains($0) }
    guard (1...3).contains(digits.count) else { throw error("want a number of 1 to 3 digits") }
    let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    guard range.contains(value) else { throw error("\(value) is not within \(range.lowerBound)-\(range.upperBound)") }
    index += digits.count
    return value
  }

  private func error(_ message: String) -> TZifError { TZifError("in the footer: \(message)", at: index) }
}
