import Model

/// Which artifacts a run's receipt lists, and what became of them: one small file for each run, beside the bytes.
struct ArtifactIndex: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var attempt: Int
    var artifact: Artifact
    /// Why it will never be here; nil otherwise.
    var refusal: String?
  }

  var run: RunID
  var job: JobName
  var agent: AgentID
  var agentName: AgentName
  var nominal: Timestamp
  var entries: [Entry]
  /// All have been received that will be: what is not here any more was removed to make room.
  var isComplete = false

  /// Nil when the receipt lists none.
  init?(_ receipt: Receipt) {
    run = receipt.run
    job = receipt.occurrence.job
    agent = receipt.agent
    agentName = receipt.agentName
    nominal = receipt.occurrence.nominal
    entries = receipt.attempts.flatMap { attempt in
      attempt.artifacts.map { Entry(attempt: attempt.number, artifact: $0) }
    }
    if entries.isEmpty { return nil }
  }

  /// Each content once, in order.
  var contents: [Artifact] {
    var seen: Set<Digest> = []
    return entries.map(\.artifact).filter { seen.insert($0.digest).inserted }
  }

  /// Why some will never be here.
  var refusals: [Digest: String] {
    Dictionary(
      entries.compactMap { entry in entry.refusal.map { (entry.artifact.digest, $0) } }, uniquingKeysWith: { $1 })
  }

  mutating func complete(_ refusals: [Digest: String]) {
    for index in entries.indices { entries[index].refusal = refusals[entries[index].artifact.digest] }
    isComplete = true
  }

  static let sizeLimit = 1 << 20

  var bytes: [UInt8] {
    let json = JSONValue.members([
      "run": .string(run.text), "job": .string(job.text), "agent": .string(agent.text),
      "agentName": .string(agentName.text), "nominal": .timestamp(nominal), "complete": .bool(isComplete),
      "artifacts": .array(
        entries.map { entry in
          .members([
            "attempt": .integer(Int64(entry.attempt)), "name": .string(entry.artifact.name),
            "size": .integer(entry.artifact.size), "sha256": .string(entry.artifact.digest.hex),
            "refusal": entry.refusal.map(JSONValue.string),
          ])
        }),
    ])
    return json.bytes
  }

  init(parsing bytes: [UInt8]) throws(JSONError) {
    var fields = try JSONFields(try JSONValue(parsing: bytes, limit: Self.sizeLimit), "artifacts")
    run = try fields.required("run") { try $0.stringValue.map { try RunID($0) } }
    job = try fields.required("job") { try $0.stringValue.map { try JobName($0) } }
    agent = try fields.required("agent") { try $0.stringValue.map { try AgentID($0) } }
    agentName = try fields.required("agentName") { try $0.stringValue.map { try AgentName($0) } }
    nominal = try fields.timestamp("nominal")
    isComplete = try fields.bool("complete")
    entries = try fields.list("artifacts") { value in
      var entry = try JSONFields(value, "artifacts.artifacts")
      return Entry(
        attempt: Int(try entry.integer("attempt")),
        artifact: Artifact(
          name: try entry.string("name"), size: try entry.integer("size"),
          digest: try entry.required("sha256") { try $0.stringValue.map { try Digest(hex: $0) } }),
        refusal: try entry.optional("refusal", \.stringValue))
    }
  }
}
