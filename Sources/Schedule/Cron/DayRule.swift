import Model

/// Which days a cron expression means, from its two day fields.
///
/// Each field turns into the set of days of one month, by arithmetic on bits, and the sets are combined.
struct DayRule: Hashable, Sendable {
  /// How the two fields go together.
  enum Combination: Hashable, Sendable {
    /// Neither restricts: every day.
    case none
    case dayOfMonth
    case dayOfWeek
    /// Both restrict, and either may match (OCPS 1.0 section 6.1).
    case either
    /// `+`: both must match (OCPS 1.4 section 4.1.2).
    case both
  }

  var combination: Combination
  /// 1...31.
  var daysOfMonth: FieldSet
  /// `L`.
  var includesLastDay = false
  /// `15W` (OCPS 1.3 section 4.3), or 0 for `LW`; nil when there is none.
  var nearestWeekday: Int?
  /// 0 (Sunday)...6, whichever of the month.
  var daysOfWeek: FieldSet
  /// `FRI#2` as bit 7 × (2 - 1) + 5 (OCPS 1.3 section 4.2).
  var ordinals = FieldSet()
  /// `FRI#L`: 0 (Sunday)...6, the last of the month.
  var lastDaysOfWeek = FieldSet()

  /// The days of the month on which the rule matches, as numbers from 1.
  func days(of year: Int, month: Int) -> FieldSet {
    let length = CivilTime.daysInMonth(month, of: year)
    let all = FieldSet(bits: (2 << UInt64(length)) - 2)
    switch combination {
    case .none: return all
    case .dayOfMonth:
      if nearestWeekday == nil { return byDayOfMonth(length).intersection(all) }
      return byDayOfMonth(length, Self.firstWeekday(of: year, month: month)).intersection(all)
    case .dayOfWeek: return byDayOfWeek(length, Self.firstWeekday(of: year, month: month)).intersection(all)
    case .either, .both:
      let first = Self.firstWeekday(of: year, month: month)
      let (one, other) = (byDayOfMonth(length, first), byDayOfWeek(length, first))
      return FieldSet(bits: combination == .both ? one.bits & other.bits : one.bits | other.bits).intersection(all)
    }
  }

  private static func firstWeekday(of year: Int, month: Int) -> Int {
    CivilTime.weekday(ofDays: CivilTime.days(year: year, month: month, day: 1))
  }

  /// `first` is the weekday of the 1st; it matters to `W` only.
  private func byDayOfMonth(_ length: Int, _ first: Int = 0) -> FieldSet {
    var days = daysOfMonth
    if includesLastDay { days.insert(length) }
    if let nearestWeekday, let day = Self.weekday(nearestTo: nearestWeekday, length, first) { days.insert(day) }
    return days
  }

  /// Saturdays give way to the Friday before, Sundays to the Monday after, and at the ends of the month to the day
  /// from Monday to Friday that is still in it; nil when the month has no such day.
  private static func weekday(nearestTo day: Int, _ length: Int, _ first: Int) -> Int? {
    let day = day == 0 ? length : day
    guard day <= length else { return nil }
    return switch (first + day - 1) % 7 {
    case 6: day > 1 ? day - 1 : day + 2
    case 0: day < length ? day + 1 : day - 2
    default: day
    }
  }

  /// Days from 1 to 35, of which the month may have fewer.
  private func byDayOfWeek(_ length: Int, _ first: Int) -> FieldSet {
    // A week's bits, turned so that bit 0 is the weekday of the 1st, five times, and room for day 0.
    var bits = Self.turned(daysOfWeek.bits, first) &* 0x1020_4081 &<< 1
    if !lastDaysOfWeek.isEmpty {
      let last = Self.turned(lastDaysOfWeek.bits, first) &* 0x1020_4081 &<< 1
      bits |= last & (0x7f << UInt64(length - 6))
    }
    if !ordinals.isEmpty {
      for week in 0..<5 as Range<UInt64> {
        bits |= Self.turned(ordinals.bits >> (7 * week) & 0x7f, first) << (7 * week + 1)
      }
    }
    return FieldSet(bits: bits)
  }

  private static func turned(_ week: UInt64, _ first: Int) -> UInt64 {
    (week >> UInt64(first) | week << UInt64(7 - first)) & 0x7f
  }
}
