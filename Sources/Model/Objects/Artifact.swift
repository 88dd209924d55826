/// A file that an attempt gave back: what a receipt says of it. The bytes travel apart.
public struct Artifact: Hashable, Sendable {
  /// Where the run put it: its path below `BELFRY_ARTIFACTS` or the working folder.
  public var name: String
  /// Bytes.
  public var size: Int64
  public var digest: Digest

  /// Artifacts of one attempt.
  public static let countLimit = 100
  /// Bytes of a name.
  public static let nameLimit = 255

  public init(name: String, size: Int64, digest: Digest) {
    self.name = name
    self.size = size
    self.digest = digest
  }

  /// What is wrong with a name, or nil: it must be a relative path as ``RepositoryPath`` allows them, at most 255 bytes,
  /// without characters that a reader could not see.
  public static func problem(inName name: String) -> String? {
    if let problem = RepositoryPath.problem(in: name) { return problem }
    guard name.utf8.count <= nameLimit else { return "the path has more than \(nameLimit) bytes" }
    guard TerminalText.neutralised(name) == name else { return "the path holds a character that does not show" }
    return nil
  }
}

extension Artifact {
  var json: JSONValue { ["name": .string(name), "size": .integer(size), "sha256": .string(digest.hex)] }

  init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "receipt.attempts.artifacts")
    self.init(
      name: try fields.required("name") { $0.stringValue.flatMap { Self.problem(inName: $0) == nil ? $0 : nil } },
      size: try fields.required("size") { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } },
      digest: try fields.required("sha256") { try $0.stringValue.map { try Digest(hex: $0) } })
    try fields.finish()
  }

  /// A list as a receipt has it: by ascending name, each once, at most ``countLimit``.
  static func list(_ json: JSONValue) throws -> [Artifact]? {
    guard let list = try json.arrayValue?.map({ try Artifact(json: $0) }), (1...countLimit).contains(list.count),
      zip(list, list.dropFirst()).allSatisfy({ $0.name < $1.name })
    else { return nil }
    return list
  }
}
