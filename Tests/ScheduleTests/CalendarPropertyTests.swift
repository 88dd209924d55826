import Model
import Schedule
import TestSupport
import Testing

/// Calendars drawn at random, against what the clock shows minute by minute.
@Suite struct CalendarPropertyTests {
  private static let zoneNames = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kolkata",
    "Africa/Casablanca", "Europe/Dublin", "Asia/Gaza",
  ]
  /// Changes of some of these clocks lie in each.
  private static let begins = [
    "2026-03-05T00:00:00Z", "2026-03-24T00:00:00Z", "2026-10-01T00:00:00Z", "2026-10-22T00:00:00Z",
    "2026-10-29T00:00:00Z",
  ]
  private static let minutes = 8 * 1_440

  @Test func isInForceWhenTheClockSaysSo() throws {
    var generator = SeededGenerator(seed: testSeed)
    for round in 0..<20 {
      let timezone = Self.zoneNames[Int.random(in: 0..<Self.zoneNames.count, using: &generator)]
      let zone = try zone(timezone)
      let begin = try instant(Self.begins[Int.random(in: 0..<Self.begins.count, using: &generator)])
      let windows = Self.windows(from: begin, &generator)
      let schedule = try schedule(Calendar(name: "c", timezone: timezone, windows: windows))
      let inForce = (0...Self.minutes).map { minute in
        Self.contains(windows, begin + .seconds(60 * minute), zone)
      }
      for minute in stride(from: Int.random(in: 0..<17, using: &generator), to: Self.minutes, by: 17) {
        let at = begin + .seconds(60 * minute)
        let end = inForce[minute...].firstIndex(of: false)
        let blackout = schedule.blackout(at: at)?.end
        if inForce[minute] {
          // What goes on beyond the minutes that were looked at is only known to go on.
          if let end { #expect(blackout == begin + .seconds(60 * end), "\(at) round \(round) seed \(testSeed)") }
        } else {
          #expect(blackout == nil, "\(at) round \(round) seed \(testSeed)")
        }
        if let end, let start = inForce[end...].firstIndex(of: true) {
          #expect(
            schedule.nextBlackout(after: at) == begin + .seconds(60 * start), "\(at) round \(round) seed \(testSeed)")
        }
      }
    }
  }

  private static func windows(from begin: Timestamp, _ generator: inout SeededGenerator) -> [Calendar.Window] {
    (0..<Int.random(in: 1...4, using: &generator)).map { _ in
      let day = Int(begin.seconds / 86_400) + Int.random(in: 0...7, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0:
        return .days(
          first: .init(number: day), last: .init(number: day + Int.random(in: 0...2, using: &generator)))
      case 1:
        let from = begin + .seconds(60 * Int.random(in: 0..<minutes, using: &generator))
        return .span(from: from, to: from + .seconds(60 * Int.random(in: 1...3_000, using: &generator)))
      default:
        let from = Int.random(in: 0...47, using: &generator) * 30
        return .weekly(
          days: (0...6).filter { _ in Bool.random(using: &generator) }, from: from,
          to: (from + 30 * Int.random(in: 1...47, using: &generator)) % 1_440 + (from == 0 ? 0 : 30))
      }
    }
  }

  /// By what the zone's clock shows at the instant, and nothing else.
  private static func contains(_ windows: [Calendar.Window], _ at: Timestamp, _ zone: TimeZoneRules) -> Bool {
    let time = zone.civil(at: at)
    let today = CivilTime.days(year: time.year, month: time.month, day: time.day)
    let minute = time.hour * 60 + time.minute
    return windows.contains { window in
      switch window {
      case .days(let first, let last): return (first.number...last.number).contains(today)
      case .span(let from, let to): return from <= at && at < to
      case .weekly(let days, let from, let to):
        let isToday = days.contains(time.weekday) && minute >= from && (minute < to || to <= from)
        let yesterday = (time.weekday + 6) % 7
        return isToday || (to <= from && days.contains(yesterday) && minute < to)
      case .cron, .recurring: return false
      }
    }
  }

  /// Rules drawn at random, against going through all days one by one.
  @Test func recurrencesAreThoseOfEachDayByItself() throws {
    var generator = SeededGenerator(seed: testSeed)
    for round in 0..<80 {
      let recurrence = Self.recurrence(&generator)
      let first = CivilTime.days(
        year: recurrence.start.year, month: recurrence.start.month, day: recurrence.start.day)
      let expected = (first..<(first + 1_500)).filter { $0 == first || DayOracle(recurrence).holds($0) }
        .map { Calendar.Day(number: $0).description }
      var found = try starts(
        recurrence, count: expected.count, after: Timestamp(seconds: Int64(first - 2) * 86_400))
      found.removeAll { $0 >= Calendar.Day(number: first + 1_500).description }
      #expect(found == expected, "\(recurrence) round \(round) seed \(testSeed)")
    }
  }

  private static func recurrence(_ generator: inout SeededGenerator) -> Recurrence {
    func some(_ range: ClosedRange<Int>, _ most: Int) -> [Int] {
      guard Int.random(in: 0..<3, using: &generator) == 0 else { return [] }
      return (0..<Int.random(in: 1...most, using: &generator)).map { _ in
        Int.random(in: range, using: &generator)
      }.filter { $0 != 0 }
    }
    let frequency = Recurrence.Frequency.allCases[Int.random(in: 0..<4, using: &generator)]
    let ordinals = frequency == .monthly ? -5...5 : -53...53
    let hasOrdinals = frequency == .monthly || frequency == .yearly
    return Recurrence(
      start: CivilTime(
        year: 2020 + Int.random(in: 0...8, using: &generator), month: Int.random(in: 1...12, using: &generator),
        day: Int.random(in: 1...28, using: &generator), hour: 9),
      timezone: "UTC", length: .seconds(3_600), frequency: frequency,
      interval: Int.random(in: 1...5, using: &generator), byMonth: some(1...12, 3),
      byMonthDay: frequency == .weekly ? [] : some(-31...31, 4),
      byDay: some(1...7, 3).map { day in
        let ordinal = hasOrdinals && Bool.random(using: &generator) ? Int.random(in: ordinals, using: &generator) : 0
        return .init(ordinal: ordinal == 0 ? nil : ordinal, day: day % 7)
      }, weekStart: Int.random(in: 0...6, using: &generator))
  }
}

