// Instants as text: RFC 3339 section 5.6.

extension Timestamp: CustomStringConvertible {
  /// Reads `2026-12-01T03:00:00+01:00` or `…Z`, with up to 9 fraction digits (those past microseconds are dropped).
  /// Years 1970 to 9999, in the offset given and in UTC. Leap seconds, a lower-case `t` or `z`, and a missing offset
  /// are refused.
  public init?(rfc3339 text: some StringProtocol) {
    var digits = DigitReader(Array(text.utf8))
    guard let year = digits.number(4), digits.take("-"), let month = digits.number(2), digits.take("-"),
      let day = digits.number(2), digits.take("T"), let hour = digits.number(2), digits.take(":"),
      let minute = digits.number(2), digits.take(":"), let second = digits.number(2)
    else { return nil }
    guard year >= 1970, (1...12).contains(month), day >= 1, day <= CivilTime.daysInMonth(month, of: year),
      hour < 24, minute < 60, second < 60, let fraction = digits.fraction(), let offset = digits.offset(), digits.atEnd
    else { return nil }
    let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    let seconds = civil.secondsSinceEpoch - Int64(offset)
    // Else the UTC text of what was read could not be read again: 9999-12-31T23:00:00-02:00 is in the year 10000.
    guard (0..<253_402_300_800).contains(seconds) else { return nil }
    self.init(microseconds: seconds * 1_000_000 + fraction)
  }

  /// UTC, with a fraction of 3 or 6 digits only where there is one: `2026-12-01T02:00:00Z`, `…00.250Z`.
  public var description: String { rfc3339(offset: 0) }

  /// With the offset from UTC in seconds: `2026-12-01T03:00:00+01:00`. Offset seconds below a minute are dropped.
  public func rfc3339(offset: Int) -> String {
    let minutes = offset / 60
    let civil = CivilTime(secondsSinceEpoch: seconds + Int64(minutes) * 60)
    var text = "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))T"
    text += "\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
    let rest = Int(subsecond)
    if rest != 0 { text += rest % 1_000 == 0 ? ".\(padded(rest / 1_000, 3))" : ".\(padded(rest, 6))" }
    guard minutes != 0 else { return text + "Z" }
    return text + (minutes < 0 ? "-" : "+") + "\(padded(abs(minutes) / 60, 2)):\(padded(abs(minutes) % 60, 2))"
  }
}

/// The number in decimal with zeros in front up to `width` digits.
public func padded(_ number: Int, _ width: Int) -> String {
  let text = String(number)
  return text.utf8.count >= width ? text : String(repeating: "0", count: width - text.utf8.count) + text
}

/// Reads fixed-width digits from the front of some bytes.
private struct DigitReader {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var atEnd: Bool { index == bytes.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(character.value) else { return false }
    index += 1
    return true
  }

  mutating func number(_ width: Int) -> Int? {
    guard index + width <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[index..<index + width] {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    index += width
    return value
  }

  /// Microseconds; nil when a point is followed by no digit or by more than 9.
  mutating func fraction() -> Int64? {
    guard take(".") else { return 0 }
    var value: Int64 = 0
    var count = 0
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
      if count < 6 { value = value * 10 + Int64(bytes[index] - 0x30) }
      count += 1
      index += 1
    }
    guard (1...9).contains(count) else { return nil }
    for _ in 0..<max(0, 6 - count) { value *= 10 }
    return value
  }

  /// Seconds east of UTC.
  mutating func offset() -> Int? {
    if take("Z") { return 0 }
    let sign = take("+") ? 1 : take("-") ? -1 : 0
    guard sign != 0, let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60
    else { return nil }
    return sign * (hours * 3_600 + minutes * 60)
  }
}
