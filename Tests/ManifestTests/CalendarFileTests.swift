// iCalendar files, through a calendar of belfry.yaml that names one.

import Manifest
import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

/// The lines of one file with the frame around them left out.
struct EventRow: Sendable, CustomTestStringConvertible {
  var name: String
  /// The lines of one VEVENT, or with `BEGIN:` of whatever.
  var lines: [String]
  /// One for each window, see `describe`.
  var gives: [String] = []
  /// `line:column: message; suggestion`, of the file.
  var says: [String] = []
  var testDescription: String { name }
}

/// A commit of one job that is blacked out by the calendar `c` of one file.
func commit(ics: String, timezone: String = "Europe/Berlin") -> Commit {
  Commit([
    "belfry.yaml": "belfry: 1\ncalendars: {c: {timezone: \(timezone), ics: c.ics}}\n", "c.ics": ics,
    "scripts/a.sh": "#!/bin/sh\n",
    "jobs/a.yaml": "job: a\ntriggers: [{every: 1m}]\nblackout: [c]\nrun: {script: scripts/a.sh}\n",
  ])
}

extension Calendar.Window {
  /// In a form that a row can hold.
  var described: String {
    switch self {
    case .days(let first, let last): return first == last ? "\(first)" : "\(first)..\(last)"
    case .span(let from, let to): return "\(from)..\(to)"
    case .weekly(let days, let from, let to): return "weekly \(days) \(from) \(to)"
    case .cron(let expression, let length): return "cron \(expression) \(length.manifestText)"
    case .recurring(let rule):
      var text = "\(rule.frequency) from \(Self.text(rule.start)) \(rule.timezone) for "
      if rule.days > 0 { text += "\(rule.days) days" }
      if rule.length > .zero { text += rule.length.manifestText }
      if rule.interval > 1 { text += " interval \(rule.interval)" }
      if let count = rule.count { text += " count \(count)" }
      if let until = rule.until { text += " until \(until)" }
      if !rule.byMonth.isEmpty { text += " months \(rule.byMonth)" }
      if !rule.byMonthDay.isEmpty { text += " days \(rule.byMonthDay)" }
      if !rule.byDay.isEmpty {
        text += " weekdays \(rule.byDay.map { "\($0.ordinal.map { "\($0)/" } ?? "")\($0.day)" })"
      }
      if rule.weekStart != 1 { text += " weeks from \(rule.weekStart)" }
      if !rule.excluded.isEmpty { text += " but \(rule.excluded.map(Self.text))" }
      return text
    }
  }

  private static func text(_ time: CivilTime) -> String {
    String(Timestamp(seconds: time.secondsSinceEpoch).description.dropLast(4))
  }
}

@Suite struct CalendarFileTests {
  static let day = "DTSTART;VALUE=DATE:20261224"
  static let time = "DTSTART;TZID=Europe/Berlin:20261224T120000"

