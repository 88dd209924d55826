public import Model

/// A cron expression in a time zone: instants rather than wall times.
///
/// Over a change of the clock, an expression that means every hour (``CronExpression/isEveryMinuteOrHour``) is due
/// whenever the clock shows a matching time. For any other, ``clockChange`` says what becomes of times that the clock
/// leaves out (due right after the gap, all of them together, or not at all) and of times that it shows twice (due the
/// first time, the second time, or both). OCPS 1.4 section 4.3.1 recommends to skip the former and to take the first of
/// the latter; making up for the former is this project's default.
///
/// Instants are strictly ascending whatever the zone's rules, and ``next(after:)`` and ``previous(before:)`` go through
/// the same ones.
public struct ZonedCron: Hashable, Sendable {
  public let expression: CronExpression
  public let zone: TimeZoneRules
  public let clockChange: ClockChange

  public init(_ expression: CronExpression, in zone: TimeZoneRules, clockChange: ClockChange = ClockChange()) {
    self.expression = expression
    self.zone = zone
    self.clockChange = clockChange
  }

  /// The least due instant that is greater than `instant`; nil when there is none within ``ScheduleRange``.
  public func next(after instant: Timestamp) -> Timestamp? {
    let after = max(instant.seconds, -1)
    guard after < ScheduleRange.last.seconds else { return nil }
    return inRange(first(from: after + 1))
  }

  /// The greatest due instant that is less than `instant`; nil when there is none within ``ScheduleRange``.
  public func previous(before instant: Timestamp) -> Timestamp? {
    guard instant > ScheduleRange.first else { return nil }
    // The last whole second before the instant.
    let through = min((instant.microseconds - 1).flooredDivision(by: 1_000_000), ScheduleRange.last.seconds)
    return inRange(last(through: through))
  }

  private func inRange(_ seconds: Int64?) -> Timestamp? {
    guard let seconds, (ScheduleRange.first.seconds...ScheduleRange.last.seconds).contains(seconds) else { return nil }
    return Timestamp(seconds: seconds)
  }
}

// The search goes from segment to segment of constant offset; a target far ahead is approached in one leap.

extension ZonedCron {
  /// The due instants of a segment: those at which the clock shows a matching time from `first` to `last`, and its
  /// very first where that makes up for a gap.
  private struct Share {
    var first: Int64
    var last: Int64
    /// Wall times that are due together at the start of the segment lie between `reached` and its first one.
    var makesUp: Bool
  }

  private func share(of segment: TimeZoneRules.Segment) -> Share {
    let (first, last) = (segment.firstWallTime, segment.lastWallTime)
    if expression.isEveryMinuteOrHour { return Share(first: first, last: last, makesUp: false) }
    let makesUp = clockChange.gap == .after && segment.reached != .min && segment.reached < first - 1
    return switch clockChange.repeat {
    // A time below `reached` has been shown before, or was left out and is no new time now.
    case .first: Share(first: segment.reached < first ? first : segment.reached + 1, last: last, makesUp: makesUp)
    case .second: Share(first: first, last: min(last, segment.ahead - 1), makesUp: makesUp)
    case .both: Share(first: first, last: last, makesUp: makesUp)
    }
  }

  private func makesUpForGap(_ share: Share, _ segment: TimeZoneRules.Segment) -> Bool {
    guard share.makesUp, let time = expression.next(after: CivilTime(secondsSinceEpoch: segment.reached)) else {
      return false
    }
    return time.secondsSinceEpoch < segment.firstWallTime
  }

  private func first(from instant: Int64) -> Int64? {
    var from = instant
    while from <= ScheduleRange.last.seconds {
      let segment = zone.segment(at: from)
      let share = share(of: segment)
      if from == segment.start, makesUpForGap(share, segment) { return from }
      let start = max(from + segment.offset, share.first)
      let time = expression.next(after: CivilTime(secondsSinceEpoch: start - 1))?.secondsSinceEpoch
      if let time, time <= share.last { return time - segment.offset }
      // From 52 hours on, no fold can bring the clock back to where the search began, and until 26 hours before the
      // target it cannot have reached it.
      let isClear = segment.end >= from + 2 * TimeZoneRules.largestOffset
      guard time != nil || !isClear else { return nil }
      from = isClear ? max(segment.end, (time ?? 0) - TimeZoneRules.largestOffset) : segment.end
    }
    return nil
  }

  /// The mirror image of ``first(from:)``.
  private func last(through instant: Int64) -> Int64? {
    var through = instant
    while through >= ScheduleRange.first.seconds {
      let segment = zone.segment(at: through)
      let share = share(of: segment)
      let end = min(through + segment.offset, share.last)
      let time = expression.previous(before: CivilTime(secondsSinceEpoch: end + 1))?.secondsSinceEpoch
      if let time, time >= share.first { return time - segment.offset }
      if makesUpForGap(share, segment) { return segment.start }
      let isClear = segment.start <= through - 2 * TimeZoneRules.largestOffset
      guard time != nil || !isClear else { return nil }
      through = isClear ? min(segment.start - 1, (time ?? 0) + TimeZoneRules.largestOffset) : segment.start - 1
    }
    return nil
  }
}
