import Model
import TestSupport
import Testing

@Suite struct NameTests {
  @Test(arguments: [
    "a", "0", "backup", "orders/backup", "a/b/c/d", "a.b_c-d", "a..b", "a--b", "x.git", "1/2/3",
    String(repeating: "a", count: 100),
  ])
  func jobNames(_ text: String) throws {
    #expect(try JobName(text).text == text)
  }

  @Test(
    arguments: [
      "", "/", "a/", "/a", "a//b", "a/b/c/d/e", "A", "Backup", "a b", "a\u{0}", "a\nb", ".", "..", "../a", "a/..",
      "a/../b",
      ".a", "a.", "-a", "a-", "_a", "a_", ".git", "a/.git", "é", "a\u{301}", "a/\u{301}b", "а", "a\\b", "a:b", "a%2fb",
      "ａ", "a\u{200b}b", "\u{1f600}", String(repeating: "a", count: 101),
    ].map(Sample.init))
  func notJobNames(_ sample: Sample) {
    #expect(throws: NameError.self) { try JobName(sample.text) }
  }

  @Test(arguments: ["a", "db-1", "web01.example.com", String(repeating: "a", count: 63)])
  func agentNames(_ text: String) throws {
    #expect(try AgentName(text).text == text)
  }

  @Test(arguments: ["", "a/b", "A", ".", "..", "-a", "a-", "a b", "a\u{301}", String(repeating: "a", count: 64)])
  func notAgentNames(_ text: String) {
    #expect(throws: NameError.self) { try AgentName(text) }
  }

  @Test(arguments: [
    "", "0190c5e0-1b1b-4c1c-8d1d-0123456789a", "0190c5e0-1b1b-4c1c-8d1d-0123456789abc",
    "0190C5E0-1b1b-4c1c-8d1d-0123456789ab", "0190c5e01b1b4c1c8d1d0123456789ab",
    "{0190c5e0-1b1b-4c1c-8d1d-0123456789ab}",
    "0190c5e0-1b1b-4c1c-8d1d-0123456789ag", "0190c5e0-1b1b-4c1c-8d1d-0123456789ab-",
    "0190c5e0-1b1b-4c1c-8d1d\u{301}-0123456789ab",
  ])
  func notAgentIDs(_ text: String) {
    #expect(throws: NameError.self) { try AgentID(text) }
  }

  @Test func randomAgentIDsAreVersion4() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<1_000 {
      let id = AgentID(random: (random.next(), random.next()))
      #expect(try AgentID(id.text) == id, "seed \(testSeed)")
      let letters = Array(id.text)
      #expect(letters[14] == "4" && "89ab".contains(letters[19]), "seed \(testSeed): \(id)")
    }
    #expect(AgentID(random: (0, 0)).text == "00000000-0000-4000-8000-000000000000")
    #expect(AgentID(random: (.max, .max)).text == "ffffffff-ffff-4fff-bfff-ffffffffffff")
  }

  @Test func commitIDs() throws {
    let short = String(repeating: "0a", count: 20)
    let long = String(repeating: "0a", count: 32)
    #expect(try CommitID(short).short == "0a0a0a0a0")
    #expect(try CommitID(long).text == long)
    for text in ["", "0a0a", String(short.dropLast()), short + "0", short.uppercased(), "g" + short.dropFirst()] {
      #expect(throws: NameError.self) { try CommitID(text) }
    }
  }

  @Test func digests() throws {
    let bytes = (0..<32).map { UInt8($0 * 8) }
    let made: Model.Digest? = .init(bytes: bytes)
    let digest = try #require(made)
    #expect(digest.hex == "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8")
    #expect(digest.short == "000810182028")
    #expect(try Model.Digest(hex: digest.hex) == digest)
    #expect(Model.Digest(bytes: bytes.dropLast()) == nil)
    #expect(Model.Digest(bytes: [UInt8]()) == nil)
    for text in ["", digest.hex.uppercased(), String(digest.hex.dropLast()), digest.hex + "0"] {
      #expect(throws: NameError.self) { try Model.Digest(hex: text) }
    }
  }

  @Test func errorsStayShort() {
    let text = String(repeating: "A", count: 100_000)
    for attempt in [
      { _ = try JobName(text) }, { _ = try JobName("a/" + String(repeating: "A", count: 98)) },
      { _ = try AgentName(text) }, { _ = try AgentID(text) }, { _ = try CommitID(text) },
      { _ = try Model.Digest(hex: text) }, { _ = try RunID(text) },
    ] as [() throws -> Void] {
      let error = #expect(throws: NameError.self) { try attempt() }
      #expect((error?.description.utf8.count ?? .max) < 400)
    }
  }
}
