public import Model

extension Receipt: SignedContent {
  public static var payloadType: String { "application/vnd.belfry.receipt.v1+json" }
  public static var kindName: String { "receipt" }
  public static var payloadLimit: Int { 256 << 10 }
  private static let predicateType = "urn:belfry:receipt:v1"

  /// Its subject is the bundle that was run, under the job's name.
  public var payloadJSON: JSONValue {
    Statement(predicateType: Self.predicateType, subjects: [subject], predicate: json).json
  }

  public init(payloadJSON: JSONValue) throws(JSONError) {
    let statement = try Statement(json: payloadJSON, predicateType: Self.predicateType)
    try self.init(json: statement.predicate)
    guard statement.subjects == [subject] else { throw JSONError("receipt: its subject is not its job's bundle") }
  }

  private var subject: Statement.Subject { Statement.Subject(name: occurrence.job.text, digest: bundle) }
}
