import COpenSSL

/// Owns one Ed25519 EVP_PKEY, public or private; libcrypto overwrites the secret when it is freed.
///
/// `@unchecked Sendable`: after `init` the key is only read, which libcrypto allows from any number of threads; each
/// signing or verifying has a context of its own.
final class KeyHandle: @unchecked Sendable {
  private let pointer: OpaquePointer

  /// Takes the pointer over. Throws `unusableKey` for a key of another algorithm.
  init(taking pointer: OpaquePointer) throws(TrustError) {
    guard EVP_PKEY_get_id(pointer) == EVP_PKEY_ED25519 else {
      let name = EVP_PKEY_get0_type_name(pointer).map { String(cString: $0) } ?? "an unknown algorithm"
      EVP_PKEY_free(pointer)
      throw TrustError(.unusableKey, "the key is of \(name); Belfry's keys are Ed25519")
    }
    self.pointer = pointer
  }

  deinit { EVP_PKEY_free(pointer) }

  /// A private key from its 32 secret bytes (RFC 8032 section 5.1.5), or a public key from its 32 bytes.
  convenience init(raw bytes: [UInt8], isPrivate: Bool) throws(TrustError) {
    let make = isPrivate ? EVP_PKEY_new_raw_private_key : EVP_PKEY_new_raw_public_key
    guard bytes.count == 32, let pointer = make(EVP_PKEY_ED25519, nil, bytes, bytes.count) else {
      throw libcryptoFailure(.unusableKey, "these are not the bytes of an Ed25519 key")
    }
    try self.init(taking: pointer)
  }

  static func generate() throws(TrustError) -> KeyHandle {
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil) else {
      throw libcryptoFailure(.library, "no key can be generated")
    }
    defer { EVP_PKEY_CTX_free(context) }
    var pointer: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_generate(context, &pointer) == 1, let pointer else {
      throw libcryptoFailure(.library, "no key can be generated")
    }
    return try KeyHandle(taking: pointer)
  }

  func publicBytes() throws(TrustError) -> [UInt8] { try rawBytes(EVP_PKEY_get_raw_public_key) }
  func privateBytes() throws(TrustError) -> [UInt8] { try rawBytes(EVP_PKEY_get_raw_private_key) }

  private func rawBytes(
    _ get: (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?) -> Int32
  ) throws(TrustError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    var count = bytes.count
    guard get(pointer, &bytes, &count) == 1, count == 32 else {
      throw libcryptoFailure(.unusableKey, "the key does not give its bytes out")
    }
    return bytes
  }

  /// 64 bytes, RFC 8032 section 5.1.6 (pure Ed25519, deterministic).
  func sign(_ message: [UInt8]) throws(TrustError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw libcryptoFailure(.library, "signing failed") }
    defer { EVP_MD_CTX_free(context) }
    var signature = [UInt8](repeating: 0, count: 64)
    var count = signature.count
    guard EVP_DigestSignInit(context, nil, nil, nil, pointer) == 1,
      EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64
    else { throw libcryptoFailure(.library, "signing failed") }
    return signature
  }

  /// RFC 8032 section 5.1.7. False for every reason that there may be, so that a failing library refuses.
  func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == 64, let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    if EVP_DigestVerifyInit(context, nil, nil, nil, pointer) == 1,
      EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    {
      return true
    }
    ERR_clear_error()  // see libcryptoFailure: nothing may stay in the thread's queue
    return false
  }
}
