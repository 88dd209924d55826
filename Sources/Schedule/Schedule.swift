// Schedule: when things are due. Cron expressions, time zone rules, and a job's triggers taken together.
//
// Lives here: the cron grammar and its search forwards and backwards, the reading of TZif bytes, the meaning of gaps
// and repeats of the wall clock.
// Must not: import Foundation, read a clock or a file (ZoneInfo does that), draw a random number, or know about jobs
// beyond their triggers.
//
// Every instant given out is a whole second, or a multiple of an interval, within `ScheduleRange`.

public import Model

/// The instants that schedules can speak of: those that RFC 3339 text can.
public enum ScheduleRange {
  /// 1970-01-01T00:00:00Z.
  public static let first = Timestamp(seconds: 0)
  /// 9999-12-31T23:59:59Z.
  public static let last = Timestamp(seconds: 253_402_300_799)
}

/// Why triggers make no schedule.
public struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The part of a trigger that is wrong.
  public enum Part: Hashable, Sendable {
    /// The cron expression, at so many characters from its start.
    case expression(offset: Int)
    /// The name of the time zone, or the zone's data.
    case timezone
    /// The interval of `every`.
    case interval
    /// The instant of `at`.
    case instant
  }

  public var part: Part
  public var message: String
  /// What to do about it, such as `did you mean 'Europe/Berlin'?`.
  public var suggestion: String?
  /// Which of the triggers, from 0; nil where it is not known.
  public var trigger: Int?

  public init(_ part: Part, _ message: String, suggestion: String? = nil, trigger: Int? = nil) {
    self.part = part
    self.message = message
    self.suggestion = suggestion
    self.trigger = trigger
  }

  public var description: String { suggestion.map { "\(message); \($0)" } ?? message }
}
