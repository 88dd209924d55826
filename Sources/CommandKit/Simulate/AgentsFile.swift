import Manifest
import Model
import Platform

/// An agent as a simulation needs it.
struct SimulatedAgent: Hashable {
  var name: AgentName
  var id: AgentID
  var labels: [String: String] = [:]
  /// Jobs are placed on it whatever their targets.
  var takesAll = false

  /// Stands for the fleet when none is described: it takes every job, and its share of the jitter is hashed from a
  /// fixed id, so that jobs are spread as on a real agent.
  static let nominal: SimulatedAgent? = (try? AgentName("any")).map {
    SimulatedAgent(name: $0, id: id(madeOf: $0), takesAll: true)
  }

  /// The same for every agent of that name.
  static func id(madeOf name: AgentName) -> AgentID {
    func word(_ part: String) -> UInt64 {
      var hash = StableHash()
      hash.combine("simulated agent/1")
      hash.combine(name.text)
      hash.combine(part)
      return hash.value
    }
    return AgentID(random: (word("high"), word("low")))
  }
}

/// `--agents FILE`: the fleet that a simulation is for.
///
/// YAML, a list of mappings with `name`, `id` and `labels`, alone or under `agents:`; or JSON of the same form, such as
/// what `belfry status --format json` prints, of which everything else is passed over.
enum AgentsFile {
  /// Bytes of a file at the most: about 10,000 agents with what the controller tells of them.
  static let limit = 16 << 20
  static let agentLimit = 20_000

  static let table = FieldTable(
    "an agent",
    [
      Field("name", "an agent's name", "as `targets.agents` has it", isRequired: true),
      Field("id", "a UUID", "decides the agent's share of the jitter; default: one made of the name"),
      Field("labels", "a mapping of labels", "what `targets.match` looks at"),
    ])

  /// Throws a `FileError`, or a ``CommandError`` that names all mistakes.
  static func read(_ path: String, _ surroundings: Surroundings) throws -> [SimulatedAgent] {
    let bytes = try DurableFile.read(surroundings.resolved(path) ?? surroundings.absolute(path), limit: limit)
    return try agents(bytes, path: path)
  }

  static func agents(_ bytes: [UInt8], path: String) throws(CommandError) -> [SimulatedAgent] {
    let isJSON = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }.map { $0 == 0x7b || $0 == 0x5b } ?? false
    // What only looks like JSON may be YAML in its flow style.
    let json = isJSON ? try? JSONValue(parsing: bytes, limit: limit) : nil
    let agents: [SimulatedAgent]
    if let json { agents = try Self.agents(json, path) } else { agents = try Self.agents(yaml: bytes, path) }
    guard !agents.isEmpty else { throw mistakes("\(path): there are no agents in it") }
    guard agents.count <= agentLimit else { throw mistakes("\(path): more than \(agentLimit) agents") }
    var names: Set<AgentName> = []
    var ids: Set<AgentID> = []
    for agent in agents {
      guard names.insert(agent.name).inserted else { throw mistakes("\(path): two agents are called '\(agent.name)'") }
      guard ids.insert(agent.id).inserted else { throw mistakes("\(path): two agents have the id \(agent.id)") }
    }
    return agents
  }

  private static func mistakes(_ text: String) -> CommandError {
    CommandError(
      .bad, text,
      hint: "a list such as [{name: db-1, labels: {role: db}}], or the output of 'belfry status --format json'")
  }

  // MARK: JSON

  private static func agents(_ json: JSONValue, _ path: String) throws(CommandError) -> [SimulatedAgent] {
    let root = json["agents"] ?? json
    guard let list = (root["list"] ?? root).arrayValue else {
      throw mistakes("\(path): there is no list of agents in it")
    }
    var agents: [SimulatedAgent] = []
    for (index, item) in list.enumerated() {
      do throws(NameError) {
        guard let name = item["name"]?.stringValue else { throw NameError("it has no name") }
        let agentName = try AgentName(name)
        var id = SimulatedAgent.id(madeOf: agentName)
        if let text = item["id"]?.stringValue { id = try AgentID(text) }
        agents.append(SimulatedAgent(name: agentName, id: id, labels: try labels(item["labels"])))
      } catch {
        throw mistakes("\(path): agent \(index + 1): \(error)")
      }
    }
    return agents
  }

  private static func labels(_ json: JSONValue?) throws(NameError) -> [String: String] {
    guard let json else { return [:] }
    guard case .object(let members) = json else { throw NameError("its labels are not a mapping") }
    var labels: [String: String] = [:]
    for member in members {
      guard let text = member.value.stringValue else { throw NameError("its label '\(member.key)' is not a text") }
      labels[member.key] = text
    }
    return labels
  }

  // MARK: YAML

  private static func agents(yaml bytes: [UInt8], _ path: String) throws(CommandError) -> [SimulatedAgent] {
    let file = ParsedFile(path: path, bytes: bytes)
    let sink = DiagnosticSink()
    var agents: [SimulatedAgent] = []
    if let root = file.onlyDocument(sink) {
      let list = root["agents"] ?? root
      if let elements = list.elements {
        agents = elements.compactMap { agent($0, sink) }
      } else {
        sink.error(at: list.place, "want a list of agents, not \(list.summary)", suggestion: "such as - name: db-1")
      }
    }
    let problems = (file.diagnostics + sink.diagnostics).filter { $0.severity == .error }
    guard problems.isEmpty else { throw CommandError(.bad, problems.sorted().map(\.rendered).joined(separator: "\n")) }
    return agents
  }

  private static func agent(_ node: YAMLNode, _ sink: DiagnosticSink) -> SimulatedAgent? {
    guard var fields = FieldReader(node, table, sink) else { return nil }
    let name: AgentName? = fields.require("name").flatMap { value in
      value.string(bytes: 1...63).flatMap { text in Self.name(value) { () throws(NameError) in try AgentName(text) } }
    }
    let id: AgentID? = fields.take("id").flatMap { value in
      value.string(bytes: 1...60).flatMap { text in Self.name(value) { () throws(NameError) in try AgentID(text) } }
    }
    var labels: [String: String] = [:]
    for entry in fields.take("labels")?.entries(count: 0...1_000, of: "labels") ?? [] {
      if let text = entry.string() { labels[entry.name] = text }
    }
    fields.finish()
    return name.map { SimulatedAgent(name: $0, id: id ?? SimulatedAgent.id(madeOf: $0), labels: labels) }
  }

  private static func name<Name>(_ value: ValueReader, _ make: () throws(NameError) -> Name) -> Name? {
    do throws(NameError) {
      return try make()
    } catch {
      value.fail(error.description)
      return nil
    }
  }
}
