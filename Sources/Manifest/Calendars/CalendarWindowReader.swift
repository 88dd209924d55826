import Model
import Schedule

// The windows that belfry.yaml lists by themselves.

extension CalendarReader {
  /// `2026-12-24` or `2026-12-27..2027-01-01`.
  func days(_ value: ValueReader) -> Calendar.Window? {
    guard let text = value.string(bytes: 1...100) else { return nil }
    let parts = text.split(separator: "..", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2, let first = Calendar.Day(parts[0]), let last = Calendar.Day(parts[parts.count - 1]) else {
      value.wants("dates such as 2026-12-24 or 2026-12-27..2027-01-01", suggestion: Self.dateSuggestion(parts))
      return nil
    }
    guard first <= last else {
      value.fail("the range \(Legible.quoted(text)) runs backwards", suggestion: "did you mean '\(last)..\(first)'?")
      return nil
    }
    return .days(first: first, last: last)
  }

  /// What is wrong with a date, or what to write for a date of every year.
  private static func dateSuggestion(_ parts: [String]) -> String? {
    for part in parts.prefix(2) where Calendar.Day(part) == nil {
      let numbers = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      if numbers.count == 2, let month = numbers[0], let day = numbers[1], (1...12).contains(month),
        (1...31).contains(day)
      {
        return "for a date of every year, under 'cron': {cron: \"0 0 \(day) \(month) *\", for: 1d}"
      }
      if numbers.count == 3, let year = numbers[0], let month = numbers[1], let day = numbers[2], year > 999,
        let date = Calendar.Day(year: year, month: month, day: day)
      {
        return "did you mean '\(date)'?"
      }
      if numbers.count == 3, part.utf8.count == 10 { return "there is no such date as \(part)" }
    }
    return nil
  }

  func weekly(_ value: ValueReader) -> Calendar.Window? {
    guard var fields = value.fields(JobFields.calendarWeekly) else { return nil }
    let days = fields.require("days")?.list(count: 1...14, of: "weekdays", weekdays)
    let from = fields.take("from").map { timeOfDay($0, 0...1_439) } ?? 0
    let toValue = fields.take("to")
    let to = toValue.map { timeOfDay($0, 0...1_440) } ?? 1_440
    fields.finish()
    guard let days, let from, let to else { return nil }
    guard from != to else {
      toValue?.fail("the window ends when it begins", suggestion: "for whole days, leave 'from' and 'to' out")
      return nil
    }
    // Up to midnight is up to this day's end.
    return .weekly(days: Array(Set(days.joined())).sorted(), from: from, to: to == 0 ? 1_440 : to)
  }

  private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  /// `sat`, or a range such as `fri-mon`.
  private func weekdays(_ value: ValueReader) -> [Int]? {
    guard let text = value.string(bytes: 1...100) else { return nil }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.lowercased() }
    let numbers = parts.compactMap { Self.weekdayNames.firstIndex(of: $0) }
    guard numbers.count == parts.count, parts.count <= 2, let first = numbers.first, let last = numbers.last else {
      let wrong = parts.first { !Self.weekdayNames.contains($0) } ?? ""
      let near =
        Self.weekdayNames.first { wrong.hasPrefix($0) } ?? Suggestion.nearest(to: wrong, among: Self.weekdayNames)
      value.fail(
        "\(Legible.quoted(text)) is not a weekday: want \(ValueReader.list(Self.weekdayNames)), or a range such as mon-fri",
        suggestion: near.map { "did you mean '\($0)'?" })
      return nil
    }
    return (first...(last < first ? last + 7 : last)).map { $0 % 7 }
  }

  /// Minutes since midnight.
  private func timeOfDay(_ value: ValueReader, _ range: ClosedRange<Int>) -> Int? {
    let bytes = Array((value.node.scalar?.text ?? "").utf8)
    if bytes.count == 5, bytes[2] == UInt8(ascii: ":"), [0, 1, 3, 4].allSatisfy({ isDigit(bytes[$0]) }) {
      let number = { (at: Int) in Int(bytes[at] - 0x30) * 10 + Int(bytes[at + 1] - 0x30) }
      let minutes = number(0) * 60 + number(3)
      if number(3) < 60, range.contains(minutes) { return minutes }
    }
    value.wants("a time of day such as \"22:00\"", suggestion: Self.timeSuggestion(bytes))
    return nil
  }

  private static func timeSuggestion(_ bytes: [UInt8]) -> String? {
    bytes.count == 4 && bytes[1] == UInt8(ascii: ":")
      ? "did you mean \"0\(String(decoding: bytes, as: UTF8.self).filter { $0.isASCII })\"?" : nil
  }

  func cron(_ value: ValueReader) -> Calendar.Window? {
    guard var fields = value.fields(JobFields.calendarCron) else { return nil }
    let expression = fields.require("cron").flatMap(expression)
    let length = fields.require("for")?.duration(in: .seconds(1)...Calendar.longestWindow)
    fields.finish()
    guard let expression, let length else { return nil }
    return .cron(expression: expression, length: length)
  }

  private func expression(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...CronExpression.longestText) else { return nil }
    do {
      return try CronExpression(text).text
    } catch {
      value.sink.error(
        at: value.node.place(ofCharacter: error.offset), Legible.text(error.message),
        suggestion: error.suggestion.map { Legible.text($0) })
      return nil
    }
  }

  func span(_ value: ValueReader) -> Calendar.Window? {
    guard var fields = value.fields(JobFields.calendarSpan) else { return nil }
    let from = fields.require("from")?.timestamp()
    let toValue = fields.require("to")
    let to = toValue?.timestamp()
    fields.finish()
    guard let from, let to else { return nil }
    guard from < to else {
      toValue?.fail("the span ends before it begins", suggestion: "exchange 'from' and 'to'")
      return nil
    }
    return .span(from: from, to: to)
  }
}
