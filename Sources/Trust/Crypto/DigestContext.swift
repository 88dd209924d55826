import COpenSSL

/// A hash function of libcrypto, looked up once for the process: a look-up costs more than hashing a short text.
struct HashFunction: Sendable {
  /// Never freed and never changed, so threads may share it.
  nonisolated(unsafe) fileprivate let pointer: OpaquePointer
  let size: Int

  private init(_ name: String, size: Int) {
    guard let pointer = EVP_MD_fetch(nil, name, nil), EVP_MD_get_size(pointer) == size else {
      libcryptoUnusable("libcrypto has no \(name)")
    }
    self.pointer = pointer
    self.size = size
  }

  static let sha256 = HashFunction("SHA256", size: 32)
  static let sha512 = HashFunction("SHA512", size: 64)

  /// The digest of all of `bytes`.
  func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var context = DigestContext(self)
    context.update(bytes)
    return context.finish()
  }
}

/// Owns one EVP_MD_CTX. Not copyable, and finishing consumes it: a context that is used again after its end would give
/// the digest of something else.
struct DigestContext: ~Copyable {
  private let pointer: OpaquePointer
  private let size: Int

  init(_ function: HashFunction) {
    guard let pointer = EVP_MD_CTX_new(), EVP_DigestInit_ex2(pointer, function.pointer, nil) == 1 else {
      libcryptoUnusable("a digest cannot be started")
    }
    self.pointer = pointer
    self.size = function.size
  }

  deinit { EVP_MD_CTX_free(pointer) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    guard EVP_DigestUpdate(pointer, bytes.baseAddress, bytes.count) == 1 else {
      libcryptoUnusable("a digest cannot go on")
    }
  }

  consuming func finish() -> [UInt8] {
    var done = false
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      done = EVP_DigestFinal_ex(pointer, buffer.baseAddress, nil) == 1
      count = size
    }
    guard done else { libcryptoUnusable("a digest cannot be finished") }
    return bytes
  }
}