  static let good: [EventRow] = [
    EventRow(name: "a day", lines: [day], gives: ["2026-12-24"]),
    EventRow(name: "a day with its end", lines: [day, "DTEND;VALUE=DATE:20261227"], gives: ["2026-12-24..2026-12-26"]),
    EventRow(name: "a day with its length", lines: [day, "DURATION:P1W"], gives: ["2026-12-24..2026-12-30"]),
    EventRow(name: "a date that does not say so", lines: ["DTSTART:20261224"], gives: ["2026-12-24"]),
    EventRow(
      name: "a time that says it is a date and time",
      lines: ["DTSTART;VALUE=DATE-TIME:20261224T120000Z", "DURATION:PT1H"],
      gives: ["2026-12-24T12:00:00Z..2026-12-24T13:00:00Z"]),
    EventRow(
      name: "UTC", lines: ["DTSTART:20261224T120000Z", "DTEND:20261224T180000Z"],
      gives: ["2026-12-24T12:00:00Z..2026-12-24T18:00:00Z"]),
    EventRow(
      name: "floating", lines: ["DTSTART:20261224T120000", "DTEND:20261224T180000"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T17:00:00Z"]),
    EventRow(
      name: "a zone", lines: ["DTSTART;TZID=America/New_York:20261224T120000", "DURATION:PT1H30M"],
      gives: ["2026-12-24T17:00:00Z..2026-12-24T18:30:00Z"]),
    EventRow(
      name: "two zones", lines: [time, "DTEND;TZID=America/New_York:20261224T120000"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T17:00:00Z"]),
    EventRow(
      name: "a quoted zone", lines: ["DTSTART;TZID=\"Europe/Berlin\";X-A=\"b:c;d\":20261224T120000", "DURATION:PT1S"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T11:00:01Z"]),
    EventRow(
      name: "a prefix",
      lines: [
        "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20261224T120000", "DURATION:P1DT1H",
      ], gives: ["2026-12-24T11:00:00Z..2026-12-25T12:00:00Z"]),
    EventRow(
      name: "a name of Windows", lines: ["DTSTART;TZID=W. Europe Standard Time:20261224T120000", "DURATION:PT1H"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T12:00:00Z"]),
    EventRow(
      name: "lower case", lines: ["dtstart;tzid=Europe/Berlin:20261224T120000", "duration:PT1H"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T12:00:00Z"]),
    EventRow(
      name: "folded lines", lines: ["DTSTART;TZID=Euro", " pe/Ber", "\tlin:2026", " 1224T120000", "DURATION:PT1H"],
      gives: ["2026-12-24T11:00:00Z..2026-12-24T12:00:00Z"]),
    EventRow(
      name: "a leap second", lines: ["DTSTART:20161231T235960Z", "DURATION:PT1S"],
      gives: ["2016-12-31T23:59:59Z..2017-01-01T00:00:00Z"]),
    EventRow(
      name: "a gap", lines: ["DTSTART:20260329T023000", "DURATION:PT1H"],
      gives: ["2026-03-29T01:30:00Z..2026-03-29T02:30:00Z"]),
    EventRow(name: "cancelled", lines: [day, "STATUS:CANCELLED"]),
    EventRow(name: "free time is taken too", lines: [day, "TRANSP:TRANSPARENT"], gives: ["2026-12-24"]),
    EventRow(
      name: "an alarm within", lines: [day, "BEGIN:VALARM", "TRIGGER:-PT15M", "DURATION:nonsense", "END:VALARM"],
      gives: ["2026-12-24"]),
    EventRow(name: "before 1970", lines: ["DTSTART:19600101T000000Z", "DURATION:P1D"]),
    EventRow(
      name: "over 1970", lines: ["DTSTART:19691231T000000Z", "DURATION:P2D"],
      gives: ["1970-01-01T00:00:00Z..1970-01-02T00:00:00Z"]),
    EventRow(
      name: "yearly", lines: [day, "RRULE:FREQ=YEARLY"],
      gives: ["yearly from 2026-12-24T00:00 Europe/Berlin for 1 days"]),
    EventRow(
      name: "a birthday of long ago", lines: ["DTSTART;VALUE=DATE:16040229", "RRULE:FREQ=YEARLY"],
      gives: ["yearly from 1604-02-29T00:00 Europe/Berlin for 1 days"]),
    EventRow(
      name: "everything",
      lines: [
        time, "DTEND;TZID=Europe/Berlin:20261224T133000",
        "RRULE:FREQ=MONTHLY;INTERVAL=2;UNTIL=20271231T225959Z;BYMONTH=12,2;BYDAY=1MO,-1FR,TH;WKST=SU;",
        "EXDATE;TZID=Europe/Berlin:20270201T120000,20271224T120000", "EXDATE:20270205T110000Z",
      ],
      gives: [
        "monthly from 2026-12-24T12:00 Europe/Berlin for 1h30m interval 2 until 2027-12-31T22:59:59Z months [2, 12] "
          + "weekdays [\"1/1\", \"-1/5\", \"4\"] weeks from 0 but [\"2027-02-01T12:00\", \"2027-02-05T12:00\", "
          + "\"2027-12-24T12:00\"]"
      ]),
    EventRow(
      name: "days of the month", lines: [time, "DURATION:P1D", "RRULE:FREQ=MONTHLY;COUNT=10000;BYMONTHDAY=1,-1"],
      gives: ["monthly from 2026-12-24T12:00 Europe/Berlin for 1 days count 10000 days [1, -1]"]),
    EventRow(
      name: "until a date", lines: [day, "RRULE:FREQ=DAILY;UNTIL=20261231"],
      gives: ["daily from 2026-12-24T00:00 Europe/Berlin for 1 days until 2026-12-30T23:00:00Z"]),
    EventRow(
      name: "a time until a date", lines: [time, "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20261231"],
      gives: ["daily from 2026-12-24T12:00 Europe/Berlin for 1h until 2026-12-31T22:59:59Z"]),
    EventRow(
      name: "a start that is moved",
      lines: [
        time, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "UID:a", "END:VEVENT", "BEGIN:VEVENT", "UID:a",
        "RECURRENCE-ID:20261225T110000Z", "DTSTART;TZID=Europe/Berlin:20261225T200000", "DURATION:PT2H",
      ],
      gives: [
        "2026-12-25T19:00:00Z..2026-12-25T21:00:00Z",
        "daily from 2026-12-24T12:00 Europe/Berlin for 1h count 3 but [\"2026-12-25T12:00\"]",
      ]),
    EventRow(
      name: "a start that is cancelled",
      lines: [
        "UID:a", "RECURRENCE-ID;VALUE=DATE:20261225", "STATUS:CANCELLED", day, "END:VEVENT", "BEGIN:VEVENT", day,
        "RRULE:FREQ=DAILY;COUNT=3", "UID:a",
      ], gives: ["daily from 2026-12-24T00:00 Europe/Berlin for 1 days count 3 but [\"2026-12-25T00:00\"]"]),
    EventRow(
      name: "a start of nothing that is moved", lines: ["UID:a", "RECURRENCE-ID;VALUE=DATE:20261225", day],
      gives: ["2026-12-24"],
      says: [
        "4:1: no event that repeats has the UID of this RECURRENCE-ID; is the event with the RRULE in another file?"
      ]),
    EventRow(
      name: "a start of a series that is cancelled",
      lines: [
        "UID:a", day, "RRULE:FREQ=DAILY", "STATUS:CANCELLED", "END:VEVENT", "BEGIN:VEVENT", "UID:a",
        "RECURRENCE-ID;VALUE=DATE:20261225", day,
      ], gives: ["2026-12-24"]),
    EventRow(
      name: "until the end of time, west of UTC",
      lines: [
        "DTSTART;TZID=America/New_York:20261224T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=99991231T235959",
      ], gives: ["daily from 2026-12-24T12:00 America/New_York for 1h until 9999-12-31T23:59:59Z"]),
    EventRow(
      name: "a start of the year 1 that is left out",
      lines: [day, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:00010101"],
      gives: ["daily from 2026-12-24T00:00 Europe/Berlin for 1 days count 2 but [\"0001-01-01T00:00\"]"]),
    EventRow(
      name: "over the end of time", lines: ["DTSTART;VALUE=DATE:99991230", "DURATION:P30D"],
      gives: ["9999-12-30..9999-12-31"]),
    EventRow(
      name: "times over the end of time", lines: ["DTSTART:99991230T120000Z", "DURATION:P30D"],
      gives: ["9999-12-30T12:00:00Z..9999-12-31T23:59:59Z"]),
    EventRow(
      name: "starts of no year that are left out",
      lines: [
        "DTSTART;TZID=Asia/Kolkata:20261224T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=19500101",
        "EXDATE:99991231T235959Z", "EXDATE;TZID=Pacific/Apia:00010101T000000", "EXDATE:20261225T063000Z",
      ],
      gives: [
        "daily from 2026-12-24T12:00 Asia/Kolkata for 1h until 1970-01-01T00:00:00Z but [\"2026-12-25T12:00\"]"
      ]),
    EventRow(
      name: "days that touch are one",
      lines: [
        day, "END:VEVENT", "BEGIN:VEVENT", "DTSTART;VALUE=DATE:20261226", "END:VEVENT", "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20261225",
      ], gives: ["2026-12-24..2026-12-26"]),
    EventRow(
      name: "no length", lines: [time],
      says: ["3:1: the event has no length, so it is never in force; add a DTEND"]),
  ]

  static let bad: [EventRow] = [
    EventRow(name: "no start", lines: ["SUMMARY:x"], says: ["2:1: the event has no DTSTART"]),
    EventRow(
      name: "no date", lines: ["DTSTART;VALUE=DATE:20260230"],
      says: ["3:20: DTSTART wants a date such as 20261224 or a time such as 20261224T120000, not '20260230'"]),
    EventRow(
      name: "no time", lines: ["DTSTART:20261224T250000", "DURATION:PT1H"],
      says: ["3:9: DTSTART wants a date such as 20261224 or a time such as 20261224T120000, not '20261224T250000'"]),
    EventRow(
      name: "a time that is said to be a date", lines: ["DTSTART;VALUE=DATE:20261224T000000"],
      says: ["3:20: DTSTART is said to be a DATE and is none; leave the time of day out"]),
    EventRow(
      name: "a period", lines: ["DTSTART;VALUE=PERIOD:20261224T000000"],
      says: ["3:1: DTSTART with VALUE=PERIOD is not supported"]),
    EventRow(
      name: "an unknown zone", lines: ["DTSTART;TZID=Europe/Berln:20261224T120000", "DURATION:PT1H"],
      says: ["3:9: TZID 'Europe/Berln' is no IANA time zone; did you mean 'Europe/Berlin'?"]),
    EventRow(
      name: "the end before the start", lines: [day, "DTEND;VALUE=DATE:20261223"],
      says: ["4:18: DTEND is before DTSTART; DTEND is the day after the last; leave it out for one day"]),
    EventRow(
      name: "the end on the day", lines: [day, "DTEND;VALUE=DATE:20261224"],
      says: ["4:18: DTEND is the day of DTSTART; DTEND is the day after the last; leave it out for one day"]),
    EventRow(
      name: "the end at the start", lines: [time, "DTEND:20261224T110000Z"],
      says: ["4:7: DTEND is not later than DTSTART"]),
    EventRow(
      name: "a time as a date's end", lines: [day, "DTEND:20261225T000000"],
      says: ["4:7: DTSTART is a date and DTEND is none"]),
    EventRow(
      name: "an end and a length", lines: [day, "DTEND;VALUE=DATE:20261225", "DURATION:P1D"],
      says: ["5:1: an event has DTEND or DURATION, not both"]),
    EventRow(
      name: "a negative length", lines: [time, "DURATION:-PT1H"],
      says: ["4:10: DURATION wants a length such as P1D or PT1H30M, not '-PT1H'"]),
    EventRow(
      name: "an endless length", lines: [time, "DURATION:P999999999W"],
      says: ["4:10: DURATION wants a length such as P1D or PT1H30M, not 'P999999999W'"]),
    EventRow(
      name: "units in disorder", lines: [time, "DURATION:PT1M1H"],
      says: ["4:10: DURATION wants a length such as P1D or PT1H30M, not 'PT1M1H'"]),
    EventRow(
      name: "hours of a day", lines: [day, "DURATION:PT1H"],
      says: ["4:10: an event of whole days lasts whole days; such as P1D"]),
    EventRow(
      name: "RDATE", lines: [day, "RDATE;VALUE=DATE:20261225"],
      says: ["4:1: RDATE is not supported; make each of its dates an event of its own"]),
    EventRow(
      name: "EXRULE", lines: [day, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"],
      says: ["5:1: EXRULE is not supported; name the days in EXDATE"]),
    EventRow(
      name: "two rules", lines: [day, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"],
      says: ["5:1: a second RRULE in one event"]),
    EventRow(
      name: "hourly", lines: [time, "DURATION:PT1M", "RRULE:FREQ=HOURLY"],
      says: ["5:12: FREQ=HOURLY is not supported; write it under 'cron' of the calendar"]),
    EventRow(
      name: "no frequency", lines: [day, "RRULE:COUNT=3"], says: ["4:7: the rule has no FREQ; such as 'FREQ=YEARLY'"]),
    EventRow(
      name: "an unknown frequency", lines: [day, "RRULE:FREQ=YEARLI"],
      says: ["4:12: FREQ wants DAILY, WEEKLY, MONTHLY or YEARLY, not 'YEARLI'"]),
    EventRow(
      name: "unsupported parts",
      lines: [day, "RRULE:FREQ=MONTHLY;BYSETPOS=1;BYWEEKNO=2;BYYEARDAY=3;BYHOUR=4;BYDAI=MO"],
      says: [
        "4:20: BYSETPOS is not supported", "4:31: BYWEEKNO is not supported", "4:42: BYYEARDAY is not supported",
        "4:54: BYHOUR is not supported", "4:63: unknown part 'BYDAI' of a rule; did you mean 'BYDAY'?",
      ]),
    EventRow(
      name: "bad values",
      lines: [
        day, "RRULE:FREQ=YEARLY;INTERVAL=0;COUNT=10001;BYMONTH=13;BYMONTHDAY=0;BYDAY=XX;WKST=1MO;UNTIL=never",
      ],
      says: [
        "4:28: INTERVAL wants a number from 1 to 10000, not '0'",
        "4:36: COUNT wants a number from 1 to 10000, not '10001'",
        "4:50: BYMONTH wants a number from 1 to 12, not '13'",
        "4:64: BYMONTHDAY wants a number from -31 to 31 but 0, not '0'",
        "4:72: BYDAY wants SU, MO, TU, WE, TH, FR or SA, not 'XX'", "4:80: WKST takes no number before the weekday",
        "4:90: UNTIL wants a date such as 20261231 or a time such as 20261231T225959Z, not 'never'",
      ]),
    EventRow(
      name: "a folded rule", lines: [day, "RRULE:FREQ=YEARLY;", " BYMONTH=1", " 3"],
      says: ["5:10: BYMONTH wants a number from 1 to 12, not '13'"]),
    EventRow(
      name: "a number before a weekday of a week", lines: [day, "RRULE:FREQ=WEEKLY;BYDAY=1MO"],
      says: ["4:25: a weekly rule takes no number before a weekday"]),
    EventRow(
      name: "a sixth Monday", lines: [day, "RRULE:FREQ=MONTHLY;BYDAY=6MO"],
      says: ["4:26: there is no weekday number 6 in a month"]),
    EventRow(
      name: "a day of the month in a week", lines: [day, "RRULE:FREQ=WEEKLY;BYMONTHDAY=1"],
      says: ["4:30: BYMONTHDAY cannot stand in a weekly rule"]),
    EventRow(
      name: "a count and an end", lines: [day, "RRULE:FREQ=DAILY;COUNT=3;UNTIL=20270101"],
      says: ["4:7: a rule has COUNT or UNTIL, not both"]),
    EventRow(
      name: "30 February", lines: [day, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
      says: ["4:7: the rule gives no day but the first; check BYMONTH and BYMONTHDAY"]),
    EventRow(
      name: "dates left out of times",
      lines: [time, "DURATION:PT1H", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20261225"],
      says: ["6:1: EXDATE has dates where DTSTART has a time; leave out starts as DTSTART gives them"]),
    EventRow(
      name: "a date replaced of times",
      lines: [
        "UID:a", time, "DURATION:PT1H", "RRULE:FREQ=DAILY", "END:VEVENT", "BEGIN:VEVENT", "UID:a",
        "RECURRENCE-ID;VALUE=DATE:20261225", time, "DURATION:PT2H",
      ], says: ["10:1: RECURRENCE-ID has dates where DTSTART has a time; name starts as DTSTART gives them"]),
    EventRow(
      name: "a time replaced of dates",
      lines: [
        "UID:a", day, "RRULE:FREQ=DAILY", "END:VEVENT", "BEGIN:VEVENT", "UID:a", "RECURRENCE-ID:20261225T000000",
        "STATUS:CANCELLED",
      ], says: ["9:1: RECURRENCE-ID has times where DTSTART has a date; name starts as DTSTART gives them"]),
    EventRow(
      name: "this and future", lines: [day, "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261225"],
      says: ["4:1: RECURRENCE-ID with RANGE is not supported; end the rule with UNTIL and begin another"]),
    EventRow(
      name: "an event within an event", lines: ["BEGIN:VEVENT"], says: ["3:1: a VEVENT within a VEVENT"]),
    EventRow(name: "a wrong end", lines: [day, "END:VTODO"], says: ["4:1: 'END:VTODO' without its BEGIN"]),
    EventRow(
      name: "no line", lines: [day, "just words"],
      says: ["4:1: no line of an iCalendar file; such as 'DTSTART;VALUE=DATE:20261224'"]),
    EventRow(
      name: "no parameter", lines: ["DTSTART;DATE:20261224"],
      says: [
        "3:9: a parameter without '='", "2:1: the event has no DTSTART",
      ]),
    EventRow(
      name: "an open quote", lines: ["DTSTART;TZID=\"Europe/Berlin:20261224T120000"],
      says: [
        "3:9: a parameter without end; a ':' comes before the value", "2:1: the event has no DTSTART",
      ]),
  ]

  private static func file(_ lines: [String], _ end: String = "\r\n") -> String {
    (["BEGIN:VCALENDAR", "BEGIN:VEVENT"] + lines + ["END:VEVENT", "END:VCALENDAR", ""]).joined(separator: end)
  }

  @Test(arguments: good, ["\r\n", "\n"]) func gives(_ row: EventRow, lineEnd: String) throws {
    let loaded = commit(ics: Self.file(row.lines, lineEnd)).load()
    #expect(loaded.summaries == row.says)
    if loaded.diagnostics.contains(where: { $0.severity == .error }) {
      #expect(loaded.jobs.isEmpty)
    } else {
      let calendar = try #require(loaded.onlyJob?.blackout.first)
      #expect(calendar.windows.map(\.described) == row.gives)
      // What a bundle carries is the same again.
      let job = try #require(loaded.onlyJob)
      #expect(try Job(json: JSONValue(parsing: job.json.bytes, limit: 1 << 20)) == job)
    }
  }

  @Test(arguments: bad) func refuses(_ row: EventRow) {
    let loaded = commit(ics: Self.file(row.lines)).load()
    #expect(loaded.summaries.sorted() == row.says.sorted())
    #expect(loaded.diagnostics.allSatisfy { $0.file == "c.ics" && $0.source != nil })
    #expect(loaded.jobs.isEmpty && loaded.brokenJobs.map(\.text) == ["a"] && loaded.isComplete)
  }

  struct FileRow: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var says: String?
    var testDescription: String { name }
  }

  private static let events = Array(repeating: "BEGIN:VEVENT\n\(day)\nEND:VEVENT\n", count: 10_000).joined()
  private static let frame = ("BEGIN:VCALENDAR\n", "END:VCALENDAR\n")

  @Test(arguments: [
    FileRow(name: "no events", text: frame.0 + frame.1),
    FileRow(name: "two calendars", text: frame.0 + frame.1 + frame.0 + frame.1),
    FileRow(name: "a byte order mark", text: "\u{feff}" + frame.0 + frame.1),
    FileRow(name: "blank lines", text: "\n" + frame.0 + "\r\n\n" + frame.1 + "\n"),
    FileRow(
      name: "other components",
      text: frame.0 + "BEGIN:VTODO\nDTSTART:x\nEND:VTODO\nBEGIN:VTIMEZONE\nBEGIN:STANDARD\n"
        + "DTSTART:x\nEND:STANDARD\nEND:VTIMEZONE\n" + frame.1),
    FileRow(name: "nothing", text: "", says: "0:0: the file does not begin with 'BEGIN:VCALENDAR'"),
    FileRow(
      name: "YAML", text: "job: a\n",
      says: "1:1: the file does not begin with 'BEGIN:VCALENDAR'; is it an iCalendar file?"),
    FileRow(
      name: "an event alone", text: "BEGIN:VEVENT\n", says: "1:1: the file does not begin with 'BEGIN:VCALENDAR'"),
    FileRow(
      name: "cut short", text: frame.0 + "BEGIN:VEVENT\n\(day)\n",
      says: "2:1: 'BEGIN:VEVENT' without its END; is the file cut short?"),
    FileRow(
      name: "controls in a text that nobody reads", text: frame.0 + "SUMMARY:\u{1}\u{2028}\r\u{feff}\n" + frame.1),
    FileRow(
      name: "depth", text: frame.0 + String(repeating: "BEGIN:X\n", count: 100_000),
      says: "9:1: more than 8 components within each other"),
    FileRow(
      name: "a line of a megabyte in pieces",
      text: frame.0 + "SUMMARY:x\n" + String(repeating: " x\n", count: 300_000) + frame.1,
      says: "2:1: the line has more than 64 KiB"),
    FileRow(
      name: "a line of 100 KiB", text: frame.0 + "SUMMARY:" + String(repeating: "x", count: 100_000) + "\n" + frame.1,
      says: "2:1: the line has more than 64 KiB"),
    FileRow(
      name: "two megabytes", text: frame.0 + String(repeating: "X:\n", count: 700_000),
      says: "0:0: the file has more than 1 MiB; leave out what is over, or make several files of it"),
    FileRow(name: "10,000 events", text: frame.0 + events + frame.1),
    FileRow(
      name: "an event more", text: frame.0 + events + "BEGIN:VEVENT\n" + frame.1,
      says: "30002:1: more than 10000 events; leave out those that are over"),
    FileRow(
      name: "a bomb of recurrences",
      text: frame.0
        + String(
          repeating: "BEGIN:VEVENT\n\(day)\nRRULE:FREQ=YEARLY;COUNT=10000\nEND:VEVENT\n", count: 5_000) + frame.1,
      says: "4002:1: more than 1000 events that repeat; leave out those that are over"),
    FileRow(
      name: "too much to count",
      text: frame.0
        + String(repeating: "BEGIN:VEVENT\n\(day)\nRRULE:FREQ=YEARLY;COUNT=10000\nEND:VEVENT\n", count: 11) + frame.1,
      says:
        "2:13: the events of the calendar 'c' have a COUNT of 110000 together, more than 100000; end them with UNTIL"),
    FileRow(
      name: "a thousand mistakes",
      text: frame.0 + String(repeating: "BEGIN:VEVENT\nEND:VEVENT\n", count: 1_000) + frame.1,
      says: "0:0: too many mistakes to show all"),
  ]) func files(_ row: FileRow) {
    let loaded = commit(ics: row.text).load()
    if let says = row.says {
      #expect(loaded.summaries.contains(says), "\(loaded.summaries.prefix(3))")
      #expect(loaded.brokenJobs.count == 1 && loaded.isComplete)
      #expect(loaded.diagnostics.count <= ManifestLimits.mistakesPerDocument + 1)
    } else {
      #expect(loaded.diagnostics.isEmpty, "\(loaded.summaries.prefix(3))")
      #expect(loaded.jobs.count == 1)
    }
  }

  /// Each of many rules of the worst kind is read and asked in bounded time.
  @Test(.timeLimit(.minutes(1))) func rulesOfTheWorstKind() throws {
    let rule = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=100"
    let text =
      Self.frame.0
      + (0..<100).map { "BEGIN:VEVENT\nDTSTART;VALUE=DATE:\(1600 + $0 % 300)0228\n\(rule)\nEND:VEVENT\n" }
      .joined() + Self.frame.1
    let job = try #require(commit(ics: text).load().onlyJob)
    let schedule = try JobSchedule(job) { name throws(ScheduleError) in try zones.zone(named: name) }
    let at = try #require(Timestamp(rfc3339: "2026-11-25T00:00:00Z"))
    #expect(schedule.blackout(at: at) == nil)
    #expect(schedule.nextBlackout(after: at)?.description == "2044-02-28T23:00:00Z")
  }

  /// What is passed over may be in any encoding.
  @Test func bytesThatAreNoUTF8() {
    var commit = commit(ics: "")
    commit.add("c.ics", bytes: Array("BEGIN:VCALENDAR\nSUMMARY:".utf8) + [0xe9, 0x0a] + Array("END:VCALENDAR\n".utf8))
    #expect(commit.load().jobs.count == 1)
    commit.add("c.ics", bytes: [0x89, 0x50, 0x4e, 0x47, 0, 0xff, 0x0a])
    let loaded = commit.load()
    #expect(loaded.diagnostics.map(\.message) == ["no line of an iCalendar file"])
    #expect(loaded.jobs.isEmpty)
  }

  /// Of a file that is far too large only that is known.
  @Test func aFileWithoutBytes() {
    let commit = commit(ics: "")
    let files = commit.parsed().filter { $0.path != "c.ics" } + [ParsedFile(path: "c.ics", problem: "it is too large")]
    let loaded = commit.load(files)
    #expect(loaded.diagnostics.map(\.rendered) == ["c.ics: error: it is too large"])
    #expect(loaded.brokenJobs.map(\.text) == ["a"] && loaded.isComplete)
  }

  /// Bytes changed, removed and put in at random: the reader may refuse, and must not trap.
  @Test func mutatedFilesNeverTrap() throws {
    var generator = SeededGenerator(seed: testSeed)
    let whole = Array(Self.file(Self.good.flatMap { $0.lines + ["END:VEVENT", "BEGIN:VEVENT"] }).utf8)
    for round in 0..<150 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        let at = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[at] = UInt8.random(in: 10...126, using: &generator)
        case 1: bytes.remove(at: at)
        default: bytes.insert(UInt8.random(in: 10...126, using: &generator), at: at)
        }
      }
      var commit = commit(ics: "")
      commit.add("c.ics", bytes: bytes)
      let loaded = commit.load()
      if let job = loaded.onlyJob {
        let read = try Job(json: JSONValue(parsing: job.json.bytes, limit: 4 << 20))
        #expect(read == job, "round \(round) seed \(testSeed)")
      } else {
        #expect(loaded.brokenJobs.count == 1, "round \(round) seed \(testSeed)")
      }
    }
  }
}
