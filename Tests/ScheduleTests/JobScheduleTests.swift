import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

@Suite struct JobScheduleTests {
  static func schedule(_ triggers: Trigger...) throws -> JobSchedule { try make(triggers) }

  static func make(_ triggers: [Trigger]) throws -> JobSchedule {
    try JobSchedule(triggers) { name throws(ScheduleError) in try zones.zone(named: name) }
  }

  static func cron(_ text: String, _ zone: String = "UTC") -> Trigger { .cron(expression: text, timezone: zone) }

  @Test func everyFiresOnMultiplesSinceTheEpoch() throws {
    let schedule = try Self.schedule(.every(.seconds(600)))
    let at = try instant("2026-11-20T10:07:13.5Z")
    #expect(schedule.next(after: at) == (try instant("2026-11-20T10:10:00Z")))
    #expect(schedule.previous(before: at) == (try instant("2026-11-20T10:00:00Z")))
    #expect(schedule.next(after: try instant("2026-11-20T10:10:00Z")) == (try instant("2026-11-20T10:20:00Z")))
    let odd = try Self.schedule(.every(.milliseconds(1_500)))
    #expect(odd.next(after: Timestamp(seconds: 0)) == Timestamp(microseconds: 1_500_000))
    #expect(odd.next(after: Timestamp(seconds: -5)) == Timestamp(seconds: 0))
    #expect(odd.next(after: Timestamp(microseconds: .max)) == nil)
    #expect(odd.previous(before: Timestamp(seconds: 0)) == nil)
  }

  @Test func atFiresOnce() throws {
    let point = try instant("2026-12-01T03:00:00+01:00")
    let schedule = try Self.schedule(.at(point))
    #expect(schedule.next(after: point - .microseconds(1)) == point)
    #expect(schedule.next(after: point) == nil)
    #expect(schedule.previous(before: point) == nil)
    #expect(schedule.previous(before: point + .microseconds(1)) == point)
  }

