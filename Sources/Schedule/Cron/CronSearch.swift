public import Model

// The search for the neighbouring due time. Each field is a set of bits: a step goes to the next member of the set,
// never second by second. The number of steps is bounded by the months of one 400-year cycle, or of the years that are
// listed; the rarest date, a 29 February on a given weekday, is at most 40 steps away.

extension CronExpression {
  /// Years in which civil times are looked for.
  static let years = 1...9_999
  private static let cycle = 400
  /// Month 0 of the first year and month 13 of the last: no day of theirs matches, all others are beyond them.
  private static let beforeAll = CivilTime(year: years.lowerBound, month: 0, day: 1)
  private static let afterAll = CivilTime(year: years.upperBound, month: 13, day: 1)

  /// The least matching time of the years 1 to 9999 that is greater than `time`, whose fields, but for the year, must
  /// be in their ranges.
  public func next(after time: CivilTime) -> CivilTime? {
    guard time.year <= Self.years.upperBound else { return nil }
    guard time.year >= Self.years.lowerBound else { return next(after: Self.beforeAll) }
    if isDueOn(time), let found = nextTime(after: time) {
      return found
    }
    guard var found = nextDate(after: time), let hour = hours.first, let minute = minutes.first,
      let second = seconds.first
    else { return nil }
    found.hour = hour
    found.minute = minute
    found.second = second
    return found
  }

  /// The greatest matching time of the years 1 to 9999 that is less than `time`, whose fields, but for the year, must
  /// be in their ranges.
  public func previous(before time: CivilTime) -> CivilTime? {
    guard time.year >= Self.years.lowerBound else { return nil }
    guard time.year <= Self.years.upperBound else { return previous(before: Self.afterAll) }
    if isDueOn(time), let found = previousTime(before: time) {
      return found
    }
    guard var found = previousDate(before: time), let hour = hours.last, let minute = minutes.last,
      let second = seconds.last
    else { return nil }
    found.hour = hour
    found.minute = minute
    found.second = second
    return found
  }

  private func isDueOn(_ date: CivilTime) -> Bool {
    years.contains(date.year) && months.contains(date.month)
      && days.days(of: date.year, month: date.month).contains(date.day)
  }

  /// A later time of the same day.
  private func nextTime(after time: CivilTime) -> CivilTime? {
    guard let firstMinute = minutes.first, let firstSecond = seconds.first else { return nil }
    var found = time
    if hours.contains(time.hour) {
      if minutes.contains(time.minute), let second = seconds.next(after: time.second) {
        found.second = second
        return found
      }
      found.second = firstSecond
      if let minute = minutes.next(after: time.minute) {
        found.minute = minute
        return found
      }
    }
    guard let hour = hours.next(after: time.hour) else { return nil }
    found.hour = hour
    found.minute = firstMinute
    found.second = firstSecond
    return found
  }

  /// An earlier time of the same day.
  private func previousTime(before time: CivilTime) -> CivilTime? {
    guard let lastMinute = minutes.last, let lastSecond = seconds.last else { return nil }
    var found = time
    if hours.contains(time.hour) {
      if minutes.contains(time.minute), let second = seconds.previous(before: time.second) {
        found.second = second
        return found
      }
      found.second = lastSecond
      if let minute = minutes.previous(before: time.minute) {
        found.minute = minute
        return found
      }
    }
    guard let hour = hours.previous(before: time.hour) else { return nil }
    found.hour = hour
    found.minute = lastMinute
    found.second = lastSecond
    return found
  }

  /// The first matching day after the day of `time`, at no particular time.
  private func nextDate(after time: CivilTime) -> CivilTime? {
    let last = years.isEvery ? min(time.year + Self.cycle, Self.years.upperBound) : Self.years.upperBound
    // The rest of this month, then the rest of this year, then whole years.
    var (month, day) = months.contains(time.month) ? (time.month - 1, time.day) : (time.month, 0)
    var year = years.contains(time.year) ? time.year : years.next(after: time.year, through: last)
    if year != time.year { (month, day) = (0, 0) }
    while let current = year {
      while let candidate = months.next(after: month) {
        if let found = days.days(of: current, month: candidate).next(after: day) {
          return CivilTime(year: current, month: candidate, day: found)
        }
        (month, day) = (candidate, 0)
      }
      (month, day) = (0, 0)
      year = years.next(after: current, through: last)
    }
    return nil
  }

  /// The last matching day before the day of `time`, at no particular time.
  private func previousDate(before time: CivilTime) -> CivilTime? {
    let first = years.isEvery ? max(time.year - Self.cycle, Self.years.lowerBound) : Self.years.lowerBound
    var (month, day) = months.contains(time.month) ? (time.month + 1, time.day) : (time.month, 32)
    var year = years.contains(time.year) ? time.year : years.previous(before: time.year, from: first)
    if year != time.year { (month, day) = (13, 32) }
    while let current = year {
      while let candidate = months.previous(before: month) {
        if let found = days.days(of: current, month: candidate).previous(before: day) {
          return CivilTime(year: current, month: candidate, day: found)
        }
        (month, day) = (candidate, 32)
      }
      (month, day) = (13, 32)
      year = years.previous(before: current, from: first)
    }
    return nil
  }
}
