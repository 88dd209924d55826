// SHA-1 (FIPS 180-4 section 6.1), for what git's formats want it for: checksums of pack files and known_hosts' hashed
// names. Object ids are computed by libgit2, which detects the known attacks on SHA-1. Nothing here protects content.

struct SHA1 {
  private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) =
    (0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0)
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  init() { pending.reserveCapacity(128) }

  static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var sha = SHA1()
    sha.update(bytes)
    return sha.finish()
  }

  mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let taken = rest.prefix(64 - pending.count)
      pending.append(contentsOf: taken)
      rest = rest.dropFirst(taken.count)
      guard pending.count == 64 else { return }
      let block = pending
      block.withUnsafeBytes { compress($0, blocks: 1) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / 64
    if whole > 0 { compress(UnsafeRawBufferPointer(rebasing: rest), blocks: whole) }
    pending.append(contentsOf: rest.dropFirst(whole * 64))
  }

  /// 20 bytes. Ends the stream.
  mutating func finish() -> [UInt8] {
    let bits = length * 8
    var tail: [UInt8] = [0x80]
    tail += [UInt8](repeating: 0, count: (119 - Int(length % 64)) % 64)
    withUnsafeBytes(of: bits.bigEndian) { tail.append(contentsOf: $0) }
    update(tail)
    var digest: [UInt8] = []
    for word in [state.0, state.1, state.2, state.3, state.4] {
      withUnsafeBytes(of: word.bigEndian) { digest.append(contentsOf: $0) }
    }
    return digest
  }

  private mutating func compress(_ bytes: UnsafeRawBufferPointer, blocks: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { w in
      for block in 0..<blocks {
        for t in 0..<16 {
          w[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: block * 64 + t * 4, as: UInt32.self))
        }
        for t in 16..<80 {
          let x = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]
          w[t] = x << 1 | x >> 31
        }
        var (a, b, c, d, e) = state
        func round(_ t: Int, _ f: UInt32, _ k: UInt32) {
          let next = (a << 5 | a >> 27) &+ f &+ e &+ k &+ w[t]
          (e, d, c, b, a) = (d, c, b << 30 | b >> 2, a, next)
        }
        for t in 0..<20 { round(t, (b & c) | (~b & d), 0x5a82_7999) }
        for t in 20..<40 { round(t, b ^ c ^ d, 0x6ed9_eba1) }
        for t in 40..<60 { round(t, (b & c) | (b & d) | (c & d), 0x8f1b_bcdc) }
        for t in 60..<80 { round(t, b ^ c ^ d, 0xca62_c1d6) }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
      }
    }
  }
}
