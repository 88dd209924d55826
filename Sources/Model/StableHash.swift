/// A hash that gives the same value on every machine and in every version: 128-bit FNV-1a, finished with
/// MurmurHash3's 64-bit mixer.
///
/// It spreads (jitter, placement) and names (occurrences, runs). It is NOT cryptographic: nothing that trust rests on
/// may use it; what a receipt claims is signed with its fields spelt out.
public struct StableHash: Sendable {
  private var high: UInt64 = 0x6c62_272e_07bb_0142
  private var low: UInt64 = 0x62b8_2175_6295_c58d

  public init() {}

  /// Mixes in the text and a separator, so that ("ab", "c") and ("a", "bc") differ.
  public mutating func combine(_ text: String) {
    for byte in text.utf8 { combine(byte: byte) }
    combine(byte: 0xff)  // never occurs in UTF-8
  }

  private mutating func combine(byte: UInt8) {
    low ^= UInt64(byte)
    // The 128-bit FNV prime is 2^88 + 0x13b.
    let product = low.multipliedFullWidth(by: 0x13b)
    high = high &* 0x13b &+ product.high &+ (low << 24)
    low = product.low
  }

  /// 64 well-mixed bits.
  public var value: UInt64 { Self.mix(high ^ Self.mix(low)) }

  /// The first `digits` (at most 32) lower-case hexadecimal digits of the 128 bits.
  public func hex(digits: Int) -> String {
    String((hexDigits(value) + hexDigits(Self.mix(low ^ Self.mix(high &+ 0x9e37_79b9_7f4a_7c15)))).prefix(digits))
  }

  private static func mix(_ word: UInt64) -> UInt64 {
    var x = word
    x ^= x >> 33
    x = x &* 0xff51_afd7_ed55_8ccd
    x ^= x >> 33
    x = x &* 0xc4ce_b9fe_1a85_ec53
    x ^= x >> 33
    return x
  }
}
