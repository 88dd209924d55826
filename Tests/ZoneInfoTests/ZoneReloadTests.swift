import Foundation
import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

/// A host's time zone files are replaced while programs run.
@Suite struct ZoneReloadTests {
  private let folder: TemporaryFolder
  private let database: ZoneDatabase

  init() throws {
    folder = try TemporaryFolder("zoneinfo")
    database = ZoneDatabase(folder: folder.path)
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: ZoneInfoTests.folder + "/" + name)))
  }

  /// As a package manager does it: a new file takes the old one's place.
  private func replace(_ name: String, with bytes: [UInt8]) throws {
    let new = try folder.write(name + ".new", bytes: bytes)
    let renamed = rename(new, folder.path(name))
    #expect(renamed == 0)
  }

  private let summer = Timestamp(seconds: 1_782_864_000)

  @Test func nothingHasChanged() throws {
    try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    let before = try database.zone(named: "Test/One")
    #expect(database.reload() == ZoneReload())
    #expect(try database.zone(named: "Test/One") == before)
    #expect(ZoneDatabase(folder: "/nonexistent/zoneinfo").reload() == ZoneReload())
  }

  @Test func aReplacedFileIsReadAgain() throws {
    try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    try folder.write("Test/Two", bytes: try bytes("Asia/Kolkata"))
    #expect(try database.zone(named: "Test/One").offset(at: summer) == 7_200)
    let two = try database.zone(named: "Test/Two")
    try replace("Test/One", with: try bytes("America/New_York"))
    // What is known stays so until somebody looks.
    #expect(try database.zone(named: "Test/One").offset(at: summer) == 7_200)
    #expect(database.reload() == ZoneReload(changed: ["Test/One"]))
    #expect(try database.zone(named: "Test/One").offset(at: summer) == -14_400)
    #expect(try database.zone(named: "Test/One").name == "Test/One")
    #expect(try database.zone(named: "Test/Two") == two)
    #expect(database.reload() == ZoneReload())
  }

  @Test func aFileThatIsRewrittenInPlaceIsReadAgain() throws {
    let path = try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    _ = try database.zone(named: "Test/One")
    try Data(try bytes("Asia/Beirut")).write(to: URL(fileURLWithPath: path))
    #expect(database.reload().changed == ["Test/One"])
    #expect(try database.zone(named: "Test/One").offset(at: summer) == 10_800)
  }

  /// The same size at the same place, with the time of the old file: the change of attributes tells.
  @Test func aCopyThatKeepsTheTimeIsNoticed() throws {
    let path = try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    var times = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
    _ = try database.zone(named: "Test/One")
    var other = try bytes("Europe/Berlin")
    // The footer's `CEST-1` hour: the 25th of the month in place of the last week is another rule.
    let place = try #require(other.lastIndex(of: UInt8(ascii: "5")))
    other[place] = UInt8(ascii: "4")
    try replace("Test/One", with: other)
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
    #expect(database.reload().changed == ["Test/One"])
  }

  @Test func theSameRulesInANewFileAreNoChange() throws {
    try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    let before = try database.zone(named: "Test/One")
    try replace("Test/One", with: try bytes("Europe/Berlin"))
    #expect(database.reload() == ZoneReload())
    #expect(try database.zone(named: "Test/One") == before)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    var says: String
    var testDescription: String { says }
    var apply: @Sendable (TemporaryFolder) throws -> Void
  }

  @Test(arguments: [
    Damage(says: "is no longer in") { try FileManager.default.removeItem(atPath: $0.path("Test/One")) },
    Damage(says: "ends within a TZif header") { try $0.write("Test/One", "TZif2") },
    Damage(says: "no TZif header") { try $0.write("Test/One", String(repeating: " ", count: 100)) },
    Damage(says: "not a regular file") {
      try FileManager.default.removeItem(atPath: $0.path("Test/One"))
      #expect(mkfifo($0.path("Test/One"), 0o644) == 0)
    },
  ])
  func aFileThatIsGoneOrBrokenKeepsTheOldRules(_ damage: Damage) throws {
    try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    let before = try database.zone(named: "Test/One")
    try damage.apply(folder)
    // It is said as long as it lasts.
    for _ in 0..<2 {
      let found = database.reload()
      #expect(found.changed == [])
      #expect(found.problems["Test/One"]?.message.contains(damage.says) == true, "\(found)")
      #expect(try database.zone(named: "Test/One") == before)
    }
    try? FileManager.default.removeItem(atPath: folder.path("Test/One"))
    try folder.write("Test/One", bytes: try bytes("America/New_York"))
    #expect(database.reload() == ZoneReload(changed: ["Test/One"]))
    #expect(database.reload() == ZoneReload())
    #expect(try database.zone(named: "Test/One").offset(at: summer) == -14_400)
  }

  /// A file that is well again with the rules that were in force all along is no change.
  @Test func aFileThatComesBackIsNoChange() throws {
    try folder.write("Test/One", bytes: try bytes("Europe/Berlin"))
    _ = try database.zone(named: "Test/One")
    try replace("Test/One", with: [])
    #expect(!database.reload().problems.isEmpty)
    try replace("Test/One", with: try bytes("Europe/Berlin"))
    #expect(database.reload() == ZoneReload())
  }

  @Test func aZoneThatWasUnknownIsFoundLater() throws {
    #expect(throws: ScheduleError.self) { try database.zone(named: "Test/New") }
    try folder.write("Test/New", bytes: try bytes("Europe/Berlin"))
    // Ten thousand manifests with one mistake cost one look.
    #expect(throws: ScheduleError.self) { try database.zone(named: "Test/New") }
    #expect(database.reload() == ZoneReload())
    #expect(try database.zone(named: "Test/New").offset(at: summer) == 7_200)
    #expect(database.names().contains("Test/New"))
  }
}
