import Model
import Trust

/// Which key and which names are whose: the results branch's word, and what waits to be written there. Pure.
///
/// An id is bound to the key and the name that it first came with. What an agent may do depends on its name (a job's
/// `targets.agents`), so a name must not go to whoever asks while its owner is away.
struct AgentRecords: Sendable {
  /// Agents on record at the most: each costs two files of the results branch for ever.
  static let limit = 50_000
  /// New agents that may wait for the next commit. Those who come too many at once are told to come again.
  static let newcomersLimit = 1_000

  /// Why an agent is not let in.
  enum Refused: Error, Hashable {
    /// Another key stands for this id: somebody copied the id, or the agent lost its key.
    case otherKey
    /// The agent is on record under another name.
    case otherName(AgentName)
    /// The name is another agent's.
    case nameTaken(by: AgentID)
    /// There is no room for more agents.
    case tooMany
  }

  /// Whether names are bound at all; not in `belfry dev`, whose agents are new ones each time.
  let bindsNames: Bool
  /// Not on the branch yet.
  private(set) var newKeys: [AgentID: PublicKey] = [:]
  private(set) var newNames: [AgentID: AgentName] = [:]
  private var keys: [AgentID: PublicKey] = [:]
  private var names: [AgentID: [AgentName]] = [:]
  private var owners: [AgentName: AgentID] = [:]

  init(bindsNames: Bool = true) { self.bindsNames = bindsNames }

  var hasNews: Bool { !newKeys.isEmpty || !newNames.isEmpty }

  func key(of agent: AgentID) -> PublicKey? { keys[agent] ?? newKeys[agent] }

  /// All names under which an agent may deliver receipts: the one that it has, then those that it had.
  func names(of agent: AgentID) -> [AgentName] { names[agent] ?? newNames[agent].map { [$0] } ?? [] }

  /// Whether an agent may come under the name with the key. Changes nothing.
  func judge(_ agent: AgentID, name: AgentName, key: PublicKey) throws(Refused) {
    if let known = self.key(of: agent), known != key { throw .otherKey }
    guard bindsNames else { return try haveRoom(for: agent) }
    if let own = names(of: agent).first {
      if own != name { throw .otherName(own) }
    } else if let owner = owners[name], owner != agent {
      throw .nameTaken(by: owner)
    }
    try haveRoom(for: agent)
  }

  private func haveRoom(for agent: AgentID) throws(Refused) {
    guard self.key(of: agent) == nil else { return }
    guard keys.count + newKeys.count < Self.limit, newKeys.count < Self.newcomersLimit else { throw .tooMany }
  }

  /// Puts a proven agent on record. Throws what ``judge(_:name:key:)`` throws.
  mutating func admit(_ agent: AgentID, name: AgentName, key: PublicKey) throws(Refused) {
    try judge(agent, name: name, key: key)
    if self.key(of: agent) == nil { newKeys[agent] = key }
    if bindsNames, names(of: agent).isEmpty {
      newNames[agent] = name
      owners[name] = agent
    }
  }

  /// What was written to the branch waits no more.
  mutating func written(keys: some Sequence<AgentID>, names: some Sequence<AgentID>) {
    for agent in keys { newKeys[agent] = nil }
    for agent in names { newNames[agent] = nil }
  }

  /// Takes over what the branch says now. A name that somebody took out of it is free.
  mutating func learned(keys: [AgentID: PublicKey], names: [AgentID: [AgentName]]) {
    guard self.keys != keys || self.names != names else { return }
    self.keys = keys
    self.names = names
    owners = [:]
    for (agent, name) in newNames { owners[name] = agent }
    // Of two files that claim one name the lower id's counts, whatever the order in which they are read.
    for (agent, list) in names.sorted(by: { $0.key > $1.key }) { for name in list { owners[name] = agent } }
  }
}

extension AgentRecords.Refused {
  /// What the agent and the operator are told, with what an operator does about it.
  func words(_ agent: AgentID, name: AgentName, branch: String) -> String {
    switch self {
    case .otherKey: "agent \(agent) is on record with another key"
    case .otherName(let own):
      "agent \(agent) is on record as '\(own)': start it under that name, or, to rename it, write '\(name)' as the "
        + "first line of agents/\(agent).name on the branch \(branch) and push that commit"
    case .nameTaken(let owner):
      "the name '\(name)' is agent \(owner)'s: choose another, or, if that agent is gone for good, remove "
        + "agents/\(owner).name from the branch \(branch) and push that commit"
    case .tooMany: "too many new agents: there is no room for another one now"
    }
  }
}
