import Model
import Schedule
import TestSupport
import Testing

@Suite struct ZonedCronPropertyTests {
  struct Change: Sendable, CustomTestStringConvertible {
    var zone: String
    /// The first instant of the new offset.
    var at: String
    init(_ zone: String, _ at: String) {
      self.zone = zone
      self.at = at
    }
    var testDescription: String { "\(zone) at \(at)" }
  }

  static let changes: [Change] = [
    Change("Europe/Berlin", "2026-03-29T01:00:00Z"), Change("Europe/Berlin", "2026-10-25T01:00:00Z"),
    Change("Europe/Berlin", "2731-03-29T01:00:00Z"), Change("Europe/Berlin", "9998-10-25T01:00:00Z"),
    Change("America/New_York", "2026-03-08T07:00:00Z"), Change("America/New_York", "2026-11-01T06:00:00Z"),
    Change("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), Change("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    Change("Pacific/Apia", "2011-12-30T10:00:00Z"), Change("Europe/Dublin", "2026-03-29T01:00:00Z"),
    Change("Europe/Dublin", "2026-10-25T01:00:00Z"), Change("America/Havana", "2026-03-08T05:00:00Z"),
    Change("America/Havana", "2026-11-01T05:00:00Z"), Change("Asia/Beirut", "2026-03-28T22:00:00Z"),
    Change("Asia/Beirut", "2026-10-24T21:00:00Z"), Change("Asia/Gaza", "2094-03-27T00:00:00Z"),
    Change("America/Nuuk", "2027-03-28T01:00:00Z"), Change("Africa/Casablanca", "2026-02-15T02:00:00Z"),
  ]

  /// Against going through every minute of real time and looking at the clock, for five days around a change.
  @Test(arguments: changes) func agreesWithLookingAtTheClock(_ change: Change) throws {
    let rules = try zone(change.zone)
    let moment = try instant(change.at).seconds
    #expect(rules.offset(at: Timestamp(seconds: moment)) != rules.offset(at: Timestamp(seconds: moment - 1)))
    var random = SeededGenerator(seed: testSeed)
    var checked = 0
    while checked < 12 {
      let pattern = RandomPattern(using: &random)
      guard pattern.seconds == [0], let cron = try? CronExpression(pattern.text) else { continue }
      checked += 1
      let start = moment - 2 * 86_400
      let due = Self.due(pattern, rules, from: start, through: moment + 3 * 86_400)
      let zoned = ZonedCron(cron, in: rules)
      var found: [Int64] = []
      var at = Timestamp(seconds: start)
      while let next = zoned.next(after: at), next.seconds <= moment + 3 * 86_400 {
        found.append(next.seconds)
        at = next
      }
      try #require(found == due, "seed \(testSeed): \(pattern)")
      var back: [Int64] = []
      at = Timestamp(seconds: moment + 3 * 86_400 + 1)
      while let previous = zoned.previous(before: at), previous.seconds > start {
        back.append(previous.seconds)
        at = previous
      }
      try #require(back.reversed() == due, "seed \(testSeed): \(pattern)")
    }
  }

  /// The instants in (start, end], by the definition.
  private static func due(_ pattern: RandomPattern, _ rules: TimeZoneRules, from start: Int64, through end: Int64)
    -> [Int64]
  {
    func wall(_ instant: Int64) -> Int64 { instant + Int64(rules.offset(at: Timestamp(seconds: instant))) }
    func matches(_ wallTime: Int64) -> Bool { pattern.matches(CivilTime(secondsSinceEpoch: wallTime)) }
    var due: [Int64] = []
    var latest = wall(start)
    for instant in stride(from: start + 60, through: end, by: 60) {
      let now = wall(instant)
      if pattern.hours.count == 24 {
        if matches(now) { due.append(instant) }
      } else if now > latest, stride(from: latest + 60, through: now, by: 60).contains(where: matches) {
        due.append(instant)
      }
      latest = max(latest, now)
    }
    return due
  }

  @Test func nextAndPreviousAreInverse() throws {
    var random = SeededGenerator(seed: testSeed ^ 4)
    let names = Array(Set(Self.changes.map(\.zone))).sorted()
    for _ in 0..<4_000 {
      let pattern = RandomPattern(using: &random)
      guard let cron = try? CronExpression(pattern.text), let name = names.randomElement(using: &random)
      else { continue }
      let zoned = ZonedCron(cron, in: try zone(name))
      let at = Timestamp(microseconds: Int64.random(in: 0..<9_000_000_000_000_000, using: &random))
      let next = try #require(zoned.next(after: at), "seed \(testSeed): \(pattern) in \(name)")
      #expect(next > at, "seed \(testSeed): \(pattern) in \(name) after \(at)")
      let previous = zoned.previous(before: next)
      #expect(previous ?? at <= at, "seed \(testSeed): \(pattern) in \(name) before \(next)")
      if let previous { #expect(zoned.next(after: previous) == next, "seed \(testSeed): \(pattern) in \(name)") }
    }
  }
}
