@testable import ControllerKit
import Model
import Testing
import Trust

/// Which agent may come under which name with which key.
struct AgentRecordsTests {
  static let keys = (0..<2).compactMap { _ in try? SigningKey.generate().publicKey }

  /// Agent 1 is on record as `db-1`, once `db-0`; agent 2 as `db-2`.
  private func records(bindsNames: Bool = true) throws -> AgentRecords {
    var records = AgentRecords(bindsNames: bindsNames)
    records.learned(
      keys: [agentID(1): Self.keys[0], agentID(2): Self.keys[1]],
      names: [
        agentID(1): [try AgentName("db-1"), try AgentName("db-0")], agentID(2): [try AgentName("db-2")],
      ])
    return records
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let id: UInt64
    let name: String
    var key = 0
    var bindsNames = true
    let refused: AgentRecords.Refused?
  }

  static let rows: [Row] = [
    Row(testDescription: "as it is on record", id: 1, name: "db-1", refused: nil),
    Row(testDescription: "with another key", id: 1, name: "db-1", key: 1, refused: .otherKey),
    Row(
      testDescription: "under a new name", id: 1, name: "db-9", refused: (try? AgentName("db-1")).map { .otherName($0) }
    ),
    Row(
      testDescription: "under a former name", id: 1, name: "db-0",
      refused: (try? AgentName("db-1")).map { .otherName($0) }),
    Row(
      testDescription: "under another's name", id: 1, name: "db-2",
      refused: (try? AgentName("db-1")).map { .otherName($0) }),
    Row(testDescription: "a new agent", id: 3, name: "db-3", refused: nil),
    Row(testDescription: "a new agent under a taken name", id: 3, name: "db-1", refused: .nameTaken(by: agentID(1))),
    Row(testDescription: "a new agent under a former name", id: 3, name: "db-0", refused: .nameTaken(by: agentID(1))),
    Row(testDescription: "names are not bound", id: 3, name: "db-1", bindsNames: false, refused: nil),
    Row(testDescription: "keys always are", id: 1, name: "x", key: 1, bindsNames: false, refused: .otherKey),
  ]

  @Test(arguments: rows) func whoMayCome(_ row: Row) throws {
    var records = try records(bindsNames: row.bindsNames)
    let name = try AgentName(row.name)
    var refused: AgentRecords.Refused?
    do throws(AgentRecords.Refused) {
      try records.judge(agentID(row.id), name: name, key: Self.keys[row.key])
    } catch { refused = error }
    #expect(refused == row.refused)
    #expect(!records.hasNews, "judging changes nothing")
    if let refused {
      #expect(throws: refused) { try records.admit(agentID(row.id), name: name, key: Self.keys[row.key]) }
      #expect(!records.hasNews)
      let words = refused.words(agentID(row.id), name: name, branch: "belfry/results")
      switch refused {
      case .otherName: #expect(words.contains("agents/\(agentID(row.id)).name on the branch belfry/results"))
      case .nameTaken(let owner): #expect(words.contains("remove agents/\(owner).name"))
      case .otherKey, .tooMany: break
      }
    } else {
      try records.admit(agentID(row.id), name: name, key: Self.keys[row.key])
      #expect(records.key(of: agentID(row.id)) == Self.keys[row.key])
    }
  }

  @Test func aNameIsTakenBeforeItIsWritten() throws {
    var records = try records()
    let name = try AgentName("new")
    try records.admit(agentID(3), name: name, key: Self.keys[0])
    #expect(records.newNames == [agentID(3): name] && Array(records.newKeys.keys) == [agentID(3)])
    #expect(throws: AgentRecords.Refused.nameTaken(by: agentID(3))) {
      try records.admit(agentID(4), name: name, key: Self.keys[0])
    }
    records.written(keys: [agentID(3)], names: [agentID(3)])
    records.learned(keys: [agentID(3): Self.keys[0]], names: [agentID(3): [name]])
    #expect(!records.hasNews)
    #expect(records.names(of: agentID(3)) == [name])
  }

  @Test func whatIsTakenOutOfTheBranchIsFree() throws {
    var records = try records()
    records.learned(keys: [agentID(1): Self.keys[0]], names: [:])
    try records.admit(agentID(3), name: try AgentName("db-1"), key: Self.keys[1])
    #expect(records.names(of: agentID(3)).map(\.text) == ["db-1"])
  }

  @Test func newcomersAreBounded() throws {
    var records = AgentRecords()
    for number in 0..<UInt64(AgentRecords.newcomersLimit) {
      try records.admit(agentID(number), name: try AgentName("n\(number)"), key: Self.keys[0])
    }
    #expect(throws: AgentRecords.Refused.tooMany) {
      try records.admit(agentID(1 << 40), name: try AgentName("one-more"), key: Self.keys[0])
    }
    // Whoever is on record may come at any time.
    try records.admit(agentID(5), name: try AgentName("n5"), key: Self.keys[0])
  }
}
