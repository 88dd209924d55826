@testable import AgentKit
import Model
import Testing
import Trust

/// Content that arrives in every order, and out of order.
struct InstallTests {
  private static let key = try? SigningKey.generate()

  private func bundle(_ job: String, files: [String]) throws -> Signed<Bundle> {
    let key = try #require(Self.key)
    return try key.sign(
      Bundle(
        source: SourceLocation(repository: "r", branch: "main", path: "jobs/a.yaml"),
        job: Job(
          name: try JobName(job), triggers: [.every(.seconds(60))], run: RunSpec(program: .script(files.first ?? "x"))),
        files: files.map { BundleFile(path: $0, digest: digest($0), size: 1, executable: true) }))
  }

  private func assignment(_ entries: [(String, Signed<Bundle>)]) throws -> Signed<Assignment> {
    let key = try #require(Self.key)
    return try key.sign(
      Assignment(
        agent: AgentID(random: (1, 1)), position: Position(epoch: 1, sequence: 1), issued: at(0), expires: at(1_000),
        entries: entries.map {
          Assignment.Entry(
            job: try JobName($0.0), bundle: $0.1.digest, commit: try commit("c"), lease: .seconds(60))
        }))
  }

  @Test func bundlesAndFilesMayComeInAnyOrder() throws {
    let bundles = [
      try bundle("a", files: ["one", "shared"]), try bundle("b", files: ["shared", "two"]), try bundle("c", files: []),
    ]
    let stranger = try bundle("d", files: ["three"])
    let assignment = try assignment(zip(["a", "b", "c"], bundles).map { ($0, $1) })
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      var pending = PendingInstall(assignment, held: [:])
      #expect(pending.bundlesToFetch == bundles.map(\.digest).sorted())
      let stray = pending.add(stranger)
      #expect(!stray, "nobody asked for it")
      for index in order {
        #expect(!pending.isComplete)
        let first = pending.add(bundles[index])
        let second = pending.add(bundles[index])
        #expect(first && !second)
      }
      #expect(Set(pending.files.map(\.digest)) == Set(["one", "shared", "two"].map { digest($0) }))
      #expect(pending.files.count == 3, "a shared file is fetched once")
      pending.need([digest("one"), digest("two")])
      for file in order.first == 0 ? ["one", "two"] : ["two", "one"] {
        #expect(!pending.isComplete && pending.needs(digest(file)))
        let stored = pending.stored(digest(file))
        let again = pending.stored(digest(file))
        #expect(stored && !again)
      }
      #expect(pending.isComplete)
      #expect(pending.contradiction == nil)
    }
  }

  @Test func whatIsHeldIsNotFetched() throws {
    let held = try bundle("a", files: [])
    let other = try bundle("b", files: [])
    let pending = PendingInstall(try assignment([("a", held)]), held: [held.digest: held, other.digest: other])
    #expect(pending.isComplete)
    #expect(Array(pending.bundles.keys) == [held.digest])
  }

  @Test func aBundleOfAnotherJobContradicts() throws {
    let wrong = try bundle("b", files: [])
    let pending = PendingInstall(try assignment([("a", wrong)]), held: [wrong.digest: wrong])
    #expect(pending.contradiction?.contains("a") == true)
  }

  /// Chunks of two objects x and y, each `abcdef`, limit 6.
  struct Chunks: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let chunks: [(object: String, offset: Int64, text: String, last: Bool)]
    /// What each chunk gives: `-` nothing yet, `!` refused, else the object.
    let results: [String]
  }

  @Test(arguments: [
    Chunks(testDescription: "in one", chunks: [("x", 0, "abcdef", true)], results: ["abcdef"]),
    Chunks(
      testDescription: "in two", chunks: [("x", 0, "abc", false), ("x", 3, "def", true)], results: ["-", "abcdef"]),
    Chunks(testDescription: "empty", chunks: [("x", 0, "", true)], results: [""]),
    Chunks(testDescription: "begins in the middle", chunks: [("x", 3, "def", true)], results: ["!"]),
    Chunks(testDescription: "a gap", chunks: [("x", 0, "ab", false), ("x", 3, "def", true)], results: ["-", "!"]),
    Chunks(testDescription: "twice", chunks: [("x", 0, "ab", false), ("x", 1, "b", true)], results: ["-", "!"]),
    Chunks(
      testDescription: "another's", chunks: [("x", 0, "abc", false), ("y", 3, "def", true)], results: ["-", "!"]),
    Chunks(
      testDescription: "begun anew", chunks: [("x", 0, "abc", false), ("x", 0, "abcdef", true)],
      results: ["-", "abcdef"]),
    Chunks(
      testDescription: "after the end", chunks: [("x", 0, "abcdef", true), ("x", 6, "", true)],
      results: ["abcdef", "!"]),
    Chunks(testDescription: "too large", chunks: [("x", 0, "abcdefg", true)], results: ["!"]),
    Chunks(
      testDescription: "too large in two", chunks: [("x", 0, "abcdef", false), ("x", 6, "g", true)],
      results: ["-", "!"]),
  ])
  func chunksAreOneObjectAfterTheOther(_ row: Chunks) {
    var assembly = ContentAssembly()
    let results = row.chunks.map { chunk -> String in
      do {
        let bytes = try assembly.add(
          digest(chunk.object), offset: chunk.offset, data: Array(chunk.text.utf8), last: chunk.last, limit: 6)
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? "-"
      } catch {
        return "!"
      }
    }
    #expect(results == row.results)
  }
}
