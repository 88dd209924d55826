import Model
import Schedule
import TestSupport
import Testing

@Suite struct CronPropertyTests {
  /// Against stepping through every second of two days, from random places.
  @Test func agreesWithSteppingThroughSeconds() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<60 {
      let pattern = RandomPattern(using: &random)
      guard let cron = try? CronExpression(pattern.text) else { continue }
      let start = Int64.random(in: 0..<4_000_000_000, using: &random)
      var next = cron.next(after: CivilTime(secondsSinceEpoch: start))
      var previous: CivilTime?
      for second in (start + 1)...(start + 2 * 86_400) {
        let time = CivilTime(secondsSinceEpoch: second)
        guard pattern.matches(time) else { continue }
        try #require(next == time, "seed \(testSeed): \(pattern) after \(start)")
        if let previous {
          try #require(cron.previous(before: time) == previous, "seed \(testSeed): \(pattern) before \(time)")
        }
        next = cron.next(after: time)
        previous = time
      }
    }
  }

  /// Against stepping through every day of thirty years, for the first and last time of each day.
  @Test func agreesWithSteppingThroughDays() throws {
    var random = SeededGenerator(seed: testSeed ^ 1)
    for _ in 0..<100 {
      var pattern = RandomPattern(using: &random)
      guard let cron = try? CronExpression(pattern.text) else { continue }
      let hour = try #require(pattern.hours.min())
      let minute = try #require(pattern.minutes.min())
      let second = try #require(pattern.seconds.min())
      pattern.hours = [hour]
      pattern.minutes = [minute]
      pattern.seconds = [second]
      let start = Int.random(in: 0..<80_000, using: &random)
      for day in start..<(start + 11_000) {
        let date = CivilTime(secondsSinceEpoch: Int64(day) * 86_400)
        var time = date
        (time.hour, time.minute, time.second) = (hour, minute, second)
        let midnight = CivilTime(secondsSinceEpoch: Int64(day) * 86_400 - 1)
        let next = cron.next(after: midnight)
        try #require((next == time) == pattern.matches(time), "seed \(testSeed): \(pattern) on \(date)")
      }
    }
  }

  @Test func nextIsGreaterAndMatches() throws {
    var random = SeededGenerator(seed: testSeed ^ 2)
    for _ in 0..<3_000 {
      let pattern = RandomPattern(using: &random)
      guard let cron = try? CronExpression(pattern.text) else { continue }
      let time = CivilTime(secondsSinceEpoch: Int64.random(in: 0..<20_000_000_000, using: &random))
      let next = try #require(cron.next(after: time), "seed \(testSeed): \(pattern)")
      #expect(next > time, "seed \(testSeed): \(pattern) after \(time)")
      #expect(pattern.matches(next), "seed \(testSeed): \(pattern) gave \(next)")
      let previous = try #require(cron.previous(before: next), "seed \(testSeed): \(pattern)")
      #expect(previous <= time, "seed \(testSeed): \(pattern) before \(next)")
      #expect(cron.next(after: previous) == next, "seed \(testSeed): \(pattern) after \(previous)")
    }
  }

  /// Refused as never due exactly when no day of a whole 400-year cycle matches.
  @Test func neverDueIsExact() throws {
    for day in 1...31 {
      for month in 1...12 {
        let exists = day <= (month == 2 ? 29 : CivilTime.daysInMonth(month, of: 2026))
        #expect(((try? CronExpression("0 0 \(day) \(month) *")) != nil) == exists, "\(day) \(month)")
        #expect((try? CronExpression("0 0 \(day) \(month) 1")) != nil, "\(day) \(month)")
        #expect(((try? CronExpression("0 0 \(day)W \(month) *")) != nil) == exists, "\(day)W \(month)")
        #expect(((try? CronExpression("0 0 \(day) \(month) +1")) != nil) == exists, "\(day) \(month) +")
        let inYear = day <= (month == 2 ? 28 : CivilTime.daysInMonth(month, of: 2027))
        #expect(((try? CronExpression("0 0 0 \(day) \(month) * 2027")) != nil) == inYear, "\(day) \(month) 2027")
      }
    }
  }

  /// The words say all that the search obeys: texts with the same words are due at the same times.
  @Test func differentMeaningsHaveDifferentWords() throws {
    var random = SeededGenerator(seed: testSeed ^ 5)
    var known: [String: CronExpression] = [:]
    for _ in 0..<6_000 {
      // Small fields, so that the same words come up again.
      var fields = RandomPattern(using: &random).text.split(separator: " ").suffix(3).map(String.init)
      let minute =
        Int.random(in: 0..<2, using: &random) == 0 ? "0" : "*/\([2, 7, 20].randomElement(using: &random) ?? 2)"
      fields = [minute, ["0", "9-17", "*/2", "*"].randomElement(using: &random) ?? "0"] + fields
      guard let cron = try? CronExpression(fields.joined(separator: " ")) else { continue }
      guard let other = known.updateValue(cron, forKey: cron.words) else { continue }
      var time = CivilTime(secondsSinceEpoch: Int64.random(in: 0..<4_000_000_000, using: &random))
      for _ in 0..<40 {
        let next = cron.next(after: time)
        try #require(other.next(after: time) == next, "seed \(testSeed): '\(cron)' and '\(other)': \(cron.words)")
        guard let next else { break }
        // Skip to the next day now and then, to see months.
        time = CivilTime(year: next.year, month: next.month, day: next.day, hour: 23, minute: 59)
      }
    }
    #expect(known.count > 1_000)
  }

  @Test func yearsAgreeWithTheSameExpressionWithoutThem() throws {
    var random = SeededGenerator(seed: testSeed ^ 6)
    for _ in 0..<1_000 {
      let pattern = RandomPattern(using: &random)
      let text = pattern.seconds == [0] && !pattern.text.hasPrefix("0 0 0") ? "0 " + pattern.text : pattern.text
      let years = Set((0..<3).map { _ in Int.random(in: 1_970...2_199, using: &random) })
      let list = years.map { "\($0)" }.joined(separator: ",")
      guard text.split(separator: " ").count == 6, let all = try? CronExpression(text),
        let some = try? CronExpression(text + " " + list)
      else { continue }
      var time = CivilTime(secondsSinceEpoch: Int64.random(in: 0..<7_000_000_000, using: &random))
      for _ in 0..<5 {
        let next = some.next(after: time)
        // The same, found by going through the years.
        let expected = (time.year...2_200).lazy.compactMap { year -> CivilTime? in
          let start = max(time, CivilTime(year: year - 1, month: 12, day: 31, hour: 23, minute: 59, second: 59))
          guard years.contains(year), let found = all.next(after: start), found.year == year else { return nil }
          return found
        }.first
        try #require(next == expected, "seed \(testSeed): \(text) \(list) after \(time)")
        guard let next else { break }
        if let previous = some.previous(before: next) {
          #expect(previous <= time && years.contains(previous.year), "seed \(testSeed): \(text) \(list)")
          #expect(some.next(after: previous) == next, "seed \(testSeed): \(text) \(list)")
        }
        time = next
      }
    }
  }

  @Test func garbageNeverTraps() {
    var random = SeededGenerator(seed: testSeed ^ 3)
    let letters = Array("0123456789*/,-? LWH#+()@JANSUNx\t\u{0}é\u{301}\u{1f600}".unicodeScalars)
    for _ in 0..<20_000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...30, using: &random) {
        if let letter = letters.randomElement(using: &random) { text.append(letter) }
      }
      do {
        let cron = try CronExpression(String(text), hashing: "orders/backup")
        #expect(cron.next(after: CivilTime(year: 1969, month: 12, day: 31)) != nil, "seed \(testSeed)")
        #expect(!cron.words.isEmpty)
      } catch {
        #expect(error.offset <= text.count, "seed \(testSeed): \(String(text).debugDescription)")
      }
    }
  }
}
