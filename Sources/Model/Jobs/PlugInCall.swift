/// The name of a plug-in: `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, 40 bytes. It becomes a part of a file's name, and the grammar
/// leaves nothing that could lead elsewhere.
public struct PlugInName: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` when `text` breaks the grammar.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count <= 40 else { throw NameError("a plug-in's name has at most 40 characters") }
    guard NameGrammar.problem(in: text[...]) == nil, !text.utf8.contains(where: { $0 == 0x2e || $0 == 0x5f }) else {
      throw NameError("'\(text)' is not a plug-in's name: lower-case letters, digits and '-', such as sql")
    }
    self.text = text
  }

  public var description: String { text }
  /// The file on the agent's path of plug-ins.
  public var program: String { "belfry-executor-\(text)" }
}

/// `run.plugin`: an executor on the agent and what it is told.
public struct PlugInCall: Hashable, Sendable {
  public var name: PlugInName
  /// Whatever the plug-in wants to know: an object, its keys ascending at every level, at most ``limit`` bytes as JSON and
  /// ``depth`` levels.
  public var with: JSONValue

  public init(name: PlugInName, with: JSONValue = .object([])) {
    self.name = name
    self.with = with
  }

  public static let limit = 64 << 10
  public static let depth = 16

  var json: JSONValue { ["name": .string(name.text), "with": with] }

  /// Throws a ``JSONError`` for what no manifest could have said.
  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.run.plugin")
    name = try fields.required("name") { try $0.stringValue.map { try PlugInName($0) } }
    with = try fields.required("with") { value in
      if case .object = value, Self.isSorted(value), value.bytes.count <= Self.limit { value } else { nil }
    }
    try fields.finish()
  }

  private static func isSorted(_ value: JSONValue) -> Bool {
    switch value {
    case .object(let members):
      zip(members, members.dropFirst()).allSatisfy { $0.key < $1.key } && members.allSatisfy { isSorted($0.value) }
    case .array(let list): list.allSatisfy(isSorted)
    case .null, .bool, .integer, .string: true
    }
  }
}

/// What an executor answers in the file `BELFRY_ANSWER`: one JSON object, all of its members optional.
public struct ExecutorAnswer: Hashable, Sendable {
  /// False: the attempt has failed, whatever its exit code was. True changes nothing about one that failed by its exit code.
  public var hasSucceeded: Bool?
  /// For people, in the receipt; one line, at most ``reasonLimit`` bytes.
  public var reason: String?
  /// Values that the job's manifest may declare as its outputs; an object.
  public var outputs: JSONValue?

  public init(hasSucceeded: Bool? = nil, reason: String? = nil, outputs: JSONValue? = nil) {
    self.hasSucceeded = hasSucceeded
    self.reason = reason
    self.outputs = outputs
  }

  /// As an executor writes it.
  public var json: JSONValue {
    .members([
      "outcome": hasSucceeded.map { .string($0 ? "succeeded" : "failed") }, "reason": reason.map(JSONValue.string),
      "outputs": outputs,
    ])
  }

  /// Bytes of the file.
  public static let limit = 64 << 10
  public static let reasonLimit = 1_000

  /// Throws a ``JSONError`` for anything else. `outcome` is `succeeded` or `failed`.
  public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
    var fields = try JSONFields(try JSONValue(parsing: bytes, limit: Self.limit, depth: 8, decimals: true), "answer")
    hasSucceeded = try fields.optional("outcome") { ["succeeded": true, "failed": false][$0.stringValue ?? ""] }
    reason = try fields.optional("reason") { value in
      value.stringValue.map { TerminalText.neutralised(bytes: $0.utf8.prefix(Self.reasonLimit)) }
    }
    outputs = try fields.optional("outputs") { value in if case .object = value { value } else { nil } }
    try fields.finish()
  }
}
