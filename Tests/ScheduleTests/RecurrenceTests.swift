import Model
import Schedule
import Testing

/// A rule and the starts that it gives: those of RFC 5545 section 3.8.5.3, as far as they are supported, and more.
struct RuleRow: Sendable, CustomTestStringConvertible {
  var name: String
  var start = "1997-09-02 09:00"
  var timezone = "America/New_York"
  var frequency: Recurrence.Frequency
  var interval = 1
  var count: Int?
  var until: String?
  var byMonth: [Int] = []
  var byMonthDay: [Int] = []
  /// As in a rule: `TU`, `1FR`, `-2MO`.
  var byDay = ""
  var weekStart = 1
  var excluded: [String] = []
  /// Month and day, and the year where it changes; `/` stands between years.
  var gives: String
  /// There are no more.
  var isAll = false
  var testDescription: String { name }

  func recurrence() throws -> Recurrence {
    let names = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
    return Recurrence(
      start: try civil(start), timezone: timezone, length: .seconds(3_600), frequency: frequency, interval: interval,
      count: count, until: try until.map(instant), byMonth: byMonth, byMonthDay: byMonthDay,
      byDay: byDay.split(separator: " ").map {
        Recurrence.Weekday(ordinal: Int($0.dropLast(2)), day: names.firstIndex(of: String($0.suffix(2))) ?? 0)
      },
      weekStart: weekStart, excluded: try excluded.map(civil))
  }
}

/// The dates of the first starts after `instant`, as `1997-09-02`.
func starts(_ recurrence: Recurrence, count: Int, after instant: Timestamp) throws -> [String] {
  let schedule = try schedule(Calendar(name: "c", windows: [.recurring(recurrence)]))
  let zone = try zone(recurrence.timezone)
  var dates: [String] = []
  var at = instant
  while dates.count < count, let start = schedule.nextBlackout(after: at) {
    #expect(start > at)
    dates.append(String(text(zone.civil(at: start)).prefix(10)))
    #expect(schedule.blackout(at: start)?.end == start + .seconds(3_600))
    at = start
  }
  return dates
}

