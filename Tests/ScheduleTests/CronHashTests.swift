import Model
import Schedule
import TestSupport
import Testing

/// `H`: a number that follows from the job's name.
@Suite struct CronHashTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var expression: String
    var name: String
    /// The same without `H`.
    var means: String
    init(_ expression: String, _ name: String, _ means: String) {
      self.expression = expression
      self.name = name
      self.means = means
    }
    var testDescription: String { "'\(expression)' of \(name)" }
  }

  /// Jobs in the field depend on these numbers: they were computed by another program, and a change of them moves every
  /// job that has an `H`.
  @Test(arguments: [
    Row("H * * * *", "orders/backup", "14 * * * *"),
    Row("H H * * *", "orders/backup", "14 8 * * *"),
    Row("H H H H H", "orders/backup", "14 8 9 11 1"),
    Row("H H H H H H", "orders/backup", "36 14 8 9 11 1"),
    Row("H/15 * * * *", "orders/backup", "3,18,33,48 * * * *"),
    Row("H(0-29) * * * *", "orders/backup", "7 * * * *"),
    Row("H(30-59) * * * *", "orders/backup", "37 * * * *"),
    Row("H(0-29)/10 * * * *", "orders/backup", "2,12,22 * * * *"),
    Row("0 H(0-7) * * *", "orders/backup", "0 2 * * *"),
    Row("0 0 H/7 * *", "orders/backup", "0 0 3,10,17,24 * *"),
    Row("0 0 * * H(MON-FRI)", "orders/backup", "0 0 * * TUE"),
    Row("0,H * * * *", "orders/backup", "0,14 * * * *"),
    Row("H * * * *", "heartbeat", "17 * * * *"),
    Row("H H * * *", "heartbeat", "17 13 * * *"),
    Row("H/15 * * * *", "heartbeat", "4,19,34,49 * * * *"),
    Row("H H * * *", "data/orders-backup", "53 23 * * *"),
    Row("0 0 H H H", "data/orders-backup", "0 0 1 2 0"),
    Row("0 H 1 1 +H", "heartbeat", "0 13 1 1 +4"),
  ])
  func isStable(_ row: Row) throws {
    let hashed = try CronExpression(row.expression, hashing: row.name)
    let plain = try CronExpression(row.means)
    #expect(hashed.words == plain.words)
    #expect(hashed.text == row.expression)
    var time = CivilTime(year: 2026, month: 1, day: 1)
    for _ in 0..<50 {
      let next = try #require(plain.next(after: time))
      #expect(hashed.next(after: time) == next)
      time = next
    }
  }

  /// Without an `H` the name has no bearing.
  @Test func namesMatterToHashesOnly() throws {
    #expect(try CronExpression("5 4 * * *", hashing: "a") == CronExpression("5 4 * * *"))
  }

  /// Many jobs spread over the hour, and their minutes say nothing about their hours.
  @Test func spreadsEvenly() throws {
    var minutes = [Int](repeating: 0, count: 60)
    var hours = [Int](repeating: 0, count: 24)
    var same = 0
    for number in 0..<6_000 {
      let cron = try CronExpression("H H * * *", hashing: "job-\(number)")
      let due = try #require(cron.next(after: CivilTime(year: 2026, month: 1, day: 1, hour: 0)))
      minutes[due.minute] += 1
      hours[due.hour] += 1
      if due.minute * 24 / 60 == due.hour { same += 1 }
    }
    #expect(minutes.allSatisfy { (50...150).contains($0) }, "\(minutes)")
    #expect(hours.allSatisfy { (180...330).contains($0) }, "\(hours)")
    #expect((150...350).contains(same), "\(same)")
  }

  /// Every `H` stays in its field's range, and a step keeps its distance.
  @Test func staysWithinItsRange() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<2_000 {
      let name = "job-\(UInt64.random(in: 0 ... .max, using: &random))"
      let low = Int.random(in: 0...50, using: &random)
      let high = Int.random(in: low...59, using: &random)
      let day = try #require(
        CronExpression("H(\(low)-\(high)) H H * *", hashing: name).next(after: CivilTime(year: 2026, month: 2, day: 1)))
      #expect((low...high).contains(day.minute), "seed \(testSeed): \(name)")
      #expect((1...28).contains(day.day), "seed \(testSeed): \(name)")
      let step = Int.random(in: 2...30, using: &random)
      let cron = try CronExpression("H/\(step) 0 1 1 *", hashing: name)
      var found: [Int] = []
      var time = CivilTime(year: 2026, month: 1, day: 1, hour: 0, minute: 0)
      if cron.next(after: CivilTime(year: 2025, month: 12, day: 31, hour: 23))?.minute == 0 { found.append(0) }
      while let next = cron.next(after: time), next.year == 2026 {
        found.append(next.minute)
        time = next
      }
      #expect(found.first.map { $0 < step } == true, "seed \(testSeed): \(name)")
      #expect(zip(found, found.dropFirst()).allSatisfy { $1 - $0 == step }, "seed \(testSeed): \(name)")
      #expect(found.last.map { $0 + step > 59 } == true, "seed \(testSeed): \(name)")
    }
  }
}
