public import Model

// The search for the neighbouring due time. Each field is a set of bits: a step goes to the next member of the set,
// never second by second. The number of steps is bounded by the months of one 400-year cycle.

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
    if months.contains(time.month), days.days(of: time.year, month: time.month).contains(time.day),
      let found = nextTime(after: time)
    {
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
    if months.contains(time.month), days.days(of: time.year, month: time.month).contains(time.day),
      let found = previousTime(before: time)
    {
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
    if months.contains(time.month),
      let day = days.days(of: time.year, month: time.month).next(after: time.day)
    {
      return CivilTime(year: time.year, month: time.month, day: day)
    }
    var month = time.month
    for year in time.year...min(time.year + Self.cycle, Self.years.upperBound) {
      while let later = months.next(after: month) {
        if let day = days.days(of: year, month: later).first { return CivilTime(year: year, month: later, day: day) }
        month = later
      }
      month = 0
    }
    return nil
  }

  /// The last matching day before the day of `time`, at no particular time.
  private func previousDate(before time: CivilTime) -> CivilTime? {
    if months.contains(time.month),
      let day = days.days(of: time.year, month: time.month).previous(before: time.day)
    {
      return CivilTime(year: time.year, month: time.month, day: day)
    }
    var month = time.month
    for year in (max(time.year - Self.cycle, Self.years.lowerBound)...time.year).reversed() {
      while let earlier = months.previous(before: month) {
        if let day = days.days(of: year, month: earlier).last {
          return CivilTime(year: year, month: earlier, day: day)
        }
        month = earlier
      }
      month = 13
    }
    return nil
  }
}
