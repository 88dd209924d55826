import Model
import Testing

@Suite struct ReceiptJSONTests {
  static func receipt(_ outcome: Outcome = .ran(.failed), cause: Cause = .schedule) throws -> Receipt {
    let agent = try AgentID("0190c5e0-1b1b-4c1c-8d1d-0123456789ab")
    let occurrence = Occurrence(
      job: try JobName("orders/backup"), nominal: try instant("2026-11-20T02:30:00Z"), cause: cause)
    let started = try instant("2026-11-20T02:30:00.001234Z")
    return Receipt(
      run: occurrence.run(on: agent), occurrence: occurrence, agent: agent, agentName: try AgentName("db-1"),
      bundle: try Model.Digest(hex: String(repeating: "ab", count: 32)),
      commit: try CommitID(String(repeating: "0c", count: 20)), outcome: outcome, reason: "exit code 3",
      started: started, ended: started + .seconds(90),
      attempts: [
        .init(
          number: 1, started: started, ended: started + .seconds(1), state: .timedOut, signal: 9, reason: "after 1s",
          log: .init(digest: try Model.Digest(hex: String(repeating: "cd", count: 32)), written: 1 << 40, kept: 65_536),
          resources: .init(user: .microseconds(1_234_567), system: .microseconds(1), peakMemory: 1 << 33)),
        .init(number: 2, started: started + .seconds(11), ended: started + .seconds(90), state: .failed, exitCode: 3),
      ])
  }

  static func skipped() throws -> Receipt {
    var receipt = try receipt(.skipped(.missedDeadline))
    receipt.started = nil
    receipt.attempts = []
    receipt.count = 17
    receipt.firstNominal = try instant("2026-11-19T10:30:00Z")
    return receipt
  }

  @Test func roundTrip() throws {
    var bare = try Self.receipt(.ran(.succeeded))
    bare.reason = nil
    for receipt in [
      try Self.receipt(), try Self.receipt(cause: .person(request: "r-1")), try Self.skipped(), bare,
    ] {
      let bytes = receipt.json.bytes
      let read = try Receipt(json: JSONValue(parsing: bytes, limit: 1 << 20))
      #expect(read == receipt)
      #expect(read.json.bytes == bytes)
      #expect(!bytes.contains(0x0a))
    }
  }

  @Test(arguments: RunState.allCases.filter(\.isFinal).map(Outcome.ran) + SkipReason.allCases.map(Outcome.skipped))
  func everyOutcome(_ outcome: Outcome) throws {
    #expect(Outcome(outcome.description) == outcome)
    #expect(try Receipt(json: Self.receipt(outcome).json).outcome == outcome)
  }

  @Test(arguments: [
    JobJSONTests.Change("surprise", 1), .init("run", "00000000000000000000"), .init("run", nil), .init("run", "x"),
    .init("occurrence", "00000000000000000000"), .init("occurrence", nil), .init("job", "orders/other"),
    .init("job", "../x"), .init("nominal", "2026-11-20T02:31:00Z"), .init("nominal", nil), .init("cause", "webhook"),
    .init("cause", "person"), .init("request", "r-1"), .init("agent", "0190c5e0-1b1b-4c1c-8d1d-0123456789ac"),
    .init("agentName", "DB"), .init("bundle", "ab"), .init("commit", "HEAD"), .init("outcome", "Running"),
    .init("outcome", "Pending"), .init("outcome", "ok"), .init("ended", nil), .init("count", 1), .init("count", 0),
    .init("count", -5), .init("attempts", .array([])), .init("attempts", nil), .init("attempts", .array([1])),
    .init("attempts", .array([[:]])), .init("started", "yesterday"),
  ])
  func refuses(_ change: JobJSONTests.Change) throws {
    #expect(throws: JSONError.self) {
      try Receipt(json: replacing([change.path], in: Self.receipt().json, with: change.value))
    }
  }

  @Test(arguments: [
    JobJSONTests.Change("surprise", 1), .init("number", nil), .init("number", "1"), .init("started", nil),
    .init("ended", 5), .init("state", "Running"), .init("state", "Pending"), .init("state", "failed"),
    .init("exitCode", "3"), .init("log", nil), .init("log.sha256", "ab"), .init("log.written", nil),
    .init("log.surprise", 1), .init("resources", nil), .init("resources.userUs", nil), .init("resources.surprise", 1),
  ])
  func refusesAttempts(_ change: JobJSONTests.Change) throws {
    let attempt = try #require(try Self.receipt().attempts.first)
    #expect(try Receipt.Attempt(json: attempt.json) == attempt)
    let changed = replacing(change.path.split(separator: ".").map(String.init), in: attempt.json, with: change.value)
    #expect(throws: JSONError.self) { try Receipt.Attempt(json: changed) }
  }
}
