public import Model

/// SHA-256, FIPS 180-4.
public enum SHA256 {
  /// The digest of all of `bytes`.
  public static func hash(_ bytes: some Collection<UInt8>) -> Digest {
    var stream = Stream()
    stream.update(bytes)
    return stream.finish()
  }

  /// A digest of bytes that come in pieces. Finishing consumes it.
  public struct Stream: ~Copyable {
    private var context = DigestContext(.sha256)

    public init() {}

    /// Adds bytes; how they are cut into pieces makes no difference.
    public mutating func update(_ bytes: some Collection<UInt8>) {
      if bytes.withContiguousStorageIfAvailable({ context.update(UnsafeRawBufferPointer($0)) }) == nil {
        Array(bytes).withUnsafeBytes { context.update($0) }
      }
    }

    /// The digest of everything added.
    public consuming func finish() -> Digest {
      guard let digest = try? Digest(hex: hexText(context.finish())) else {
        libcryptoUnusable("SHA-256 gave no digest")
      }
      return digest
    }
  }
}

/// Two lower-case hexadecimal digits a byte. Not left to `Digest(bytes:)`, which is generic and so takes 2.4 µs when
/// called from another module: ten times the hashing of a short text.
private func hexText(_ bytes: [UInt8]) -> String {
  String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
    for (index, byte) in bytes.enumerated() {
      buffer[index * 2] = hexDigit(byte >> 4)
      buffer[index * 2 + 1] = hexDigit(byte & 15)
    }
    return bytes.count * 2
  }
}

private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
