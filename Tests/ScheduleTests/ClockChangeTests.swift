import Model
import Schedule
import Testing
import ZoneInfo

/// `dst`: what becomes of times that the clock leaves out or shows twice. The expected instants were computed by another
/// program, which goes through every second or minute of real time and looks at the clock.
@Suite struct ClockChangeTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var expression: String
    var zone: String
    var change: ClockChange
    var after: String
    var due: [String]

    init(
      _ expression: String, _ zone: String, gap: ClockChange.Gap = .after, repeat: ClockChange.Repeat = .first,
      after: String, _ due: String...
    ) {
      self.expression = expression
      self.zone = zone
      self.change = ClockChange(gap: gap, repeat: `repeat`)
      self.after = after
      self.due = due
    }

    var testDescription: String { "\(expression) in \(zone), \(change.gap) and \(change.repeat), after \(after)" }

    func cron() throws -> ZonedCron {
      ZonedCron(try CronExpression(expression), in: try zones.zone(named: zone), clockChange: change)
    }
  }

  static let rows: [Row] = [
    // Berlin gap
    Row(
      "30 2 * * *", "Europe/Berlin", gap: .skip, after: "2026-03-28T12:00:00+01:00", "2026-03-30T02:30:00+02:00",
      "2026-03-31T02:30:00+02:00"),
    Row("0 2 * * *", "Europe/Berlin", gap: .skip, after: "2026-03-28T12:00:00+01:00", "2026-03-30T02:00:00+02:00"),
    Row(
      "0 3 * * *", "Europe/Berlin", gap: .skip, after: "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00",
      "2026-03-30T03:00:00+02:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", gap: .skip, after: "2026-03-29T01:30:00+01:00", "2026-03-29T01:40:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00", "2026-03-29T03:40:00+02:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", repeat: .second, after: "2026-03-29T01:30:00+01:00",
      "2026-03-29T01:40:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00", "2026-03-29T03:40:00+02:00"
    ),
    Row(
      "0 */2 * * *", "Europe/Berlin", gap: .skip, repeat: .second, after: "2026-03-28T22:30:00+01:00",
      "2026-03-29T00:00:00+01:00", "2026-03-29T04:00:00+02:00", "2026-03-29T06:00:00+02:00", "2026-03-29T08:00:00+02:00"
    ),
    Row("30 2 29 3 *", "Europe/Berlin", gap: .skip, after: "2026-03-01T00:00:00+01:00", "2027-03-29T02:30:00+02:00"),
    Row(
      "* * * * *", "Europe/Berlin", repeat: .second, after: "2026-03-29T01:58:00+01:00", "2026-03-29T01:59:00+01:00",
      "2026-03-29T03:00:00+02:00", "2026-03-29T03:01:00+02:00"),
    Row(
      "@daily", "Europe/Berlin", gap: .skip, repeat: .second, after: "2026-03-28T12:00:00+01:00",
      "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    // Berlin fold
    Row(
      "30 2 * * *", "Europe/Berlin", repeat: .second, after: "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+01:00",
      "2026-10-26T02:30:00+01:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00",
      "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-25T02:40:00+02:00", "2026-10-25T02:30:00+01:00",
      "2026-10-26T02:30:00+01:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", repeat: .second, after: "2026-10-25T02:40:00+02:00", "2026-10-25T02:30:00+01:00",
      "2026-10-26T02:30:00+01:00"),
    Row(
      "30 2 * * *", "Europe/Berlin", after: "2026-10-25T02:10:00+02:00", "2026-10-25T02:30:00+02:00",
      "2026-10-26T02:30:00+01:00"),
    Row(
      "0 2 * * *", "Europe/Berlin", repeat: .second, after: "2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+01:00",
      "2026-10-26T02:00:00+01:00"),
    Row(
      "0 3 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-25T00:00:00+02:00", "2026-10-25T03:00:00+01:00",
      "2026-10-26T03:00:00+01:00"),
    Row(
      "59 1 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-25T00:00:00+02:00", "2026-10-25T01:59:00+02:00",
      "2026-10-26T01:59:00+01:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", repeat: .second, after: "2026-10-25T01:20:00+02:00",
      "2026-10-25T01:40:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:20:00+01:00",
      "2026-10-25T02:40:00+01:00", "2026-10-25T03:00:00+01:00"),
    Row(
      "*/20 1-3 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-25T01:20:00+02:00", "2026-10-25T01:40:00+02:00",
      "2026-10-25T02:00:00+02:00", "2026-10-25T02:20:00+02:00", "2026-10-25T02:40:00+02:00",
      "2026-10-25T02:00:00+01:00", "2026-10-25T02:20:00+01:00", "2026-10-25T02:40:00+01:00", "2026-10-25T03:00:00+01:00"
    ),
    Row(
      "0 */2 * * *", "Europe/Berlin", repeat: .both, after: "2026-10-24T23:30:00+02:00", "2026-10-25T00:00:00+02:00",
      "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T04:00:00+01:00"),
    Row(
      "0 * * * *", "Europe/Berlin", gap: .skip, repeat: .second, after: "2026-10-25T01:30:00+02:00",
      "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"),
    Row(
      "0 30 2 25 10 * 2026", "Europe/Berlin", repeat: .second, after: "2026-10-01T00:00:00+02:00",
      "2026-10-25T02:30:00+01:00"),
    Row(
      "0 30 2 25 10 * 2026", "Europe/Berlin", repeat: .both, after: "2026-10-01T00:00:00+02:00",
      "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
    // New York (robfig)
    Row(
      "0 30 2 11 Mar ?", "America/New_York", gap: .skip, after: "2012-03-11T00:00:00-05:00", "2013-03-11T02:30:00-04:00"
    ),
    Row(
      "0 0 1 * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-03-11T00:00:00-05:00",
      "2012-03-11T01:00:00-05:00", "2012-03-12T01:00:00-04:00"),
    Row(
      "0 0 2 * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-03-11T00:00:00-05:00",
      "2012-03-12T02:00:00-04:00"),
    Row(
      "0 30 2 04 Nov ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T00:00:00-04:00",
      "2012-11-04T02:30:00-05:00"),
    Row(
      "0 30 1 04 Nov ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T01:45:00-04:00",
      "2012-11-04T01:30:00-05:00"),
    Row(
      "0 0 1 * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T00:00:00-04:00",
      "2012-11-04T01:00:00-04:00", "2012-11-04T01:00:00-05:00", "2012-11-05T01:00:00-05:00"),
    Row(
      "0 0 2 * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T00:00:00-04:00",
      "2012-11-04T02:00:00-05:00", "2012-11-05T02:00:00-05:00"),
    Row(
      "0 0 3 * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T00:00:00-04:00",
      "2012-11-04T03:00:00-05:00", "2012-11-05T03:00:00-05:00"),
    Row(
      "0 0 3 3 * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-11-04T00:00:00-04:00",
      "2012-12-03T03:00:00-05:00"),
    Row(
      "0 0 * * * ?", "America/New_York", gap: .skip, repeat: .both, after: "2012-03-11T00:00:00-05:00",
      "2012-03-11T01:00:00-05:00", "2012-03-11T03:00:00-04:00", "2012-03-11T04:00:00-04:00", "2012-03-11T05:00:00-04:00"
    ),
    Row(
      "0 0 * * * ?", "America/New_York", gap: .skip, after: "2012-11-04T00:00:00-04:00", "2012-11-04T01:00:00-04:00",
      "2012-11-04T01:00:00-05:00", "2012-11-04T02:00:00-05:00"),
    // Sao Paulo: midnight, 2018-11-04 00:00 -> 01:00 ; 2018-02-18 00:00 -> 2018-02-17 23:00
    Row(
      "@daily", "America/Sao_Paulo", after: "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00",
      "2018-11-05T00:00:00-02:00"),
    Row(
      "@daily", "America/Sao_Paulo", gap: .skip, after: "2018-11-03T12:00:00-03:00", "2018-11-05T00:00:00-02:00",
      "2018-11-06T00:00:00-02:00"),
    Row("30 0 4 11 *", "America/Sao_Paulo", after: "2018-10-01T12:00:00-03:00", "2018-11-04T01:00:00-02:00"),
    Row(
      "30 23 * * *", "America/Sao_Paulo", after: "2018-02-17T12:00:00-02:00", "2018-02-17T23:30:00-02:00",
      "2018-02-18T23:30:00-03:00"),
    Row(
      "30 23 * * *", "America/Sao_Paulo", repeat: .second, after: "2018-02-17T12:00:00-02:00",
      "2018-02-17T23:30:00-03:00", "2018-02-18T23:30:00-03:00"),
    Row(
      "30 23 * * *", "America/Sao_Paulo", repeat: .both, after: "2018-02-17T12:00:00-02:00",
      "2018-02-17T23:30:00-02:00", "2018-02-17T23:30:00-03:00", "2018-02-18T23:30:00-03:00"),
    Row(
      "@daily", "America/Sao_Paulo", repeat: .both, after: "2018-02-17T12:00:00-02:00", "2018-02-18T00:00:00-03:00",
      "2018-02-19T00:00:00-03:00"),
    Row("0 0 9 10 * ?", "America/Sao_Paulo", after: "2018-10-17T05:00:00-03:00", "2018-11-10T09:00:00-02:00"),
    Row("0 0 9 22 * ?", "America/Sao_Paulo", after: "2018-02-14T05:00:00-02:00", "2018-02-22T09:00:00-03:00"),
    Row(
      "0 * 4 11 *", "America/Sao_Paulo", after: "2018-11-03T22:30:00-03:00", "2018-11-04T01:00:00-02:00",
      "2018-11-04T02:00:00-02:00"),
    Row(
      "30 * 17 2 *", "America/Sao_Paulo", after: "2018-02-17T22:30:00-02:00", "2018-02-17T23:30:00-02:00",
      "2018-02-17T23:30:00-03:00"),
    // Cairo: 2026-04-24 00:00 -> 01:00 (Friday), 2026-10-29 24:00 -> 23:00
    Row(
      "@daily", "Africa/Cairo", after: "2026-04-23T12:00:00+02:00", "2026-04-24T01:00:00+03:00",
      "2026-04-25T00:00:00+03:00"),
    Row(
      "@daily", "Africa/Cairo", gap: .skip, after: "2026-04-23T12:00:00+02:00", "2026-04-25T00:00:00+03:00",
      "2026-04-26T00:00:00+03:00"),
    Row(
      "0 0 * * FRI#L", "Africa/Cairo", after: "2026-04-01T12:00:00+02:00", "2026-04-24T01:00:00+03:00",
      "2026-05-29T00:00:00+03:00"),
    Row(
      "45 23 * * *", "Africa/Cairo", repeat: .second, after: "2026-10-29T12:00:00+03:00", "2026-10-29T23:45:00+02:00",
      "2026-10-30T23:45:00+02:00"),
    Row(
      "45 23 * * *", "Africa/Cairo", repeat: .both, after: "2026-10-29T12:00:00+03:00", "2026-10-29T23:45:00+03:00",
      "2026-10-29T23:45:00+02:00", "2026-10-30T23:45:00+02:00"),
    Row(
      "59 23 * * THU#L", "Africa/Cairo", repeat: .both, after: "2026-10-01T12:00:00+03:00", "2026-10-29T23:59:00+03:00",
      "2026-10-29T23:59:00+02:00"),
    // Beirut
    Row(
      "@daily", "Asia/Beirut", gap: .skip, after: "2026-03-28T12:00:00+02:00", "2026-03-30T00:00:00+03:00",
      "2026-03-31T00:00:00+03:00"),
    Row(
      "30 0 * * *", "Asia/Beirut", gap: .skip, repeat: .both, after: "2026-03-28T12:00:00+02:00",
      "2026-03-30T00:30:00+03:00"),
    Row(
      "30 23 * * *", "Asia/Beirut", repeat: .second, after: "2026-10-24T12:00:00+03:00", "2026-10-24T23:30:00+02:00",
      "2026-10-25T23:30:00+02:00"),
    Row(
      "30 23 * * *", "Asia/Beirut", repeat: .both, after: "2026-10-24T12:00:00+03:00", "2026-10-24T23:30:00+03:00",
      "2026-10-24T23:30:00+02:00", "2026-10-25T23:30:00+02:00"),
    // Santiago: 2026-04-05 00:00 -> 2026-04-04 23:00 ; 2026-09-06 00:00 -> 01:00
    Row(
      "@daily", "America/Santiago", after: "2026-09-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00",
      "2026-09-07T00:00:00-03:00"),
    Row("@daily", "America/Santiago", gap: .skip, after: "2026-09-05T12:00:00-04:00", "2026-09-07T00:00:00-03:00"),
    Row(
      "0,30 0,1 * * *", "America/Santiago", after: "2026-09-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00",
      "2026-09-06T01:30:00-03:00", "2026-09-07T00:00:00-03:00"),
    Row(
      "30 23 * * SAT", "America/Santiago", repeat: .both, after: "2026-04-01T12:00:00-03:00",
      "2026-04-04T23:30:00-03:00", "2026-04-04T23:30:00-04:00", "2026-04-11T23:30:00-04:00"),
    Row(
      "30 23 * * SAT", "America/Santiago", repeat: .second, after: "2026-04-01T12:00:00-03:00",
      "2026-04-04T23:30:00-04:00", "2026-04-11T23:30:00-04:00"),
    Row(
      "0 23 4 4 *", "America/Santiago", repeat: .second, after: "2026-04-01T12:00:00-03:00", "2026-04-04T23:00:00-04:00"
    ),
    // Lord Howe
    Row(
      "15 2 * * *", "Australia/Lord_Howe", gap: .skip, after: "2026-10-03T12:00:00+10:30", "2026-10-05T02:15:00+11:00",
      "2026-10-06T02:15:00+11:00"),
    Row(
      "30 2 * * *", "Australia/Lord_Howe", gap: .skip, after: "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00"),
    Row(
      "*/10 2 * * *", "Australia/Lord_Howe", after: "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00",
      "2026-10-04T02:40:00+11:00", "2026-10-04T02:50:00+11:00", "2026-10-05T02:00:00+11:00"),
    Row(
      "*/10 2 * * *", "Australia/Lord_Howe", gap: .skip, after: "2026-10-03T12:00:00+10:30",
      "2026-10-04T02:30:00+11:00", "2026-10-04T02:40:00+11:00", "2026-10-04T02:50:00+11:00", "2026-10-05T02:00:00+11:00"
    ),
    Row(
      "45 1 * * *", "Australia/Lord_Howe", repeat: .second, after: "2026-04-04T12:00:00+11:00",
      "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30"),
    Row(
      "45 1 * * *", "Australia/Lord_Howe", repeat: .both, after: "2026-04-04T12:00:00+11:00",
      "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30"),
    Row(
      "15 1 * * *", "Australia/Lord_Howe", repeat: .both, after: "2026-04-04T12:00:00+11:00",
      "2026-04-05T01:15:00+11:00", "2026-04-06T01:15:00+10:30"),
    Row(
      "*/15 1 * * *", "Australia/Lord_Howe", repeat: .second, after: "2026-04-04T20:00:00+11:00",
      "2026-04-05T01:00:00+11:00", "2026-04-05T01:15:00+11:00", "2026-04-05T01:30:00+10:30",
      "2026-04-05T01:45:00+10:30", "2026-04-06T01:00:00+10:30"),
    Row(
      "*/15 1 * * *", "Australia/Lord_Howe", repeat: .both, after: "2026-04-04T20:00:00+11:00",
      "2026-04-05T01:00:00+11:00", "2026-04-05T01:15:00+11:00", "2026-04-05T01:30:00+11:00",
      "2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-06T01:00:00+10:30"
    ),
    // Apia
    Row(
      "0 12 * * *", "Pacific/Apia", gap: .skip, after: "2011-12-28T13:00:00-10:00", "2011-12-29T12:00:00-10:00",
      "2011-12-31T12:00:00+14:00", "2012-01-01T12:00:00+14:00"),
    Row("0 12 30 12 *", "Pacific/Apia", gap: .skip, after: "2011-12-01T00:00:00-10:00", "2012-12-30T12:00:00+14:00"),
    Row("0 0 30,31 12 *", "Pacific/Apia", gap: .skip, after: "2011-12-01T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
    Row(
      "0 0 * * FRI", "Pacific/Apia", after: "2011-12-23T12:00:00-10:00", "2011-12-31T00:00:00+14:00",
      "2012-01-06T00:00:00+14:00"),
    Row("0 0 * * FRI", "Pacific/Apia", gap: .skip, after: "2011-12-23T12:00:00-10:00", "2012-01-06T00:00:00+14:00"),
    Row(
      "0 6,18 * * *", "Pacific/Apia", repeat: .both, after: "2011-12-29T12:00:00-10:00", "2011-12-29T18:00:00-10:00",
      "2011-12-31T00:00:00+14:00", "2011-12-31T06:00:00+14:00", "2011-12-31T18:00:00+14:00"),
    // Dublin
    Row(
      "30 1 * * *", "Europe/Dublin", gap: .skip, after: "2026-03-28T12:00:00Z", "2026-03-30T01:30:00+01:00",
      "2026-03-31T01:30:00+01:00"),
    Row(
      "30 1 * * *", "Europe/Dublin", repeat: .second, after: "2026-10-24T12:00:00+01:00", "2026-10-25T01:30:00Z",
      "2026-10-26T01:30:00Z"),
    Row(
      "30 1 * * *", "Europe/Dublin", repeat: .both, after: "2026-10-24T12:00:00+01:00", "2026-10-25T01:30:00+01:00",
      "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"),
    // Casablanca: 2026-02-15 03:00 -> 02:00; 2026-03-22 02:00 -> 03:00
    Row(
      "30 2 * * *", "Africa/Casablanca", after: "2026-02-14T12:00:00+01:00", "2026-02-15T02:30:00+01:00",
      "2026-02-16T02:30:00Z"),
    Row(
      "30 2 * * *", "Africa/Casablanca", repeat: .second, after: "2026-02-14T12:00:00+01:00", "2026-02-15T02:30:00Z",
      "2026-02-16T02:30:00Z"),
    Row(
      "30 2 * * *", "Africa/Casablanca", repeat: .both, after: "2026-02-14T12:00:00+01:00", "2026-02-15T02:30:00+01:00",
      "2026-02-15T02:30:00Z", "2026-02-16T02:30:00Z"),
    Row(
      "30 2 * * *", "Africa/Casablanca", after: "2026-03-21T12:00:00Z", "2026-03-22T03:00:00+01:00",
      "2026-03-23T02:30:00+01:00"),
    Row(
      "30 2 * * *", "Africa/Casablanca", gap: .skip, after: "2026-03-21T12:00:00Z", "2026-03-23T02:30:00+01:00",
      "2026-03-24T02:30:00+01:00"),
    // Havana
    Row("30 0 * * *", "America/Havana", gap: .skip, after: "2026-03-07T12:00:00-05:00", "2026-03-09T00:30:00-04:00"),
    Row(
      "30 0 * * *", "America/Havana", repeat: .second, after: "2026-10-31T12:00:00-04:00", "2026-11-01T00:30:00-05:00",
      "2026-11-02T00:30:00-05:00"),
    Row(
      "@daily", "America/Havana", repeat: .both, after: "2026-10-31T12:00:00-04:00", "2026-11-01T00:00:00-04:00",
      "2026-11-01T00:00:00-05:00", "2026-11-02T00:00:00-05:00"),
    // Gaza, Nuuk
    Row(
      "30 23 * * *", "America/Nuuk", gap: .skip, after: "2027-03-26T12:00:00-02:00", "2027-03-26T23:30:00-02:00",
      "2027-03-28T23:30:00-01:00"),
    // Without change
    Row(
      "30 2 * * *", "Asia/Kolkata", gap: .skip, repeat: .both, after: "2026-03-28T12:00:00+05:30",
      "2026-03-29T02:30:00+05:30", "2026-03-30T02:30:00+05:30"),
  ]

  @Test(arguments: rows) func next(_ row: Row) throws {
    let cron = try row.cron()
    var at = try instant(row.after)
    for expected in row.due {
      at = try #require(cron.next(after: at))
      #expect(at.rfc3339(offset: cron.zone.offset(at: at)) == expected)
    }
  }

  @Test(arguments: rows) func previousGoesTheSameWayBack(_ row: Row) throws {
    let cron = try row.cron()
    let due = try row.due.map { try instant($0) }
    for (earlier, later) in zip(due, due.dropFirst()) { #expect(cron.previous(before: later) == earlier) }
    guard let before = cron.previous(before: due[0]) else { return }
    #expect(before <= (try instant(row.after)))
    #expect(cron.next(after: before) == due[0])
  }

  /// The second showing of the very last time that an expression has.
  @Test func theLastTimeOfAllMayBeRepeated() throws {
    let expression = try CronExpression("0 30 2 25 10 * 2026")
    let berlin = try zone("Europe/Berlin")
    let first = try instant("2026-10-25T02:30:00+02:00")
    let second = try instant("2026-10-25T02:30:00+01:00")
    let expected: [(ClockChange.Repeat, [Timestamp])] = [
      (.first, [first]), (.second, [second]), (.both, [first, second]),
    ]
    for (change, due) in expected {
      let cron = ZonedCron(expression, in: berlin, clockChange: ClockChange(repeat: change))
      var found: [Timestamp] = []
      var at = Timestamp(seconds: 0)
      while let next = cron.next(after: at) {
        found.append(next)
        at = next
      }
      #expect(found == due)
      #expect(cron.previous(before: Timestamp(microseconds: .max)) == due.last)
      #expect(cron.previous(before: due[0]) == nil)
    }
  }

  /// The trigger's `dst` and the job's name reach the schedule.
  @Test func triggersPassThemOn() throws {
    func schedule(_ change: ClockChange, _ text: String = "30 2 * * *") throws -> JobSchedule {
      let trigger = Trigger.cron(expression: text, timezone: "Europe/Berlin", clockChange: change)
      return try JobSchedule([trigger], of: try JobName("orders/backup")) { name throws(ScheduleError) in
        try zones.zone(named: name)
      }
    }
    let before = try instant("2026-10-24T12:00:00+02:00")
    let second = try instant("2026-10-25T02:30:00+01:00")
    #expect(try schedule(ClockChange()).next(after: before) == instant("2026-10-25T02:30:00+02:00"))
    #expect(try schedule(ClockChange(repeat: .second)).next(after: before) == second)
    let gap = try instant("2026-03-28T12:00:00+01:00")
    #expect(try schedule(ClockChange(gap: .skip)).next(after: gap) == instant("2026-03-30T02:30:00+02:00"))
    let hashed = try CronExpression("H H * * *", hashing: "orders/backup")
    let next = try schedule(ClockChange(), "H H * * *").next(after: before)
    #expect(next == ZonedCron(hashed, in: try zone("Europe/Berlin")).next(after: before))
  }
}
