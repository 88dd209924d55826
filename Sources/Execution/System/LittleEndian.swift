// Numbers as they stand in the files that are shared with the shim.

extension [UInt8] {
  mutating func append(littleEndian number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// The number at the offset; the caller has made sure that the bytes are there.
  func number<Number: FixedWidthInteger>(at offset: Int, as: Number.Type = Number.self) -> Number {
    withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
  }

  /// FNV-1a, 64 bits: finds torn writes, not forgeries. `seed` is added (XOR) to what it begins with.
  func fnv1a(seed: UInt64 = 0) -> UInt64 {
    reduce(0xcbf2_9ce4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
