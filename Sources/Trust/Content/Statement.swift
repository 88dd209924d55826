import Model

/// An in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md): a claim about things named by their digests.
struct Statement {
  var predicateType: String
  var subjects: [Subject]
  var predicate: JSONValue

  /// A ResourceDescriptor with a name and one SHA-256.
  struct Subject: Equatable {
    var name: String
    var digest: Digest

    /// By bytes: Swift's own comparison of strings takes differently composed characters for the same.
    static func == (a: Subject, b: Subject) -> Bool { a.digest == b.digest && a.name.utf8.elementsEqual(b.name.utf8) }
  }

  private static let type = "https://in-toto.io/Statement/v1"

  init(predicateType: String, subjects: [Subject], predicate: JSONValue) {
    self.predicateType = predicateType
    self.subjects = subjects
    self.predicate = predicate
  }

  var json: JSONValue {
    [
      "_type": .string(Self.type),
      "subject": .array(
        subjects.map { ["name": .string($0.name), "digest": ["sha256": .string($0.digest.hex)]] }),
      "predicateType": .string(predicateType),
      "predicate": predicate,
    ]
  }

  /// Throws unless it is a statement with the wanted kind of predicate and at least one subject.
  init(json: JSONValue, predicateType wanted: String) throws(JSONError) {
    var fields = try JSONFields(json, "statement")
    guard try fields.string("_type") == Self.type else { throw JSONError("statement._type: want \(Self.type)") }
    guard try fields.string("predicateType") == wanted else {
      throw JSONError("statement.predicateType: want \(wanted)")
    }
    subjects = try fields.list("subject") { try Subject(json: $0) }
    guard !subjects.isEmpty else { throw JSONError("statement.subject: at least one is needed") }
    predicateType = wanted
    predicate = try fields.required("predicate") { $0 }
    try fields.finish()
  }
}

extension Statement.Subject {
  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "statement.subject")
    var digest = try JSONFields(fields.take("digest"), "statement.subject.digest")
    name = try fields.string("name")
    self.digest = try digest.required("sha256") { try $0.stringValue.map { try Digest(hex: $0) } }
    try digest.finish()
    try fields.finish()
  }
}
