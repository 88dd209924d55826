import Model
import TestSupport

/// A random cron expression, kept as plain sets of numbers, and a slow but obvious answer to what it means.
struct RandomPattern: CustomStringConvertible {
  var text: String
  var seconds: Set<Int>
  var minutes: Set<Int>
  var hours: Set<Int>
  var days: Set<Int>?
  var months: Set<Int>
  var weekdays: Set<Int>?

  var description: String { text }

  init(using random: inout SeededGenerator) {
    let withSeconds = Int.random(in: 0..<3, using: &random) == 0
    let second = withSeconds ? Self.field(0...59, using: &random) : ("0", [0], false)
    let minute = Self.field(0...59, using: &random)
    let hour = Self.field(0...23, using: &random)
    let day = Self.field(1...31, wildcard: 2, using: &random)
    let month = Self.field(1...12, wildcard: 2, using: &random)
    let weekday = Self.field(0...7, wildcard: 2, using: &random)
    seconds = second.1
    minutes = minute.1
    hours = hour.1
    days = day.2 ? nil : day.1
    months = month.1
    weekdays = weekday.2 ? nil : Set(weekday.1.map { $0 % 7 })
    text = ((withSeconds ? [second.0] : []) + [minute.0, hour.0, day.0, month.0, weekday.0]).joined(separator: " ")
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
    case (let days?, nil): return days.contains(time.day)
    case (nil, let weekdays?): return weekdays.contains(time.weekday)
    case (let days?, let weekdays?): return days.contains(time.day) || weekdays.contains(time.weekday)
    }
  }
}
