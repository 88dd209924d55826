import Model

/// The days on which a recurrence has a start: RFC 5545 section 3.3.10 as far as ``Recurrence`` goes.
///
/// All starts have one time of day, so a recurrence is a set of days, and of each month the set is a few operations on
/// one word: `BYxxx` either select days of the month or leave some of them out, and the interval says which days,
/// weeks, months or years count. So the neighbours of any day are found near that day, never by going through all
/// starts from the first.
struct RecurrenceDays: Hashable, Sendable {
  /// Of the first start, in days since 1970-01-01. It counts, whatever the rule says of it.
  let first: Int
  private let frequency: Recurrence.Frequency
  private let interval: Int
  /// Bit m: month m may have starts.
  private let months: UInt16
  private let monthDays: MonthDays
  private let weekdays: Weekdays
  private let weekStart: Int
  /// Ordinals of weekdays count within the year rather than the month.
  private let countsInYear: Bool
  /// Where the frequency's interval is counted from.
  private let firstYear: Int
  private let firstMonth: Int

  /// Months that are looked at for one answer. The Gregorian calendar repeats after 400 years, so what does not occur
  /// in them does not occur.
  private static let searchLimit = 4_800

  init(_ recurrence: Recurrence) {
    let start = recurrence.start
    first = CivilTime.days(year: start.year, month: start.month, day: start.day)
    frequency = recurrence.frequency
    interval = max(recurrence.interval, 1)
    weekStart = recurrence.weekStart
    (firstYear, firstMonth) = (start.year, start.month)
    let byDate = !recurrence.byMonthDay.isEmpty || !recurrence.byDay.isEmpty
    var named = recurrence.byMonth
    switch frequency {
    case .daily:
      (monthDays, weekdays) = (MonthDays(recurrence.byMonthDay), Weekdays(recurrence.byDay))
    case .weekly:
      monthDays = MonthDays([])
      weekdays = Weekdays(recurrence.byDay.isEmpty ? [Recurrence.Weekday(day: start.weekday)] : recurrence.byDay)
    case .monthly, .yearly:
      if frequency == .yearly, named.isEmpty, !byDate { named = [start.month] }
      monthDays = MonthDays(byDate ? recurrence.byMonthDay : [start.day])
      weekdays = Weekdays(recurrence.byDay)
    }
    months = named.isEmpty ? .max : named.reduce(0) { $0 | 1 << UInt16($1) }
    countsInYear = frequency == .yearly && recurrence.byMonth.isEmpty
  }

  // MARK: Neighbours

  /// The first day after `day`, at the most `through`; nil when there is none.
  func next(after day: Int, through last: Int = .max) -> Int? {
    if day < first { return first <= last ? first : nil }
    var at = Month(of: day)
    var bits = self.bits(of: at) & ~((2 << UInt32(day - at.first + 1)) &- 1)
    for _ in 0..<Self.searchLimit {
      if bits != 0 {
        let found = at.first + bits.trailingZeroBitCount - 1
        return found <= last ? found : nil
      }
      guard let following = following(at), following.first <= last else { return nil }
      at = following
      bits = self.bits(of: at)
    }
    return nil
  }

  /// The last day up to and including `day`, and not before `least`; nil when there is none.
  func last(through day: Int, notBefore least: Int) -> Int? {
    guard day >= first, day >= least else { return nil }
    var at = Month(of: day)
    var bits = self.bits(of: at) & ((2 << UInt32(day - at.first + 1)) &- 1)
    for _ in 0..<Self.searchLimit {
      if bits != 0 {
        let found = at.first + 31 - bits.leadingZeroBitCount - 1
        if found > first { return found >= least ? found : nil }
        break
      }
      guard at.first > max(least, first) else { break }
      at = Month(year: at.month == 1 ? at.year - 1 : at.year, month: at.month == 1 ? 12 : at.month - 1)
      bits = self.bits(of: at)
    }
    return first >= least ? first : nil
  }

