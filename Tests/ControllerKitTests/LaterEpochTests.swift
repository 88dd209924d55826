@testable import ControllerKit
import Model
import Planning
import Testing
import Trust

/// What is made of agents' word that there was a later controller.
struct LaterEpochTests {
  private func later(own: Int64, _ epochs: [Int64]) throws -> LaterEpoch? {
    var state = FleetState(epoch: own)
    for (index, epoch) in epochs.enumerated() {
      let id = agentID(UInt64(index + 1))
      let session = try state.connect(
        id: id, name: try AgentName("a\(index + 1)"), key: try SigningKey.generate().publicKey, version: "1", at: at(0))
      _ = state.heard(
        from: id, session: session,
        report: AgentReport(
          labels: [:], addresses: [], position: Position(epoch: epoch, sequence: 1), expires: nil, held: [:],
          running: [], spooled: 0, problems: []), at: at(1))
    }
    #expect(state.epoch == own, "an agent's word moves nothing")
    return LaterEpoch(epoch: own, members: state.members.values)
  }

  @Test func nobodySpeaksOfOne() throws {
    #expect(try later(own: 3, [0, 2, 3]) == nil)
    #expect(try later(own: 3, []) == nil)
  }

  @Test func theLineThatWinsTheAgentsBack() throws {
    let found = try #require(try later(own: 1, [40, 41, 1]))
    #expect(found.line == "epoch: {least: 42}")
    #expect(found.agents.map(\.text) == ["a1", "a2"])
    #expect(found.words.contains("a1, a2 of 3 agents") && found.words.contains("'epoch: {least: 42}'"))
  }

  @Test func aHostileNumberIsNotProposed() throws {
    let found = try #require(try later(own: 1, [41, 1 << 50]))
    #expect(found.line == "epoch: {least: 42}")
    #expect(found.incredible.map(\.text) == ["a2"])
    let alone = try #require(try later(own: 1, [1 << 50]))
    #expect(alone.line == nil)
    #expect(alone.words.contains("a1 claim an epoch that no controller can have reached"))
  }
}
