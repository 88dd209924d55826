public import Model

/// Something that is signed and verified: its payload type, its limits and its one JSON form.
public protocol SignedContent: Hashable, Sendable {
  /// Bound into the signature; no two kinds share one.
  static var payloadType: String { get }
  /// The kind in one word, for messages.
  static var kindName: String { get }
  /// Bytes that a payload may have.
  static var payloadLimit: Int { get }
  /// What is signed. It holds no time of signing and nothing random: the same content is the same payload.
  var payloadJSON: JSONValue { get }
  /// Throws for unknown or missing members and for values out of their range.
  init(payloadJSON: JSONValue) throws(JSONError)
}

extension SignedContent {
  /// The payload's bytes; they hold no line break.
  public var payload: [UInt8] { payloadJSON.bytes }

  /// Reads a payload strictly. Besides what ``init(payloadJSON:)`` refuses, printing the value again must give the same
  /// bytes: otherwise two payloads, with two digests, could say the same.
  init(payload: [UInt8]) throws(TrustError) {
    guard payload.count <= Self.payloadLimit else {
      throw TrustError(
        .tooLarge, "a \(Self.kindName) has at most \(Self.payloadLimit) bytes; this one has \(payload.count)")
    }
    do throws(JSONError) {
      try self.init(payloadJSON: JSONValue(parsing: payload, limit: Self.payloadLimit))
      guard self.payload == payload else { throw JSONError("it says something in another form than its one form") }
    } catch {
      throw TrustError(.malformed, "not a \(Self.kindName): \(printable(error.description, limit: 300))")
    }
  }
}
