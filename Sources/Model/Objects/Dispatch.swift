/// A signed order from the controller to one agent to run one occurrence now.
public struct Dispatch: Hashable, Sendable {
  public var agent: AgentID
  public var epoch: Int64
  /// What the agent chose for this connection: an order from another connection is a replay.
  public var nonce: String
  public var job: JobName
  public var bundle: Digest
  /// Unique to the request, 1 to 64 characters of `[a-z0-9-]`.
  public var request: String
  /// When it was asked for; the occurrence's nominal time.
  public var nominal: Timestamp
  /// Later than this it must not start any more.
  public var startBy: Timestamp
  /// Parameters given in place of the declared ones.
  public var params: [String: ParameterValue]
  /// Who asked for it, see ``personName(_:)``; nil when that is not known.
  public var person: String?

  public init(
    agent: AgentID, epoch: Int64, nonce: String, job: JobName, bundle: Digest, request: String, nominal: Timestamp,
    startBy: Timestamp, params: [String: ParameterValue] = [:], person: String? = nil
  ) {
    self.agent = agent
    self.epoch = epoch
    self.nonce = nonce
    self.job = job
    self.bundle = bundle
    self.request = request
    self.nominal = nominal
    self.startBy = startBy
    self.params = params
    self.person = person
  }

  public var occurrence: Occurrence { Occurrence(job: job, nominal: nominal, cause: .person(request: request)) }
}

extension Dispatch {
  public var json: JSONValue {
    .members([
      "agent": .string(agent.text), "epoch": .integer(epoch), "nonce": .string(nonce), "job": .string(job.text),
      "bundle": .string(bundle.hex), "request": .string(request), "nominal": .timestamp(nominal),
      "startBy": .timestamp(startBy), "params": .sorted(params.mapValues(\.json)),
      "person": person.map(JSONValue.string),
    ])
  }

  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "dispatch")
    self.init(
      agent: try fields.required("agent") { try $0.stringValue.map { try AgentID($0) } },
      epoch: try fields.integer("epoch"),
      nonce: try fields.string("nonce"),
      job: try fields.required("job") { try $0.stringValue.map { try JobName($0) } },
      bundle: try fields.required("bundle") { try $0.stringValue.map { try Digest(hex: $0) } },
      request: try fields.required("request") { $0.stringValue.flatMap(Self.requestName) },
      nominal: try fields.timestamp("nominal"),
      startBy: try fields.timestamp("startBy"),
      params: try fields.map("params") { try ParameterValue(json: $0) },
      person: try fields.optional("person") { $0.stringValue.flatMap(Self.personName) })
    try fields.finish()
  }

  /// The text when it can be a person's name: 1 to 64 letters, digits, `.`, `_`, `-`, `+` and `@` of ASCII.
  public static func personName(_ text: String) -> String? {
    let others = Set("._-+@".utf8)
    func isAllowed(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || others.contains(byte)
    }
    return (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed) ? text : nil
  }

  static func requestName(_ text: String) -> String? {
    let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-".utf8)
    return (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(allowed.contains) ? text : nil
  }
}
