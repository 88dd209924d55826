import Model
import Schedule

/// What a change of a zone's clock does to an instant of a cron expression, in words.
enum ClockChangeNote {
  /// Why the wall clock does not show a matching time, or which of two equal times it is; nil for a plain instant.
  static func of(_ instant: Timestamp, _ expression: CronExpression, _ zone: TimeZoneRules) -> String? {
    let shown = zone.civil(at: instant)
    guard expression.matches(shown) else {
      // The clock has jumped to `shown`: the first matching time of those that it left out is the one that is meant.
      let gap = CivilTime(secondsSinceEpoch: zone.civil(at: instant - .seconds(1)).secondsSinceEpoch)
      guard let meant = expression.next(after: gap), meant < shown else { return nil }
      return "\(text(meant, besides: shown)) does not exist, so right after the gap"
    }
    guard case .two(let first, let second) = zone.instants(of: shown), first != second else { return nil }
    if instant == first { return "the first of two \(text(shown, besides: shown))" }
    return instant == second ? "the second of two \(text(shown, besides: shown))" : nil
  }

  /// The first matching time between two instants that the clock left out for good; nil when there is none. Looks at the
  /// first time after `last` alone, which is the one that the reader of a list misses.
  static func leftOut(
    after last: Timestamp, before instant: Timestamp, _ expression: CronExpression, _ zone: TimeZoneRules
  ) -> String? {
    guard let meant = expression.next(after: zone.civil(at: last)), meant < zone.civil(at: instant),
      case .none(let after) = zone.instants(of: meant), last < after, after < instant
    else { return nil }
    return "\(text(meant, besides: nil)) does not exist and is left out"
  }

  /// Without the date where that is the same.
  private static func text(_ time: CivilTime, besides other: CivilTime?) -> String {
    var text = "\(padded(time.hour, 2)):\(padded(time.minute, 2))"
    if time.second != 0 { text += ":\(padded(time.second, 2))" }
    if let other, (other.year, other.month, other.day) == (time.year, time.month, time.day) { return text }
    return "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2)) \(text)"
  }
}

extension CronExpression {
  fileprivate func matches(_ time: CivilTime) -> Bool {
    next(after: CivilTime(secondsSinceEpoch: time.secondsSinceEpoch - 1)) == time
  }
}
