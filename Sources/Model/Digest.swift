/// A SHA-256 digest (FIPS 180-4): 32 bytes, written as 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The 64 lower-case hexadecimal digits.
  public let hex: String

  /// Throws a ``NameError`` unless `hex` is 64 lower-case hexadecimal digits.
  public init(hex: String) throws(NameError) {
    guard hex.utf8.count == 64, hex.utf8.allSatisfy(isLowerHex) else {
      throw NameError("'\(hex.prefix(70))' is not a SHA-256 digest in lower-case hexadecimal")
    }
    self.hex = hex
  }

  /// The digest whose 32 bytes these are; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    self.hex = String(unsafeUninitializedCapacity: 64) { buffer in
      for (index, byte) in bytes.enumerated() {
        buffer[index * 2] = digits[Int(byte >> 4)]
        buffer[index * 2 + 1] = digits[Int(byte & 15)]
      }
      return 64
    }
  }

  public var description: String { hex }
  /// The first 12 digits, as people quote digests.
  public var short: String { String(hex.prefix(12)) }
  public static func < (a: Digest, b: Digest) -> Bool { a.hex < b.hex }
}
