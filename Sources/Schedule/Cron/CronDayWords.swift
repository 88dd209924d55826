import Model

extension CronExpression {
  /// The days do not depend on the date within the month.
  var isEveryDay: Bool { days.simplified.combination == .none }

  /// `on the last day of the month in March of 2027`; empty for every day of every year.
  var dayWords: String {
    var parts: [String] = []
    let years = yearWords
    if let date = singleDate {
      let year = self.years.listed.count == 1 ? " \(self.years.listed[0])" : years.map { " of \($0)" } ?? ""
      return "on \(date)\(year)"
    }
    let days = days.simplified.words
    if let days { parts.append(days) }
    if months.count < 12 {
      let names = WordList.numbers(months.listed) { Self.months[$0 - 1] }
      parts.append("in \(names)")
    }
    if let years { parts.append(months.count < 12 ? "of \(years)" : "in \(years)") }
    // 'on the 1st of the month or on Monday, in March': the month belongs to both.
    guard self.days.simplified.combination == .either, parts.count > 1 else { return parts.joined(separator: " ") }
    return parts[0] + ", " + parts[1...].joined(separator: " ")
  }

  /// `29 February`, where one day of one month is all.
  private var singleDate: String? {
    let rule = days.simplified
    guard rule.combination == .dayOfMonth, rule.daysOfMonth.count == 1, let day = rule.daysOfMonth.first,
      !rule.includesLastDay, rule.nearestWeekday == nil, months.count == 1, let month = months.first
    else { return nil }
    return "\(day) \(Self.months[month - 1])"
  }

  private var yearWords: String? {
    let numbers = years.listed
    guard !years.isEvery else { return nil }
    return Progression.words(numbers, "year") { "\($0)" } ?? WordList.numbers(numbers) { "\($0)" }
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
}

extension DayRule {
  /// A field that has all its values restricts nothing, although it stands there.
  fileprivate var simplified: DayRule {
    let (anyDate, anyWeekday) = (daysOfMonth == FieldSet(1...31), daysOfWeek == FieldSet(0...6))
    var rule = self
    switch combination {
    case .none: break
    case .dayOfMonth: if anyDate { rule.combination = .none }
    case .dayOfWeek: if anyWeekday { rule.combination = .none }
    case .either: if anyDate || anyWeekday { rule.combination = .none }
    case .both:
      if anyDate {
        rule.combination = anyWeekday ? .none : .dayOfWeek
      } else if anyWeekday {
        rule.combination = .dayOfMonth
      }
    }
    return rule
  }

  /// Nil for every day.
  fileprivate var words: String? {
    switch combination {
    case .none: nil
    case .dayOfMonth: dateWords
    case .dayOfWeek: weekWords
    case .either: "\(dateWords) or \(weekWords)"
    case .both: "\(dateWords) if it is \(conditionWords)"
    }
  }

  private var dateWords: String {
    var items: [String] = []
    let numbers = daysOfMonth.listed
    if let steps = Progression.words(numbers, "day", { "the \(WordList.ordinal($0))" }) {
      items.append(steps)
    } else {
      items = WordList.spans(numbers) { "the \(WordList.ordinal($0))" }
    }
    if includesLastDay { items.append("the last day") }
    if let nearestWeekday {
      items.append(
        nearestWeekday == 0 ? "the last weekday" : "the weekday nearest to the \(WordList.ordinal(nearestWeekday))")
    }
    return "on \(WordList.and(items)) of the month"
  }

  private var weekWords: String {
    var items: [String]
    switch daysOfWeek {
    case FieldSet(1...5): items = ["weekdays"]
    case FieldSet(bits: 0b100_0001): items = ["weekends"]
    // The week of these words begins on Monday.
    default: items = WordList.spans(daysOfWeek.listed.map { ($0 + 6) % 7 }.sorted()) { Self.weekdays[($0 + 1) % 7] }
    }
    items += ordinalWords
    return "on \(WordList.and(items))" + (ordinalWords.isEmpty ? "" : " of the month")
  }

  /// What comes after `if it is`.
  private var conditionWords: String {
    var items = daysOfWeek.listed.map { "a \(Self.weekdays[$0])" }
    if daysOfWeek == FieldSet(1...5) { items = ["a weekday"] }
    items += ordinalWords
    return WordList.or(items) + (ordinalWords.isEmpty ? "" : " of the month")
  }

  /// `the second Friday`, `the last Monday`.
  private var ordinalWords: [String] {
    let names = ["first", "second", "third", "fourth", "fifth"]
    let numbered = ordinals.listed.map { "the \(names[$0 / 7]) \(Self.weekdays[$0 % 7])" }
    return numbered + lastDaysOfWeek.listed.map { "the last \(Self.weekdays[$0])" }
  }

  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
}
