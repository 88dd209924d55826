import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

@Suite struct TimeZoneRulesTests {
  struct Offset: Sendable, CustomTestStringConvertible {
    var zone: String
    var at: String
    /// Seconds east.
    var offset: Int
    init(_ zone: String, _ at: String, _ offset: Int) {
      self.zone = zone
      self.at = at
      self.offset = offset
    }
    var testDescription: String { "\(zone) at \(at)" }
  }

  @Test(arguments: [
    Offset("UTC", "2026-07-01T00:00:00Z", 0),
    Offset("Europe/Berlin", "1970-01-01T00:00:00Z", 3_600),
    Offset("Europe/Berlin", "1979-07-01T00:00:00Z", 3_600),
    Offset("Europe/Berlin", "1980-07-01T00:00:00Z", 7_200),
    Offset("Europe/Berlin", "2026-03-29T00:59:59Z", 3_600),
    Offset("Europe/Berlin", "2026-03-29T01:00:00Z", 7_200),
    Offset("Europe/Berlin", "2026-10-25T00:59:59Z", 7_200),
    Offset("Europe/Berlin", "2026-10-25T01:00:00Z", 3_600),
    Offset("Europe/Berlin", "2500-07-01T00:00:00Z", 7_200),
    Offset("Europe/Berlin", "9999-12-31T23:00:00Z", 3_600),
    Offset("Europe/Dublin", "2026-01-01T00:00:00Z", 0),
    Offset("Europe/Dublin", "2026-07-01T00:00:00Z", 3_600),
    Offset("Europe/Dublin", "2926-01-01T00:00:00Z", 0),
    Offset("America/New_York", "2026-01-01T00:00:00Z", -18_000),
    Offset("America/New_York", "3026-07-01T00:00:00Z", -14_400),
    Offset("Australia/Lord_Howe", "2026-01-01T00:00:00Z", 39_600),
    Offset("Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37_800),
    Offset("Pacific/Apia", "2011-12-30T09:59:59Z", -36_000),
    Offset("Pacific/Apia", "2011-12-30T10:00:00Z", 50_400),
    Offset("Asia/Kolkata", "2026-07-01T00:00:00Z", 19_800),
    Offset("Africa/Casablanca", "2026-03-01T00:00:00Z", 0),
    Offset("Africa/Casablanca", "2200-03-01T00:00:00Z", 3_600),
    Offset("America/Nuuk", "2026-03-29T00:59:59Z", -7_200),
    Offset("America/Nuuk", "2026-03-29T01:00:00Z", -3_600),
  ])
  func offset(_ row: Offset) throws {
    #expect(try zone(row.zone).offset(at: try instant(row.at)) == row.offset)
  }

  struct Wall: Sendable, CustomTestStringConvertible {
    var zone: String
    var time: String
    /// One or two instants; for a gap the one after it.
    var instants: [String]
    var isGap = false
    var testDescription: String { "\(zone) \(time)" }
  }

  @Test(arguments: [
    Wall(zone: "UTC", time: "2026-03-29 02:30", instants: ["2026-03-29T02:30:00Z"]),
    Wall(zone: "Europe/Berlin", time: "2026-03-29 01:59:59", instants: ["2026-03-29T01:59:59+01:00"]),
    Wall(zone: "Europe/Berlin", time: "2026-03-29 02:00", instants: ["2026-03-29T03:00:00+02:00"], isGap: true),
    Wall(zone: "Europe/Berlin", time: "2026-03-29 02:59:59", instants: ["2026-03-29T03:00:00+02:00"], isGap: true),
    Wall(zone: "Europe/Berlin", time: "2026-03-29 03:00", instants: ["2026-03-29T03:00:00+02:00"]),
    Wall(zone: "Europe/Berlin", time: "2026-10-25 01:59:59", instants: ["2026-10-25T01:59:59+02:00"]),
    Wall(
      zone: "Europe/Berlin", time: "2026-10-25 02:00",
      instants: ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]),
    Wall(
      zone: "Europe/Berlin", time: "2026-10-25 02:59:59",
      instants: ["2026-10-25T02:59:59+02:00", "2026-10-25T02:59:59+01:00"]),
    Wall(zone: "Europe/Berlin", time: "2026-10-25 03:00", instants: ["2026-10-25T03:00:00+01:00"]),
    Wall(
      zone: "Europe/Berlin", time: "5226-10-25 02:30",
      instants: ["5226-10-25T02:30:00+02:00", "5226-10-25T02:30:00+01:00"]),
    Wall(
      zone: "Australia/Lord_Howe", time: "2026-10-04 02:15", instants: ["2026-10-04T02:30:00+11:00"], isGap: true),
    Wall(
      zone: "Australia/Lord_Howe", time: "2026-04-05 01:45",
      instants: ["2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"]),
    Wall(zone: "Pacific/Apia", time: "2011-12-30 00:00", instants: ["2011-12-31T00:00:00+14:00"], isGap: true),
    Wall(zone: "Pacific/Apia", time: "2011-12-30 23:59:59", instants: ["2011-12-31T00:00:00+14:00"], isGap: true),
    Wall(zone: "Pacific/Apia", time: "2011-12-31 00:00", instants: ["2011-12-31T00:00:00+14:00"]),
    Wall(zone: "America/Havana", time: "2026-03-08 00:00", instants: ["2026-03-08T01:00:00-04:00"], isGap: true),
    Wall(
      zone: "America/Havana", time: "2026-11-01 00:30",
      instants: ["2026-11-01T00:30:00-04:00", "2026-11-01T00:30:00-05:00"]),
    Wall(
      zone: "Europe/Dublin", time: "2026-10-25 01:30", instants: ["2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00Z"]),
  ])
  func instants(_ row: Wall) throws {
    let rules = try zone(row.zone)
    let expected = try row.instants.map { try instant($0) }
    let found = rules.instants(of: try civil(row.time))
    switch found {
    case .one(let only): #expect([only] == expected && !row.isGap)
    case .none(let after): #expect([after] == expected && row.isGap)
    case .two(let first, let second): #expect([first, second] == expected)
    }
  }

