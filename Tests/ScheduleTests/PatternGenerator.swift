import Model
import TestSupport

/// A random cron expression, kept as plain sets of numbers, and a slow but obvious answer to what it means.
struct RandomPattern: CustomStringConvertible {
  var text: String
  var seconds: Set<Int>
  var minutes: Set<Int>
  var hours: Set<Int>
  var months: Set<Int>
  /// Nil where the field is a wildcard.
  var days: Set<DayTerm>?
  var weekdays: Set<WeekdayTerm>?
  var needsBoth = false

  enum DayTerm: Hashable {
    case number(Int)
    case last
    /// Nil is `LW`.
    case nearestWeekday(Int?)
  }

  enum WeekdayTerm: Hashable {
    case every(Int)
    /// Nil is the last.
    case ordinal(Int, Int?)
  }

  var description: String { text }

  init(using random: inout SeededGenerator) {
    let withSeconds = Int.random(in: 0..<3, using: &random) == 0
    let second = withSeconds ? Self.field(0...59, using: &random) : ("0", [0], false)
    let minute = Self.field(0...59, using: &random)
    let hour = Self.field(0...23, using: &random)
    let month = Self.field(1...12, wildcard: 2, using: &random)
    let day = Self.dayField(using: &random)
    let weekday = Self.weekdayField(using: &random)
    seconds = second.1
    minutes = minute.1
    hours = hour.1
    months = month.1
    days = day.terms
    weekdays = weekday.terms
    needsBoth = Int.random(in: 0..<3, using: &random) == 0
    let last = (needsBoth ? "+" : "") + weekday.text
    text = ((withSeconds ? [second.0] : []) + [minute.0, hour.0, day.text, month.0, last]).joined(separator: " ")
  }

  /// Reads five fields of `*`, single numbers, lists and modifiers; nil for anything else.
  init?(_ text: String) {
    let fields = text.split(separator: " ").map(String.init)
    guard fields.count == 5 else { return nil }
    func numbers(_ field: String, _ range: ClosedRange<Int>) -> Set<Int> {
      field == "*" ? Set(range) : Set(field.split(separator: ",").compactMap { Int($0) })
    }
    self.text = text
    seconds = [0]
    minutes = numbers(fields[0], 0...59)
    hours = numbers(fields[1], 0...23)
    months = numbers(fields[3], 1...12)
    needsBoth = fields[4].hasPrefix("+")
    let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
    if fields[2] != "*" {
      days = Set(
        fields[2].split(separator: ",").map { item in
          if item == "L" { return .last }
          return item.hasSuffix("W") ? .nearestWeekday(Int(item.dropLast())) : .number(Int(item) ?? 0)
        })
    }
    let week = fields[4].drop { $0 == "+" }
    if week != "*" {
      weekdays = Set(
        week.split(separator: ",").map { item in
          let parts = item.split(separator: "#")
          let day = names.firstIndex(of: String(parts[0])) ?? -1
          return parts.count == 1 ? .every(day) : .ordinal(day, Int(parts[1]))
        })
    }
  }

  private static func dayField(using random: inout SeededGenerator) -> (text: String, terms: Set<DayTerm>?) {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return ("LW", [.nearestWeekday(nil)])
    case 1:
      let day = Int.random(in: 1...31, using: &random)
      return ("\(day)W", [.nearestWeekday(day)])
    case 2:
      let day = Int.random(in: 1...31, using: &random)
      return ("\(day),L", [.number(day), .last])
    default:
      let plain = field(1...31, wildcard: 2, using: &random)
      return (plain.0, plain.2 ? nil : Set(plain.1.map(DayTerm.number)))
    }
  }

  private static func weekdayField(using random: inout SeededGenerator) -> (text: String, terms: Set<WeekdayTerm>?) {
    if Int.random(in: 0..<3, using: &random) == 0 {
      var texts: [String] = []
      var terms: Set<WeekdayTerm> = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let day = Int.random(in: 0...7, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          texts.append("\(day)L")
          terms.insert(.ordinal(day % 7, nil))
        case 1:
          texts.append("\(day)")
          terms.insert(.every(day % 7))
        default:
          let number = Int.random(in: 1...5, using: &random)
          texts.append("\(day)#\(number)")
          terms.insert(.ordinal(day % 7, number))
        }
      }
      return (texts.joined(separator: ","), terms)
    }
    let plain = field(0...7, wildcard: 2, using: &random)
    return (plain.0, plain.2 ? nil : Set(plain.1.map { .every($0 % 7) }))
  }

  /// The text, the numbers, and whether it is a wildcard: one time in `wildcard`.
  private static func field(
    _ range: ClosedRange<Int>, wildcard: Int = 4, using random: inout SeededGenerator
  ) -> (String, Set<Int>, Bool) {
    if Int.random(in: 0..<wildcard, using: &random) == 0 { return ("*", Set(range), true) }
    var texts: [String] = []
    var numbers: Set<Int> = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let step = Int.random(in: 2...range.count, using: &random)
        texts.append("*/\(step)")
        numbers.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
      case 1:
        let low = Int.random(in: range, using: &random)
        let high = Int.random(in: low...range.upperBound, using: &random)
        let step = Int.random(in: 1...5, using: &random)
        texts.append(step == 1 ? "\(low)-\(high)" : "\(low)-\(high)/\(step)")
        numbers.formUnion(stride(from: low, through: high, by: step))
      default:
        let number = Int.random(in: range, using: &random)
        texts.append("\(number)")
        numbers.insert(number)
      }
    }
    return (texts.joined(separator: ","), numbers, false)
  }

  func matches(_ time: CivilTime) -> Bool {
    guard seconds.contains(time.second), minutes.contains(time.minute), hours.contains(time.hour),
      months.contains(time.month)
    else { return false }
    switch (days, weekdays) {
    case (nil, nil): return true
    case (let days?, nil): return Self.matches(days, time)
    case (nil, let weekdays?): return Self.matches(weekdays, time)
    case (let days?, let weekdays?):
      let (one, other) = (Self.matches(days, time), Self.matches(weekdays, time))
      return needsBoth ? one && other : one || other
    }
  }

  private static func matches(_ days: Set<DayTerm>, _ time: CivilTime) -> Bool {
    let length = CivilTime.daysInMonth(time.month, of: time.year)
    func isWorkingDay(_ day: Int) -> Bool {
      (1...5).contains(CivilTime(year: time.year, month: time.month, day: day).weekday)
    }
    return days.contains { term in
      switch term {
      case .number(let day): day == time.day
      case .last: time.day == length
      case .nearestWeekday(let day):
        // The nearest within the month; no day is as near on both sides but a weekend's, which decides by itself.
        (day ?? length) <= length
          && (1...length).filter(isWorkingDay).min { abs($0 - (day ?? length)) < abs($1 - (day ?? length)) } == time.day
      }
    }
  }

  private static func matches(_ weekdays: Set<WeekdayTerm>, _ time: CivilTime) -> Bool {
    weekdays.contains { term in
      switch term {
      case .every(let day): day == time.weekday
      case .ordinal(let day, let number?): day == time.weekday && (time.day + 6) / 7 == number
      case .ordinal(let day, nil):
        day == time.weekday && time.day + 7 > CivilTime.daysInMonth(time.month, of: time.year)
      }
    }
  }
}
