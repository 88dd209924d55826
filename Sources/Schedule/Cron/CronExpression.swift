import Model

/// A cron expression: which wall-clock times are meant, in no particular time zone.
///
/// The grammar is that of the Open Cron Pattern Specification 1.0 to 1.4: 5 fields (minute, hour, day of month, month,
/// day of week), 6 (second first) or 7 (year last); lists, ranges, steps on `*` or on a range, English names of three
/// letters, nicknames, `L`, `W`, `#`, `+` and `?`. Besides, `H` stands for a number that follows from the job's name, as
/// in Jenkins. Where this is stricter than the specification, or fills it in:
///
/// - A step may not be longer than its field is wide: it would not be kept.
/// - An expression that can never match is refused when it is read (OCPS 1.0 section 6.2 wants it to be refused when
///   it is used): a manifest is read long before.
/// - `FRI-SUN` ends on the Sunday after the Friday. All other ranges that run backwards are refused.
/// - `LW` is the last day of the month that is a weekday (Monday to Friday).
/// - `*` in the year means every year; years that are listed lie within 1970 to 2199.
/// - `@reboot` is known and refused, as an agent fires at times only.
public struct CronExpression: Hashable, Sendable, CustomStringConvertible {
  /// As it was written.
  public let text: String
  /// Six or seven fields were given.
  public let hasSeconds: Bool
  var seconds: FieldSet
  var minutes: FieldSet
  var hours: FieldSet
  var days: DayRule
  var months: FieldSet
  var years: YearSet

  /// Reads an expression in time proportional to its length, which is at most ``longestText``.
  ///
  /// `hashing` is the name of the job, from which `H` gets its numbers; without it an `H` is refused. Whether a text is
  /// refused does not depend on which name it is, so any will do to check one.
  public init(_ text: String, hashing name: String? = nil) throws(CronError) {
    let draft = try CronParser(text).draft()
    if let offset = draft.hashOffset, name == nil {
      throw CronError("'H' stands for a number that is hashed from a job's name, and here is no job", at: offset)
    }
    try draft.refuseIfNeverDue()
    let hash = CronHash(name: name ?? "")
    self = draft.expression { hash.choice(for: $0, of: $1) }
  }

  init(
    text: String, hasSeconds: Bool, seconds: FieldSet, minutes: FieldSet, hours: FieldSet, days: DayRule,
    months: FieldSet, years: YearSet
  ) {
    self.text = text
    self.hasSeconds = hasSeconds
    self.seconds = seconds
    self.minutes = minutes
    self.hours = hours
    self.days = days
    self.months = months
    self.years = years
  }

  /// Bytes of the longest text that is read: every value of every field but the year, listed, is well below it.
  public static let longestText = 1_000

  /// Every hour of the day is meant, as in `* * * * *`, `*/5 * * * *` or `30 0-23 * * 1-5`.
  ///
  /// Such a schedule follows real time over a change of the clock: nothing is made up for the hour that is left out,
  /// and the hour that is repeated counts twice. All others are tied to the wall clock, `0 */2 * * *` too, because no
  /// even spacing could be kept through the change: see ``ClockChange`` for what becomes of them.
  public var isEveryMinuteOrHour: Bool { hours == FieldSet(0...23) }

  public var description: String { text }
}