  /// A file that lists the changes up to 2037 and one that leaves them to the footer say the same.
  @Test(arguments: ["Europe/Berlin", "America/New_York"]) func fatAndSlimFilesAgree(_ name: String) throws {
    let fat = try ZoneDatabase(folder: fixtures("zoneinfo-fat")).zone(named: name)
    let slim = try zone(name)
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<20_000 {
      let at = Timestamp(seconds: Int64.random(in: -3_000_000_000..<20_000_000_000, using: &random))
      #expect(fat.offset(at: at) == slim.offset(at: at), "seed \(testSeed): \(at)")
    }
  }

  /// After 400 years the calendar and so the rules repeat.
  @Test func farDatesRepeat() throws {
    var random = SeededGenerator(seed: testSeed ^ 1)
    let cycle: Int64 = 146_097 * 86_400
    for name in ["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Gaza", "America/Nuuk"] {
      let rules = try zone(name)
      for _ in 0..<2_000 {
        // From 2101 on, past what any of the files lists.
        let at = Int64.random(in: 4_134_000_000..<4_134_000_000 + cycle, using: &random)
        let turns = Int64.random(in: 1...15, using: &random)
        let far = rules.offset(at: Timestamp(seconds: at + turns * cycle))
        #expect(rules.offset(at: Timestamp(seconds: at)) == far, "seed \(testSeed): \(name) \(at) \(turns)")
      }
    }
  }