/// Whether a rule gives a day, by the words of RFC 5545 section 3.3.10 and of nothing but that day.
private struct DayOracle {
  let rule: Recurrence
  init(_ rule: Recurrence) { self.rule = rule }

  func holds(_ day: Int) -> Bool {
    let date = CivilTime(secondsSinceEpoch: Int64(day) * 86_400)
    let start = rule.start
    let startDay = CivilTime.days(year: start.year, month: start.month, day: start.day)
    let weekday = CivilTime.weekday(ofDays: day)
    func weekBegin(_ day: Int) -> Int { day - (CivilTime.weekday(ofDays: day) - rule.weekStart + 7) % 7 }
    let distance =
      switch rule.frequency {
      case .daily: day - startDay
      case .weekly: (weekBegin(day) - weekBegin(startDay)) / 7
      case .monthly: (date.year - start.year) * 12 + date.month - start.month
      case .yearly: date.year - start.year
      }
    guard distance >= 0, distance % rule.interval == 0 else { return false }
    if !rule.byMonth.isEmpty, !rule.byMonth.contains(date.month) { return false }
    let length = CivilTime.daysInMonth(date.month, of: date.year)
    if !rule.byMonthDay.isEmpty,
      !rule.byMonthDay.contains(date.day), !rule.byMonthDay.contains(date.day - length - 1)
    {
      return false
    }
    if !rule.byDay.isEmpty {
      // Within what an ordinal counts: the month, or the year when the rule is yearly and names no month.
      let inYear = rule.frequency == .yearly && rule.byMonth.isEmpty
      let begin = CivilTime.days(year: date.year, month: inYear ? 1 : date.month, day: 1)
      let end = inYear ? CivilTime.days(year: date.year + 1, month: 1, day: 1) : begin + length
      let number = (day - begin) / 7 + 1
      let numberFromEnd = -((end - 1 - day) / 7 + 1)
      return rule.byDay.contains {
        $0.day == weekday && ($0.ordinal == nil || $0.ordinal == number || $0.ordinal == numberFromEnd)
      }
    }
    if !rule.byMonthDay.isEmpty { return true }
    switch rule.frequency {
    case .daily: return true
    case .weekly: return weekday == start.weekday
    case .monthly: return date.day == start.day
    case .yearly: return date.day == start.day && (!rule.byMonth.isEmpty || date.month == start.month)
    }
  }
}
