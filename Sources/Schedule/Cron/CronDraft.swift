import Model

/// A cron expression as it was read, before `H` is given its numbers.
struct CronDraft {
  var text: String
  var hasSeconds: Bool
  var second: [CronElement]
  var minute: [CronElement]
  var hour: [CronElement]
  var dayOfMonth: [CronElement]
  var month: [CronElement]
  var dayOfWeek: [CronElement]
  /// Nil when there is no seventh field.
  var year: [CronElement]?
  /// The day of week has a `+`.
  var needsBothDays = false

  /// Where to point when no day can match.
  var dayOffset: Int

  /// Where the first `H` stands; nil when there is none.
  var hashOffset: Int?

  /// `choice` says which of so many numbers `H` stands for in a field.
  func expression(_ choice: (CronField, Int) -> Int) -> CronExpression {
    func number(_ elements: [CronElement], _ field: CronField) -> Int {
      let choices = Self.choices(elements)
      return choices > 1 ? choice(field, choices) : 0
    }
    func set(_ elements: [CronElement], _ field: CronField) -> FieldSet {
      Self.set(elements, choosing: number(elements, field))
    }
    return CronExpression(
      text: text, hasSeconds: hasSeconds, seconds: set(second, .second), minutes: set(minute, .minute),
      hours: set(hour, .hour), days: days(number(dayOfMonth, .dayOfMonth), number(dayOfWeek, .dayOfWeek)),
      months: set(month, .month), years: years)
  }

  /// How many different things the field can mean: an `H` is the only one of its field.
  private static func choices(_ elements: [CronElement]) -> Int { elements.map(\.choices).max() ?? 1 }

  private static func set(_ elements: [CronElement], choosing choice: Int) -> FieldSet {
    var set = FieldSet()
    for element in elements {
      guard let numbers = element.numbers(choosing: choice) else { continue }
      for number in numbers { set.insert(number) }
    }
    return set
  }

  /// The numbers that `H` stands for in the two day fields.
  private func days(_ dayChoice: Int, _ weekdayChoice: Int) -> DayRule {
    let weekdays = Self.set(dayOfWeek, choosing: weekdayChoice)
    // 7 is Sunday too.
    var rule = DayRule(
      combination: combination, daysOfMonth: Self.set(dayOfMonth, choosing: dayChoice),
      daysOfWeek: FieldSet(bits: (weekdays.bits | weekdays.bits >> 7) & 0x7f))
    for element in dayOfMonth + dayOfWeek {
      switch element {
      case .span, .hash: continue
      case .lastDay: rule.includesLastDay = true
      case .nearestWeekday(let day): rule.nearestWeekday = day ?? 0
      case .ordinal(let weekday, let number?): rule.ordinals.insert(7 * (number - 1) + weekday)
      case .ordinal(let weekday, nil): rule.lastDaysOfWeek.insert(weekday)
      }
    }
    return rule
  }

  private var combination: DayRule.Combination {
    let restrictsMonth = !dayOfMonth.contains(where: \.isWildcard)
    let restrictsWeek = !dayOfWeek.contains(where: \.isWildcard)
    return switch (restrictsMonth, restrictsWeek) {
    case (false, false): .none
    case (true, false): .dayOfMonth
    case (false, true): .dayOfWeek
    case (true, true): needsBothDays ? .both : .either
    }
  }

  private var years: YearSet {
    guard let year, !year.contains(where: \.isWildcard) else { return .every }
    return YearSet(year.lazy.compactMap { $0.numbers(choosing: 0) }.joined())
  }

  /// Throws when no date of the calendar matches, for whatever number an `H` may stand for: a manifest is right or
  /// wrong whatever its job is called.
  func refuseIfNeverDue() throws(CronError) {
    var candidate = expression { _, _ in 0 }
    let choices = (Self.choices(dayOfMonth), Self.choices(month), Self.choices(dayOfWeek))
    for month in 0..<choices.1 {
      candidate.months = Self.set(self.month, choosing: month)
      for day in 0..<choices.0 {
        for weekday in 0..<choices.2 {
          candidate.days = days(day, weekday)
          // The calendar repeats after 400 years to the day of the week, so what is not due within them is never due.
          guard candidate.next(after: Self.beforeAllYears) == nil else { continue }
          let some = choices == (1, 1, 1) ? "" : " for some names of jobs"
          throw CronError("never due\(some): the calendar has no day \(candidate.dayWords)", at: dayOffset)
        }
      }
    }
  }

  /// The last second before the years that can be listed.
  private static let beforeAllYears = CivilTime(
    year: YearSet.range.lowerBound - 1, month: 12, day: 31, hour: 23, minute: 59, second: 59)
}