@Suite struct RecurrenceTests {
  static let rows: [RuleRow] = [
    RuleRow(
      name: "daily for 10 occurrences", frequency: .daily, count: 10,
      gives: "1997 09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11", isAll: true),
    RuleRow(
      name: "daily until 24 December", start: "1997-12-20 09:00", frequency: .daily, until: "1997-12-24T00:00:00Z",
      gives: "1997 12-20 12-21 12-22 12-23", isAll: true),
    RuleRow(name: "every other day", frequency: .daily, interval: 2, gives: "1997 09-02 09-04 09-06 09-08 09-10"),
    RuleRow(
      name: "every 10 days, 5 occurrences", frequency: .daily, interval: 10, count: 5,
      gives: "1997 09-02 09-12 09-22 10-02 10-12", isAll: true),
    RuleRow(
      name: "every day in January", start: "1998-01-30 09:00", frequency: .yearly, byMonth: [1],
      byDay: "SU MO TU WE TH FR SA", gives: "1998 01-30 01-31 / 1999 01-01 01-02"),
    RuleRow(
      name: "the same, daily", start: "1998-01-30 09:00", frequency: .daily, byMonth: [1],
      gives: "1998 01-30 01-31 / 1999 01-01 01-02"),
    RuleRow(
      name: "weekly for 10 occurrences", frequency: .weekly, count: 10,
      gives: "1997 09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 11-04", isAll: true),
    RuleRow(
      name: "every other week", frequency: .weekly, interval: 2, weekStart: 0,
      gives: "1997 09-02 09-16 09-30 10-14 10-28 11-11 11-25 12-09 12-23 / 1998 01-06 01-20"),
    RuleRow(
      name: "weekly on Tuesday and Thursday for five weeks", frequency: .weekly, until: "1997-10-07T00:00:00Z",
      byDay: "TU TH", weekStart: 0, gives: "1997 09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02",
      isAll: true),
    RuleRow(
      name: "every other week on Monday, Wednesday, and Friday", start: "1997-09-01 09:00", frequency: .weekly,
      interval: 2, until: "1997-12-24T00:00:00Z", byDay: "MO WE FR", weekStart: 0,
      gives: "1997 09-01 09-03 09-05 09-15 09-17 09-19 09-29 10-01 10-03 10-13"),
    RuleRow(
      name: "every other week on Tuesday and Thursday, 8 occurrences", frequency: .weekly, interval: 2, count: 8,
      byDay: "TU TH", weekStart: 0, gives: "1997 09-02 09-04 09-16 09-18 09-30 10-02 10-14 10-16", isAll: true),
    RuleRow(
      name: "monthly on the first Friday, 10 occurrences", start: "1997-09-05 09:00", frequency: .monthly, count: 10,
      byDay: "1FR", gives: "1997 09-05 10-03 11-07 12-05 / 1998 01-02 02-06 03-06 04-03 05-01 06-05", isAll: true),
    RuleRow(
      name: "monthly on the first Friday until 24 December", start: "1997-09-05 09:00", frequency: .monthly,
      until: "1997-12-24T00:00:00Z", byDay: "1FR", gives: "1997 09-05 10-03 11-07 12-05", isAll: true),
    RuleRow(
      name: "every other month on the first and last Sunday", start: "1997-09-07 09:00", frequency: .monthly,
      interval: 2, count: 10, byDay: "1SU -1SU",
      gives: "1997 09-07 09-28 11-02 11-30 / 1998 01-04 01-25 03-01 03-29 05-03 05-31", isAll: true),
    RuleRow(
      name: "monthly on the second-to-last Monday", start: "1997-09-22 09:00", frequency: .monthly, count: 6,
      byDay: "-2MO", gives: "1997 09-22 10-20 11-17 12-22 / 1998 01-19 02-16", isAll: true),
    RuleRow(
      name: "the third-to-last day of the month", start: "1997-09-28 09:00", frequency: .monthly, byMonthDay: [-3],
      gives: "1997 09-28 10-29 11-28 12-29 / 1998 01-29 02-26"),
    RuleRow(
      name: "the 2nd and 15th of the month", frequency: .monthly, count: 10, byMonthDay: [2, 15],
      gives: "1997 09-02 09-15 10-02 10-15 11-02 11-15 12-02 12-15 / 1998 01-02 01-15", isAll: true),
    RuleRow(
      name: "the first and last day of the month", start: "1997-09-30 09:00", frequency: .monthly, count: 10,
      byMonthDay: [1, -1], gives: "1997 09-30 10-01 10-31 11-01 11-30 12-01 12-31 / 1998 01-01 01-31 02-01", isAll: true
    ),
    RuleRow(
      name: "every 18 months on the 10th to 15th", start: "1997-09-10 09:00", frequency: .monthly, interval: 18,
      count: 10, byMonthDay: [10, 11, 12, 13, 14, 15],
      gives: "1997 09-10 09-11 09-12 09-13 09-14 09-15 / 1999 03-10 03-11 03-12 03-13", isAll: true),
    RuleRow(
      name: "every Tuesday, every other month", frequency: .monthly, interval: 2, byDay: "TU",
      gives: "1997 09-02 09-09 09-16 09-23 09-30 11-04 11-11 11-18 11-25 / 1998 01-06"),
    RuleRow(
      name: "yearly in June and July", start: "1997-06-10 09:00", frequency: .yearly, count: 10, byMonth: [6, 7],
      gives: "1997 06-10 07-10 / 1998 06-10 07-10 / 1999 06-10 07-10 / 2000 06-10 07-10 / 2001 06-10 07-10", isAll: true
    ),
    RuleRow(
      name: "every other year in January, February, and March", start: "1997-03-10 09:00", frequency: .yearly,
      interval: 2, count: 10, byMonth: [1, 2, 3],
      gives: "1997 03-10 / 1999 01-10 02-10 03-10 / 2001 01-10 02-10 03-10 / 2003 01-10 02-10 03-10", isAll: true),
    RuleRow(
      name: "every 20th Monday of the year", start: "1997-05-19 09:00", frequency: .yearly, byDay: "20MO",
      gives: "1997 05-19 / 1998 05-18 / 1999 05-17"),
    RuleRow(
      name: "the last Friday of the year", start: "1997-12-26 09:00", frequency: .yearly, byDay: "-1FR",
      gives: "1997 12-26 / 1998 12-25 / 1999 12-31 / 2000 12-29"),
    RuleRow(
      name: "every Thursday in March", start: "1997-03-13 09:00", frequency: .yearly, byMonth: [3], byDay: "TH",
      gives: "1997 03-13 03-20 03-27 / 1998 03-05 03-12 03-19 03-26 / 1999 03-04 03-11 03-18 03-25"),
    RuleRow(
      name: "every Thursday, but only in June, July, and August", start: "1997-06-05 09:00", frequency: .yearly,
      byMonth: [6, 7, 8], byDay: "TH",
      gives: "1997 06-05 06-12 06-19 06-26 07-03 07-10 07-17 07-24 07-31 08-07 08-14 08-21 08-28 / 1998 06-04"),
    // DTSTART is no Friday the 13th: what the RFC leaves out by EXDATE is left out here too.
    RuleRow(
      name: "every Friday the 13th", frequency: .monthly, byMonthDay: [13], byDay: "FR", excluded: ["1997-09-02 09:00"],
      gives: "1998 02-13 03-13 11-13 / 1999 08-13 / 2000 10-13"),
    RuleRow(
      name: "the first Saturday that follows the first Sunday of the month", start: "1997-09-13 09:00",
      frequency: .monthly, byMonthDay: [7, 8, 9, 10, 11, 12, 13], byDay: "SA",
      gives: "1997 09-13 10-11 11-08 12-13 / 1998 01-10 02-07 03-07 04-11 05-09 06-13"),
    RuleRow(
      name: "the day of the United States presidential election", start: "1996-11-05 09:00", frequency: .yearly,
      interval: 4, byMonth: [11], byMonthDay: [2, 3, 4, 5, 6, 7, 8], byDay: "TU",
      gives: "1996 11-05 / 2000 11-07 / 2004 11-02"),
    RuleRow(
      name: "a week that begins on Monday", start: "1997-08-05 09:00", frequency: .weekly, interval: 2, count: 4,
      byDay: "TU SU", gives: "1997 08-05 08-10 08-19 08-24", isAll: true),
    RuleRow(
      name: "a week that begins on Sunday", start: "1997-08-05 09:00", frequency: .weekly, interval: 2, count: 4,
      byDay: "TU SU", weekStart: 0, gives: "1997 08-05 08-17 08-19 08-31", isAll: true),
    RuleRow(
      name: "an invalid date is passed over", start: "2007-01-15 09:00", frequency: .monthly, count: 5,
      byMonthDay: [15, 30], gives: "2007 01-15 01-30 02-15 03-15 03-30", isAll: true),
    // Beyond the RFC's.
    RuleRow(
      name: "the 31st", start: "1997-08-31 09:00", frequency: .monthly,
      gives: "1997 08-31 10-31 12-31 / 1998 01-31 03-31"),
    RuleRow(
      name: "29 February", start: "1996-02-29 09:00", frequency: .yearly, gives: "1996 02-29 / 2000 02-29 / 2004 02-29"),
    RuleRow(
      name: "29 February over a century", start: "2096-02-29 09:00", frequency: .yearly,
      gives: "2096 02-29 / 2104 02-29"),
    RuleRow(
      name: "a Monday that is the 29 February", start: "1996-02-29 09:00", frequency: .yearly, byMonth: [2],
      byMonthDay: [29], byDay: "MO", gives: "1996 02-29 / 2016 02-29 / 2044 02-29"),
    RuleRow(
      name: "a start that the rule does not give counts", frequency: .monthly, count: 3, byMonthDay: [10],
      gives: "1997 09-02 09-10 10-10", isAll: true),
    RuleRow(
      name: "left-out starts count", frequency: .daily, count: 5, excluded: ["1997-09-03 09:00", "1997-09-06 09:00"],
      gives: "1997 09-02 09-04 09-05", isAll: true),
    RuleRow(
      name: "another time of day leaves nothing out", frequency: .daily, count: 2, excluded: ["1997-09-03 09:01"],
      gives: "1997 09-02 09-03", isAll: true),
    RuleRow(
      name: "until, to the second", frequency: .daily, until: "1997-09-04T13:00:00Z", gives: "1997 09-02 09-03 09-04",
      isAll: true),
    RuleRow(
      name: "until, a second less", frequency: .daily, until: "1997-09-04T12:59:59Z", gives: "1997 09-02 09-03",
      isAll: true),
    RuleRow(
      name: "until before the start", frequency: .daily, until: "1990-01-01T00:00:00Z", gives: "", isAll: true),
    RuleRow(
      name: "the 53rd Friday", start: "1999-12-31 09:00", frequency: .yearly, byDay: "53FR",
      gives: "1999 12-31 / 2004 12-31 / 2010 12-31"),
    RuleRow(
      name: "every fifth Monday", start: "1997-09-29 09:00", frequency: .monthly, byDay: "5MO",
      gives: "1997 09-29 12-29 / 1998 03-30 06-29"),
    RuleRow(
      name: "every 1000 days", frequency: .daily, interval: 1_000, gives: "1997 09-02 / 2000 05-29 / 2003 02-23"),
    RuleRow(
      name: "over the end of the year 9999", start: "9999-12-30 09:00", frequency: .daily, gives: "9999 12-30 12-31",
      isAll: true),
  ]

