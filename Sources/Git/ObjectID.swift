/// The id of a blob or a tree: SHA-1, 20 bytes. Commits are `Model.CommitID`.
public struct ObjectID: Hashable, Sendable, CustomStringConvertible {
  let high: UInt64
  let middle: UInt64
  let low: UInt32

  /// The id that these 40 lower-case hexadecimal digits spell; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard hex.utf8.count == 40 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20)
    var pending: UInt8?
    for digit in hex.utf8 {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x61...0x66: value = digit - 0x61 + 10
      default: return nil
      }
      if let upper = pending {
        bytes.append(upper << 4 | value)
        pending = nil
      } else {
        pending = value
      }
    }
    self.init(bytes: bytes[...])
  }

  /// The id made of 20 bytes; nil for any other count.
  public init?(bytes: ArraySlice<UInt8>) {
    guard bytes.count == 20 else { return nil }
    self = bytes.withUnsafeBytes { Self(raw: $0) }
  }

  /// `raw` has at least 20 bytes.
  init(raw: UnsafeRawBufferPointer) {
    high = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    middle = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    low = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
  }

  /// 20 bytes.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(20)
    append(to: &result)
    return result
  }

  func append(to bytes: inout [UInt8]) {
    withUnsafeBytes(of: high.bigEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: middle.bigEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: low.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// 40 lower-case hexadecimal digits.
  public var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 40) { buffer in
      for (index, byte) in bytes.enumerated() {
        buffer[index * 2] = digits[Int(byte >> 4)]
        buffer[index * 2 + 1] = digits[Int(byte & 15)]
      }
      return 40
    }
  }

  public var description: String { hex }
}
