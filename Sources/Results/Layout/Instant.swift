import Model

/// An occurrence's nominal time as folders and the beginning of a file name: `2026/11/20/02` and `3000Z`,
/// or `3000.250Z` and `3000.250125Z` where it is not a whole second.
///
/// The capital `Z` keeps it apart from every segment of a job's name, which is lower-case.
enum Instant {
  /// The years that have four digits and that an RFC 3339 time of Belfry can have.
  static let range = Timestamp(seconds: 0)...Timestamp(microseconds: 253_402_300_799_999_999)

  static func folder(_ time: Timestamp) -> String { String(decoding: path(time).prefix(folderCount), as: UTF8.self) }

  static func stem(_ time: Timestamp) -> String {
    String(decoding: path(time).dropFirst(folderCount + 1), as: UTF8.self)
  }

  /// Bytes of `2026/11/20/02`.
  static let folderCount = 13

  /// Folder, slash and stem, in ASCII. Pages hold a hundred of these each, so it is made without detours. Times outside
  /// of ``range`` have no path; they get that of its nearest end.
  static func path(_ time: Timestamp) -> [UInt8] {
    let time = min(max(time, range.lowerBound), range.upperBound)
    let civil = CivilTime(secondsSinceEpoch: time.seconds)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(26)
    func append(_ number: Int, _ unit: Int) {
      var unit = unit
      while unit > 0 {
        bytes.append(0x30 + UInt8(truncatingIfNeeded: number / unit % 10))
        unit /= 10
      }
    }
    append(civil.year, 1_000)
    for number in [civil.month, civil.day, civil.hour] {
      bytes.append(0x2f)
      append(number, 10)
    }
    bytes.append(0x2f)
    append(civil.minute, 10)
    append(civil.second, 10)
    let rest = Int(time.subsecond)
    if rest != 0 {
      bytes.append(0x2e)
      if rest % 1_000 == 0 { append(rest / 1_000, 100) } else { append(rest, 100_000) }
    }
    bytes.append(0x5a)
    return bytes
  }

  /// Reads the four folders and the stem back; nil unless they are exactly what ``folder(_:)`` and ``stem(_:)`` give.
  static func time(folders: [Substring], stem: Substring) -> Timestamp? {
    guard folders.count == 4, let year = number(folders[0], 4), let month = number(folders[1], 2),
      let day = number(folders[2], 2), let hour = number(folders[3], 2), let minute = number(stem.prefix(2), 2),
      let second = number(stem.dropFirst(2).prefix(2), 2), let fraction = fraction(stem.dropFirst(4)),
      year >= 1970, (1...12).contains(month), day >= 1, day <= CivilTime.daysInMonth(month, of: year), hour < 24,
      minute < 60, second < 60
    else { return nil }
    let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    return Timestamp(microseconds: civil.secondsSinceEpoch * 1_000_000 + fraction)
  }

  /// The number that exactly `width` decimal digits spell.
  static func number(_ text: Substring, _ width: Int) -> Int? {
    guard text.utf8.count == width, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return text.utf8.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// Microseconds of `Z`, `.250Z` or `.250125Z`; zeros that ``stem(_:)`` would not write are refused.
  private static func fraction(_ text: Substring) -> Int64? {
    guard text.hasSuffix("Z") else { return nil }
    let digits = text.dropLast()
    if digits.isEmpty { return 0 }
    guard digits.hasPrefix(".") else { return nil }
    let rest = digits.dropFirst()
    if let thousands = number(rest, 3), thousands != 0 { return Int64(thousands) * 1_000 }
    if let whole = number(rest, 6), whole % 1_000 != 0 { return Int64(whole) }
    return nil
  }
}
