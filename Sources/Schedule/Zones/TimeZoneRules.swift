public import Model

/// The offsets of one time zone through all time, as a table of segments of constant offset.
///
/// Beyond the changes that the file lists, the footer's rule is written out for one cycle of 400 years, after which
/// the calendar repeats exactly; every later instant is folded back into that cycle. So every question is one binary
/// search, however far the date.
public struct TimeZoneRules: Hashable, Sendable, CustomStringConvertible {
  /// The IANA name, for messages.
  public let name: String
  private let rows: [Row]
  /// Instants (and wall times) from here on repeat after ``cycle``; nil when the last offset holds for ever.
  private let cycleStart: Int64?

  /// A segment, as it is kept.
  private struct Row: Hashable, Sendable {
    var start: Int64
    /// The latest wall time, as seconds since 1970-01-01 00:00, that a clock of the zone has shown before `start`.
    var reached: Int64
    /// The earliest wall time that it shows after the segment's end.
    var ahead: Int64 = .max
    var offset: Int
  }

  /// 400 Gregorian years in seconds.
  private static let cycle: Int64 = 146_097 * 86_400
  private static let beginning: Int64 = -(1 << 60)
  private static let end: Int64 = 1 << 60

  public static let utc = TimeZoneRules(name: "UTC", firstOffset: 0, changes: [], rule: nil)

  /// Reads a TZif file (RFC 9636) of version 1 to 4 and at most 256 KiB. Files that count leap seconds are refused.
  public init(tzif: [UInt8], name: String) throws(TZifError) {
    let contents = try TZifReader.read(tzif)
    let rule = contents.footer.isEmpty ? nil : try PosixRuleParser.rule(contents.footer)
    self.init(name: name, firstOffset: contents.firstOffset, changes: contents.changes, rule: rule)
  }

  private init(name: String, firstOffset: Int, changes: [TZifReader.Change], rule: PosixRule?) {
    self.name = name
    var changes = changes
    var firstOffset = firstOffset
    var cycleStart: Int64?
    if let rule {
      // Without a listed change the rule holds for all time; it is applied from 1900 on.
      let year = changes.last.map { CivilTime(secondsSinceEpoch: $0.start).year } ?? 1900
      if changes.isEmpty { firstOffset = rule.standardOffset }
      let last = changes.last?.start ?? Self.beginning
      // Two years before the cycle starts, so that what is in force then began by the rule; two after, for its end.
      let written = rule.changes(in: (year - 1)...(year + 404)).filter { $0.start > last }
      if written.contains(where: { $0.offset != written[0].offset }) {
        cycleStart = Int64(CivilTime.days(year: year + 2, month: 1, day: 1)) * 86_400
      }
      changes += written
    }
    self.cycleStart = cycleStart
    var rows = [Row(start: Self.beginning, reached: .min, offset: firstOffset)]
    var reached = Int64.min
    for change in changes {
      let last = rows[rows.count - 1]
      guard change.offset != last.offset else { continue }
      reached = max(reached, change.start - 1 + Int64(last.offset))
      rows.append(Row(start: change.start, reached: reached, offset: change.offset))
    }
    for index in rows.indices.dropLast().reversed() {
      let next = rows[index + 1]
      rows[index].ahead = min(next.start + Int64(next.offset), next.ahead)
    }
    self.rows = rows
  }

  public var description: String { name }

  /// Not the whole table: equal zones have equal names.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(rows.count)
  }

  /// Seconds east of UTC.
  public func offset(at instant: Timestamp) -> Int { Int(segment(at: instant.seconds).offset) }

  /// The wall clock at the instant, its fraction of a second dropped.
  public func civil(at instant: Timestamp) -> CivilTime {
    CivilTime(secondsSinceEpoch: instant.seconds + Int64(offset(at: instant)))
  }

  /// How far `instant` lies beyond the first cycle: a multiple of ``cycle``.
  private func shift(of instant: Int64) -> Int64 {
    guard let cycleStart, instant >= cycleStart + Self.cycle else { return 0 }
    return (instant - cycleStart) / Self.cycle * Self.cycle
  }

  /// The index of the last segment for which `isBefore` holds; the first segment is taken to be one.
  private func lastIndex(where isBefore: (Row) -> Bool) -> Int {
    var low = 0
    var high = rows.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if isBefore(rows[middle]) { low = middle } else { high = middle }
    }
    return low
  }
}

extension TimeZoneRules {
  /// A time of constant offset, with what the clock shows before and after it.
  struct Segment {
    /// The first instant, in whole seconds, and the first after it.
    var start: Int64
    var end: Int64
    /// Seconds east of UTC.
    var offset: Int64
    /// The latest wall time that the clock has shown before; what lies between it and the first wall time of this
    /// segment is a gap, and what this segment shows up to it is repeated.
    var reached: Int64
    /// The earliest wall time that the clock will show afterwards; what this segment shows from it on will be repeated.
    var ahead: Int64

    /// What the clock shows in it.
    var firstWallTime: Int64 { start + offset }
    var lastWallTime: Int64 { end - 1 + offset }
  }

  /// The segment that an instant lies in.
  func segment(at instant: Int64) -> Segment {
    let shift = shift(of: instant)
    let index = lastIndex { $0.start <= instant - shift }
    let row = rows[index]
    return Segment(
      start: row.start + shift, end: index + 1 < rows.count ? rows[index + 1].start + shift : Self.end,
      offset: Int64(row.offset), reached: row.reached == .min ? .min : row.reached + shift,
      ahead: row.ahead == .max ? .max : row.ahead + shift)
  }

  /// The first instant at which the zone's clock shows `wallTime` or later: right after the gap for a time that is
  /// left out, the first of the two for one that is repeated.
  func firstInstant(reaching wallTime: Int64) -> Int64 {
    let shift = shift(of: wallTime)
    let index = lastIndex { $0.reached < wallTime - shift }
    return max(rows[index].start + shift, wallTime - Int64(rows[index].offset))
  }
}
