import Model
import Schedule
import Testing

/// The expected instants were computed by another program, which goes through every minute of real time and looks at
/// the clock.
@Suite struct ZonedCronTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var expression: String
    var zone: String
    var after: String
    var due: [String]

    init(_ expression: String, _ zone: String, after: String, _ due: String...) {
      self.expression = expression
      self.zone = zone
      self.after = after
      self.due = due
    }

    var testDescription: String { "\(expression) in \(zone) after \(after)" }
  }

  static let rows: [Row] = [
    // Berlin, 2026-03-29: 02:00 becomes 03:00.
    Row(
      "30 2 * * *", "Europe/Berlin", after: "2026-03-28T00:00:00+01:00", "2026-03-28T02:30:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"),
    Row(
      "0 2 * * *", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-30T02:00:00+02:00"),
    Row(
      "59 2 * * *", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-30T02:59:00+02:00"),
    Row(
      "0 3 * * *", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-30T03:00:00+02:00"),
    Row(
      "0,30 2,3 * * *", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"),
    Row(
      "*/20 2 * * *", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-30T02:00:00+02:00", "2026-03-30T02:20:00+02:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", after: "2026-03-29T01:30:00+01:00", "2026-03-29T01:40:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00", "2026-03-29T03:40:00+02:00",
      "2026-03-30T01:00:00+02:00"),
    Row(
      "0 */2 * * *", "Europe/Berlin", after: "2026-03-28T22:30:00+01:00", "2026-03-29T00:00:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00", "2026-03-29T06:00:00+02:00",
      "2026-03-29T08:00:00+02:00"),
    Row(
      "30 */2 * * *", "Europe/Berlin", after: "2026-03-28T22:30:00+01:00", "2026-03-29T00:30:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T04:30:00+02:00", "2026-03-29T06:30:00+02:00"),
    Row(
      "* * * * *", "Europe/Berlin", after: "2026-03-29T01:58:00+01:00", "2026-03-29T01:59:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T03:01:00+02:00"),
    Row(
      "0 * * * *", "Europe/Berlin", after: "2026-03-29T00:30:00+01:00", "2026-03-29T01:00:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"),
    Row(
      "30 * * * *", "Europe/Berlin", after: "2026-03-29T00:30:00+01:00", "2026-03-29T01:30:00+01:00",
      "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"),
    Row(
      "*/30 * * * * *", "Europe/Berlin", after: "2026-03-29T01:59:00+01:00", "2026-03-29T01:59:30+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:30+02:00"),
    Row(
      "@hourly", "Europe/Berlin", after: "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-29T04:00:00+02:00"),
    Row("@daily", "Europe/Berlin", after: "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    Row("30 2 29 3 *", "Europe/Berlin", after: "2026-03-01T00:00:00+01:00", "2026-03-29T03:00:00+02:00"),
    Row(
      "* * 29 3 *", "Europe/Berlin", after: "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-29T03:01:00+02:00"),
    // Berlin, 2026-10-25: 03:00 becomes 02:00.
    Row(
      "30 2 * * *", "Europe/Berlin", after: "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00",
      "2026-10-26T02:30:00+01:00", "2026-10-27T02:30:00+01:00"),
    Row("30 2 * * *", "Europe/Berlin", after: "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
    Row("30 2 * * *", "Europe/Berlin", after: "2026-10-25T02:10:00+01:00", "2026-10-26T02:30:00+01:00"),
    Row(
      "0 2 * * *", "Europe/Berlin", after: "2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+02:00",
      "2026-10-26T02:00:00+01:00"),
    Row(
      "0 3 * * *", "Europe/Berlin", after: "2026-10-25T00:00:00+02:00", "2026-10-25T03:00:00+01:00",
      "2026-10-26T03:00:00+01:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", after: "2026-10-25T02:20:00+02:00", "2026-10-25T02:40:00+02:00",
      "2026-10-25T03:00:00+01:00", "2026-10-25T03:20:00+01:00", "2026-10-25T03:40:00+01:00"),
    Row(
      "0 */2 * * *", "Europe/Berlin", after: "2026-10-24T23:30:00+02:00", "2026-10-25T00:00:00+02:00",
      "2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00", "2026-10-25T06:00:00+01:00"),
    Row(
      "0 * * * *", "Europe/Berlin", after: "2026-10-25T00:30:00+02:00", "2026-10-25T01:00:00+02:00",
      "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00",
      "2026-10-25T04:00:00+01:00"),
    Row(
      "*/30 * * * *", "Europe/Berlin", after: "2026-10-25T01:45:00+02:00", "2026-10-25T02:00:00+02:00",
      "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00",
      "2026-10-25T03:00:00+01:00"),
    Row(
      "30 0-23 * * *", "Europe/Berlin", after: "2026-10-25T01:45:00+02:00", "2026-10-25T02:30:00+02:00",
      "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"),
    Row(
      "0 * 25 10 *", "Europe/Berlin", after: "2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00",
      "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"),
    // The known trap of wall-clock schedulers after a change: the 1st and the 8th, both listed, both due.
    Row(
      "0 0 1,8 * *", "Europe/Berlin", after: "2026-03-08T00:00:00+01:00", "2026-04-01T00:00:00+02:00",
      "2026-04-08T00:00:00+02:00", "2026-05-01T00:00:00+02:00"),
    // New York, 2026-03-08 and 2026-11-01.
    Row(
      "30 2 * * *", "America/New_York", after: "2026-03-07T12:00:00-05:00", "2026-03-08T03:00:00-04:00",
      "2026-03-09T02:30:00-04:00"),
    Row(
      "30 1 * * *", "America/New_York", after: "2026-10-31T12:00:00-04:00", "2026-11-01T01:30:00-04:00",
      "2026-11-02T01:30:00-05:00"),
    Row(
      "0 * * * *", "America/New_York", after: "2026-11-01T00:30:00-04:00", "2026-11-01T01:00:00-04:00",
      "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00", "2026-11-01T03:00:00-05:00"),
    Row(
      "0 9 * * 1-5", "America/New_York", after: "2026-03-06T12:00:00-05:00", "2026-03-09T09:00:00-04:00",
      "2026-03-10T09:00:00-04:00"),
    Row(
      "0 0 8 3 0", "America/New_York", after: "2026-03-07T00:00:00-05:00", "2026-03-08T00:00:00-05:00",
      "2026-03-15T00:00:00-04:00"),
    // Havana changes at midnight: 2026-03-08 has no 00:30, 2026-11-01 has two.
    Row(
      "@daily", "America/Havana", after: "2026-03-07T12:00:00-05:00", "2026-03-08T01:00:00-04:00",
      "2026-03-09T00:00:00-04:00"),
    Row(
      "30 0 * * *", "America/Havana", after: "2026-03-07T12:00:00-05:00", "2026-03-08T01:00:00-04:00",
      "2026-03-09T00:30:00-04:00"),
    Row(
      "30 0 * * *", "America/Havana", after: "2026-10-31T12:00:00-04:00", "2026-11-01T00:30:00-04:00",
      "2026-11-02T00:30:00-05:00"),
    Row(
      "@daily", "America/Havana", after: "2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00",
      "2026-11-02T00:00:00-05:00"),
    Row("0 0 8 3 *", "America/Havana", after: "2026-01-01T00:00:00-05:00", "2026-03-08T01:00:00-04:00"),
    Row(
      "0 * * * *", "America/Havana", after: "2026-03-07T22:30:00-05:00", "2026-03-07T23:00:00-05:00",
      "2026-03-08T01:00:00-04:00", "2026-03-08T02:00:00-04:00"),
    // Beirut: 2026-03-29 begins at 01:00, 2026-10-24 has 23:00 twice.
    Row(
      "@daily", "Asia/Beirut", after: "2026-03-28T12:00:00+02:00", "2026-03-29T01:00:00+03:00",
      "2026-03-30T00:00:00+03:00"),
    Row(
      "30 23 * * *", "Asia/Beirut", after: "2026-10-24T12:00:00+03:00", "2026-10-24T23:30:00+03:00",
      "2026-10-25T23:30:00+02:00"),
    Row(
      "@daily", "Asia/Beirut", after: "2026-10-24T12:00:00+03:00", "2026-10-25T00:00:00+02:00",
      "2026-10-26T00:00:00+02:00"),
    Row("45 23 24 10 *", "Asia/Beirut", after: "2026-10-24T23:50:00+03:00", "2027-10-24T23:45:00+03:00"),
    // Lord Howe moves by half an hour: 2026-10-04 02:00 becomes 02:30, 2026-04-05 02:00 becomes 01:30.
    Row(
      "15 2 * * *", "Australia/Lord_Howe", after: "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00",
      "2026-10-05T02:15:00+11:00"),
    Row(
      "30 2 * * *", "Australia/Lord_Howe", after: "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00",
      "2026-10-05T02:30:00+11:00"),
    Row(
      "45 1 * * *", "Australia/Lord_Howe", after: "2026-04-04T12:00:00+11:00", "2026-04-05T01:45:00+11:00",
      "2026-04-06T01:45:00+10:30"),
    Row(
      "15 1 * * *", "Australia/Lord_Howe", after: "2026-04-04T12:00:00+11:00", "2026-04-05T01:15:00+11:00",
      "2026-04-06T01:15:00+10:30"),
    Row(
      "*/15 * * * *", "Australia/Lord_Howe", after: "2026-04-05T01:30:00+11:00", "2026-04-05T01:45:00+11:00",
      "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-05T02:00:00+10:30",
      "2026-04-05T02:15:00+10:30"),
    Row(
      "0 * * * *", "Australia/Lord_Howe", after: "2026-10-04T00:30:00+10:30", "2026-10-04T01:00:00+10:30",
      "2026-10-04T03:00:00+11:00", "2026-10-04T04:00:00+11:00"),
    // Apia left out the whole of 2011-12-30.
    Row(
      "0 12 * * *", "Pacific/Apia", after: "2011-12-28T13:00:00-10:00", "2011-12-29T12:00:00-10:00",
      "2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00", "2012-01-01T12:00:00+14:00"),
    Row("0 12 30 12 *", "Pacific/Apia", after: "2011-12-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
    Row(
      "0 * * * *", "Pacific/Apia", after: "2011-12-29T22:30:00-10:00", "2011-12-29T23:00:00-10:00",
      "2011-12-31T00:00:00+14:00", "2011-12-31T01:00:00+14:00"),
    Row("0 0 31 12 *", "Pacific/Apia", after: "2011-12-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
    Row("0 0 30,31 12 *", "Pacific/Apia", after: "2011-12-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
    // Dublin has standard time in summer and negative daylight saving time in winter.
    Row(
      "30 1 * * *", "Europe/Dublin", after: "2026-03-28T12:00:00Z", "2026-03-29T02:00:00+01:00",
      "2026-03-30T01:30:00+01:00"),
    Row(
      "30 1 * * *", "Europe/Dublin", after: "2026-10-24T12:00:00+01:00", "2026-10-25T01:30:00+01:00",
      "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"),
    Row(
      "0 * * * *", "Europe/Dublin", after: "2026-10-25T00:30:00+01:00", "2026-10-25T01:00:00+01:00",
      "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
    // Gaza's rule counts beyond midnight: the Saturday after the fourth Thursday, 50 hours into the Thursday.
    Row(
      "30 2 * * *", "Asia/Gaza", after: "2094-03-25T12:00:00+02:00", "2094-03-26T02:30:00+02:00",
      "2094-03-27T03:00:00+03:00", "2094-03-28T02:30:00+03:00"),
    // Nuuk changes at a negative time of day.
    Row(
      "30 23 * * *", "America/Nuuk", after: "2027-03-26T12:00:00-02:00", "2027-03-26T23:30:00-02:00",
      "2027-03-28T00:00:00-01:00", "2027-03-28T23:30:00-01:00"),
    // Far beyond what the file lists.
    Row(
      "30 2 * * *", "Europe/Berlin", after: "2400-03-25T12:00:00+01:00", "2400-03-26T03:00:00+02:00",
      "2400-03-27T02:30:00+02:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", after: "9998-03-28T12:00:00+01:00", "9998-03-29T03:00:00+02:00",
      "9998-03-30T02:30:00+02:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", after: "9998-10-24T12:00:00+02:00", "9998-10-25T02:30:00+02:00",
      "9998-10-26T02:30:00+01:00", "9998-10-27T02:30:00+01:00"),
    // No daylight saving time at all.
    Row(
      "30 2 * * *", "Asia/Kolkata", after: "2026-03-28T12:00:00+05:30", "2026-03-29T02:30:00+05:30",
      "2026-03-30T02:30:00+05:30"),
    Row(
      "30 2 * * *", "UTC", after: "2026-03-28T12:00:00Z", "2026-03-29T02:30:00Z",
      "2026-03-30T02:30:00Z"),
  ]

  @Test(arguments: rows) func next(_ row: Row) throws {
    let cron = try ZonedCron(row.expression, row.zone)
    var at = try instant(row.after)
    for expected in row.due {
      at = try #require(cron.next(after: at))
      #expect(at.rfc3339(offset: cron.zone.offset(at: at)) == expected)
    }
  }

  @Test(arguments: rows) func previousGoesTheSameWayBack(_ row: Row) throws {
    let cron = try ZonedCron(row.expression, row.zone)
    let due = try row.due.map { try instant($0) }
    for (earlier, later) in zip(due, due.dropFirst()) { #expect(cron.previous(before: later) == earlier) }
    // Whatever was due before is not later than where the search began, and leads to the same instant.
    let before = try #require(cron.previous(before: due[0]))
    #expect(before <= (try instant(row.after)))
    #expect(cron.next(after: before) == due[0])
  }

  /// The clock goes back over midnight, from the only day that matches and to it.
  @Test func aRepeatedHourAtTheEdgeOfARareDay() throws {
    let havana = try ZonedCron("30 * 1 11 *", "America/Havana")
    let once = try instant("2026-11-01T00:30:00-04:00")
    #expect(havana.previous(before: try instant("2026-11-01T00:10:00-05:00")) == once)
    #expect(havana.next(after: once) == (try instant("2026-11-01T00:30:00-05:00")))
    let beirut = try ZonedCron("30 * 24 10 *", "Asia/Beirut")
    let again = try instant("2026-10-24T23:30:00+02:00")
    #expect(beirut.next(after: try instant("2026-10-24T23:40:00+03:00")) == again)
    #expect(beirut.previous(before: again) == (try instant("2026-10-24T23:30:00+03:00")))
  }

  @Test func fractionsOfASecond() throws {
    let cron = try ZonedCron("* * * * * *", "UTC")
    let second = Timestamp(seconds: 1_000)
    #expect(cron.next(after: Timestamp(microseconds: 999_999_999)) == second)
    #expect(cron.next(after: second) == Timestamp(seconds: 1_001))
    #expect(cron.next(after: Timestamp(microseconds: 1_000_000_001)) == Timestamp(seconds: 1_001))
    #expect(cron.previous(before: Timestamp(microseconds: 1_000_000_001)) == second)
    #expect(cron.previous(before: second) == Timestamp(seconds: 999))
    #expect(cron.previous(before: Timestamp(microseconds: 999_999_999)) == Timestamp(seconds: 999))
  }

  @Test(arguments: ["* * * * * *", "0 0 * * *"]) func endsOfTheRange(_ expression: String) throws {
    for name in ["UTC", "Europe/Berlin", "America/Havana"] {
      let cron = try ZonedCron(expression, name)
      let first = try #require(cron.next(after: Timestamp(microseconds: .min)))
      #expect(first >= ScheduleRange.first)
      #expect(cron.previous(before: first) == nil)
      let last = try #require(cron.previous(before: Timestamp(microseconds: .max)))
      #expect(last <= ScheduleRange.last)
      #expect(cron.next(after: last) == nil)
      #expect(cron.next(after: Timestamp(microseconds: .max)) == nil)
      #expect(cron.previous(before: Timestamp(microseconds: .min)) == nil)
    }
    #expect(try ZonedCron("* * * * * *", "UTC").next(after: Timestamp(seconds: -1)) == Timestamp(seconds: 0))
  }
}
