public import Model

/// A DSSE envelope (secure-systems-lab/dsse) with one signature: well formed, and not verified.
///
/// It has one form only, compact JSON with these members in this order:
/// `{"payloadType":"…","payload":"<base64>","signatures":[{"keyid":"<hex>","sig":"<base64>"}]}`
/// Reading accepts exactly what ``bytes`` prints, so two different byte strings are never the same envelope.
public struct Envelope: Hashable, Sendable {
  /// What the payload is; the signature covers it.
  public let payloadType: String
  /// As signed. Anybody may have written this: only ``Signed`` holds content to act on.
  public let payload: [UInt8]
  /// Which key is said to have signed; the signature does not cover it.
  public let keyID: Digest
  /// 64 bytes.
  public let signature: [UInt8]

  init(payloadType: String, payload: [UInt8], keyID: Digest, signature: [UInt8]) {
    self.payloadType = payloadType
    self.payload = payload
    self.keyID = keyID
    self.signature = signature
  }

  /// Signs the payload; throws `library` only.
  static func sign(_ payload: [UInt8], type: String, key: SigningKey) throws(TrustError) -> Envelope {
    let signature = try key.sign(preAuthentication(type: type, payload: payload))
    return Envelope(payloadType: type, payload: payload, keyID: key.publicKey.keyID, signature: signature)
  }

  /// DSSE's PAE: `DSSEv1 <type's length> <type> <payload's length> <payload>`. The lengths keep type and payload
  /// apart, so that no payload can be read as the end of a type.
  public static func preAuthentication(type: String, payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  /// Whether `key` made the signature over exactly this type and payload.
  func isSigned(by key: PublicKey) -> Bool {
    key.verify(signature: signature, of: Self.preAuthentication(type: payloadType, payload: payload))
  }

  /// The envelope as it travels and is stored.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(Self.largestSize(payload: payload.count))
    out += Self.opening.utf8
    out += payloadType.utf8
    out += Self.beforePayload.utf8
    out += Base64.encode(payload)
    out += Self.beforeSignature.utf8
    out += signatureLine
    out += Self.closing.utf8
    return out
  }

  /// No envelope with a payload of at most `payload` bytes is larger.
  public static func largestSize(payload: Int) -> Int {
    Base64.encodedCount(payload) + largestType + 256
  }

  static let opening = #"{"payloadType":""#
  static let beforePayload = #"","payload":""#
  static let beforeSignature = #"","signatures":["#
  static let closing = "]}"
  /// Bytes of a payload type.
  static let largestType = 100
}
