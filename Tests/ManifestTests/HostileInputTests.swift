// Input made to hurt: whatever stands in a file, reading it ends soon, with diagnostics and without a trap.

import Manifest
import Model
import TestSupport
import Testing

struct HostileRow: CustomTestStringConvertible, Sendable {
  var name: String
  var manifest: String
  /// What the first diagnostic must say.
  var message: String
  var testDescription: String { name }
}

@Suite(.timeLimit(.minutes(2))) struct HostileInputTests {
  private static let rest = "triggers: [{every: 1m}]\nrun: {script: scripts/a.sh}\n"

  private static let laughs =
    "job: a\na: &a [x,x,x,x,x,x,x,x,x]\n"
    + zip("bcdefghi", "abcdefgh").map {
      "\($0): &\($0) [\(Array(repeating: "*\($1)", count: 9).joined(separator: ","))]\n"
    }
    .joined()

  static let rows = [
    HostileRow(name: "billion laughs", manifest: laughs, message: "anchors (&name) are refused"),
    HostileRow(
      name: "quadratic blow-up",
      manifest:
        "job: a\nx: &x \(String(repeating: "y", count: 10_000))\nz: [\(Array(repeating: "*x", count: 10_000).joined(separator: ","))]\n",
      message: "anchors (&name) are refused"),
    HostileRow(name: "an alias of itself", manifest: "job: a\nx: &x [*x]\n", message: "anchors (&name) are refused"),
    HostileRow(name: "merge keys", manifest: "job: a\n<<: {owner: x}\n\(rest)", message: "merge keys (<<) are refused"),
    HostileRow(
      name: "an object", manifest: "job: a\nowner: !!python/object/apply:os.system [id]\n\(rest)",
      message: "tags are refused"),
    HostileRow(name: "a tag on a key", manifest: "!!str job: a\n\(rest)", message: "tags are refused"),
    HostileRow(name: "a local tag", manifest: "job: a\nowner: !secret x\n\(rest)", message: "tags are refused"),
    HostileRow(
      name: "a flow of depth", manifest: "job: a\nx: " + String(repeating: "[", count: 100_000),
      message: "more than 32 levels"),
    HostileRow(
      name: "a flow of mappings", manifest: "job: a\nx: " + String(repeating: "{a: ", count: 50_000),
      message: "more than 32 levels"),
    HostileRow(
      name: "a block of depth",
      manifest: "job: a\nx:\n" + (1..<200).map { String(repeating: " ", count: $0) + "- \n" }.joined(), message: ""),
    HostileRow(
      name: "lists in one line", manifest: "job: a\nx:\n  " + String(repeating: "- ", count: 50_000) + "x\n",
      message: "more than 32 levels"),
    HostileRow(
      name: "question marks", manifest: "job: a\nx:\n  " + String(repeating: "? ", count: 50_000) + "x\n",
      message: "more than 32 levels"),
    HostileRow(
      name: "a big document",
      manifest: "job: a\n" + String(repeating: "# \(String(repeating: "x", count: 97))\n", count: 3_100),
      message: "the document has more than 256 KiB"),
    HostileRow(
      name: "a huge scalar", manifest: "job: a\nowner: \(String(repeating: "x", count: 200_000))\n\(rest)",
      message: "'owner' is too long"),
    HostileRow(
      name: "a huge key", manifest: "job: a\n? \(String(repeating: "x", count: 200_000))\n: y\n\(rest)",
      message: "unknown key"),
    HostileRow(
      name: "a huge name", manifest: "job: \(String(repeating: "x", count: 200_000))\n\(rest)",
      message: "'job' is too long"),
    HostileRow(
      name: "many keys", manifest: "job: a\n" + (0..<20_000).map { "k\($0): 1\n" }.joined() + rest,
      message: "unknown key 'k0'"),
    HostileRow(
      name: "many equal keys", manifest: "job: a\n" + String(repeating: "k: 1\n", count: 40_000),
      message: "the key 'k' is already there"),
    HostileRow(
      name: "many elements", manifest: "job: a\nlabels: [\(String(repeating: "a,", count: 100_000))]\n\(rest)",
      message: "'labels' wants a mapping"),
    HostileRow(
      name: "many triggers", manifest: "job: a\ntriggers: [\(String(repeating: "{},", count: 50_000))]\n",
      message: "'run' is missing"),
    HostileRow(
      name: "a long cron expression",
      manifest: "job: a\ntriggers: [{cron: \"\(String(repeating: "1,", count: 5_000))1 * * * *\"}]\n",
      message: "'cron' is too long"),
    HostileRow(
      name: "a long duration",
      manifest: "job: a\ntriggers: [{every: \(String(repeating: "9", count: 10_000))d}]\nrun: {script: scripts/a.sh}\n",
      message: "'every' wants a duration"),
    HostileRow(name: "tabs", manifest: "job: a\n\ttriggers: []\n", message: ""),
    HostileRow(name: "UTF-16", manifest: "\u{0}j\u{0}o\u{0}b", message: "a NUL byte"),
    HostileRow(
      name: "CR line ends", manifest: "job: a\rtriggers: []\r", message: "a carriage return without a line feed"),
    HostileRow(name: "escaped surrogates", manifest: "job: a\nowner: \"\\ud800\"\n\(rest)", message: "not valid YAML"),
    HostileRow(
      name: "a quote without end", manifest: "job: a\nowner: \"" + String(repeating: "x\n", count: 50_000),
      message: "this quote is never closed"),
    HostileRow(
      name: "a command in the script's name",
      manifest: "job: a\ntriggers: [{every: 1m}]\nrun: {script: \"a; rm -rf /\"}\n",
      message: "the path has an empty segment"),
    HostileRow(
      name: "bidirectional marks", manifest: "job: a\nownеr\u{202e}: x\n\(rest)",
      message: "unknown key 'ownеr<U+202E>' in a job"),
  ]

  @Test(arguments: rows) func isRefused(_ row: HostileRow) throws {
    let loaded = Commit.with(manifest: row.manifest).load()
    let first = try #require(loaded.diagnostics.first)
    #expect(loaded.diagnostics.contains { $0.message.contains(row.message) }, "\(first.message)")
    #expect(loaded.jobs.isEmpty)
    #expect(loaded.diagnostics.count <= 2 * ManifestLimits.mistakesPerDocument + 4)
    #expect(loaded.brokenJobs.map(\.text) == ["a"] || !loaded.isComplete)
    for diagnostic in loaded.diagnostics {
      #expect(diagnostic.rendered.utf8.count < 2_000)
      #expect(!diagnostic.rendered.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
    }
  }

  @Test func manyDocuments() {
    let one = (0..<1_001).map { "job: j\($0)\n\(Self.rest)" }
    let loaded = Commit.with(manifest: one.joined(separator: "---\n")).load()
    #expect(loaded.jobs.count == 1_000)
    #expect(!loaded.isComplete || loaded.brokenJobs.map(\.text) == ["j1000"])
    #expect(loaded.diagnostics.map(\.message) == ["more than 1000 documents in one file"])
  }

  @Test func aFileThatIsTooLong() {
    let loaded = Commit.with(manifest: String(repeating: "#\n", count: 9_000_000)).load()
    #expect(loaded.diagnostics.map(\.message) == ["the file has more than 16 MiB"])
    #expect(!loaded.isComplete)
  }

  @Test func exactlyTheLimitIsFine() {
    let text = "job: a\n\(Self.rest)"
    let filler = String(repeating: "#", count: ManifestLimits.documentBytes - text.utf8.count - 1) + "\n"
    #expect(Commit.with(manifest: text + filler).load().jobs.count == 1)
    #expect(Commit.with(manifest: text + "#" + filler).load().jobs.isEmpty)
  }

  @Test func exactlyTheDepthIsFine() {
    for (depth, isFine) in [(31, true), (32, false)] {
      let nested = "job: a\nx: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "\n"
      let loaded = Commit.with(manifest: nested).load()
      #expect(loaded.diagnostics.contains { $0.message.hasPrefix("more than 32 levels") } != isFine)
    }
  }

  /// Bytes changed, removed, doubled and put in at random: the reader may refuse, and must neither trap nor give out a
  /// job whose own JSON form cannot be read back.
  @Test func mutatedManifestsNeverTrap() throws {
    var generator = SeededGenerator(seed: testSeed)
    let sources = FixtureCase.all.flatMap { fixture in (try? fixture.commit().bytes) ?? [:] }
      .filter { $0.key.hasSuffix(".yaml") && $0.value.count > 1 }
      .sorted { $0.key < $1.key }.map(\.value)
    let ends = Array(":-[]{}\"'#&*!|>%@`,?\n\t \u{0}\u{7f}~0".utf8)
    for round in 0..<3_000 {
      var bytes = try #require(sources.randomElement(using: &generator))
      for _ in 0..<Int.random(in: 1...8, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.remove(at: index)
        case 3: bytes.insert(ends.randomElement(using: &generator) ?? 0, at: index)
        default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 20)], at: index)
        }
      }
      var commit = Commit.with(manifest: "")
      commit.add(round % 5 == 0 ? "belfry.yaml" : round % 5 == 1 ? "jobs/defaults.yaml" : "jobs/a.yaml", bytes: bytes)
      let loaded = commit.load()
      for job in loaded.jobs {
        #expect(try Job(json: job.job.json) == job.job, "seed \(testSeed), round \(round)")
      }
      for diagnostic in loaded.diagnostics { #expect(diagnostic.rendered.utf8.count < 4_000) }
    }
  }

  /// A request may name as many secrets as fit into its body, and a run gets 50.
  @Test(arguments: [50, 51]) func secretsOfARequest(_ count: Int) {
    let places = (2...count).map { "${secret.s\($0)}" }.joined()
    let loaded = Commit.with(
      manifest: """
        job: a
        triggers: [{every: 1h}]
        run:
          http: {method: POST, url: "https://example.com/", body: "\(places)"}
          secrets: [s1, s2]
        """
    ).load()
    #expect(loaded.report.contains("name 51 secrets, and a run has at most 50") == (count > 50), "\(loaded.report)")
    #expect(loaded.report.contains("error") == (count > 50), "\(loaded.report)")
  }

  /// A key that stands in the defaults may be what was meant in the job.
  @Test func aMisspelledKeyOfTheDefaults() {
    let loaded = Commit([
      "belfry.yaml": "belfry: 1\ndefaults: {run: {timeout: 5m}}\n", "scripts/a.sh": "#!/bin/sh\n",
      "jobs/a.yaml": "job: a\ntriggers: [{every: 1h}]\nrun: {script: scripts/a.sh, timout: 3m}\n",
    ]).load()
    #expect(loaded.report.contains("unknown key 'timout' in run; did you mean 'timeout'?"), "\(loaded.report)")
  }
}
