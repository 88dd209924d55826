public import Model

extension Bundle: SignedContent {
  public static var payloadType: String { "application/vnd.belfry.bundle.v1+json" }
  public static var kindName: String { "bundle" }
  public static var payloadLimit: Int { 4 << 20 }
  private static let predicateType = "urn:belfry:bundle:v1"

  /// What names the bundle everywhere: the SHA-256 of its payload. Needs no key.
  public var digest: Digest { SHA256.hash(payload) }

  public var payloadJSON: JSONValue {
    Statement(predicateType: Self.predicateType, subjects: subjects, predicate: predicateJSON).json
  }

  public init(payloadJSON: JSONValue) throws(JSONError) {
    let statement = try Statement(json: payloadJSON, predicateType: Self.predicateType)
    let digests = Dictionary(statement.subjects.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
    let hasFiles = statement.predicate["files"]?.arrayValue?.isEmpty == false
    try self.init(predicateJSON: statement.predicate, digests: hasFiles ? digests : [:])
    guard statement.subjects == subjects else { throw JSONError("bundle: its subjects are not its files, in order") }
  }

  /// The files. A job that only runs a command has none, and in-toto asks for at least one subject: then it is the job
  /// itself, by the SHA-256 of its JSON.
  private var subjects: [Statement.Subject] {
    guard files.isEmpty else { return files.map { Statement.Subject(name: $0.path, digest: $0.digest) } }
    return [Statement.Subject(name: job.name.text, digest: SHA256.hash(job.json.bytes))]
  }
}
