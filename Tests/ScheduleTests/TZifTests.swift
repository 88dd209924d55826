import Foundation
import Model
import Schedule
import TestSupport
import Testing

/// TZif files may come from anywhere on a host: whatever is in them, there is a zone or an error.
@Suite struct TZifTests {
  static func file(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: fixtures(name))))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var says: String
    var bytes: [UInt8]
    init(_ says: String, _ change: (inout TZifBuilder) -> Void) {
      var builder = TZifBuilder()
      change(&builder)
      self.says = says
      self.bytes = builder.bytes
    }
    init(_ says: String, bytes: [UInt8]) {
      self.says = says
      self.bytes = bytes
    }
    var testDescription: String { says }
  }

  static let refusals: [Refusal] = [
    Refusal("ends within a TZif header", bytes: []),
    Refusal("ends within a TZif header", bytes: Array("TZif2".utf8)),
    Refusal("no TZif header", bytes: [UInt8](repeating: 0x20, count: 100)),
    Refusal("over the limit", bytes: [UInt8](repeating: 0, count: 256 * 1024 + 1)),
    Refusal("unknown version") { $0.version = 0x31 },
    Refusal("unknown version") { $0.version = 0x35 },
    Refusal("leap seconds") { $0.leapCount = 27 },
    Refusal("no local time type") { $0.types = [] },
    Refusal("no local time type") { $0.types = [(Int32, UInt8, UInt8)](repeating: (0, 0, 0), count: 257) },
    Refusal("no time zone designation") { $0.designations = [] },
    Refusal("designation has no end") { $0.designations = Array("UTC".utf8) },
    Refusal("no such designation") { $0.types = [(0, 0, 4)] },
    Refusal("neither 0 nor 1") { $0.types = [(0, 2, 0)] },
    Refusal("offset from UT is out of range") { $0.types = [(93_600, 0, 0)] },
    Refusal("offset from UT is out of range") { $0.types = [(.min, 0, 0)] },
    Refusal("no such local time type") { $0.transitions = [(0, 1)] },
    Refusal("must ascend") { $0.transitions = [(5, 0), (5, 0)] },
    Refusal("must ascend") { $0.transitions = [(5, 0), (4, 0)] },
    Refusal("transition time is out of range") { $0.transitions = [(.min, 0)] },
    Refusal("transition time is out of range") { $0.transitions = [(.max, 0)] },
    Refusal("footer is missing") { $0.footer = nil },
    Refusal("at least 3 characters") { $0.footer = "A0" },
    Refusal("at least 3 characters") { $0.footer = "\u{0}\u{0}\u{0}0" },
    Refusal("want '>'") { $0.footer = "<+03-3" },
    Refusal("want a number") { $0.footer = "UTC" },
    Refusal("not within 0-24") { $0.footer = "AAA25" },
    Refusal("not within 0-59") { $0.footer = "AAA1:60" },
    Refusal("want ','") { $0.footer = "AAA1BBB" },
    Refusal("want ','") { $0.footer = "AAA1BBB,M3.5.0" },
    Refusal("not within 1-12") { $0.footer = "AAA1BBB,M13.5.0,M10.5.0" },
    Refusal("not within 1-5") { $0.footer = "AAA1BBB,M3.0.0,M10.5.0" },
    Refusal("not within 0-6") { $0.footer = "AAA1BBB,M3.5.7,M10.5.0" },
    Refusal("not within 1-365") { $0.footer = "AAA1BBB,J0,J365" },
    Refusal("not within 0-365") { $0.footer = "AAA1BBB,366,1" },
    Refusal("not within 0-167") { $0.footer = "AAA1BBB,M3.5.0/168,M10.5.0" },
    Refusal("1 to 3 digits") { $0.footer = "AAA1BBB,M3.5.0/99999999999999999999,M10.5.0" },
    Refusal("text after the rule") { $0.footer = "AAA1BBB,M3.5.0,M10.5.0,M1.1.1" },
    Refusal("bytes after the end", bytes: TZifBuilder().bytes + [0x0a]),
    Refusal("bytes after the end", bytes: TZifBuilder(version: 0).bytes + [0x0a]),
  ]

  @Test(arguments: refusals) func refuses(_ row: Refusal) throws {
    let error = try #require(throws: TZifError.self) { try TimeZoneRules(tzif: row.bytes, name: "Test/Zone") }
    #expect(error.description.contains(row.says), "\(error)")
  }

  @Test(arguments: [0, 0x32, 0x33, 0x34] as [UInt8]) func readsEveryVersion(_ version: UInt8) throws {
    var builder = TZifBuilder(version: version)
    builder.types = [(-3_600, 0, 0), (7_200, 1, 0)]
    builder.transitions = [(1_000_000, 1)]
    builder.footer = "<+02>-2"
    let rules = try TimeZoneRules(tzif: builder.bytes, name: "Test/Zone")
    #expect(rules.offset(at: Timestamp(seconds: 999_999)) == -3_600)
    #expect(rules.offset(at: Timestamp(seconds: 1_000_000)) == 7_200)
    #expect(rules.offset(at: Timestamp(seconds: 253_402_300_799)) == 7_200)
    #expect(rules.name == "Test/Zone")
  }

  @Test(arguments: ["zoneinfo/Europe/Berlin", "zoneinfo-fat/Europe/Berlin", "zoneinfo/Asia/Gaza"])
  func everyCutIsRefused(_ name: String) throws {
    let bytes = try Self.file(name)
    for length in 0..<bytes.count {
      #expect(throws: TZifError.self, "\(length) bytes") {
        try TimeZoneRules(tzif: Array(bytes[..<length]), name: "Test/Zone")
      }
    }
  }

  @Test(arguments: ["zoneinfo/Europe/Berlin", "zoneinfo-fat/Europe/Berlin", "zoneinfo/Asia/Gaza"])
  func flippedBytesNeverTrap(_ name: String) throws {
    let bytes = try Self.file(name)
    var random = SeededGenerator(seed: testSeed)
    let cron = try CronExpression("30 2 * * *")
    let hourly = try CronExpression("30 * 29 2 *")
    for _ in 0..<4_000 {
      var broken = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<broken.count, using: &random)
        broken[place] = UInt8.random(in: 0...255, using: &random)
      }
      guard let rules = try? TimeZoneRules(tzif: broken, name: "Test/Zone") else { continue }
      var at = Timestamp(seconds: Int64.random(in: 0..<8_000_000_000, using: &random))
      for expression in [cron, hourly] {
        let zoned = ZonedCron(expression, in: rules)
        for _ in 0..<3 {
          guard let next = zoned.next(after: at) else { break }
          #expect(next > at, "seed \(testSeed)")
          #expect(zoned.previous(before: next) ?? at <= at, "seed \(testSeed)")
          at = next
        }
      }
      _ = rules.instants(of: CivilTime(year: 2026, month: 3, day: 29, hour: 2, minute: 30))
    }
  }

  @Test func garbageNeverTraps() {
    var random = SeededGenerator(seed: testSeed ^ 1)
    for _ in 0..<2_000 {
      var bytes = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      if bytes.count > 50 { bytes.replaceSubrange(0..<5, with: "TZif2".utf8) }
      #expect(throws: TZifError.self, "seed \(testSeed)") { try TimeZoneRules(tzif: bytes, name: "Test/Zone") }
    }
  }

  /// As many changes as a file can hold, a second apart, back and forth by 49 hours: slow is allowed, endless is not.
  @Test func aClockThatNeverRests() throws {
    var builder = TZifBuilder()
    builder.types = [(-86_400, 0, 0), (90_000, 0, 0)]
    builder.transitions = (0..<15_000).map { (1_800_000_000 + Int64($0), UInt8($0 % 2)) }
    builder.footer = ""
    let rules = try TimeZoneRules(tzif: builder.bytes, name: "Test/Zone")
    for text in ["30 * * * *", "30 2 29 2 *", "* * 29 2 *"] {
      let cron = ZonedCron(try CronExpression(text), in: rules)
      var at = Timestamp(seconds: 1_799_999_000)
      for _ in 0..<20 {
        let next = try #require(cron.next(after: at))
        #expect(next > at)
        #expect(try #require(cron.previous(before: next)) <= at || cron.next(after: at) == next)
        at = next
      }
    }
  }
}
