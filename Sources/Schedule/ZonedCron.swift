public import Model

/// A cron expression in a time zone: instants rather than wall times.
///
/// Over a change of the clock, an expression that means every hour (``CronExpression/isEveryMinuteOrHour``) is due
/// whenever the clock shows a matching time. Any other is due when the clock first reaches or passes a matching time:
/// right after a gap for all the times in it together, and the first time only for those that are repeated.
public struct ZonedCron: Hashable, Sendable {
  public let expression: CronExpression
  public let zone: TimeZoneRules

  public init(_ expression: CronExpression, in zone: TimeZoneRules) {
    self.expression = expression
    self.zone = zone
  }

  /// The least due instant that is greater than `instant`; nil when there is none within ``ScheduleRange``.
  public func next(after instant: Timestamp) -> Timestamp? {
    let after = max(instant.seconds, -1)
    guard after < ScheduleRange.last.seconds else { return nil }
    return inRange(expression.isEveryMinuteOrHour ? nextShown(after: after) : nextReached(after: after))
  }

  /// The greatest due instant that is less than `instant`; nil when there is none within ``ScheduleRange``.
  public func previous(before instant: Timestamp) -> Timestamp? {
    guard instant > ScheduleRange.first else { return nil }
    // The last whole second before the instant.
    let last = min((instant.microseconds - 1).flooredDivision(by: 1_000_000), ScheduleRange.last.seconds)
    return inRange(expression.isEveryMinuteOrHour ? lastShown(through: last) : lastReached(through: last))
  }

  private func inRange(_ seconds: Int64?) -> Timestamp? {
    guard let seconds, (ScheduleRange.first.seconds...ScheduleRange.last.seconds).contains(seconds) else { return nil }
    return Timestamp(seconds: seconds)
  }

  private func nextReached(after instant: Int64) -> Int64? {
    expression.next(after: CivilTime(secondsSinceEpoch: zone.latestWallTime(at: instant)))
      .map { zone.firstInstant(reaching: $0.secondsSinceEpoch) }
  }

  private func lastReached(through instant: Int64) -> Int64? {
    expression.previous(before: CivilTime(secondsSinceEpoch: zone.latestWallTime(at: instant) + 1))
      .map { zone.firstInstant(reaching: $0.secondsSinceEpoch) }
  }

  /// Goes from segment to segment of constant offset; a target far ahead is approached in one leap.
  private func nextShown(after instant: Int64) -> Int64? {
    var from = instant + 1
    while true {
      let segment = zone.segment(at: from)
      let offset = Int64(segment.offset)
      guard let time = expression.next(after: CivilTime(secondsSinceEpoch: from + offset - 1)) else { return nil }
      let wallTime = time.secondsSinceEpoch
      if wallTime - offset < segment.end { return wallTime - offset }
      // From 52 hours on, no fold can bring the clock back to where the search began, and until 26 hours before the
      // target it cannot have reached it.
      let isClear = segment.end >= from + 2 * TimeZoneRules.largestOffset
      from = isClear ? max(segment.end, wallTime - TimeZoneRules.largestOffset) : segment.end
    }
  }

  /// The mirror image of ``nextShown(after:)``.
  private func lastShown(through instant: Int64) -> Int64? {
    var through = instant
    while true {
      let segment = zone.segment(at: through)
      let offset = Int64(segment.offset)
      guard let time = expression.previous(before: CivilTime(secondsSinceEpoch: through + offset + 1)) else {
        return nil
      }
      let wallTime = time.secondsSinceEpoch
      if wallTime - offset >= segment.start { return wallTime - offset }
      let isClear = segment.start <= through - 2 * TimeZoneRules.largestOffset
      through = isClear ? min(segment.start - 1, wallTime + TimeZoneRules.largestOffset) : segment.start - 1
    }
  }
}
