import Model
import Schedule

/// An RRULE (RFC 5545 section 3.3.10), as far as it is supported: FREQ from daily on, INTERVAL, COUNT, UNTIL, BYMONTH,
/// BYMONTHDAY, BYDAY and WKST. Every other part is refused by its name.
struct RecurrenceRule {
  private(set) var frequency = Recurrence.Frequency.daily
  private var interval = 1
  private var count: Int?
  private var until: Timestamp?
  private var byMonth: [Int] = []
  private var byMonthDay: [Int] = []
  private var byDay: [Recurrence.Weekday] = []
  private var weekStart = 1

  private struct Part {
    var name: String
    var value: String
    var namePlace: SourcePlace
    var place: SourcePlace
  }

  private static let known = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"]
  private static let unsupported: Set<String> = [
    "BYSETPOS", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "RSCALE", "SKIP",
  ]
  /// Values of one list: each day of a year, before and after its end, is well below it.
  private static let listLimit = 400

  /// Nil, reported, when it is not one or not supported.
  init?(_ line: ContentLine, start: CalendarTime, _ reader: CalendarEventReader) {
    let sink = reader.sink
    guard let parts = Self.parts(line, sink) else { return nil }
    guard let part = parts.first(where: { $0.name == "FREQ" }) else {
      sink.error(at: line.valuePlace, "the rule has no FREQ", suggestion: "such as 'FREQ=YEARLY'")
      return nil
    }
    guard let frequency = Recurrence.Frequency(rawValue: part.value.lowercased()) else {
      Self.refuseFrequency(part, sink)
      return nil
    }
    self.frequency = frequency
    var isGood = true
    for part in parts {
      if let problem = take(part, start, reader) {
        sink.error(at: part.place, problem.message, suggestion: problem.suggestion)
        isGood = false
      }
    }
    if count != nil, until != nil {
      sink.error(at: line.valuePlace, "a rule has COUNT or UNTIL, not both")
      isGood = false
    }
    guard isGood else { return nil }
  }

  func fill(_ recurrence: inout Recurrence) {
    recurrence.frequency = frequency
    recurrence.interval = interval
    recurrence.count = count
    recurrence.until = until
    recurrence.byMonth = byMonth
    recurrence.byMonthDay = byMonthDay
    recurrence.byDay = byDay
    recurrence.weekStart = weekStart
  }

  private static func refuseFrequency(_ part: Part, _ sink: DiagnosticSink) {
    let finer = ["HOURLY", "MINUTELY", "SECONDLY"].contains(part.value.uppercased())
    sink.error(
      at: part.place,
      finer
        ? "FREQ=\(part.value.uppercased()) is not supported"
        : "FREQ wants DAILY, WEEKLY, MONTHLY or YEARLY, not \(Legible.quoted(part.value))",
      suggestion: finer ? "write it under 'cron' of the calendar" : nil)
  }

  /// For the name of a part that is wrong.
  private static func suggestion(for name: String) -> String? {
    guard !known.contains(name), !unsupported.contains(name) else { return nil }
    return Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
  }

  private static func parts(_ line: ContentLine, _ sink: DiagnosticSink) -> [Part]? {
    var parts: [Part] = []
    var (offset, isGood) = (0, true)
    for text in line.value.split(separator: ";", omittingEmptySubsequences: false) {
      let place = line.place(ofValueAt: offset)
      let length = text.utf8.count + 1
      defer { offset += length }
      // A ';' at the end is common, and means nothing.
      if text.isEmpty { continue }
      let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = halves[0].uppercased()
      var problem: String?
      if halves.count != 2 {
        problem = "a part of a rule without '='"
      } else if unsupported.contains(name) {
        problem = "\(name) is not supported"
      } else if !known.contains(name) {
        problem = "unknown part \(Legible.quoted(name)) of a rule"
      } else if parts.contains(where: { $0.name == name }) {
        problem = "a second \(name) in one rule"
      }
      if let problem {
        sink.error(at: place, problem, suggestion: suggestion(for: name))
        isGood = false
      } else {
        parts.append(
          Part(
            name: name, value: String(halves[1]), namePlace: place,
            place: line.place(ofValueAt: offset + halves[0].utf8.count + 1)))
      }
    }
    return isGood ? parts : nil
  }

  private struct Problem: Error {
    var message: String
    var suggestion: String?
    init(_ message: String, _ suggestion: String? = nil) { (self.message, self.suggestion) = (message, suggestion) }
  }

