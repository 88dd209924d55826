// The fixture folders of Tests/Fixtures/manifest: each is a commit and what is expected of it.

import Foundation
import Manifest
import Model
import TestSupport
import Testing
import ZoneInfo

/// `<case>/repo/` holds the commit's files (with their run bits), `<case>/modes.txt` what a folder cannot hold (lines
/// `120000 path` for symbolic links, `160000 path` for submodules), `<case>/diagnostics.txt` and `<case>/jobs.json`
/// what must come out. `BELFRY_GOLDEN=1` writes the last two anew.
struct FixtureCase: CustomTestStringConvertible, Sendable {
  let name: String
  var testDescription: String { name }
  var folder: String { Self.folder + "/" + name }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/manifest").path

  static let all: [FixtureCase] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { !$0.hasPrefix(".") }.sorted().map(FixtureCase.init)

  func text(_ file: String) -> String? {
    FileManager.default.contents(atPath: folder + "/" + file).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Paths below `repo/`, as a commit would hold them.
  func commit() throws -> Commit {
    var commit = Commit()
    let root = folder + "/repo"
    for path in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }).sorted() ?? [] {
      let attributes = try FileManager.default.attributesOfItem(atPath: root + "/" + path)
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      let bytes = Array(FileManager.default.contents(atPath: root + "/" + path) ?? Data())
      let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
      commit.add(path, bytes: bytes, kind: mode & 0o100 == 0 ? .file : .executable)
    }
    for line in (text("modes.txt") ?? "").split(separator: "\n") {
      commit.add(String(line.dropFirst(7)), bytes: [], kind: line.hasPrefix("120000") ? .symbolicLink : .submodule)
    }
    return commit
  }
}

@Suite struct FixtureTests {
  @Test func thereAreFixtures() { #expect(FixtureCase.all.count > 10) }

  @Test(arguments: FixtureCase.all) func outcome(_ fixture: FixtureCase) throws {
    let loaded = try fixture.commit().load()
    try compare(loaded.report, with: "diagnostics.txt", of: fixture)
    try compare(loaded.jobsJSON.prettyText, with: "jobs.json", of: fixture)
  }

  /// What is taken from the last load must not differ from what is read anew.
  @Test(arguments: FixtureCase.all) func loadingAgainGivesTheSame(_ fixture: FixtureCase) throws {
    let commit = try fixture.commit()
    let files = commit.parsed()
    let first = commit.load(files)
    let second = commit.load(files, previous: first)
    #expect(second.report == first.report)
    #expect(second.jobsJSON == first.jobsJSON)
  }

  /// The order in which files are given means nothing.
  @Test(arguments: FixtureCase.all) func orderMeansNothing(_ fixture: FixtureCase) throws {
    let commit = try fixture.commit()
    var generator = SeededGenerator(seed: testSeed)
    let shuffled = commit.load(commit.parsed().shuffled(using: &generator))
    let straight = commit.load()
    #expect(shuffled.report == straight.report, "seed \(testSeed)")
    #expect(shuffled.jobsJSON == straight.jobsJSON, "seed \(testSeed)")
  }

  private func compare(_ actual: String, with file: String, of fixture: FixtureCase) throws {
    if ProcessEnvironment["BELFRY_GOLDEN"] == "1" {
      try actual.write(toFile: fixture.folder + "/" + file, atomically: true, encoding: .utf8)
    } else {
      #expect(actual == fixture.text(file), "BELFRY_GOLDEN=1 writes \(file) anew")
    }
  }
}
