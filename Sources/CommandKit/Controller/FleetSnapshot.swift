import Model
import Planning

/// `GET /v1/snapshot`: what a controller knows of its fleet.
struct FleetSnapshot: Hashable {
  /// A job as the controller desires it now.
  struct DesiredBundle: Hashable {
    var bundle: Digest
    var commit: CommitID
  }

  var repository: String
  var branch: String
  /// Why the controller does not know its source completely; nil when it does.
  var sourceReason: String?
  var terms: AssignmentTerms
  var jobs: [JobName: DesiredBundle]
  var agents: [AgentState]

  /// Members that this version does not know are passed over: a newer controller may tell more.
  init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "snapshot")
    var source = try JSONFields(fields.take("source"), "snapshot.source")
    repository = try source.string("repository")
    branch = try source.string("branch")
    let status = try source.string("status")
    let reason = try source.optional("reason", \.stringValue)
    sourceReason = status == "known" ? nil : reason ?? status
    var terms = try JSONFields(fields.take("terms"), "snapshot.terms")
    self.terms = AssignmentTerms(
      epoch: try fields.integer("epoch"), lifetime: try terms.milliseconds("lifetimeMs"),
      lease: try terms.milliseconds("leaseMs"))
    jobs = Dictionary(
      try fields.list("jobs") { value in
        var job = try JSONFields(value, "snapshot.jobs")
        return (try job.jobName(), DesiredBundle(bundle: try job.bundle(), commit: try job.commit()))
      }, uniquingKeysWith: { $1 })
    agents = try fields.list("agents") { try AgentState(snapshot: $0) }
  }

  /// The commits that the controller or an agent holds jobs from, each once, in no particular order.
  var commits: Set<CommitID> {
    Set(jobs.values.map(\.commit)).union(agents.flatMap { $0.held.values.map(\.commit) })
  }
}

extension AgentState {
  fileprivate init(snapshot json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "snapshot.agents")
    self.init(
      id: try fields.required("id") { try $0.stringValue.map { try AgentID($0) } },
      name: try fields.required("name") { try $0.stringValue.map { try AgentName($0) } },
      labels: try fields.stringMap("labels"), connected: try fields.bool("connected"))
    held = Dictionary(
      try fields.list("held") { value in
        var job = try JSONFields(value, "snapshot.agents.held")
        return (try job.jobName(), HeldJob(bundle: try job.bundle(), commit: try job.commit()))
      }, uniquingKeysWith: { $1 })
    position = try fields.optional("position") { try Position(snapshot: $0) } ?? .zero
    lastIssued = try fields.optional("lastIssued") { try Position(snapshot: $0) } ?? .zero
    expires = try fields.optional("expires") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } }
  }
}

extension Position {
  fileprivate init(snapshot json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "position")
    self.init(epoch: try fields.integer("epoch"), sequence: try fields.integer("sequence"))
  }
}

extension JSONFields {
  fileprivate mutating func jobName() throws(JSONError) -> JobName {
    try required("job") { try $0.stringValue.map { try JobName($0) } }
  }

  fileprivate mutating func bundle() throws(JSONError) -> Digest {
    try required("bundle") { try $0.stringValue.map { try Digest(hex: $0) } }
  }

  fileprivate mutating func commit() throws(JSONError) -> CommitID {
    try required("commit") { try $0.stringValue.map { try CommitID($0) } }
  }
}
