// Durations as people write them: `500ms`, `30s`, `1h30m`, `7d`.

extension Duration {
  /// Reads a sequence of whole numbers with units, larger units first, each unit once: `d`, `h`, `m`, `s`, `ms`.
  /// Nil for anything else, an empty text, or more than 100 years.
  public init?(manifest text: some StringProtocol) {
    var total: Int64 = 0
    var rest = Array(text.utf8)[...]
    var lastUnit = Int64.max
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { (0x61...0x7a).contains($0) }
      rest = rest.dropFirst(letters.count)
      guard (1...12).contains(digits.count), let unit = Self.unit(letters), unit < lastUnit else { return nil }
      let count = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
      let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit)
      total = overflow ? .max : total.addingReportingOverflow(milliseconds).partialValue
      guard total >= 0, total <= 36_525 * 86_400_000 else { return nil }
      lastUnit = unit
    }
    self = .milliseconds(total)
  }

  /// Milliseconds in the unit.
  private static func unit(_ letters: ArraySlice<UInt8>) -> Int64? {
    switch String(decoding: letters, as: UTF8.self) {
    case "d": 86_400_000
    case "h": 3_600_000
    case "m": 60_000
    case "s": 1_000
    case "ms": 1
    default: nil
    }
  }

  /// The shortest text that ``init(manifest:)`` reads as this duration, to the millisecond: `1h30m`; `0s` for zero.
  /// A negative duration has a minus sign in front.
  public var manifestText: String {
    var rest = wholeMilliseconds
    guard rest != 0 else { return "0s" }
    var text = rest < 0 ? "-" : ""
    rest = abs(rest)
    let units: [(Int64, String)] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")]
    for (unit, letters) in units {
      if rest >= unit { text += "\(rest / unit)\(letters)" }
      rest %= unit
    }
    return text
  }
}