  private mutating func take(_ part: Part, _ start: CalendarTime, _ reader: CalendarEventReader) -> Problem? {
    do throws(Problem) {
      switch part.name {
      case "INTERVAL": interval = try Self.number(part, 1...Recurrence.intervalLimit)
      case "COUNT": count = try Self.number(part, 1...Recurrence.countLimit)
      case "UNTIL": until = try Self.until(part, start, reader)
      case "WKST": weekStart = try Self.weekday(part.value[...], part).day
      case "BYMONTH":
        byMonth = try Self.list(part) { text throws(Problem) in try Self.number(text, 1...12, part) }.sorted()
      case "BYMONTHDAY":
        guard frequency != .weekly else { throw Problem("BYMONTHDAY cannot stand in a weekly rule") }
        byMonthDay = try Self.list(part) { text throws(Problem) in try Self.number(text, -31...31, part) }
      case "BYDAY":
        byDay = try Self.list(part) { text throws(Problem) in try Self.weekday(text, part) }
        let most = frequency == .yearly ? 53 : 5
        if let ordinal = byDay.compactMap(\.ordinal).first {
          guard frequency == .yearly || frequency == .monthly else {
            throw Problem("a \(frequency.rawValue) rule takes no number before a weekday")
          }
          guard byDay.allSatisfy({ abs($0.ordinal ?? 1) <= most }) else {
            throw Problem("there is no weekday number \(ordinal) in a \(frequency == .yearly ? "year" : "month")")
          }
        }
      default: break
      }
      return nil
    } catch {
      return error
    }
  }

  private static func number(_ part: Part, _ range: ClosedRange<Int>) throws(Problem) -> Int {
    try number(part.value[...], range, part)
  }

  private static func number(_ text: Substring, _ range: ClosedRange<Int>, _ part: Part) throws(Problem) -> Int {
    guard text.utf8.count <= 8, text.utf8.allSatisfy({ isDigit($0) || "+-".utf8.contains($0) }),
      let number = Int(text), range.contains(number), number != 0
    else {
      throw Problem(
        "\(part.name) wants a number from \(range.lowerBound) to \(range.upperBound)"
          + "\(range.lowerBound < 0 ? " but 0" : ""), not \(Legible.quoted(String(text)))")
    }
    return number
  }

  private static func list<T>(_ part: Part, _ element: (Substring) throws(Problem) -> T) throws(Problem) -> [T] {
    let texts = part.value.split(separator: ",", omittingEmptySubsequences: false)
    guard texts.count <= listLimit else {
      throw Problem("\(part.name) lists \(texts.count) values, more than \(listLimit)")
    }
    var values: [T] = []
    for text in texts { values.append(try element(text)) }
    return values
  }

  private static let weekdays = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]

  /// `MO`, `2TU`, `-1FR`.
  private static func weekday(_ text: Substring, _ part: Part) throws(Problem) -> Recurrence.Weekday {
    let upper = text.uppercased()
    guard let day = weekdays.firstIndex(of: String(upper.suffix(2))), upper.utf8.count == upper.unicodeScalars.count
    else {
      throw Problem(
        "\(part.name) wants \(ValueReader.list(weekdays)), not \(Legible.quoted(String(text)))")
    }
    let ordinal = text.dropLast(2)
    if ordinal.isEmpty { return Recurrence.Weekday(day: day) }
    guard part.name == "BYDAY" else { throw Problem("\(part.name) takes no number before the weekday") }
    return Recurrence.Weekday(ordinal: try number(ordinal, -53...53, part), day: day)
  }

  /// RFC 5545 has it in the form of DTSTART, and in UTC where DTSTART has a zone; a date where DTSTART is a time is
  /// common all the same, and lasts for its whole day.
  private static func until(
    _ part: Part, _ start: CalendarTime, _ reader: CalendarEventReader
  ) throws(Problem) -> Timestamp {
    guard var time = reader.time(part.value, at: part.place, in: start.timezone) else {
      throw Problem(
        "UNTIL wants a date such as 20261231 or a time such as 20261231T225959Z, not \(Legible.quoted(part.value))")
    }
    if time.isDate, !start.isDate {
      (time.civil.hour, time.civil.minute, time.civil.second) = (23, 59, 59)
    } else if start.isDate, !time.isDate {
      // The date that its zone's clock shows.
      time = CalendarTime(
        civil: reader.wallTime(time, in: start.timezone), isDate: false, timezone: start.timezone, place: time.place)
    }
    let until = reader.instant(of: time)
    // A rule that was over in 1970 is over all the same when its end is put there, and after the last instant that a
    // bundle can say nothing starts: west of UTC the year 9999 ends later.
    return min(max(until, ScheduleRange.first), ScheduleRange.last)
  }
}
