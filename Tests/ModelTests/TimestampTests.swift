import Model
import TestSupport
import Testing

@Suite struct TimestampTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var microseconds: Int64
    /// As it is printed; nil when that is `text` itself.
    var printed: String?
    init(_ text: String, _ microseconds: Int64, prints printed: String? = nil) {
      self.text = text
      self.microseconds = microseconds
      self.printed = printed
    }
    var testDescription: String { text }
  }

  @Test(arguments: [
    Row("1970-01-01T00:00:00Z", 0),
    Row("1970-01-01T00:00:00.000001Z", 1),
    Row("1970-01-01T00:00:00.250Z", 250_000),
    Row("1970-01-01T00:00:00.25Z", 250_000, prints: "1970-01-01T00:00:00.250Z"),
    Row("1970-01-01T00:00:00.000000999Z", 0, prints: "1970-01-01T00:00:00Z"),
    Row("1970-01-01T00:00:00.1234567Z", 123_456, prints: "1970-01-01T00:00:00.123456Z"),
    Row("2000-02-29T23:59:59Z", 951_868_799_000_000),
    Row("2026-12-01T03:00:00+01:00", 1_796_090_400_000_000, prints: "2026-12-01T02:00:00Z"),
    Row("2026-12-01T02:00:00-00:00", 1_796_090_400_000_000, prints: "2026-12-01T02:00:00Z"),
    Row("2026-11-30T21:30:00-04:30", 1_796_090_400_000_000, prints: "2026-12-01T02:00:00Z"),
    Row("2026-12-02T01:59:00+23:59", 1_796_090_400_000_000, prints: "2026-12-01T02:00:00Z"),
    Row("1970-01-01T01:00:00+01:00", 0, prints: "1970-01-01T00:00:00Z"),
    Row("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
  ])
  func reads(_ row: Row) throws {
    let time = try #require(Timestamp(rfc3339: row.text))
    #expect(time.microseconds == row.microseconds)
    #expect(time.description == row.printed ?? row.text)
  }

  @Test(arguments: [
    "", "2026", "2026-12-01", "2026-12-01T02:00Z", "2026-12-01T02:00:00", "2026-12-01 02:00:00Z",
    "2026-12-01t02:00:00Z",
    "2026-12-01T02:00:00z", "2026-12-01T02:00:00ZZ", " 2026-12-01T02:00:00Z", "2026-12-01T02:00:00Z\n",
    "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
    "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+01", "2026-1-1T00:00:00Z", "+2026-01-01T00:00:00Z", "-2026-01-01T00:00:00Z",
    "02026-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
    "9999-12-31T23:59:00-00:01", "10000-01-01T00:00:00Z", "２０２６-01-01T00:00:00Z", "2026-01-01T00:00:0٥Z",
    "2026-01-01T00:00:00\u{2212}01:00",
  ])
  func refuses(_ text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test func printsWithAnOffset() {
    let time = Timestamp(seconds: 1_796_090_400)
    #expect(time.rfc3339(offset: 0) == "2026-12-01T02:00:00Z")
    #expect(time.rfc3339(offset: 3_600) == "2026-12-01T03:00:00+01:00")
    #expect(time.rfc3339(offset: -16_200) == "2026-11-30T21:30:00-04:30")
    #expect(time.rfc3339(offset: 50_400) == "2026-12-01T16:00:00+14:00")
    #expect(time.rfc3339(offset: 3_208) == "2026-12-01T02:53:00+00:53")
    #expect(time.rfc3339(offset: -30) == "2026-12-01T02:00:00Z")
  }

  @Test func parseAfterPrintIsIdentity() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<5_000 {
      let scale = ([1, 1_000, 1_000_000] as [Int64]).randomElement(using: &random) ?? 1
      let time = Timestamp(microseconds: Int64.random(in: 0...253_402_300_799_999_999 / scale, using: &random) * scale)
      #expect(Timestamp(rfc3339: time.description) == time, "seed \(testSeed): \(time)")
      let offset = Int.random(in: -800...800, using: &random) * 60
      let text = time.rfc3339(offset: offset)
      if time.seconds > 100_000, time.seconds < 253_402_000_000 {
        #expect(Timestamp(rfc3339: text) == time, "seed \(testSeed): \(text)")
      }
    }
  }

  @Test func arithmeticSaturates() {
    let most = Timestamp(microseconds: .max)
    let least = Timestamp(microseconds: .min)
    #expect(most + .seconds(1) == most)
    #expect(least - .seconds(1) == least)
    #expect(Timestamp(seconds: .max) == most)
    #expect(Timestamp(seconds: .min) == least)
    #expect(most - least == .microseconds(Int64.max))
    #expect(least - most == .microseconds(Int64.min + 1))
    #expect((Timestamp(seconds: 0) + .seconds(Int64.max)) == most)
    #expect(Duration.seconds(Int64.min).wholeMicroseconds == Int64.min + 1)
    // Neither is readable, and neither traps.
    #expect(!most.description.isEmpty)
    #expect(!least.description.isEmpty)
    #expect(least.subsecond == 224_192)
  }

  @Test(
    arguments: [
      (0, 0, 0), (1_500_000, 1, 500_000), (-1, -1, 999_999), (-1_000_000, -1, 0), (-1_500_000, -2, 500_000),
    ] as [(Int64, Int64, Int64)])
  func secondsRoundTowardsThePast(_ microseconds: Int64, _ seconds: Int64, _ subsecond: Int64) {
    let time = Timestamp(microseconds: microseconds)
    #expect(time.seconds == seconds)
    #expect(time.subsecond == subsecond)
  }
}
