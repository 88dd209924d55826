import Model
import Schedule
import Testing
import ZoneInfo

/// A job that is due every second, so that only its calendars matter.
func schedule(_ calendars: Calendar...) throws -> JobSchedule {
  try JobSchedule([.every(.seconds(1))], blackout: calendars) { name throws(ScheduleError) in
    try zones.zone(named: name)
  }
}

func day(_ text: String) throws -> Calendar.Day { try #require(Calendar.Day(text), "\(text)") }

@Suite struct CalendarTests {
  /// What a calendar says at one instant.
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var timezone = "UTC"
    var windows: [Calendar.Window]
    var at: String
    /// Nil when it is not in force.
    var ends: String?
    var next: String?
    var testDescription: String { "\(name) at \(at)" }
  }

  private static func days(_ first: String, _ last: String? = nil) -> Calendar.Window {
    let none = Calendar.Day(number: 0)
    return .days(first: Calendar.Day(first) ?? none, last: Calendar.Day(last ?? first) ?? none)
  }

  private static func span(_ from: String, _ to: String) -> Calendar.Window {
    .span(from: Timestamp(rfc3339: from) ?? .init(seconds: 0), to: Timestamp(rfc3339: to) ?? .init(seconds: 0))
  }

  private static let weekend = Calendar.Window.weekly(days: [0, 6], from: 0, to: 1_440)

  static let rows: [Row] = [
    Row(
      name: "before a day", timezone: "Europe/Berlin", windows: [days("2026-12-24")], at: "2026-12-23T22:59:59.999999Z",
      next: "2026-12-23T23:00:00Z"),
    Row(
      name: "the beginning of a day", timezone: "Europe/Berlin", windows: [days("2026-12-24")],
      at: "2026-12-23T23:00:00Z", ends: "2026-12-24T23:00:00Z"),
    Row(
      name: "the end of a day", timezone: "Europe/Berlin", windows: [days("2026-12-24")],
      at: "2026-12-24T22:59:59.999999Z", ends: "2026-12-24T23:00:00Z"),
    Row(name: "after a day", windows: [days("2026-12-24")], at: "2026-12-25T00:00:00Z"),
    Row(
      name: "days that touch", windows: [days("2026-12-24"), days("2026-12-25", "2026-12-26"), days("2026-12-28")],
      at: "2026-12-24T12:00:00Z", ends: "2026-12-27T00:00:00Z", next: "2026-12-28T00:00:00Z"),
    Row(
      name: "a weekend that runs into a listed Monday", windows: [weekend, days("2026-12-28")],
      at: "2026-12-26T12:00:00Z", ends: "2026-12-29T00:00:00Z", next: "2027-01-02T00:00:00Z"),
    Row(
      name: "a listed Friday that runs into a weekend", windows: [weekend, days("2026-12-25")],
      at: "2026-12-25T12:00:00Z", ends: "2026-12-28T00:00:00Z", next: "2027-01-02T00:00:00Z"),
    Row(
      name: "a span that runs into a night of cron",
      windows: [
        span("2026-12-01T10:00:00Z", "2026-12-01T22:00:00Z"), .cron(expression: "0 22 * * *", length: .seconds(28_800)),
      ],
      at: "2026-12-01T10:00:00Z", ends: "2026-12-02T06:00:00Z", next: "2026-12-02T22:00:00Z"),
    Row(
      name: "spans that overlap",
      windows: [
        span("2026-12-01T10:00:00Z", "2026-12-01T12:00:00Z"), span("2026-12-01T11:00:00Z", "2026-12-01T11:30:00Z"),
        span("2026-12-01T11:59:00Z", "2026-12-01T13:00:00.25Z"),
      ], at: "2026-12-01T10:30:00Z", ends: "2026-12-01T13:00:00.250Z"),
    Row(
      name: "a night", timezone: "Europe/Berlin",
      windows: [.weekly(days: [1, 2, 3, 4, 5], from: 1_320, to: 360)], at: "2026-12-02T02:00:00Z",
      ends: "2026-12-02T05:00:00Z", next: "2026-12-02T21:00:00Z"),
    Row(
      name: "a night from Saturday on", windows: [.weekly(days: [6], from: 1_320, to: 360)], at: "2026-12-06T05:00:00Z",
      ends: "2026-12-06T06:00:00Z", next: "2026-12-12T22:00:00Z"),
    Row(
      name: "a Sunday morning after it", windows: [.weekly(days: [6], from: 1_320, to: 360)],
      at: "2026-12-06T06:00:00Z", next: "2026-12-12T22:00:00Z"),
    Row(
      name: "Monday to Thursday and Friday on its own",
      windows: [.weekly(days: [1, 2, 3, 4], from: 0, to: 1_440), .weekly(days: [5], from: 0, to: 720)],
      at: "2026-12-02T12:00:00Z", ends: "2026-12-04T12:00:00Z", next: "2026-12-07T00:00:00Z"),
    Row(
      name: "all week", windows: [.weekly(days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1_440)],
      at: "2026-12-02T12:00:00Z", ends: "9999-12-31T23:59:59Z"),
    Row(
      name: "cron that overlaps itself", windows: [.cron(expression: "*/10 8-9 * * *", length: .seconds(900))],
      at: "2026-12-02T08:00:00Z", ends: "2026-12-02T10:05:00Z", next: "2026-12-03T08:00:00Z"),
    Row(
      name: "cron between two", windows: [.cron(expression: "0 * * * *", length: .seconds(60))],
      at: "2026-12-02T08:01:00Z", next: "2026-12-02T09:00:00Z"),
    // The clock goes from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
    Row(
      name: "a day of 23 hours", timezone: "Europe/Berlin", windows: [days("2026-03-29")], at: "2026-03-28T23:00:00Z",
      ends: "2026-03-29T22:00:00Z"),
    Row(
      name: "a day of 25 hours", timezone: "Europe/Berlin", windows: [days("2026-10-25")], at: "2026-10-24T22:00:00Z",
      ends: "2026-10-25T23:00:00Z"),
    Row(
      name: "a weekend of 49 hours", timezone: "Europe/Berlin", windows: [weekend], at: "2026-10-24T10:00:00Z",
      ends: "2026-10-25T23:00:00Z"),
    Row(
      name: "a window from the gap on", timezone: "Europe/Berlin",
      windows: [.weekly(days: [0], from: 150, to: 240)], at: "2026-03-29T00:59:59Z", next: "2026-03-29T01:00:00Z"),
    Row(
      name: "a window to the gap", timezone: "Europe/Berlin", windows: [.weekly(days: [0], from: 60, to: 150)],
      at: "2026-03-29T00:30:00Z", ends: "2026-03-29T01:00:00Z"),
    Row(
      name: "a window within the gap", timezone: "Europe/Berlin", windows: [.weekly(days: [0], from: 130, to: 150)],
      at: "2026-03-29T00:59:00Z", next: "2026-04-05T00:10:00Z"),
    Row(
      name: "a time that is shown twice, the first", timezone: "Europe/Berlin",
      windows: [.weekly(days: [0], from: 60, to: 150)], at: "2026-10-24T23:30:00Z", ends: "2026-10-25T00:30:00Z",
      next: "2026-10-25T01:00:00Z"),
    Row(
      name: "a time that is shown twice, the second", timezone: "Europe/Berlin",
      windows: [.weekly(days: [0], from: 60, to: 150)], at: "2026-10-25T01:10:00Z", ends: "2026-10-25T01:30:00Z"),
    Row(
      name: "a night over the fold", timezone: "Europe/Berlin", windows: [.weekly(days: [6], from: 1_320, to: 360)],
      at: "2026-10-24T20:00:00Z", ends: "2026-10-25T05:00:00Z"),
    // Havana's clock goes back from 01:00 to 00:00 on 2026-11-01: midnight is there twice, and the first begins the day.
    Row(
      name: "a day that begins twice", timezone: "America/Havana", windows: [days("2026-11-01")],
      at: "2026-11-01T04:00:00Z", ends: "2026-11-02T05:00:00Z"),
    Row(
      name: "the day before it", timezone: "America/Havana", windows: [days("2026-10-31")],
      at: "2026-10-31T12:00:00Z", ends: "2026-11-01T04:00:00Z"),
    // Beirut's clock goes from 00:00 to 01:00 on 2026-03-29.
    Row(
      name: "a day without midnight", timezone: "Asia/Beirut", windows: [days("2026-03-29")],
      at: "2026-03-28T21:59:59Z", next: "2026-03-28T22:00:00Z"),
    // Apia had no 2011-12-30.
    Row(
      name: "a day that never was", timezone: "Pacific/Apia", windows: [days("2011-12-30")], at: "2011-12-30T00:00:00Z"),
    Row(
      name: "days around it", timezone: "Pacific/Apia", windows: [days("2011-12-29", "2011-12-31")],
      at: "2011-12-30T00:00:00Z", ends: "2011-12-31T10:00:00Z"),
  ]

  @Test(arguments: rows) func answers(_ row: Row) throws {
    let schedule = try schedule(Calendar(name: "c", timezone: row.timezone, windows: row.windows))
    let at = try instant(row.at)
    #expect(schedule.blackout(at: at)?.end.description == row.ends)
    if let next = row.next { #expect(schedule.nextBlackout(after: at)?.description == next) }
  }

  @Test func theCalendarThatEndsLastIsNamed() throws {
    let schedule = try schedule(
      Calendar(name: "short", windows: [Self.days("2026-12-24")]),
      Calendar(name: "long", windows: [Self.days("2026-12-24", "2026-12-26")]),
      Calendar(name: "later", windows: [Self.days("2026-12-25")]))
    let at = try instant("2026-12-24T12:00:00Z")
    #expect(schedule.blackout(at: at) == Blackout(calendar: "long", end: try instant("2026-12-27T00:00:00Z")))
    #expect(schedule.nextBlackout(after: at) == (try instant("2026-12-25T00:00:00Z")))
    #expect(schedule.nextBlackout(after: try instant("2027-01-01T00:00:00Z")) == nil)
  }

  /// A minute after the other without end: the answer is bounded, and whoever asks again learns more.
  @Test func joinsAreBounded() throws {
    let schedule = try schedule(Calendar(name: "c", windows: [.cron(expression: "* * * * *", length: .seconds(60))]))
    let at = try instant("2026-12-24T12:00:00Z")
    let end = try #require(schedule.blackout(at: at)?.end)
    #expect(end > at + .seconds(86_400) && end < at + .seconds(7 * 86_400))
    #expect(schedule.blackout(at: end).map { $0.end > end } == true)
  }

  @Test func farEnds() throws {
    let schedule = try schedule(
      Calendar(name: "c", windows: [Self.days("2026-12-24", "9999-12-31"), Self.weekend]))
    #expect(schedule.blackout(at: try instant("2027-01-01T00:00:00Z"))?.end == ScheduleRange.last)
    for at in [Timestamp(microseconds: .max), ScheduleRange.last, Timestamp(microseconds: .min)] {
      #expect(schedule.blackout(at: at) == nil)
    }
    #expect(schedule.nextBlackout(after: Timestamp(microseconds: .max)) == nil)
    #expect(schedule.nextBlackout(after: Timestamp(microseconds: .min)) == (try instant("1970-01-03T00:00:00Z")))
  }

  struct Refusal: Sendable {
    var calendar: Calendar
    var part: ScheduleError.Part
  }

  @Test(arguments: [
    Refusal(calendar: Calendar(name: "year-end", timezone: "Europe/Berln", windows: []), part: .timezone),
    Refusal(
      calendar: Calendar(name: "year-end", windows: [.cron(expression: "0 0 30 2 *", length: .seconds(1))]),
      part: .expression(offset: 4)),
    Refusal(
      calendar: Calendar(
        name: "year-end",
        windows: [
          .recurring(
            Recurrence(
              start: CivilTime(year: 2026, month: 1, day: 1), timezone: "Nowhere", days: 1, frequency: .yearly))
        ]), part: .timezone),
  ])
  func refuses(_ row: Refusal) throws {
    let error = try #require(throws: ScheduleError.self) { try schedule(row.calendar) }
    #expect(error.part == row.part)
    #expect(error.message.contains("calendar 'year-end': "), "\(error)")
  }
}
