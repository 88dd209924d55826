import Model
import Schedule

/// A time as a person types it: an instant, or what a clock on a wall shows, of which only the job knows the zone.
enum MomentArgument: Hashable {
  /// RFC 3339, with an offset.
  case instant(Timestamp)
  /// `2026-11-20 02:30`, also with a `T`, with or without seconds.
  case wall(CivilTime)
  /// `02:30`, with or without seconds: the last time that it was so.
  case timeOfDay(hour: Int, minute: Int, second: Int)

  /// Throws a ``NameError`` that says which forms there are.
  init(_ text: String) throws(NameError) {
    if let instant = Timestamp(rfc3339: text) {
      self = .instant(instant)
      return
    }
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == " " || $0 == "T" }
    if let day = parts.last.flatMap(Self.timeOfDay) {
      if parts.count == 1 {
        self = .timeOfDay(hour: day.hour, minute: day.minute, second: day.second)
        return
      }
      if let date = Calendar.Day(String(parts[0])), date.number >= 0 {
        self = .wall(CivilTime(secondsSinceEpoch: Int64(date.number) * 86_400 + Int64(day.secondsOfDay)))
        return
      }
    }
    throw NameError("want a time such as 2026-11-20T02:30:00+01:00, 2026-11-20 02:30, or 02:30 for the last time")
  }

  private struct TimeOfDay {
    var hour: Int
    var minute: Int
    var second: Int
    var secondsOfDay: Int { hour * 3_600 + minute * 60 + second }
  }

  private static func timeOfDay(_ text: Substring) -> TimeOfDay? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count),
      parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { return nil }
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, numbers[0] < 24, numbers.dropFirst().allSatisfy({ $0 < 60 }) else { return nil }
    return TimeOfDay(hour: numbers[0], minute: numbers[1], second: numbers.count == 3 ? numbers[2] : 0)
  }

  /// The instant that is meant in a zone; of two that the clock shows alike the first, for one that it leaves out the
  /// end of the gap. A time of day is the last one that is not later than `now`.
  func resolve(in zone: TimeZoneRules, now: Timestamp) -> Moment {
    switch self {
    case .instant(let instant): return Moment(instant: instant)
    case .wall(let time): return Self.moment(time, zone)
    case .timeOfDay(let hour, let minute, let second):
      var time = zone.civil(at: now)
      (time.hour, time.minute, time.second) = (hour, minute, second)
      let today = Self.moment(time, zone)
      if today.instant <= now { return today }
      return Self.moment(CivilTime(secondsSinceEpoch: time.secondsSinceEpoch - 86_400), zone)
    }
  }

  private static func moment(_ time: CivilTime, _ zone: TimeZoneRules) -> Moment {
    switch zone.instants(of: time) {
    case .one(let instant): Moment(instant: instant)
    case .two(let first, _):
      Moment(instant: first, note: "the clock showed that time twice, and this is the first; an offset names the other")
    case .none(let after):
      Moment(instant: after, note: "the clock left that time out, and this is the end of the gap")
    }
  }
}

/// The instant that a person means.
struct Moment: Hashable {
  var instant: Timestamp
  /// What the clock's changes have to do with it.
  var note: String?
}
