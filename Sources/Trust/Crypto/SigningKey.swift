/// An Ed25519 private key. Printing or dumping it shows its public key's id only.
public struct SigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public let publicKey: PublicKey
  private let handle: KeyHandle

  private init(_ handle: KeyHandle) throws(TrustError) {
    self.handle = handle
    self.publicKey = try PublicKey(handle)
  }

  /// Reads an unencrypted PKCS#8 private key in PEM, as `openssl genpkey -algorithm ed25519` writes it. Throws
  /// `unusableKey` for anything else: encrypted keys, other algorithms, public keys.
  public init(pem text: String) throws(TrustError) { try self.init(PEM.privateKey(text)) }

  /// From the 32 secret bytes of RFC 8032.
  init(seed: [UInt8]) throws(TrustError) { try self.init(KeyHandle(raw: seed, isPrivate: true)) }

  /// A new key from libcrypto's random generator.
  public static func generate() throws(TrustError) -> SigningKey { try SigningKey(KeyHandle.generate()) }

  /// The secret: PKCS#8 in PEM (RFC 8410 section 7). Throws `unusableKey` when libcrypto does not give it out.
  public var pem: String {
    get throws(TrustError) { PEM.text("PRIVATE KEY", Self.infoPrefix + (try handle.privateBytes())) }
  }

  /// 64 bytes; the same message gives the same signature. Throws `library` only.
  public func sign(_ message: [UInt8]) throws(TrustError) -> [UInt8] { try handle.sign(message) }

  public var description: String { "signing key of \(publicKey) (secret)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING (32 bytes) } } up to the secret.
  private static let infoPrefix: [UInt8] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]
}