  /// The day of the start number `count` (from 1, the first included), or the last day when there are not so many.
  func day(ofStart count: Int) -> Int {
    var (left, day) = (count - 1, first)
    var at = Month(of: first)
    var bits = self.bits(of: at) & ~((2 << UInt32(first - at.first + 1)) &- 1)
    var empty = 0
    while left > 0 {
      empty = bits == 0 ? empty + 1 : 0
      while bits != 0, left > 0 {
        day = at.first + bits.trailingZeroBitCount - 1
        bits &= bits - 1
        left -= 1
      }
      guard empty < Self.searchLimit, let following = following(at) else { break }
      at = following
      bits = self.bits(of: at)
    }
    return day
  }

  // MARK: One month

  private struct Month {
    var year: Int
    var month: Int
    /// Of its first day, in days since 1970-01-01.
    var first: Int

    init(year: Int, month: Int) {
      (self.year, self.month) = (year, month)
      first = CivilTime.days(year: year, month: month, day: 1)
    }

    init(of day: Int) {
      let date = CivilTime.date(fromDays: day)
      self.init(year: date.year, month: date.month)
    }

    var length: Int { CivilTime.daysInMonth(month, of: year) }
  }

  /// The next month that the interval lets have starts; nil after the year 9999.
  private func following(_ at: Month) -> Month? {
    var (year, month) = at.month == 12 ? (at.year + 1, 1) : (at.year, at.month + 1)
    switch frequency {
    case .daily, .weekly: break
    case .monthly:
      let over = Self.remainder((year - firstYear) * 12 + month - firstMonth, interval)
      if over > 0 {
        let index = year * 12 + month - 1 + interval - over
        (year, month) = (index / 12, index % 12 + 1)
      }
    case .yearly:
      let over = Self.remainder(year - firstYear, interval)
      if over > 0 { (year, month) = (year + interval - over, 1) }
      // Straight to the next month that is named, which may be in the next year that counts.
      while month <= 12, months >> UInt16(month) & 1 == 0 { month += 1 }
      if month > 12 { return following(Month(year: year, month: 12)) }
    }
    return year <= 9_999 ? Month(year: year, month: month) : nil
  }

  /// Bit d: day d has a start. The first start aside, and those before it not left out.
  private func bits(of at: Month) -> UInt32 {
    guard months >> UInt16(at.month) & 1 == 1 else { return 0 }
    let bits = UInt32.max >> UInt32(31 - at.length) & ~1 & monthDays.bits(length: at.length) & self.weekdays(of: at)
    return bits == 0 ? 0 : bits & counted(at)
  }

  private func weekdays(of at: Month) -> UInt32 {
    guard !weekdays.isEmpty else { return .max }
    guard countsInYear else {
      return weekdays.bits(of: at.first, length: at.length, within: at.first..<(at.first + at.length))
    }
    let newYear = CivilTime.days(year: at.year, month: 1, day: 1)
    return weekdays.bits(
      of: at.first, length: at.length, within: newYear..<CivilTime.days(year: at.year + 1, month: 1, day: 1))
  }

  /// The days that the interval counts.
  private func counted(_ at: Month) -> UInt32 {
    guard interval > 1 else { return .max }
    switch frequency {
    case .daily:
      let offset = Self.remainder(first - at.first, interval)
      return stride(from: offset + 1, through: at.length, by: interval).reduce(0) { $0 | 1 << UInt32($1) }
    case .weekly:
      let start = week(of: first)
      return (1...at.length).reduce(0) { bits, day in
        Self.remainder(week(of: at.first + day - 1) - start, interval) == 0 ? bits | 1 << UInt32(day) : bits
      }
    case .monthly:
      return Self.remainder((at.year - firstYear) * 12 + at.month - firstMonth, interval) == 0 ? .max : 0
    case .yearly: return Self.remainder(at.year - firstYear, interval) == 0 ? .max : 0
    }
  }

  private func week(of day: Int) -> Int { (day + 4 - weekStart).flooredDivision(by: 7) }

  private static func remainder(_ number: Int, _ divisor: Int) -> Int {
    let rest = number % divisor
    return rest < 0 ? rest + divisor : rest
  }
}