  @Test(arguments: rows) func gives(_ row: RuleRow) throws {
    var expected: [String] = []
    var year = ""
    for word in row.gives.split(separator: " ") where word != "/" {
      if word.utf8.count == 4 { year = String(word) } else { expected.append("\(year)-\(word)") }
    }
    let before = Timestamp(seconds: try civil(row.start).secondsSinceEpoch) - .seconds(86_400)
    let found = try starts(try row.recurrence(), count: expected.count + (row.isAll ? 1 : 0), after: before)
    #expect(found == expected)
  }

  /// Asked in the middle of nowhere, without having gone through what came before.
  @Test func isFoundFarFromItsStart() throws {
    let row = RuleRow(name: "", frequency: .weekly, interval: 3, byDay: "TU TH", gives: "")
    let recurrence = try row.recurrence()
    let all = try starts(recurrence, count: 2_000, after: Timestamp(seconds: 0))
    for index in stride(from: 3, to: 1_990, by: 217) {
      let at = try instant(all[index] + "T00:00:00Z")
      #expect(try starts(recurrence, count: 3, after: at) == Array(all[index..<(index + 3)]))
    }
  }

  /// The start at a wall time that the clock leaves out, or shows twice: RFC 5545 section 3.3.5.
  @Test func changesOfTheClock() throws {
    let gap = Recurrence(
      start: try civil("2026-03-28 02:30"), timezone: "Europe/Berlin", length: .seconds(3_600), frequency: .daily)
    let calendar = try schedule(Calendar(name: "c", windows: [.recurring(gap)]))
    #expect(calendar.nextBlackout(after: try instant("2026-03-29T00:00:00Z")) == (try instant("2026-03-29T01:30:00Z")))
    #expect(calendar.blackout(at: try instant("2026-03-29T02:00:00Z"))?.end == (try instant("2026-03-29T02:30:00Z")))
    #expect(calendar.nextBlackout(after: try instant("2026-10-24T12:00:00Z")) == (try instant("2026-10-25T00:30:00Z")))
    #expect(calendar.blackout(at: try instant("2026-10-25T01:30:00Z")) == nil)

    // A nominal day has 25 hours then, an exact one 24.
    var day = Recurrence(
      start: try civil("2026-10-18 12:00"), timezone: "Europe/Berlin", days: 1, frequency: .weekly,
      byDay: [.init(day: 6)])
    #expect(
      try schedule(Calendar(name: "c", windows: [.recurring(day)]))
        .blackout(at: try instant("2026-10-24T10:00:00Z"))?.end == (try instant("2026-10-25T11:00:00Z")))
    (day.days, day.length) = (0, .seconds(86_400))
    #expect(
      try schedule(Calendar(name: "c", windows: [.recurring(day)]))
        .blackout(at: try instant("2026-10-24T10:00:00Z"))?.end == (try instant("2026-10-25T10:00:00Z")))
  }

  @Test func startsThatOverlapAreOneTime() throws {
    var recurrence = Recurrence(
      start: try civil("2026-11-02 00:00"), timezone: "UTC", days: 3, frequency: .weekly,
      byDay: [.init(day: 1), .init(day: 3)])
    let at = try instant("2026-11-09T00:00:00Z")
    #expect(
      try schedule(Calendar(name: "c", windows: [.recurring(recurrence)])).blackout(at: at)?.end
        == (try instant("2026-11-14T00:00:00Z")))
    recurrence.excluded = [try civil("2026-11-11 00:00")]
    #expect(
      try schedule(Calendar(name: "c", windows: [.recurring(recurrence)])).blackout(at: at)?.end
        == (try instant("2026-11-12T00:00:00Z")))
  }

  @Test func rulesWithoutAnyDay() throws {
    var never = Recurrence(
      start: try civil("2026-01-31 00:00"), timezone: "UTC", days: 1, frequency: .yearly, byMonth: [2],
      byMonthDay: [30])
    #expect(!never.repeats)
    never.byMonthDay = [29]
    #expect(never.repeats)
    let odd = Recurrence(
      start: try civil("2026-01-31 00:00"), timezone: "UTC", days: 1, frequency: .monthly, interval: 12, byMonth: [2])
    #expect(!odd.repeats)
  }
}