  @Test func triggersMergeAndCoincide() throws {
    let schedule = try Self.schedule(
      Self.cron("30 2 * * *", "Europe/Berlin"), Self.cron("30 1 * * *"), .every(.seconds(43_200)),
      .at(try instant("2026-11-20T01:30:00Z")))
    var at = try instant("2026-11-19T23:00:00Z")
    var due: [String] = []
    for _ in 0..<5 {
      at = try #require(schedule.next(after: at))
      due.append(at.description)
    }
    #expect(
      due == [
        "2026-11-20T00:00:00Z", "2026-11-20T01:30:00Z", "2026-11-20T12:00:00Z", "2026-11-21T00:00:00Z",
        "2026-11-21T01:30:00Z",
      ])
  }

  struct Refusal: Sendable {
    var triggers: [Trigger]
    var error: ScheduleError.Part
    var index: Int
    var says: String
  }

  @Test(arguments: [
    Refusal(triggers: [cron("0 0 30 2 *")], error: .expression(offset: 4), index: 0, says: "never due"),
    Refusal(
      triggers: [.every(.seconds(1)), cron("0 0 * *")], error: .expression(offset: 7), index: 1, says: "4 fields"),
    Refusal(triggers: [cron("0 0 * * *", "Europe/Berln")], error: .timezone, index: 0, says: "'Europe/Berlin'"),
    Refusal(triggers: [.every(.milliseconds(999))], error: .interval, index: 0, says: "999ms"),
    Refusal(triggers: [.every(.zero)], error: .interval, index: 0, says: "0s"),
    Refusal(triggers: [.every(.seconds(-5))], error: .interval, index: 0, says: "-5s"),
    Refusal(triggers: [.at(Timestamp(seconds: -1))], error: .instant, index: 0, says: "1970 to 9999"),
    Refusal(triggers: [.at(Timestamp(microseconds: .max))], error: .instant, index: 0, says: "1970 to 9999"),
  ])
  func refuses(_ row: Refusal) throws {
    let error = try #require(throws: ScheduleError.self) { try Self.make(row.triggers) }
    #expect(error.part == row.error)
    #expect(error.trigger == row.index)
    #expect(error.description.contains(row.says), "\(error)")
  }

  struct Summary: Sendable, CustomTestStringConvertible {
    var triggers: [Trigger]
    var after = "2025-11-20T00:00:00Z"
    var through = "2026-11-20T00:00:00Z"
    var limit = 100
    /// First, last, count, exact; nil when nothing is due.
    var gives: (first: String, last: String, count: Int, isExact: Bool)?
    var testDescription: String { "\(triggers)" }
  }

  static let summaries: [Summary] = [
    Summary(
      triggers: [.every(.seconds(1))],
      gives: ("2025-11-20T00:00:01Z", "2026-11-20T00:00:00Z", 31_536_000, true)),
    Summary(
      triggers: [.every(.seconds(7))], through: "2025-11-20T00:01:00Z",
      gives: ("2025-11-20T00:00:07Z", "2025-11-20T00:00:56Z", 8, true)),
    // An interval that another one implies adds nothing.
    Summary(
      triggers: [.every(.seconds(60)), .every(.seconds(10)), .every(.seconds(10))],
      gives: ("2025-11-20T00:00:10Z", "2026-11-20T00:00:00Z", 3_153_600, true)),
    Summary(
      triggers: [
        .every(.seconds(3_600)), .at(Timestamp(seconds: 1_763_600_000)), .at(Timestamp(seconds: 1_763_600_400)),
      ],
      through: "2025-11-20T03:00:00Z", gives: ("2025-11-20T00:53:20Z", "2025-11-20T03:00:00Z", 4, true)),
    // Two intervals of which neither implies the other: one by one up to the limit, then at least the denser one.
    Summary(
      triggers: [.every(.seconds(2)), .every(.seconds(3))], through: "2025-11-20T00:00:12Z",
      gives: ("2025-11-20T00:00:02Z", "2025-11-20T00:00:12Z", 8, true)),
    Summary(
      triggers: [.every(.seconds(2)), .every(.seconds(3))],
      gives: ("2025-11-20T00:00:02Z", "2026-11-20T00:00:00Z", 15_768_000, false)),
    Summary(triggers: [cron("30 2 * * *")], gives: ("2025-11-20T02:30:00Z", "2026-11-19T02:30:00Z", 100, false)),
    Summary(
      triggers: [cron("30 2 * * *")], limit: 365, gives: ("2025-11-20T02:30:00Z", "2026-11-19T02:30:00Z", 365, true)),
    Summary(
      triggers: [cron("30 2 * * *")], limit: 364, gives: ("2025-11-20T02:30:00Z", "2026-11-19T02:30:00Z", 364, false)),
    Summary(
      triggers: [cron("30 2 * * *")], limit: 0, gives: ("2025-11-20T02:30:00Z", "2026-11-19T02:30:00Z", 1, false)),
    Summary(
      triggers: [cron("* * * * * *"), .at(Timestamp(seconds: 0))],
      gives: ("2025-11-20T00:00:01Z", "2026-11-20T00:00:00Z", 100, false)),
    Summary(triggers: [cron("0 0 29 2 *")], gives: nil),
    Summary(
      triggers: [cron("0 0 20 11 *")], gives: ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z", 1, true)),
    Summary(triggers: [.at(Timestamp(seconds: 1_763_596_800))], gives: nil),
    Summary(
      triggers: [.at(Timestamp(seconds: 1_763_596_801)), .at(Timestamp(seconds: 1_763_596_801))],
      gives: ("2025-11-20T00:00:01Z", "2025-11-20T00:00:01Z", 1, true)),
    Summary(triggers: [.every(.seconds(1))], through: "2025-11-20T00:00:00Z", gives: nil),
    Summary(triggers: [.every(.seconds(1))], through: "2025-11-19T00:00:00Z", gives: nil),
  ]

  @Test(arguments: summaries) func latest(_ row: Summary) throws {
    let schedule = try Self.make(row.triggers)
    let summary = schedule.latest(after: try instant(row.after), through: try instant(row.through), limit: row.limit)
    let expected = try row.gives.map {
      DueSummary(
        first: DueInstant(try instant($0.first)), last: DueInstant(try instant($0.last)), count: $0.count,
        isExact: $0.isExact)
    }
    #expect(summary == expected)
  }

  @Test func orderOfTriggersDoesNotMatterAndCountsAreRight() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<200 {
      var triggers: [Trigger] = []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: triggers.append(.every(.seconds(Int.random(in: 1...5_000, using: &random))))
        case 1: triggers.append(.at(Timestamp(seconds: Int64.random(in: 1_000_000...1_090_000, using: &random))))
        default:
          let pattern = RandomPattern(using: &random)
          if (try? CronExpression(pattern.text)) != nil { triggers.append(Self.cron(pattern.text, "Europe/Berlin")) }
        }
      }
      let schedule = try Self.make(triggers)
      let other = try Self.make(triggers.shuffled(using: &random))
      let start = Timestamp(seconds: 1_000_000)
      let end = Timestamp(seconds: Int64.random(in: 1_000_000...1_090_000, using: &random))
      var due: [Timestamp] = []
      var at = start
      while let next = schedule.next(after: at), next <= end {
        #expect(next > at, "seed \(testSeed): \(triggers)")
        #expect(other.next(after: at) == next, "seed \(testSeed): \(triggers)")
        #expect(schedule.previous(before: next) ?? at <= at, "seed \(testSeed): \(triggers)")
        due.append(next)
        at = next
      }
      let exact = schedule.latest(after: start, through: end, limit: 100_000)
      let expected = due.first.map {
        DueSummary(first: DueInstant($0), last: DueInstant(due[due.count - 1]), count: due.count, isExact: true)
      }
      #expect(exact == expected, "seed \(testSeed): \(triggers)")
      if let bounded = schedule.latest(after: start, through: end, limit: 10) {
        let isRight = bounded.isExact ? bounded.count == due.count : bounded.count <= due.count
        #expect(bounded.first.due == due.first && bounded.last.due == due.last, "seed \(testSeed): \(triggers)")
        #expect(isRight, "seed \(testSeed): \(triggers)")
      } else {
        #expect(due.isEmpty)
      }
    }
  }

  /// Triggers of which one makes all instants of another, with other offsets: in each order, on several agents.
  static let covered: [[Trigger]] = [
    [.cron(expression: "0 * * * *", timezone: "UTC", jitter: .seconds(300)), .every(.seconds(600))],
    [.every(.seconds(600), jitter: .seconds(300)), .every(.seconds(60))],
    [
      .cron(expression: "* * * * *", timezone: "UTC", jitter: .seconds(3_600)), .every(.seconds(1)),
      .every(.seconds(60), jitter: .seconds(50)),
    ],
  ]

  @Test(.timeLimit(.minutes(1)), arguments: covered)
  func jitterOfCoveredTriggersHasAnEndAndNoOrder(_ triggers: [Trigger]) throws {
    let job = try JobName("a")
    let start = try instant("2026-11-20T10:00:30Z")
    for number in 0..<4 as Range<UInt64> {
      let agent = AgentID(random: (number, 7))
      func make(_ triggers: [Trigger]) throws -> JobSchedule {
        try JobSchedule(triggers, of: job, agent: agent) { name throws(ScheduleError) in try zones.zone(named: name) }
      }
      let (one, other) = (try make(triggers), try make(triggers.reversed()))
      var at = start
      var seen: Set<Timestamp> = []
      for _ in 0..<200 {
        let due = try #require(one.nextDue(after: at))
        #expect(other.nextDue(after: at) == due)
        #expect(seen.insert(due.nominal).inserted, "an occurrence twice")
        #expect(due.due > at && one.previousDue(before: due.due + .microseconds(1)) == due)
        at = due.due
      }
    }
  }

  /// 50 s of jitter make the instant of second 0 start at that of second 50 or so: both are there.
  @Test func instantsThatStartTogetherAreTwo() throws {
    let job = try JobName("a")
    let agent = AgentID(random: (3, 7))
    let offset = Trigger.offset(of: job, on: agent, jitter: .seconds(50))
    let start = try instant("2026-11-20T10:00:00Z")
    let schedule = try JobSchedule(
      [.every(.seconds(3_600), jitter: .seconds(50)), .at(start + offset)], of: job, agent: agent
    ) { name throws(ScheduleError) in try zones.zone(named: name) }
    let first = try #require(schedule.nextDue(after: start))
    let second = try #require(schedule.nextDue(after: first.due))
    #expect([first.nominal, second.nominal] == [start + offset, start])
    #expect(schedule.latest(after: start, through: start + .seconds(60), limit: 10)?.count == 2)
  }
}
