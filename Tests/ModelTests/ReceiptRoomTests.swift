import Model
import Testing

/// However much attempts give back, a receipt stays small enough to be signed.
@Suite struct ReceiptRoomTests {
  private func receipt(_ sizes: [Int]) throws -> Receipt {
    let occurrence = Occurrence(job: try JobName("a"), nominal: Timestamp(seconds: 0))
    let agent = AgentID(random: (1, 2))
    return Receipt(
      run: occurrence.run(on: agent), occurrence: occurrence, agent: agent, agentName: try AgentName("a"),
      bundle: try Digest(hex: String(repeating: "a", count: 64)),
      commit: try CommitID(String(repeating: "b", count: 40)),
      outcome: .ran(.failed), ended: Timestamp(seconds: 9),
      attempts: sizes.enumerated().map { index, size in
        var attempt = Receipt.Attempt(
          number: index + 1, started: Timestamp(seconds: 0), ended: Timestamp(seconds: 9), state: .failed, reason: "r")
        attempt.outputs = ["text": .string(String(repeating: "x", count: size))]
        return attempt
      })
  }

  @Test func whatHasRoomStays() throws {
    var receipt = try receipt([100, 100])
    let before = receipt
    receipt.shorten()
    #expect(receipt == before)
    #expect(try Receipt(json: JSONValue(parsing: receipt.json.bytes, limit: 1 << 20)) == receipt)
  }

  @Test func theFirstAttemptsLoseWhatTheyGaveBack() throws {
    var receipt = try receipt([100, 100, 100])
    receipt.shorten(to: 250)
    #expect(receipt.attempts.map { $0.outputs.isEmpty } == [true, false, false])
    #expect(receipt.attempts[0].reason?.hasPrefix("r; what it gave back is left out") == true)
    #expect(receipt.attempts[1].reason == "r")
  }

  @Test func artifactsStandByNameAndOnce() throws {
    let digest = try Digest(hex: String(repeating: "c", count: 64))
    var receipt = try receipt([1])
    receipt.attempts[0].artifacts = [
      Artifact(name: "a/b", size: 0, digest: digest), Artifact(name: "é", size: 9, digest: digest),
    ]
    #expect(try Receipt(json: receipt.json) == receipt)
    for names in [
      ["b", "a"], ["a", "a"], ["../a"], ["/a"], ["a\u{202e}b"], ["a\n"], [""], ["a//b"],
      [String(repeating: "a", count: 256)],
    ] {
      receipt.attempts[0].artifacts = names.map { Artifact(name: $0, size: 1, digest: digest) }
      #expect(throws: JSONError.self, "\(names)") { try Receipt(json: receipt.json) }
    }
    receipt.attempts[0].artifacts = (0..<101).map { Artifact(name: "\(1_000 + $0)", size: 1, digest: digest) }
    #expect(throws: JSONError.self) { try Receipt(json: receipt.json) }
    receipt.attempts[0].artifacts = [Artifact(name: "a", size: -1, digest: digest)]
    #expect(throws: JSONError.self) { try Receipt(json: receipt.json) }
  }

  @Test func outputsThatNoJobCanDeclareAreRefused() throws {
    var receipt = try receipt([1])
    receipt.attempts[0].outputs = ["a b": .integer(1)]
    #expect(throws: JSONError.self) { try Receipt(json: receipt.json) }
  }

  @Test func aPersonHasAName() throws {
    var receipt = try receipt([1])
    receipt.person = "ana"
    #expect(throws: JSONError.self, "a schedule is nobody's wish") { try Receipt(json: receipt.json) }
    receipt.occurrence.cause = .person(request: "r-1")
    receipt.run = receipt.occurrence.run(on: receipt.agent)
    #expect(try Receipt(json: receipt.json) == receipt)
    receipt.person = "ana\u{1b}[2J"
    #expect(throws: JSONError.self) { try Receipt(json: receipt.json) }
  }
}
