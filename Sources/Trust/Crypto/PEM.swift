import COpenSSL

/// PEM texts (RFC 7468) that hold one key.
enum PEM {
  /// `-----BEGIN label-----`, the bytes in lines of 64 characters, `-----END label-----`.
  static func text(_ label: String, _ der: [UInt8]) -> String {
    "-----BEGIN \(label)-----\n" + wrapped(Base64.text(der), at: 64) + "-----END \(label)-----\n"
  }

  /// The text cut into lines of at most `width` characters, each with a line break.
  static func wrapped(_ text: String, at width: Int) -> String {
    var rest = text[...]
    var lines = ""
    while !rest.isEmpty {
      lines += rest.prefix(width) + "\n"
      rest = rest.dropFirst(width)
    }
    return lines
  }

  /// Reads the text's only PEM block, which must be a PKCS#8 private key.
  static func privateKey(_ text: String) throws(TrustError) -> KeyHandle {
    try checkLabel(of: text, is: "PRIVATE KEY")
    return try read(text) { bio in
      // Without this callback libcrypto would ask for a pass phrase on the terminal and wait.
      PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
    }
  }

  /// Reads the text's only PEM block, which must be a SubjectPublicKeyInfo.
  static func publicKey(_ text: String) throws(TrustError) -> KeyHandle {
    try checkLabel(of: text, is: "PUBLIC KEY")
    return try read(text) { bio in PEM_read_bio_PUBKEY(bio, nil, { _, _, _, _ in -1 }, nil) }
  }

  private static func read(
    _ text: String, with parse: (OpaquePointer) -> OpaquePointer?
  ) throws(TrustError) -> KeyHandle {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBytes { buffer -> Result<OpaquePointer, TrustError> in
      ERR_clear_error()
      guard let bio = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else {
        return .failure(libcryptoFailure(.library, "a key cannot be read"))
      }
      defer { BIO_free(bio) }
      guard let key = parse(bio) else {
        return .failure(libcryptoFailure(.unusableKey, "the PEM block holds no key that libcrypto can read"))
      }
      ERR_clear_error()  // decoders leave their failed attempts in the queue even when one of them succeeds
      return .success(key)
    }
    return try KeyHandle(taking: result.get())
  }

  /// Says in a user's words what else the file is, where libcrypto would only say that it cannot read it.
  private static func checkLabel(of text: String, is wanted: String) throws(TrustError) {
    guard text.utf8.count <= 16 * 1024 else { throw TrustError(.unusableKey, "a key file has at most 16 KiB") }
    let lines = text.split(whereSeparator: \.isNewline)
    let labels = lines.filter { $0.hasPrefix("-----BEGIN ") && $0.hasSuffix("-----") }
      .map { String($0.dropFirst(11).dropLast(5)) }
    guard let label = labels.first else { throw TrustError(.unusableKey, "this is no PEM file: it has no BEGIN line") }
    guard labels.count == 1 else {
      throw TrustError(.unusableKey, "the file holds \(labels.count) PEM blocks; want one")
    }
    guard label != wanted else { return }
    throw TrustError(.unusableKey, problem(label, wanted))
  }

  private static func problem(_ label: String, _ wanted: String) -> String {
    let want = wanted == "PRIVATE KEY" ? "an unencrypted Ed25519 private key" : "an Ed25519 public key"
    switch label {
    case "ENCRYPTED PRIVATE KEY" where wanted == "PRIVATE KEY":
      return "the private key is encrypted, and nobody is there to type a pass phrase; "
        + "decrypt it with 'openssl pkey -in FILE -out PLAIN' and protect the file by its mode"
    case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
      return "this is a private key; want the public one: 'openssl pkey -in FILE -pubout'"
    case "PUBLIC KEY": return "this is a public key; want \(want)"
    case "OPENSSH PRIVATE KEY":
      return "this is a key in OpenSSH's own form; want \(want) in PEM, "
        + "such as 'openssl genpkey -algorithm ed25519' makes"
    case "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY":
      return "this is a key of another algorithm; want \(want)"
    default: return "this is a PEM file of '\(printable(label, limit: 40))'; want \(want)"
    }
  }
}
