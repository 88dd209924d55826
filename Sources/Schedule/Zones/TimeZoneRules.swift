public import Model

/// The offsets of one time zone through all time, as a table of segments of constant offset.
///
/// Beyond the changes that the file lists, the footer's rule is written out for one cycle of 400 years, after which
/// the calendar repeats exactly; every later instant is folded back into that cycle. So every question is one binary
/// search, however far the date.
public struct TimeZoneRules: Hashable, Sendable, CustomStringConvertible {
  /// The IANA name, for messages.
  public let name: String
  private let segments: [Segment]
  /// Instants (and wall times) from here on repeat after ``cycle``; nil when the last offset holds for ever.
  private let cycleStart: Int64?

  /// A time of constant offset.
  private struct Segment: Hashable, Sendable {
    var start: Int64
    /// The latest wall time, as seconds since 1970-01-01 00:00, that a clock of the zone has shown before `start`.
    var reached: Int64
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
    var segments = [Segment(start: Self.beginning, reached: .min, offset: firstOffset)]
    var reached = Int64.min
    for change in changes {
      let last = segments[segments.count - 1]
      guard change.offset != last.offset else { continue }
      reached = max(reached, change.start - 1 + Int64(last.offset))
      segments.append(Segment(start: change.start, reached: reached, offset: change.offset))
    }
    self.segments = segments
  }

  public var description: String { name }

  /// Not the whole table: equal zones have equal names.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(segments.count)
  }

  /// Seconds east of UTC.
  public func offset(at instant: Timestamp) -> Int { segment(at: instant.seconds).offset }

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
  private func lastIndex(where isBefore: (Segment) -> Bool) -> Int {
    var low = 0
    var high = segments.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if isBefore(segments[middle]) { low = middle } else { high = middle }
    }
    return low
  }
}

extension TimeZoneRules {
  /// The offset at an instant and the instants, in whole seconds, between which it holds.
  func segment(at instant: Int64) -> (start: Int64, end: Int64, offset: Int) {
    let shift = shift(of: instant)
    let index = lastIndex { $0.start <= instant - shift }
    let end = index + 1 < segments.count ? segments[index + 1].start + shift : Self.end
    return (segments[index].start + shift, end, segments[index].offset)
  }

  /// The latest wall time that the zone's clock has shown up to and including `instant`. It never falls: while the
  /// clock repeats an hour, this stands still.
  func latestWallTime(at instant: Int64) -> Int64 {
    let shift = shift(of: instant)
    let segment = segments[lastIndex { $0.start <= instant - shift }]
    return max(instant + Int64(segment.offset), segment.reached == .min ? .min : segment.reached + shift)
  }

  /// The first instant at which the zone's clock shows `wallTime` or later: right after the gap for a time that is
  /// left out, the first of the two for one that is repeated.
  func firstInstant(reaching wallTime: Int64) -> Int64 {
    let shift = shift(of: wallTime)
    let index = lastIndex { $0.reached < wallTime - shift }
    return max(segments[index].start + shift, wallTime - Int64(segments[index].offset))
  }
}
