/// Unicode scalars in bytes that need not be UTF-8.
public enum UTF8Scalar {
  /// The scalar at `index`, by RFC 3629 (no overlong forms, no surrogates, at most U+10FFFF); nil when there is none.
  @inlinable
  public static func decode(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (scalar: UInt32, width: Int)? {
    let first = bytes[index]
    let (width, least): (Int, UInt32)
    switch first {
    case 0..<0x80: return (UInt32(first), 1)
    case 0xc2...0xdf: (width, least) = (2, 0x80)
    case 0xe0...0xef: (width, least) = (3, 0x800)
    case 0xf0...0xf4: (width, least) = (4, 0x10000)
    default: return nil
    }
    guard index + width <= bytes.count else { return nil }
    var scalar = UInt32(first) & (0x7f >> UInt32(width))
    for offset in 1..<width {
      let byte = bytes[index + offset]
      guard byte & 0xc0 == 0x80 else { return nil }
      scalar = scalar << 6 | UInt32(byte & 0x3f)
    }
    guard scalar >= least, scalar <= 0x10ffff, !(0xd800...0xdfff).contains(scalar) else { return nil }
    return (scalar, width)
  }
}