  /// What the zone did before its rule began must not come back with the cycle.
  @Test func theCycleBeginsWithTheRule() throws {
    var builder = TZifBuilder()
    builder.types = [(0, 0, 0), (18_000, 0, 0)]
    builder.transitions = [(try instant("2000-07-01T00:00:00Z").seconds, 1)]
    builder.footer = "<+05>-5<+06>,M3.5.0,M10.5.0"
    let rules = try TimeZoneRules(tzif: builder.bytes, name: "Test/Zone")
    #expect(rules.offset(at: try instant("2000-02-01T00:00:00Z")) == 0)
    for year in [2001, 2399, 2400, 2401, 2402, 2403, 2404, 2800, 2802, 3200, 9999] {
      #expect(rules.offset(at: try instant("\(year)-02-01T00:00:00Z")) == 18_000, "\(year)")
      #expect(rules.offset(at: try instant("\(year)-08-01T00:00:00Z")) == 21_600, "\(year)")
      #expect(rules.offset(at: try instant("\(year)-12-01T00:00:00Z")) == 18_000, "\(year)")
    }
  }

  /// The instants of a wall time show that wall time, and those in a gap are shown never.
  @Test func instantsAndOffsetsAgree() throws {
    var random = SeededGenerator(seed: testSeed ^ 2)
    for name in ["Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Europe/Dublin"] {
      let rules = try zone(name)
      for _ in 0..<5_000 {
        let at = Timestamp(seconds: Int64.random(in: 0..<20_000_000_000, using: &random))
        let wall = rules.civil(at: at)
        switch rules.instants(of: wall) {
        case .one(let only): #expect(only == at, "seed \(testSeed): \(name) \(at)")
        case .two(let first, let second):
          #expect(first == at || second == at, "seed \(testSeed): \(name) \(at)")
          #expect(first < second && rules.civil(at: first) == rules.civil(at: second), "seed \(testSeed)")
        case .none: Issue.record("seed \(testSeed): \(name) shows \(wall) at \(at)")
        }
      }
    }
  }

  struct Footer: Sendable {
    var footer: String
    /// Instants and the offset in hours at them.
    var offsets: [(at: String, hours: Int)]
  }

  @Test(arguments: [
    // Daylight saving time all year (RFC 9636 section 3.3.1).
    Footer(
      footer: "XXX3EDT4,0/0,J365/23",
      offsets: [("2026-01-01T03:30:00Z", -4), ("2026-07-01T00:00:00Z", -4), ("2026-12-31T23:59:59Z", -4)]),
    Footer(
      footer: "EST5EDT,0/0,J365/25",
      offsets: [("2026-01-01T04:30:00Z", -4), ("2026-07-01T00:00:00Z", -4), ("2027-01-01T05:00:00Z", -4)]),
    // The southern hemisphere.
    Footer(
      footer: "<-03>3<-02>,M10.3.0/0,M3.2.0/0",
      offsets: [("2026-01-01T00:00:00Z", -2), ("2026-07-01T00:00:00Z", -3), ("2026-12-01T00:00:00Z", -2)]),
    // Days of the year, with and without 29 February: 1 March both times.
    Footer(
      footer: "AAA0BBB,J60/0,J61/0",
      offsets: [("2028-02-29T23:59:59Z", 0), ("2028-03-01T00:00:00Z", 1), ("2027-03-01T12:00:00Z", 1)]),
    Footer(
      footer: "AAA0BBB,59/0,60/0",
      offsets: [("2028-02-29T00:00:00Z", 1), ("2027-03-01T00:00:00Z", 1), ("2027-02-28T23:59:59Z", 0)]),
    // No daylight saving time, east of Greenwich, and an empty footer.
    Footer(footer: "<+1245>-12:45:00", offsets: [("2026-01-01T00:00:00Z", 12)]),
    Footer(footer: "", offsets: [("2026-01-01T00:00:00Z", 0)]),
  ])
  func footers(_ row: Footer) throws {
    var builder = TZifBuilder(version: 0x33)
    builder.footer = row.footer
    let rules = try TimeZoneRules(tzif: builder.bytes, name: "Test/Zone")
    for (at, hours) in row.offsets { #expect(rules.offset(at: try instant(at)) / 3_600 == hours, "\(at)") }
  }
}
