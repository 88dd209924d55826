public import Model

/// What a signed object of any kind says about itself, before and apart from whether it is genuine: for people, and to
/// find the key with which to check it.
public struct Inspection: Sendable {
  /// The kinds of signed objects.
  public enum Kind: String, Sendable, CaseIterable {
    case bundle, assignment, dispatch, receipt
  }

  /// One line of what the object says.
  public struct Claim: Hashable, Sendable {
    public let label: String
    /// Safe to print.
    public let text: String
  }

  public let kind: Kind
  public let envelope: Envelope
  /// The agent that made a receipt, or for which an order is meant; nil for a bundle.
  public let agent: AgentID?
  /// Nothing of this is to be believed before ``check(key:)``.
  public let claims: [Claim]

  /// Reads an envelope of any kind; one line break at the file's end is ignored. Throws `tooLarge`, `malformed`, or
  /// `wrongType` for a payload type that Belfry does not know.
  public init(file bytes: [UInt8]) throws(TrustError) {
    let text = bytes.last == 0x0a ? Array(bytes.dropLast()) : bytes
    try self.init(Envelope.parse(text, limit: Kind.largestPayload))
  }

  /// Reads a line of receipts and its line of signatures, both without their line breaks.
  public init(receiptLine: [UInt8], signatureLine: [UInt8]) throws(TrustError) {
    try self.init(Envelope(receiptLine: receiptLine, signatureLine: signatureLine))
  }

  private init(_ envelope: Envelope) throws(TrustError) {
    guard let kind = Kind.allCases.first(where: { $0.content.payloadType == envelope.payloadType }) else {
      throw TrustError(.wrongType, "'\(envelope.payloadType)' is none of Belfry's payload types")
    }
    self.kind = kind
    self.envelope = envelope
    let content = try kind.content.init(payload: envelope.payload)
    agent = content.concernedAgent
    claims = content.claims.map { Claim(label: $0, text: printable($1)) }
  }

  /// SHA-256 of the payload: a bundle's name.
  public var digest: Digest { SHA256.hash(envelope.payload) }

  /// Size, form, type, signature, content. Not whom it is for, nor whether it is still in force: those are questions
  /// of an agent at a time. Throws `unknownKey` or `badSignature`.
  public func check(key: PublicKey) throws(TrustError) { try Self.check(envelope, kind.content, key) }

  private static func check<Value: SignedContent>(
    _ envelope: Envelope, _: Value.Type, _ key: PublicKey
  ) throws(TrustError) {
    _ = try Typed<Value>(envelope).authenticated(by: key).read()
  }

  /// The kind and the claims, a line each, labels aligned.
  public var text: String {
    let rows =
      [("kind", kind.rawValue), ("payload", "sha256 \(digest)"), ("key id", envelope.keyID.hex)]
      + claims.map { ($0.label, $0.text) }
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { "\($0):\(String(repeating: " ", count: width - $0.count + 1))\($1)\n" }.joined()
  }
}

extension Inspection.Kind {
  var content: any Describable.Type {
    switch self {
    case .bundle: Bundle.self
    case .assignment: Assignment.self
    case .dispatch: Dispatch.self
    case .receipt: Receipt.self
    }
  }

  static var largestPayload: Int { allCases.map { $0.content.payloadLimit }.max() ?? 0 }
}
