import Model
import TestSupport
import Testing

@Suite struct DurationTextTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var milliseconds: Int64
    /// As it is printed; nil when that is `text` itself.
    var printed: String?
    init(_ text: String, _ milliseconds: Int64, prints printed: String? = nil) {
      self.text = text
      self.milliseconds = milliseconds
      self.printed = printed
    }
    var testDescription: String { text }
  }

  @Test(arguments: [
    Row("0s", 0), Row("0d", 0, prints: "0s"), Row("500ms", 500), Row("30s", 30_000), Row("5m", 300_000),
    Row("1h30m", 5_400_000), Row("7d", 604_800_000), Row("90s", 90_000, prints: "1m30s"),
    Row("1500ms", 1_500, prints: "1s500ms"), Row("1d2h3m4s5ms", 93_784_005), Row("1h0m1s", 3_601_000, prints: "1h1s"),
    Row("007m", 420_000, prints: "7m"), Row("36525d", 3_155_760_000_000), Row("48h", 172_800_000, prints: "2d"),
    Row("1m1ms", 60_001),
  ])
  func reads(_ row: Row) throws {
    let duration = try #require(Duration(manifest: row.text))
    #expect(duration.wholeMilliseconds == row.milliseconds)
    #expect(duration.manifestText == row.printed ?? row.text)
  }

  @Test(arguments: [
    "", " ", "5", "s", "5 s", " 5s", "5s ", "5S", "5M", "5sec", "5w", "5y", "5us", "1.5h", "-5s", "+5s", "5s5s", "5m1h",
    "1ms1s", "1s1m", "5m5", "0x5s", "5s\n", "5s\u{0}", "٥s", "1e3s", "36526d", "36525d1ms", "999999999999d",
    "9999999999999s", "99999999999999999999999999s", "1h,30m", "1h 30m", "h30m", "PT5M",
  ])
  func refuses(_ text: String) {
    #expect(Duration(manifest: text) == nil)
  }

  @Test func parseAfterPrintIsIdentity() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<5_000 {
      let scale = ([1, 1_000, 60_000, 3_600_000] as [Int64]).randomElement(using: &random) ?? 1
      let duration = Duration.milliseconds(Int64.random(in: 0...3_155_760_000_000 / scale, using: &random) * scale)
      #expect(Duration(manifest: duration.manifestText) == duration, "seed \(testSeed): \(duration)")
    }
  }

  @Test func printsWhatNoManifestSays() {
    #expect(Duration.seconds(-90).manifestText == "-1m30s")
    #expect(Duration.microseconds(999).manifestText == "0s")
    #expect(Duration.microseconds(-999).manifestText == "0s")
    #expect(!Duration.seconds(Int64.max).manifestText.isEmpty)
    #expect(!Duration.seconds(Int64.min).manifestText.isEmpty)
  }
}
