import Model
import TestSupport
import Testing

@testable import Trust

/// The agent's checks after the signature: audience, position, time. Each row is signed by the right key.
@Suite struct OrderTests {
  struct AssignmentRow: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var position = Position(epoch: 3, sequence: 7)
    var agent = agentID
    var issued = now
    var expires = now + .seconds(3_600)
    var held = HeldAssignment.none
    var clock = now
    var refused: TrustError.Code?
  }

  private static func held(_ epoch: Int64, _ sequence: Int64) -> HeldAssignment {
    HeldAssignment(position: Position(epoch: epoch, sequence: sequence), digest: SHA256.hash([1]))
  }

  static let rows = [
    AssignmentRow(testDescription: "the first"),
    AssignmentRow(testDescription: "for another agent", agent: otherAgentID, refused: .wrongAgent),
    AssignmentRow(testDescription: "next sequence", held: held(3, 6)),
    AssignmentRow(testDescription: "a gap in the sequence", held: held(3, 1)),
    AssignmentRow(testDescription: "older sequence", held: held(3, 8), refused: .stalePosition),
    AssignmentRow(testDescription: "older epoch, higher sequence", held: held(4, 1), refused: .stalePosition),
    AssignmentRow(testDescription: "newer epoch, lower sequence", held: held(2, 900)),
    AssignmentRow(testDescription: "same position, other content", held: held(3, 7), refused: .conflictingPosition),
    AssignmentRow(testDescription: "position zero", position: .zero, refused: .stalePosition),
    AssignmentRow(
      testDescription: "negative epoch", position: Position(epoch: -1, sequence: 9), refused: .stalePosition),
    AssignmentRow(
      testDescription: "highest position", position: Position(epoch: .max, sequence: .max), held: held(3, 6)),
    AssignmentRow(testDescription: "controller's clock 5 min ahead", clock: now - .seconds(300)),
    AssignmentRow(
      testDescription: "controller's clock more ahead", clock: now - .microseconds(300_000_001), refused: .notYetValid),
    AssignmentRow(testDescription: "just not expired", clock: now + .microseconds(3_599_999_999)),
    AssignmentRow(testDescription: "just expired", clock: now + .seconds(3_600), refused: .expired),
    AssignmentRow(testDescription: "expired before it was issued", expires: now - .seconds(1), refused: .expired),
    AssignmentRow(
      testDescription: "clock at the end of time", clock: Timestamp(microseconds: .max), refused: .expired),
    AssignmentRow(
      testDescription: "clock at the beginning of time", clock: Timestamp(microseconds: .min), refused: .notYetValid),
    // Several things wrong: the first check in order decides.
    AssignmentRow(
      testDescription: "other agent, stale and expired", agent: otherAgentID, held: held(9, 9),
      clock: now + .seconds(9_999),
      refused: .wrongAgent),
    AssignmentRow(
      testDescription: "stale and expired", held: held(9, 9), clock: now + .seconds(9_999), refused: .stalePosition),
  ]

  @Test(arguments: rows) func assignment(_ row: AssignmentRow) throws {
    var assignment = Sample.assignment
    assignment.agent = row.agent
    assignment.position = row.position
    assignment.issued = row.issued
    assignment.expires = row.expires
    let signed = try controllerKey.sign(assignment)
    let code = refusal {
      let verified = try verifyAssignment(
        signed.bytes, key: controllerKey.publicKey, agent: agentID, held: row.held, now: row.clock)
      #expect(verified == signed)
    }
    #expect(code == row.refused)
  }

  @Test func theSameAssignmentAgainIsAccepted() throws {
    let signed = try controllerKey.sign(Sample.assignment)
    let held = HeldAssignment(position: signed.value.position, digest: signed.digest)
    let again = try verifyAssignment(
      signed.bytes, key: controllerKey.publicKey, agent: agentID, held: held, now: now)
    #expect(again == signed)
    // But not after its time.
    let late = now + .seconds(90_000)
    #expect(
      refusal {
        try verifyAssignment(signed.bytes, key: controllerKey.publicKey, agent: agentID, held: held, now: late)
      } == .expired)
  }

  @Test func clockTroubleIsSaid() throws {
    let signed = try controllerKey.sign(Sample.assignment)
    let error = #expect(throws: TrustError.self) {
      try verifyAssignment(
        signed.bytes, key: controllerKey.publicKey, agent: agentID, held: .none, now: now - .seconds(7_200))
    }
    #expect(error?.message.contains("2h") == true)
    #expect(error?.message.contains("clock") == true)
  }

  @Test func theInstalledAssignmentIsExactlyTheOneRemembered() throws {
    let key = controllerKey.publicKey
    let signed = try controllerKey.sign(Sample.assignment)
    let held = HeldAssignment(position: signed.value.position, digest: signed.digest)
    #expect(try verifyInstalledAssignment(signed.bytes, key: key, agent: agentID, held: held) == signed)

    func code(_ bytes: [UInt8], _ held: HeldAssignment, agent: AgentID = agentID) -> TrustError.Code? {
      refusal { try verifyInstalledAssignment(bytes, key: key, agent: agent, held: held) }
    }
    var other = Sample.assignment
    other.position.sequence = 6
    #expect(code(try controllerKey.sign(other).bytes, held) == .stalePosition)
    other.position.sequence = 8
    #expect(code(try controllerKey.sign(other).bytes, held) == .conflictingPosition)
    other = Sample.assignment
    other.entries = []
    #expect(code(try controllerKey.sign(other).bytes, held) == .conflictingPosition)
    #expect(code(signed.bytes, .none) == .conflictingPosition)
    #expect(code(signed.bytes, held, agent: otherAgentID) == .wrongAgent)
  }

  /// Whatever order assignments arrive in, the position that an agent holds never goes down.
  @Test func positionsNeverGoBack() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<20 {
      var held = HeldAssignment.none
      for _ in 0..<20 {
        var assignment = Sample.assignment
        assignment.position = Position(
          epoch: .random(in: 0...3, using: &random), sequence: .random(in: 0...4, using: &random))
        if Bool.random(using: &random) { assignment.entries = [] }
        let signed = try controllerKey.sign(assignment)
        let accepted = try? verifyAssignment(
          signed.bytes, key: controllerKey.publicKey, agent: agentID, held: held, now: now)
        let sameAgain = signed.digest == held.digest
        #expect((accepted != nil) == (assignment.position > held.position || sameAgain), "seed \(testSeed)")
        if let accepted { held = HeldAssignment(position: accepted.value.position, digest: accepted.digest) }
      }
    }
  }

  struct DispatchRow: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var agent = agentID
    var epoch: Int64 = 3
    var nonce = TrustTests.nonce
    var expected = TrustTests.nonce
    var used: Set<String> = []
    var clock = now
    var refused: TrustError.Code?
  }

  @Test(arguments: [
    DispatchRow(testDescription: "good"),
    DispatchRow(testDescription: "after another request", used: ["req-0", "req-2"]),
    DispatchRow(testDescription: "for another agent", agent: otherAgentID, refused: .wrongAgent),
    DispatchRow(testDescription: "older epoch", epoch: 2, refused: .stalePosition),
    DispatchRow(testDescription: "newer epoch", epoch: 4),
    DispatchRow(testDescription: "from another connection", nonce: "other", refused: .replayed),
    DispatchRow(testDescription: "no nonce chosen yet", nonce: "", expected: "", refused: .replayed),
    DispatchRow(testDescription: "nonce of another composition", nonce: "e\u{301}", expected: "é", refused: .replayed),
    DispatchRow(testDescription: "the same once more", used: ["req-1"], refused: .replayed),
    DispatchRow(testDescription: "at the last moment", clock: now + .seconds(60)),
    DispatchRow(testDescription: "too late", clock: now + .microseconds(60_000_001), refused: .expired),
    DispatchRow(testDescription: "from the future", clock: now - .seconds(301), refused: .notYetValid),
  ])
  func dispatch(_ row: DispatchRow) throws {
    var dispatch = Sample.dispatch
    dispatch.agent = row.agent
    dispatch.epoch = row.epoch
    dispatch.nonce = row.nonce
    let signed = try controllerKey.sign(dispatch)
    let code = refusal {
      let verified = try verifyDispatch(
        signed.bytes, key: controllerKey.publicKey, agent: agentID, epoch: 3, nonce: row.expected,
        usedRequests: row.used, now: row.clock)
      #expect(verified == signed)
    }
    #expect(code == row.refused)
  }

  @Test func aBundleIsTheOneThatWasNamed() throws {
    var old = Sample.bundle
    old.job.run.env["LANG"] = "de_DE"
    let signed = try controllerKey.sign(old)
    let key = controllerKey.publicKey
    #expect(refusal { try verifyBundle(signed.bytes, key: key, named: Sample.bundle.digest) } == .digestMismatch)
    #expect(try verifyBundle(signed.bytes, key: key) == signed)
  }
}
