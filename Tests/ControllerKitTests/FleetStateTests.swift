@testable import ControllerKit
import Model
import Planning
import Testing
import Trust
import Wire

/// Every transition of what the controller knows of its agents.
struct FleetStateTests {
  private let keys: [PublicKey]

  init() throws { keys = try (0..<3).map { _ in try SigningKey.generate().publicKey } }

  private func connect(
    _ state: inout FleetState, _ number: UInt64 = 1, name: String = "a", key: Int = 0, at seconds: Int64 = 0
  ) throws -> FleetState.SessionID {
    try state.connect(
      id: agentID(number), name: try AgentName(name), key: keys[key], version: "1", at: at(seconds))
  }

  private func report(_ position: Position, held: [String: String] = [:]) throws -> AgentReport {
    AgentReport(
      labels: ["role": "db"], addresses: [], position: position, expires: at(1_000),
      held: Dictionary(
        uniqueKeysWithValues: try held.map {
          (try JobName($0.key), HeldJob(bundle: digest($0.value), commit: try commit("c")))
        }), running: [], spooled: 0, problems: [])
  }

  private func assignment(_ position: Position, _ jobs: [String: String]) throws -> Assignment {
    Assignment(
      agent: agentID(1), position: position, issued: at(0), expires: at(500),
      entries: try jobs.map {
        Assignment.Entry(
          job: try JobName($0.key), bundle: digest($0.value), commit: try commit("c"), lease: .seconds(9))
      })
  }

