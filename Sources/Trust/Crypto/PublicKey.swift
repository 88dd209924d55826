public import Model

/// An Ed25519 public key (RFC 8032).
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
  /// The key's 32 bytes.
  public let bytes: [UInt8]
  /// SHA-256 of the SubjectPublicKeyInfo in DER: how envelopes name the key.
  public let keyID: Digest
  private let handle: KeyHandle

  init(_ handle: KeyHandle) throws(TrustError) {
    self.bytes = try handle.publicBytes()
    self.keyID = SHA256.hash(Self.infoPrefix + bytes)
    // Of a private key only the public half is kept.
    self.handle = try KeyHandle(raw: bytes, isPrivate: false)
  }

  /// Reads a SubjectPublicKeyInfo in PEM, as `openssl pkey -pubout` writes it. Throws `unusableKey` for anything else,
  /// another algorithm included.
  public init(pem text: String) throws(TrustError) { try self.init(PEM.publicKey(text)) }

  /// The SubjectPublicKeyInfo in PEM (RFC 8410 section 4).
  public var pem: String { PEM.text("PUBLIC KEY", Self.infoPrefix + bytes) }

  /// Whether `signature` is this key's signature of exactly these bytes.
  public func verify(signature: [UInt8], of message: [UInt8]) -> Bool { handle.verify(signature, of: message) }

  public var description: String { "Ed25519 key \(keyID.short)" }
  public static func == (a: PublicKey, b: PublicKey) -> Bool { a.bytes == b.bytes }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING (32 bytes) } up to the key's bytes. An Ed25519 key has no
  /// parameters, so these are always the same.
  private static let infoPrefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
}
