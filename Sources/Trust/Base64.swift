/// Base64 as RFC 4648 section 4 has it: the standard alphabet, padded, no line breaks, unused bits zero.
///
/// Exactly one text decodes to given bytes. A lenient decoder would let somebody change an envelope's bytes without
/// changing what it says, and then two copies of one object would have two digests.
public enum Base64 {
  /// The text's characters as ASCII.
  public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
    bytes.withContiguousStorageIfAvailable(encode(buffer:)) ?? Array(bytes).withUnsafeBufferPointer(encode(buffer:))
  }

  /// ``encode(_:)`` as a string.
  public static func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: encode(bytes), as: UTF8.self)
  }

  /// The bytes; nil for anything that ``encode(_:)`` does not produce.
  public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    if let result = text.withContiguousStorageIfAvailable(decode(buffer:)) { return result }
    return Array(text).withUnsafeBufferPointer(decode(buffer:))
  }

  /// Characters that `count` bytes become.
  static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// The value of each byte as a base64 character; 0xff for those that are none.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xff, count: 256)
    for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
    return table
  }()

  private static func encode(buffer: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    let whole = buffer.count / 3
    return alphabet.withUnsafeBufferPointer { letters in
      [UInt8](unsafeUninitializedCapacity: encodedCount(buffer.count)) { out, count in
        count = encodedCount(buffer.count)
        for group in 0..<whole {
          let (a, b, c) = (buffer[group * 3], buffer[group * 3 + 1], buffer[group * 3 + 2])
          let bits = UInt32(a) << 16 | UInt32(b) << 8 | UInt32(c)
          for place in 0..<4 { out[group * 4 + place] = letters[Int(bits >> (18 - 6 * UInt32(place)) & 63)] }
        }
        let rest = buffer.count - whole * 3
        guard rest > 0 else { return }
        let bits = UInt32(buffer[whole * 3]) << 16 | (rest == 2 ? UInt32(buffer[whole * 3 + 1]) << 8 : 0)
        out[whole * 4] = letters[Int(bits >> 18)]
        out[whole * 4 + 1] = letters[Int(bits >> 12 & 63)]
        out[whole * 4 + 2] = rest == 2 ? letters[Int(bits >> 6 & 63)] : padding
        out[whole * 4 + 3] = padding
      }
    }
  }

  private static func decode(buffer: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard buffer.count % 4 == 0 else { return nil }
    guard !buffer.isEmpty else { return [] }
    let padded = buffer[buffer.count - 1] != padding ? 0 : buffer[buffer.count - 2] != padding ? 1 : 2
    let groups = buffer.count / 4
    var invalid: UInt8 = 0
    var spareBits: UInt32 = 0
    let bytes = values.withUnsafeBufferPointer { values in
      [UInt8](unsafeUninitializedCapacity: groups * 3) { out, count in
        for group in 0..<groups {
          var bits: UInt32 = 0
          let present = group == groups - 1 ? 4 - padded : 4
          for place in 0..<present {
            let value = values[Int(buffer[group * 4 + place])]
            invalid |= value & 0x80
            bits |= UInt32(value & 63) << (18 - 6 * UInt32(place))
          }
          out[group * 3] = UInt8(bits >> 16)
          out[group * 3 + 1] = UInt8(bits >> 8 & 0xff)
          out[group * 3 + 2] = UInt8(bits & 0xff)
          if present < 4 { spareBits = present == 3 ? bits & 0xff : bits & 0xffff }
        }
        count = groups * 3 - padded
      }
    }
    return invalid == 0 && spareBits == 0 ? bytes : nil
  }
}
