import Model

/// A cron expression: which wall-clock times are meant, in no particular time zone.
///
/// The grammar is OCPS 1.0 with the nicknames of 1.1, the seconds of 1.2 and the `?` of 1.4: 5 fields (minute, hour,
/// day of month, month, day of week) or 6 (second first); lists, ranges, steps on `*` or on a range, English names of
/// three letters. `FRI-SUN` ends on the Sunday after the Friday. A step may not be longer than its field is wide, a
/// range may not run backwards, and an expression that can never match is refused: each of these is accepted
/// elsewhere and then does something else than it says.
public struct CronExpression: Hashable, Sendable, CustomStringConvertible {
  /// As it was written.
  public let text: String
  /// Six fields were given.
  public let hasSeconds: Bool
  var seconds: FieldSet
  var minutes: FieldSet
  var hours: FieldSet
  var days: DayRule
  var months: FieldSet

  /// Reads an expression in time proportional to its length, which is at most ``longestText``.
  public init(_ text: String) throws(CronError) {
    var parser = try CronParser(text)
    self = try parser.expression()
    try refuseIfNeverDue(parser.dayOfMonthOffset)
  }

  init(
    text: String, hasSeconds: Bool, seconds: FieldSet, minutes: FieldSet, hours: FieldSet, days: DayRule,
    months: FieldSet
  ) {
    self.text = text
    self.hasSeconds = hasSeconds
    self.seconds = seconds
    self.minutes = minutes
    self.hours = hours
    self.days = days
    self.months = months
  }

  /// Bytes of the longest text that is read: every value of every field, listed, is well below it.
  public static let longestText = 1_000

  /// Every hour of the day is meant, as in `* * * * *`, `*/5 * * * *` or `30 0-23 * * 1-5`.
  ///
  /// Such a schedule follows real time over a change of the clock: nothing is made up for the hour that is left out,
  /// and the hour that is repeated counts twice. All others are tied to the wall clock, `0 */2 * * *` too, because no
  /// even spacing could be kept through the change: a time that is left out is due right after the gap, a time that
  /// occurs twice is due the first time only.
  public var isEveryMinuteOrHour: Bool { hours == FieldSet(0...23) }

  public var description: String { text }

  /// The calendar repeats after 400 years to the day of the week, so what is not due within them is never due.
  private func refuseIfNeverDue(_ offset: Int) throws(CronError) {
    guard next(after: CivilTime(year: 2000, month: 1, day: 1)) == nil else { return }
    throw CronError("never due: no month that is named has such a day", at: offset)
  }
}
