import Model
import Schedule
import TestSupport
import Testing

/// What questions to calendars may cost, and what bounds must not change.
@Suite(.timeLimit(.minutes(1))) struct CalendarBoundTests {
  /// Every minute, so that one question goes on from window to window as often as it may.
  private static let minutes = Calendar.Window.cron(expression: "* * * * *", length: .seconds(60))

  /// Each of many events is over two years long and leaves out all of its starts in that time.
  @Test func leftOutStartsArePassedOverAtOnce() throws {
    let first = CivilTime.days(year: 2024, month: 1, day: 1)
    let recurrence = Recurrence(
      start: CivilTime(year: 2020, month: 1, day: 1, hour: 9), timezone: "Europe/Berlin", days: 366,
      length: .seconds(366 * 86_400), frequency: .daily,
      excluded: (0..<1_000).map { CivilTime(secondsSinceEpoch: Int64(first + $0) * 86_400 + 9 * 3_600) })
    let events = Array(repeating: Calendar.Window.recurring(recurrence), count: 400)
    // Their last start, of the day before those that are left out, is over two years later.
    let schedule = try schedule(Calendar(name: "c", windows: [Self.minutes] + events))
    for hour in 0..<10 {
      let at = try instant("2026-05-01T00:00:00Z") + .seconds(hour * 3_600)
      #expect(schedule.blackout(at: at).map { $0.end > at + .seconds(3_600) } == true)
    }
  }

  /// Lists as long as they may be cost no more than short ones.
  @Test func longListsCostNoMore() throws {
    let weekdays = (0..<400).map { Recurrence.Weekday(ordinal: $0 % 53 + 1, day: 3) }
    let recurrence = Recurrence(
      start: CivilTime(year: 2020, month: 1, day: 1, hour: 9), timezone: "Europe/Berlin", days: 366,
      length: .seconds(366 * 86_400), frequency: .yearly, interval: 3, byDay: weekdays)
    let schedule = try schedule(
      Calendar(name: "c", windows: [Self.minutes] + Array(repeating: .recurring(recurrence), count: 400)))
    let at = try instant("2028-01-05T12:00:00Z")
    #expect(schedule.blackout(at: at).map { $0.end > at + .seconds(3_600) } == true)
  }

  /// Rules with starts left out at random, against the starts that are there without.
  @Test func leftOutStartsAreAsIfTheyWereNone() throws {
    var generator = SeededGenerator(seed: testSeed)
    for round in 0..<60 {
      let first = CivilTime.days(year: 2026, month: 1, day: 1)
      let step = Int.random(in: 1...4, using: &generator)
      let days = Int.random(in: 1...9, using: &generator)
      let starts = stride(from: first, to: first + 120, by: step)
      let left = starts.filter { _ in Int.random(in: 0..<4, using: &generator) > 0 }
      func wall(_ day: Int) -> CivilTime { CivilTime(secondsSinceEpoch: Int64(day) * 86_400) }
      let schedule = try schedule(
        Calendar(
          name: "c",
          windows: [
            .recurring(
              Recurrence(
                start: wall(first), timezone: "UTC", days: days, frequency: .daily, interval: step,
                until: Timestamp(seconds: Int64(first + 119) * 86_400), excluded: left.map(wall)))
          ]))
      let inForce = Set(starts.filter { !left.contains($0) }.flatMap { $0..<($0 + days) })
      for day in first..<(first + 130) {
        let at = Timestamp(seconds: Int64(day) * 86_400 + 43_200)
        var end: Int?
        if inForce.contains(day) { end = (day...).first { !inForce.contains($0) } }
        #expect(
          schedule.blackout(at: at)?.end == end.map { Timestamp(seconds: Int64($0) * 86_400) },
          "day \(day - first) round \(round) seed \(testSeed)")
      }
    }
  }

  /// Where an answer is cut short, the next window begins: nobody may take what follows for free time.
  @Test func noWindowIsPassedOverWhereAnAnswerIsCutShort() throws {
    let schedule = try schedule(Calendar(name: "c", windows: [Self.minutes]))
    let at = try instant("2026-12-24T12:00:00Z")
    let end = try #require(schedule.blackout(at: at)?.end)
    #expect(schedule.nextBlackout(after: at) == end)
    #expect(schedule.blackout(at: end).map { $0.end > end } == true)
  }
}
