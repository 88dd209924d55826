import Model
import TestSupport
import Testing

@Suite struct CivilTimeTests {
  /// Every day of two 400-year cycles, counted one by one.
  @Test func daysAreCountedRight() {
    var day = CivilTime.days(year: 1600, month: 1, day: 1)
    var weekday = 6  // 1600-01-01 was a Saturday.
    #expect(day == -135_140)
    for year in 1600..<2400 {
      for month in 1...12 {
        for number in 1...CivilTime.daysInMonth(month, of: year) {
          #expect(CivilTime.days(year: year, month: month, day: number) == day)
          let date = CivilTime.date(fromDays: day)
          #expect(date == (year, month, number))
          #expect(CivilTime.weekday(ofDays: day) == weekday)
          day += 1
          weekday = (weekday + 1) % 7
        }
      }
    }
  }

  @Test(arguments: [
    (1900, false), (1970, false), (2000, true), (2024, true), (2026, false), (2100, false), (2400, true),
  ])
  func leapYears(_ year: Int, _ isLeap: Bool) {
    #expect(CivilTime.isLeap(year) == isLeap)
    #expect(CivilTime.daysInMonth(2, of: year) == (isLeap ? 29 : 28))
  }

  @Test func secondsAndBack() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<10_000 {
      let seconds = Int64.random(in: -60_000_000_000...300_000_000_000, using: &random)
      let time = CivilTime(secondsSinceEpoch: seconds)
      #expect(time.secondsSinceEpoch == seconds, "seed \(testSeed): \(seconds)")
      #expect((1...12).contains(time.month) && (0...23).contains(time.hour), "seed \(testSeed): \(seconds)")
      #expect((0...59).contains(time.minute) && (0...59).contains(time.second), "seed \(testSeed): \(seconds)")
    }
    let last = CivilTime(year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59)
    #expect(CivilTime(secondsSinceEpoch: -1) == last)
  }

  @Test func ordersByTime() {
    var random = SeededGenerator(seed: testSeed ^ 1)
    for _ in 0..<2_000 {
      let a = Int64.random(in: 0...4_000_000_000, using: &random)
      let b = a + Int64.random(in: -100_000...100_000, using: &random)
      #expect((CivilTime(secondsSinceEpoch: a) < CivilTime(secondsSinceEpoch: b)) == (a < b), "seed \(testSeed)")
    }
  }
}
