import Model

/// Which days a cron expression means, from its two day fields.
///
/// Each field turns into the set of days of one month, and the sets are combined. A further kind of day (`L`, `15W`,
/// `FRI#2`) is one more term in ``days(of:month:)``; nothing else asks about days.
struct DayRule: Hashable, Sendable {
  /// 1...31.
  var daysOfMonth: FieldSet
  /// 0 (Sunday)...6.
  var daysOfWeek: FieldSet
  /// A wildcard (`*`, `?`, `*/1`) leaves the choice to the other field.
  var restrictsDayOfMonth: Bool
  var restrictsDayOfWeek: Bool

  /// The days of the month on which the rule matches, as numbers from 1. When both fields are restricted, either may
  /// match (OCPS 1.0 section 6.1).
  func days(of year: Int, month: Int) -> FieldSet {
    let all = FieldSet(bits: (2 << UInt64(CivilTime.daysInMonth(month, of: year))) - 2)
    switch (restrictsDayOfMonth, restrictsDayOfWeek) {
    case (false, false): return all
    case (true, false): return daysOfMonth.intersection(all)
    case (false, true): return weekdays(of: year, month: month).intersection(all)
    case (true, true):
      return FieldSet(bits: daysOfMonth.bits | weekdays(of: year, month: month).bits).intersection(all)
    }
  }

  /// The days from 1 to 35 that fall on one of ``daysOfWeek``.
  private func weekdays(of year: Int, month: Int) -> FieldSet {
    let first = UInt64(CivilTime.weekday(ofDays: CivilTime.days(year: year, month: month, day: 1)))
    // Turn the week so that bit 0 is the weekday of the 1st, then repeat it five times and make room for day 0.
    let week = (daysOfWeek.bits >> first | daysOfWeek.bits << (7 - first)) & 0x7f
    return FieldSet(bits: week &* 0x1020_4081 &<< 1)
  }
}
