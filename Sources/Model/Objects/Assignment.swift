/// Orders assignments in time: a later controller has a higher epoch, and within an epoch the sequence only rises.
public struct Position: Hashable, Sendable, Comparable, CustomStringConvertible {
  public var epoch: Int64
  public var sequence: Int64

  public init(epoch: Int64, sequence: Int64) {
    self.epoch = epoch
    self.sequence = sequence
  }

  public static let zero = Position(epoch: 0, sequence: 0)
  public static func < (a: Position, b: Position) -> Bool { (a.epoch, a.sequence) < (b.epoch, b.sequence) }
  public var description: String { "\(epoch).\(sequence)" }
}

/// The whole desired state of one agent: what it does not list is removed.
public struct Assignment: Hashable, Sendable {
  public var agent: AgentID
  public var position: Position
  public var issued: Timestamp
  /// From then on it must not be installed.
  public var expires: Timestamp
  /// In ascending order of job, each job once.
  public var entries: [Entry]

  public struct Entry: Hashable, Sendable {
    public var job: JobName
    public var bundle: Digest
    /// A commit at which the source held exactly this bundle.
    public var commit: CommitID
    /// How long the agent may go on firing the job without hearing from a controller.
    public var lease: Duration

    public init(job: JobName, bundle: Digest, commit: CommitID, lease: Duration) {
      self.job = job
      self.bundle = bundle
      self.commit = commit
      self.lease = lease
    }
  }

  public init(agent: AgentID, position: Position, issued: Timestamp, expires: Timestamp, entries: [Entry]) {
    self.agent = agent
    self.position = position
    self.issued = issued
    self.expires = expires
    self.entries = entries.sorted { $0.job < $1.job }
  }
}

extension Assignment {
  public var json: JSONValue {
    [
      "agent": .string(agent.text),
      "epoch": .integer(position.epoch),
      "sequence": .integer(position.sequence),
      "issued": .timestamp(issued),
      "expires": .timestamp(expires),
      "jobs": .array(
        entries.map {
          [
            "job": .string($0.job.text), "bundle": .string($0.bundle.hex), "commit": .string($0.commit.text),
            "leaseMs": .milliseconds($0.lease),
          ]
        }),
    ]
  }

  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "assignment")
    let entries = try fields.list("jobs") { try Entry(json: $0) }
    let names = entries.map(\.job)
    guard names == names.sorted(), Set(names).count == names.count else {
      throw JSONError("assignment.jobs: names must ascend and differ")
    }
    self.init(
      agent: try fields.required("agent") { try $0.stringValue.map { try AgentID($0) } },
      position: Position(epoch: try fields.integer("epoch"), sequence: try fields.integer("sequence")),
      issued: try fields.timestamp("issued"),
      expires: try fields.timestamp("expires"),
      entries: entries)
    try fields.finish()
  }
}

extension Assignment.Entry {
  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "assignment.jobs")
    self.init(
      job: try fields.required("job") { try $0.stringValue.map { try JobName($0) } },
      bundle: try fields.required("bundle") { try $0.stringValue.map { try Digest(hex: $0) } },
      commit: try fields.required("commit") { try $0.stringValue.map { try CommitID($0) } },
      lease: try fields.milliseconds("leaseMs"))
    try fields.finish()
  }
}
