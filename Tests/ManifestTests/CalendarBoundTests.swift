// What iCalendar files may cost, and what stands at the edges of time.

import Foundation
import Manifest
import Model
import TestSupport
import Testing
import ZoneInfo

@Suite(.timeLimit(.minutes(1))) struct CalendarBoundTests {
  private static let day = "DTSTART;VALUE=DATE:20261224\n"

  private static func event(_ lines: String) -> String { "BEGIN:VEVENT\n\(lines)END:VEVENT\n" }

  private static func load(_ events: String) -> LoadedRepository {
    commit(ics: "BEGIN:VCALENDAR\n\(events)END:VCALENDAR\n").load()
  }

  /// A file that multiplies something of itself by something else.
  struct Bomb: Sendable, CustomTestStringConvertible {
    var name: String
    var events: String
    /// Contained in what is reported.
    var says: String
    var testDescription: String { name }
  }

  static let bombs: [Bomb] = [
    Bomb(
      name: "series × replacements",
      events: String(repeating: event("UID:a\n\(day)RRULE:FREQ=DAILY\n"), count: 5_000)
        + replacements(count: 4_000), says: "more than 1000 events that repeat"),
    Bomb(
      name: "as many series as may be × replacements",
      events: String(repeating: event("UID:a\n\(day)RRULE:FREQ=DAILY\n"), count: 1_000)
        + replacements(count: 1_000), says: "the events of the file leave out more than 50000 starts together"),
    Bomb(
      name: "more replacements than one series may have",
      events: event("UID:a\n\(day)RRULE:FREQ=DAILY\n") + replacements(count: 1_001),
      says: "2:1: an event leaves out more than 1000 of its starts"),
    Bomb(
      name: "parameters × blank continuations",
      events: "X" + String(repeating: ";A=", count: 16_000) + "\n" + String(repeating: " \n", count: 400_000)
        + " :\n" + event(""), says: "the event has no DTSTART"),
    Bomb(
      name: "parameters × pieces",
      events: "X\n" + String(repeating: " ;\n A\n =\n", count: 16_000) + " :\n" + event(""),
      says: "the event has no DTSTART"),
  ]

  /// Of different starts.
  private static func replacements(count: Int) -> String {
    (0..<count).map { index in
      let date = Model.Calendar.Day(number: 20_000 + index).description.filter { $0 != "-" }
      return event("UID:a\nRECURRENCE-ID;VALUE=DATE:\(date)\nSTATUS:CANCELLED\n")
    }.joined()
  }

  @Test(arguments: bombs) func areRefusedInTime(_ bomb: Bomb) {
    let loaded = Self.load(bomb.events)
    #expect(loaded.jobs.isEmpty)
    #expect(loaded.summaries.contains { $0.contains(bomb.says) }, "\(loaded.summaries.prefix(3))")
  }

  /// As in a system's folder, what a name may have meant is looked for among many names, once for each name.
  @Test(arguments: [
    Bomb(
      name: "unknown zones",
      events: (0..<9_000).map { zoned("/Amer/Ci\(1_000_000 + $0)/UTX") }.joined(),
      says: "more than 20 unknown time zones: others are not looked for"),
    Bomb(
      name: "prefixes of known zones",
      events: event("") + (0..<9_000).map { zoned("/Amer/Ci\(1_000_000 + $0)/UTC") }.joined(),
      says: "2:1: the event has no DTSTART"),
  ]) func zonesAreLookedForInTime(_ bomb: Bomb) throws {
    let folder = try TemporaryFolder("zoneinfo")
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: zonesFolder + "/Europe/Berlin")))
    try folder.write("Europe/Berlin", bytes: bytes)
    for number in 100..<800 { try folder.write("America/City\(number)", bytes: bytes) }
    var commit = commit(ics: "BEGIN:VCALENDAR\n\(bomb.events)END:VCALENDAR\n")
    commit.reader = ManifestReader(zones: ZoneDatabase(folder: folder.path))
    let loaded = commit.load()
    #expect(loaded.jobs.isEmpty)
    #expect(loaded.summaries.contains { $0.contains(bomb.says) }, "\(loaded.summaries.prefix(3))")
  }

  private static func zoned(_ name: String) -> String {
    event("DTSTART;TZID=\(name):20261224T120000\nDURATION:PT1H\n")
  }

  /// A start that is replaced twice is one start.
  @Test func replacementsCountOnce() throws {
    let twice = Self.event("UID:a\nRECURRENCE-ID;VALUE=DATE:20261225\nSTATUS:CANCELLED\n")
    let loaded = Self.load(
      Self.event("UID:a\n\(Self.day)RRULE:FREQ=DAILY\n") + String(repeating: twice, count: 2_000))
    let windows = try #require(loaded.onlyJob?.blackout.first?.windows)
    #expect(
      windows.map(\.described) == [
        "daily from 2026-12-24T00:00 Europe/Berlin for 1 days but [\"2026-12-25T00:00\"]"
      ])
  }

  @Test func anUnknownZoneIsReportedWhereverItStands() {
    let line = "DTSTART;TZID=Europe/Berln:20261224T120000\nDURATION:PT1H\n"
    let summaries = Self.load(Self.event(line) + Self.event(line)).summaries
    let says = "TZID 'Europe/Berln' is no IANA time zone; did you mean 'Europe/Berlin'?"
    #expect(summaries == ["3:9: \(says)", "7:9: \(says)"])
  }

  /// Whatever is read can be said in a bundle and is the same when an agent reads it.
  @Test func whatIsReadTravels() throws {
    var generator = SeededGenerator(seed: testSeed)
    var good = 0
    for round in 0..<600 {
      let events = (0..<Int.random(in: 1...2, using: &generator)).map { _ in Self.anEvent(&generator) }.joined()
      let loaded = Self.load(events)
      guard let job = loaded.onlyJob else { continue }
      good += 1
      let read = try? Job(json: JSONValue(parsing: job.json.bytes, limit: 4 << 20))
      #expect(read == job, "round \(round) seed \(testSeed):\n\(events)")
    }
    #expect(good > 200, "seed \(testSeed)")
  }

  private static let dates = ["00010101", "00010102", "19691231", "19700101", "20261224", "99991230", "99991231"]
  private static let times = ["000000", "120000", "235960"]
  private static let zones = ["", ";TZID=America/New_York", ";TZID=Pacific/Apia", ";TZID=America/Nuuk", "Z"]

  /// At the edges of what RFC 3339, dates of four digits and a bundle can say.
  private static func anEvent(_ generator: inout SeededGenerator) -> String {
    func one(_ list: [String]) -> String { list[Int.random(in: 0..<list.count, using: &generator)] }
    let isDate = Bool.random(using: &generator)
    /// A property whose value is one of the dates or times.
    func line(_ name: String) -> String {
      if isDate { return "\(name);VALUE=DATE:\(one(dates))\n" }
      let zone = one(zones)
      return zone == "Z" ? "\(name):\(one(dates))T\(one(times))Z\n" : "\(name)\(zone):\(one(dates))T\(one(times))\n"
    }
    var text =
      line("DTSTART") + "DURATION:\(one(isDate ? ["P1D", "P366D", "P36525D"] : ["PT1S", "P366D", "P366DT8784H"]))\n"
    if Int.random(in: 0..<3, using: &generator) > 0 {
      let untils =
        ["", "", ";COUNT=3"]
        + dates.flatMap { date in
          [";UNTIL=\(date)", ";UNTIL=\(date)T\(one(times))", ";UNTIL=\(date)T\(one(times))Z"]
        }
      text += "RRULE:FREQ=\(one(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))\(one(untils))\n"
      if Bool.random(using: &generator) { text += line("EXDATE") }
    }
    return event(text)
  }
}
