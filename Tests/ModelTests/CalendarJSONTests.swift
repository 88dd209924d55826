import Model
import Testing

@Suite struct CalendarJSONTests {
  static func calendar() throws -> Calendar {
    Calendar(
      name: "year-end", timezone: "Europe/Berlin",
      windows: [
        .days(
          first: try #require(Calendar.Day("2026-12-24")), last: try #require(Calendar.Day("9999-12-31"))),
        .span(from: try instant("2026-12-24T12:00:00.5Z"), to: try instant("2027-01-01T00:00:00Z")),
        .weekly(days: [0, 6], from: 0, to: 1_440), .cron(expression: "0 0 L * *", length: .seconds(21_600)),
        .recurring(
          Recurrence(
            start: CivilTime(year: 1604, month: 2, day: 29, hour: 1, minute: 2, second: 3), timezone: "UTC", days: 1,
            length: .milliseconds(1), frequency: .monthly, interval: 2, count: 3,
            until: try instant("2030-01-01T00:00:00Z"), byMonth: [1, 12], byMonthDay: [-31, 31],
            byDay: [.init(day: 0), .init(ordinal: -53, day: 6)], weekStart: 0,
            excluded: [CivilTime(year: 1, month: 1, day: 1), CivilTime(year: 2027, month: 2, day: 28, hour: 23)])),
        .recurring(
          Recurrence(start: CivilTime(year: 2026, month: 1, day: 1), timezone: "UTC", days: 1, frequency: .yearly)),
      ])
  }

  static func job() throws -> Job {
    var job = try JobJSONTests.plain()
    job.blackout = [try calendar()]
    return job
  }

  @Test func roundTrip() throws {
    let job = try Self.job()
    let bytes = job.json.bytes
    #expect(try Job(json: JSONValue(parsing: bytes, limit: 1 << 20)) == job)
    #expect(String(decoding: bytes, as: UTF8.self).contains("\"start\":\"1604-02-29T01:02:03\""))
  }

  struct Change: Sendable, CustomTestStringConvertible {
    /// Of one window.
    var window: JSONValue
    var testDescription: String { window.text }
  }

  private static func recurrence(_ more: KeyValuePairs<String, JSONValue>) -> Change {
    var members: [(key: String, value: JSONValue)] = [
      ("start", "2026-01-01T00:00:00"), ("timezone", "UTC"), ("days", 1), ("lengthMs", 0), ("frequency", "daily"),
      ("interval", 1), ("weekStart", 1),
    ]
    for (key, value) in more {
      if let index = members.firstIndex(where: { $0.key == key }) {
        members[index].value = value
      } else {
        members.append((key, value))
      }
    }
    return Change(window: ["recurrence": .object(members.map { .init($0.key, $0.value) })])
  }

  @Test(arguments: [
    Change(window: [:]), Change(window: ["firstDay": "2026-12-24"]),
    Change(window: ["firstDay": "2026-12-24", "lastDay": "2026-12-23"]),
    Change(window: ["firstDay": "2026-02-30", "lastDay": "2026-03-01"]),
    Change(window: ["firstDay": "2026-12-24", "lastDay": "2026-12-24", "surprise": 1]),
    Change(window: ["from": "2026-12-24T00:00:00Z", "to": "2026-12-24T00:00:00Z"]),
    Change(window: ["weekdays": .array([7]), "fromMinute": 0, "toMinute": 1]),
    Change(window: ["weekdays": .array([1]), "fromMinute": 1_440, "toMinute": 1]),
    Change(window: ["weekdays": .array([1]), "fromMinute": 0, "toMinute": 0]),
    Change(window: ["cron": "* * * * *", "lengthMs": 0]),
    Change(window: ["cron": "* * * * *", "lengthMs": .integer(367 * 86_400_000)]),
    recurrence(["start": "2026-01-01"]), recurrence(["start": "2026-01-01T24:00:00"]),
    recurrence(["start": "2026-01-01T00:00:00Z"]), recurrence(["start": "0000-01-01T00:00:00"]),
    recurrence(["start": "2026-01-01T00:00:00.5"]), recurrence(["days": 0]), recurrence(["days": 367]),
    recurrence(["lengthMs": -1]), recurrence(["frequency": "hourly"]), recurrence(["interval": 0]),
    recurrence(["interval": 10_001]), recurrence(["count": 0]), recurrence(["count": 10_001]),
    recurrence(["byMonth": .array([13])]), recurrence(["byMonthDay": .array([0])]),
    recurrence(["byMonthDay": .array(Array(repeating: 1, count: 401))]),
    recurrence(["byDay": .array([["day": 7]])]), recurrence(["byDay": .array([["day": 1, "ordinal": 0]])]),
    recurrence(["byDay": .array([["day": 1, "ordinal": 54]])]), recurrence(["weekStart": 7]),
    recurrence(["excluded": .array(["2026-01-01"])]), recurrence(["surprise": 1]),
  ])
  func refuses(_ change: Change) throws {
    let calendar: JSONValue = ["name": "c", "timezone": "UTC", "windows": .array([change.window])]
    let json = replacing(["blackout"], in: try JobJSONTests.plain().json, with: .array([calendar]))
    #expect(throws: JSONError.self) { try Job(json: json) }
  }

  @Test func theRecurrenceThatTheOthersDifferFromIsGood() throws {
    let calendar: JSONValue = ["name": "c", "timezone": "UTC", "windows": .array([Self.recurrence([:]).window])]
    let json = replacing(["blackout"], in: try JobJSONTests.plain().json, with: .array([calendar]))
    #expect(try Job(json: json).blackout.first?.windows.count == 1)
  }

  @Test func tooManyWindows() throws {
    func read(_ window: Calendar.Window, _ count: Int) throws -> Job {
      var job = try JobJSONTests.plain()
      job.blackout = [Calendar(name: "c", windows: Array(repeating: window, count: count))]
      return try Job(json: JSONValue(parsing: job.json.bytes, limit: 8 << 20))
    }
    let day = Calendar.Window.days(first: .init(number: 0), last: .init(number: 0))
    #expect(try read(day, 10_000).blackout.first?.windows.count == 10_000)
    #expect(throws: JSONError.self) { try read(day, 10_001) }
    let recurring = try Self.calendar().windows[4]
    #expect(throws: JSONError.self) { try read(recurring, 1_001) }
  }

  @Test func names() {
    for name in ["year-end", "a", "2026", "a.b_c"] { #expect(Calendar.problem(inName: name) == nil) }
    for name in ["", "Year", "a/b", "-a", "a b", String(repeating: "a", count: 64)] {
      #expect(Calendar.problem(inName: name) != nil, "\(name)")
    }
  }
}