  @Test func anAgentCountsAsAwayUntilItHasSaidWhatItHolds() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state)
    #expect(state.members[agentID(1)]?.agent.connected == false)
    let alone = state.heard(from: agentID(1), session: session, report: nil, at: at(1))
    #expect(!alone, "a heartbeat without state tells nothing new")
    let told = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(2))
    #expect(told)
    #expect(state.members[agentID(1)]?.agent.connected == true)
    #expect(state.members[agentID(1)]?.agent.labels == ["role": "db"])
    #expect(state.members[agentID(1)]?.lastHeard == at(2))
    let again = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(3))
    #expect(!again, "the same again is no news")
    state.disconnect(agentID(1), session: session)
    #expect(state.members[agentID(1)]?.session == nil)
    #expect(state.members[agentID(1)]?.agent.connected == false)
  }

  @Test func anIdBelongsToOneKey() throws {
    var state = FleetState(epoch: 1)
    _ = try connect(&state, key: 0)
    #expect(throws: FleetState.Refused.otherKey) { _ = try connect(&state, key: 1) }
  }

  @Test func aNameBelongsToOneAgentWhileItLives() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state, 1, at: 0)
    #expect(throws: FleetState.Refused.nameInUse(by: agentID(1))) { _ = try connect(&state, 2, key: 1, at: 1_000) }
    state.disconnect(agentID(1), session: session)
    // A restart must not cost it its name.
    #expect(throws: FleetState.Refused.nameInUse(by: agentID(1))) { _ = try connect(&state, 2, key: 1, at: 5) }
    _ = try connect(&state, 2, key: 1, at: 120)
    #expect(Array(state.members.keys) == [agentID(2)], "set up anew, it takes its former self's place")
  }

  @Test func anOldStreamChangesNothingAnyMore() throws {
    var state = FleetState(epoch: 1)
    let old = try connect(&state, at: 0)
    let new = try connect(&state, at: 1)
    _ = state.heard(from: agentID(1), session: new, report: try report(Position(epoch: 1, sequence: 2)), at: at(2))
    let before = state.members[agentID(1)]?.agent
    let late = state.heard(from: agentID(1), session: old, report: try report(.zero), at: at(3))
    state.installed(agentID(1), session: old, position: .zero, refusal: "no", at: at(3))
    state.disconnect(agentID(1), session: old)
    #expect(!late)
    #expect(state.members[agentID(1)]?.agent == before)
    #expect(state.members[agentID(1)]?.session == new)
  }

  @Test func aHeartbeatFromBeforeAnAnswerIsNoNews() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state)
    let first = Position(epoch: 1, sequence: 1)
    _ = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(1))
    state.send(try assignment(first, ["j": "b1"]), answerDue: at(100))
    state.installed(agentID(1), session: session, position: first, refusal: nil, at: at(2))
    #expect(state.members[agentID(1)]?.agent.position == first)
    _ = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(3))
    #expect(state.members[agentID(1)]?.agent.position == first)
    #expect(state.members[agentID(1)]?.agent.held[try JobName("j")]?.bundle == digest("b1"))
    // On a new stream it may have lost everything, and then that is the truth.
    let again = try connect(&state, at: 4)
    _ = state.heard(from: agentID(1), session: again, report: try report(.zero), at: at(5))
    #expect(state.members[agentID(1)]?.agent.held.isEmpty == true)
  }

  @Test func whatIsRefusedIsTriedAgainAfterGrowingPauses() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state)
    _ = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(0))
    var pauses: [Int64] = []
    for sequence in 1...9 {
      let position = Position(epoch: 1, sequence: Int64(sequence))
      state.send(try assignment(position, ["j": "bad"]), answerDue: at(100))
      state.installed(agentID(1), session: session, position: position, refusal: "no", at: at(0))
      let refusal = try #require(state.members[agentID(1)]?.agent.refusal)
      pauses.append((refusal.retryAt - at(0)).wholeMilliseconds / 1_000)
    }
    #expect(pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600])
    let position = Position(epoch: 1, sequence: 10)
    state.send(try assignment(position, ["j": "good"]), answerDue: at(100))
    state.installed(agentID(1), session: session, position: position, refusal: nil, at: at(0))
    #expect(state.members[agentID(1)]?.refusals == 0)
    #expect(state.members[agentID(1)]?.agent.refusal == nil)
  }

  /// One thing that a hostile agent may say of itself.
  struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let edit: @Sendable (inout Belfry_V1_AgentState) -> Void
  }

  @Test(arguments: [
    Hostile(testDescription: "too many labels") { state in for i in 0..<65 { state.labels["l\(i)"] = "v" } },
    Hostile(testDescription: "a long label") { $0.labels["l"] = String(repeating: "x", count: 254) },
    Hostile(testDescription: "a control character") { $0.labels["l"] = "\u{1b}[2J" },
    Hostile(testDescription: "too many addresses") { $0.addresses = Array(repeating: "::1", count: 33) },
    Hostile(testDescription: "a negative position") { $0.sequence = -1 },
    Hostile(testDescription: "a position without room above") { $0.epoch = .max },
    Hostile(testDescription: "a job's name with a path trick") { state in
      var held = Belfry_V1_HeldJob()
      held.job = "../../etc"
      state.held = [held]
    },
    Hostile(testDescription: "too many runs") { $0.running = Array(repeating: Belfry_V1_RunningRun(), count: 20_001) },
    Hostile(testDescription: "too many jobs") { $0.held = Array(repeating: Belfry_V1_HeldJob(), count: 100_001) },
    Hostile(testDescription: "a run that is none") { state in
      var run = Belfry_V1_RunningRun()
      run.runID = "x"
      state.running = [run]
    },
  ])
  func aReportOutOfBoundsIsRefused(_ row: Hostile) {
    var state = Belfry_V1_AgentState()
    state.labels = ["role": "db"]
    #expect(throws: Never.self) { _ = try AgentReport(state) }
    row.edit(&state)
    #expect(throws: NameError.self) { _ = try AgentReport(state) }
  }

  @Test func problemsAreCutByBytes() throws {
    var state = Belfry_V1_AgentState()
    // One character of a megabyte: combining marks.
    state.problems =
      ["e" + String(repeating: "\u{301}", count: 500_000), "\u{1b}[2J"] + Array(repeating: "p", count: 30)
    let report = try AgentReport(state)
    #expect(report.problems.count == 16)
    #expect(report.problems.allSatisfy { $0.utf8.count < 600 })
    #expect(report.problems[1] == "<U+001B>[2J")
  }

  @Test func anAnswerToNothingIsNoNews() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state)
    _ = state.heard(from: agentID(1), session: session, report: try report(.zero), at: at(0))
    let position = Position(epoch: 1, sequence: 1)
    var isNews: [Bool] = []
    func answer(_ position: Position) {
      isNews.append(state.installed(agentID(1), session: session, position: position, refusal: "no", at: at(0)))
    }
    answer(position)
    state.send(try assignment(position, ["j": "b"]), answerDue: at(100))
    answer(.zero)
    answer(position)
    answer(position)
    #expect(isNews == [false, false, true, false])
    #expect(state.members[agentID(1)]?.refusals == 1)
  }

  @Test func whatIsPushedIsInNoSpoolAnyMore() throws {
    var state = FleetState(epoch: 1)
    let session = try connect(&state)
    state.settled(1, of: agentID(1))
    var said = try report(.zero)
    said.spooled = 3
    _ = state.heard(from: agentID(1), session: session, report: said, at: at(0))
    state.disconnect(agentID(1), session: session)
    state.settled(2, of: agentID(1))
    #expect(state.members[agentID(1)]?.report?.spooled == 1)
    // A heartbeat may have said less already, when it was on its way beside the acknowledgement.
    state.settled(2, of: agentID(1))
    state.settled(2, of: agentID(2))
    #expect(state.members[agentID(1)]?.report?.spooled == 0 && state.members.count == 1)
  }

  @Test func aHelloOutOfBoundsIsRefusedInFewWords() throws {
    var hello = Belfry_V1_Hello()
    hello.protocol = wireProtocol
    hello.agentID = agentID(1).text
    hello.agentName = "a"
    hello.publicKey = keys[0].pem
    hello.nonce = String(repeating: "0", count: 32)
    hello.softwareVersion = "v" + String(repeating: "\u{301}", count: 100_000)
    #expect(try HandshakeClaim(hello).version.utf8.count < 100)
    let long = "e" + String(repeating: "\u{301}", count: 100_000)
    let edits: [(inout Belfry_V1_Hello) -> Void] = [
      { $0.agentID = long }, { $0.agentName = long }, { $0.publicKey += long }, { $0.nonce = long },
    ]
    for edit in edits {
      var bad = hello
      edit(&bad)
      do throws(HandshakeRefusal) {
        _ = try HandshakeClaim(bad)
        Issue.record("taken")
      } catch { #expect(error.reason.utf8.count < 1_100) }
    }
  }
}
