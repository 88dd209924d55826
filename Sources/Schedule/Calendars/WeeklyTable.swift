import Model

/// All weekly windows of a calendar, put together into one week: a question is arithmetic and a short search.
struct WeeklyTable: Hashable, Sendable {
  /// As in `Calendar.Window.weekly`, for one weekday.
  struct Window: Hashable, Sendable {
    /// 0 is Sunday.
    var day: Int
    /// Minutes since midnight, 0...1439.
    var from: Int
    /// Minutes since midnight, 1...1440; not later than `from` means on the following day.
    var to: Int
  }

  /// Seconds since Sunday 00:00 on the wall clock, ascending, none touching the next. Where the week's end is in force
  /// as well as its beginning, the last one goes on to where the first one ends.
  private var ranges: [Range<Int64>] = []
  private let zone: TimeZoneRules
  private static let week: Int64 = 7 * 86_400
  /// More changes of a clock than this lie nowhere between one window and the next.
  private static let changeLimit = 64

  init(_ windows: [Window], in zone: TimeZoneRules) {
    self.zone = zone
    var pieces: [Range<Int64>] = []
    for window in windows {
      let from = Int64(window.day * 1_440 + window.from) * 60
      let to = Int64((window.to > window.from ? window.day : window.day + 1) * 1_440 + window.to) * 60
      pieces.append(from..<min(to, Self.week))
      if to > Self.week { pieces.append(0..<(to - Self.week)) }
    }
    for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ranges.last, piece.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, piece.upperBound)
      } else {
        ranges.append(piece)
      }
    }
    if ranges.count > 1, let first = ranges.first, let last = ranges.last, first.lowerBound == 0,
      last.upperBound == Self.week
    {
      ranges[ranges.count - 1] = last.lowerBound..<(Self.week + first.upperBound)
    }
  }

  private var isAlways: Bool { ranges.first == 0..<Self.week }

  /// The end of the window, or the next change of the zone's clock when that comes first; what the clock shows from
  /// then on is another question. Nil when none is in force.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? {
    if isAlways { return ScheduleRange.last }
    let segment = zone.segment(at: instant.seconds)
    let wallTime = instant.seconds + Int64(segment.offset)
    let position = wallTime - Self.weekStart(wallTime)
    for position in [position, position + Self.week] {
      guard let range = ranges.first(where: { $0.contains(position) }) else { continue }
      return Timestamp(seconds: min(instant.seconds + range.upperBound - position, segment.end))
    }
    return nil
  }

  /// The range that goes on over the week's end.
  private var tail: Range<Int64>? { ranges.last.flatMap { $0.upperBound > Self.week ? $0 : nil } }

  /// When the clock next reaches the beginning of a window, or jumps into one. Asked at an instant at which none is in
  /// force.
  func nextStart(after instant: Timestamp) -> Timestamp? {
    if isAlways { return nil }
    var at = instant
    for _ in 0..<Self.changeLimit {
      let segment = zone.segment(at: at.seconds)
      let start = Timestamp(seconds: wallStart(after: at.seconds + Int64(segment.offset)) - Int64(segment.offset))
      if start.seconds < segment.end { return start }
      at = Timestamp(seconds: segment.end)
      if end(ifInForceAt: at) != nil { return at }
    }
    return nil
  }

  private func wallStart(after wallTime: Int64) -> Int64 {
    let start = Self.weekStart(wallTime)
    // With the week's end joined to its beginning, the range at 0 is no beginning of its own.
    let starts = ranges.dropFirst(tail == nil ? 0 : 1).map(\.lowerBound)
    let later = starts.first { start + $0 > wallTime }
    return later.map { start + $0 } ?? start + Self.week + (starts.first ?? 0)
  }

  /// The Sunday 00:00 at or before the wall time.
  private static func weekStart(_ wallTime: Int64) -> Int64 {
    let fourDays: Int64 = 4 * 86_400  // 1970-01-01 was a Thursday
    return (wallTime + fourDays).flooredDivision(by: week) * week - fourDays
  }
}
