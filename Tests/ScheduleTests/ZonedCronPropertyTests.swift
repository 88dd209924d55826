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
    Change("Africa/Casablanca", "2026-03-22T02:00:00Z"), Change("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    Change("America/Sao_Paulo", "2018-02-18T02:00:00Z"), Change("Africa/Cairo", "2026-04-23T22:00:00Z"),
    Change("Africa/Cairo", "2026-10-29T21:00:00Z"), Change("America/Santiago", "2026-09-06T04:00:00Z"),
    Change("America/Santiago", "2026-04-05T03:00:00Z"),
  ]

  static let policies: [ClockChange] = ClockChange.Gap.allCases.flatMap { gap in
    ClockChange.Repeat.allCases.map { ClockChange(gap: gap, repeat: $0) }
  }

  /// Against going through every minute of real time and looking at the clock, for five days around a change.
  @Test(arguments: changes, policies) func agreesWithLookingAtTheClock(_ change: Change, _ policy: ClockChange) throws {
    let rules = try zone(change.zone)
    let moment = try instant(change.at).seconds
    #expect(rules.offset(at: Timestamp(seconds: moment)) != rules.offset(at: Timestamp(seconds: moment - 1)))
    let clock = Clock(rules, from: moment - 2 * 86_400, through: moment + 3 * 86_400)
    var random = SeededGenerator(seed: testSeed)
    var checked = 0
    while checked < 6 {
      let pattern = RandomPattern(using: &random)
      guard pattern.seconds == [0], let cron = try? CronExpression(pattern.text) else { continue }
      checked += 1
      let due = clock.due(pattern, policy)
      let zoned = ZonedCron(cron, in: rules, clockChange: policy)
      var found: [Int64] = []
      var at = Timestamp(seconds: clock.start)
      while let next = zoned.next(after: at), next.seconds <= clock.end {
        found.append(next.seconds)
        at = next
      }
      try #require(found == due, "seed \(testSeed): \(pattern)")
      var back: [Int64] = []
      at = Timestamp(seconds: clock.end + 1)
      while let previous = zoned.previous(before: at), previous.seconds > clock.start {
        back.append(previous.seconds)
        at = previous
      }
      try #require(back.reversed() == due, "seed \(testSeed): \(pattern)")
    }
  }

  /// What a clock shows in each minute of some days.
  private struct Clock {
    let start: Int64
    let end: Int64
    /// Wall times, from a day before the start to a day after the end.
    private var shown: [(instant: Int64, wall: Int64)] = []
    private var first: [Int64: Int64] = [:]
    private var last: [Int64: Int64] = [:]

    init(_ rules: TimeZoneRules, from start: Int64, through end: Int64) {
      self.start = start
      self.end = end
      for instant in stride(from: start - 86_400, through: end + 86_400, by: 60) {
        let wall = instant + Int64(rules.offset(at: Timestamp(seconds: instant)))
        shown.append((instant, wall))
        if first[wall] == nil { first[wall] = instant }
        last[wall] = instant
      }
    }

    /// The instants in (start, end], by the definition.
    func due(_ pattern: RandomPattern, _ policy: ClockChange) -> [Int64] {
      func matches(_ wall: Int64) -> Bool { pattern.matches(CivilTime(secondsSinceEpoch: wall)) }
      var due: [Int64] = []
      var latest = shown[0].wall
      for (instant, wall) in shown {
        defer { latest = max(latest, wall) }
        guard instant > start, instant <= end else { continue }
        if pattern.hours.count == 24 {
          if matches(wall) { due.append(instant) }
          continue
        }
        let counts =
          switch policy.repeat {
          case .first: first[wall] == instant
          case .second: last[wall] == instant
          case .both: true
          }
        let leftOut = stride(from: latest + 60, to: wall, by: 60)
        if counts && matches(wall) || policy.gap == .after && leftOut.contains(where: matches) { due.append(instant) }
      }
      return due
    }
  }

  @Test func nextAndPreviousAreInverse() throws {
    var random = SeededGenerator(seed: testSeed ^ 4)
    let names = Array(Set(Self.changes.map(\.zone))).sorted()
    for _ in 0..<4_000 {
      let pattern = RandomPattern(using: &random)
      guard let cron = try? CronExpression(pattern.text), let name = names.randomElement(using: &random)
      else { continue }
      let policy = try #require(Self.policies.randomElement(using: &random))
      let zoned = ZonedCron(cron, in: try zone(name), clockChange: policy)
      let at = Timestamp(microseconds: Int64.random(in: 0..<9_000_000_000_000_000, using: &random))
      let next = try #require(zoned.next(after: at), "seed \(testSeed): \(pattern) in \(name)")
      #expect(next > at, "seed \(testSeed): \(pattern) in \(name) after \(at)")
      let previous = zoned.previous(before: next)
      #expect(previous ?? at <= at, "seed \(testSeed): \(pattern) in \(name) before \(next)")
      if let previous { #expect(zoned.next(after: previous) == next, "seed \(testSeed): \(pattern) in \(name)") }
    }
  }

  /// Whatever a zone's rules are, instants ascend, and both directions go through the same ones.
  @Test(arguments: policies) func madeUpZones(_ policy: ClockChange) throws {
    var random = SeededGenerator(seed: testSeed ^ 7)
    for _ in 0..<150 {
      var builder = TZifBuilder()
      builder.types = (0..<4).map { _ in (Int32.random(in: -1_400...1_500, using: &random) * 60, 0, 0) }
      var at: Int64 = 1_800_000_000
      for _ in 0..<12 {
        at += Int64.random(in: 1...3_000, using: &random) * 60
        builder.transitions.append((at, UInt8.random(in: 0..<4, using: &random)))
      }
      builder.footer = ""
      let rules = try TimeZoneRules(tzif: builder.bytes, name: "Test/Zone")
      let pattern = RandomPattern(using: &random)
      guard pattern.seconds == [0], let cron = try? CronExpression(pattern.text) else { continue }
      let zoned = ZonedCron(cron, in: rules, clockChange: policy)
      var forwards: [Timestamp] = []
      var next = Timestamp(seconds: 1_799_700_000)
      while let due = zoned.next(after: next), due.seconds < at + 300_000, forwards.count < 5_000 {
        try #require(due > next, "seed \(testSeed): \(pattern)")
        forwards.append(due)
        next = due
      }
      var backwards: [Timestamp] = []
      var before = next + .microseconds(1)
      while let due = zoned.previous(before: before), due.seconds > 1_799_700_000 {
        try #require(due < before, "seed \(testSeed): \(pattern)")
        backwards.append(due)
        before = due
      }
      try #require(backwards.reversed() == forwards, "seed \(testSeed): \(pattern)")
    }
  }
}
