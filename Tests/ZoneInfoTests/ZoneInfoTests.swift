// ZoneInfoTests: finding zones by name in a folder.

import Glibc
import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

@Suite struct ZoneInfoTests {
  static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/zoneinfo"

  @Test func findsAndCachesZones() throws {
    let database = ZoneDatabase(folder: Self.folder)
    let berlin = try database.zone(named: "Europe/Berlin")
    #expect(berlin.name == "Europe/Berlin")
    #expect(berlin.offset(at: Timestamp(seconds: 1_782_864_000)) == 7_200)
    #expect(try database.zone(named: "Europe/Berlin") == berlin)
    #expect(try database.zone(named: "Asia/Gaza") != berlin)
  }

  @Test func listsNames() {
    let names = ZoneDatabase(folder: Self.folder).names()
    #expect(names == names.sorted())
    #expect(names.contains("Europe/Berlin") && names.contains("Australia/Lord_Howe") && names.contains("UTC"))
    #expect(!names.contains("README.md") && !names.contains("Europe"))
    #expect(names.count == 16)
  }

  @Test func utcNeedsNoDatabase() throws {
    let database = ZoneDatabase(folder: "/nonexistent/zoneinfo")
    #expect(try database.zone(named: "UTC") == .utc)
    #expect(try database.zone(named: "Etc/UTC") == .utc)
    #expect(database.names() == ["Etc/UTC", "UTC"])
    let error = try #require(throws: ScheduleError.self) { try database.zone(named: "Europe/Berlin") }
    #expect(error.part == .timezone)
    #expect(error.description.contains("no time zones in /nonexistent/zoneinfo"))
    #expect(error.description.contains("tzdata"))
  }

  struct Unknown: Sendable {
    var name: String
    var says: String
    init(_ name: String, _ says: String) {
      self.name = name
      self.says = says
    }
  }

  @Test(arguments: [
    Unknown("Europe/Berln", "did you mean 'Europe/Berlin'?"),
    Unknown("europe/berlin", "did you mean 'Europe/Berlin'?"),
    Unknown("Berlin", "did you mean 'Europe/Berlin'?"),
    Unknown("new_york", "did you mean 'America/New_York'?"),
    Unknown("utc", "did you mean 'UTC'?"),
    Unknown("Europe", "unknown time zone"),
    Unknown("Mars/Olympus", "want a name such as"),
    Unknown("", "empty"),
    Unknown("localtime", "everywhere"),
    Unknown("posix/Europe/Berlin", "everywhere"),
    Unknown("right/UTC", "everywhere"),
    Unknown("Factory", "everywhere"),
    Unknown(String(repeating: "A", count: 65), "at most 64 characters"),
    Unknown("New York", "not the name of a time zone"),
    Unknown("../zoneinfo/Europe/Berlin", "not the name of a time zone"),
    Unknown("Europe/../Europe/Berlin", "not the name of a time zone"),
    Unknown("Europe/./Berlin", "not the name of a time zone"),
    Unknown("/etc/passwd", "not the name of a time zone"),
    Unknown("Europe//Berlin", "not the name of a time zone"),
    Unknown("Europe/Berlin/", "not the name of a time zone"),
    Unknown("Europe/Berlin\u{0}", "not the name of a time zone"),
    Unknown("../\u{301}x", "not the name of a time zone"),
    Unknown("/\u{301}etc", "not the name of a time zone"),
    Unknown("A/B/C/D/E", "not the name of a time zone"),
    Unknown("\u{1b}[2J", "'?[2J' is not the name"),
    Unknown("README.md", "not the name of a time zone"),
  ])
  func refuses(_ row: Unknown) throws {
    let database = ZoneDatabase(folder: Self.folder)
    for _ in 0..<2 {
      let error = try #require(throws: ScheduleError.self) { try database.zone(named: row.name) }
      #expect(error.part == .timezone)
      #expect(error.description.contains(row.says), "\(error)")
      #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(error)")
    }
  }

  @Test func refusesFilesThatAreNoZones() throws {
    let folder = try TemporaryFolder("zoneinfo")
    try folder.write("Test/Text", "not a zone")
    try folder.write("Test/Empty", "")
    try folder.write("Test/Large", bytes: Array("TZif2".utf8) + [UInt8](repeating: 0, count: 300 * 1024))
    let made = mkfifo(folder.path("Test/Pipe"), 0o644)
    #expect(made == 0)
    let database = ZoneDatabase(folder: folder.path)
    for (name, says) in [
      ("Test/Text", "ends within a TZif header"), ("Test/Empty", "ends within a TZif header"),
      ("Test/Large", "over the limit"), ("Test/Pipe", "not a regular file"),
    ] {
      let error = try #require(throws: ScheduleError.self) { try database.zone(named: name) }
      #expect(error.message.contains(says), "\(error)")
      #expect(error.message.contains(name), "\(error)")
    }
    #expect(database.names() == ["Etc/UTC", "Test/Large", "UTC"])
  }

  /// Every zone of this machine's own database is read, where there is one.
  @Test func readsTheSystemsDatabase() throws {
    let database = ZoneDatabase()
    for name in database.names() {
      let rules = try database.zone(named: name)
      #expect(rules.offset(at: Timestamp(seconds: 1_763_000_000)) % 900 == 0, "\(name)")
    }
  }
}
