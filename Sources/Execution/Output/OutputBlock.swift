import Model

/// One block of the output record: a chain of records. The format stands in Sources/shim/output.h.
struct OutputBlock {
  static let size = 4096
  static let header = 24
  /// Where fewer bytes are left, no record begins.
  static let least = header + 16

  /// In their order; each begins where the one before it ends.
  let chunks: [LogChunk]
  /// No more will be added: what follows is in another block.
  let isFull: Bool

  /// Reads as much as is valid. What is half written, or left over from another round, ends it.
  init(_ bytes: [UInt8]) {
    var chunks: [LogChunk] = []
    var at = 0
    while Self.size - at >= Self.least, let chunk = Self.record(in: bytes, at: at),
      chunks.last.map({ $0.end == chunk.offset }) ?? true
    {
      chunks.append(chunk)
      at += Self.header + chunk.bytes.count
    }
    self.chunks = chunks
    isFull = Self.size - at < Self.least
  }

  private static func record(in bytes: [UInt8], at place: Int) -> LogChunk? {
    guard bytes.count - place > header else { return nil }
    let offset: Int64 = bytes.number(at: place)
    let length = Int(bytes.number(at: place + 16, as: UInt16.self))
    let source: LogSource
    switch bytes[place + 18] {
    case 1: source = .out
    case 2: source = .err
    default: return nil
    }
    guard offset >= 0, offset <= .max - Int64(size), length > 0, bytes.count - place - header >= length,
      bytes.number(at: place + 20, as: UInt32.self) == checksum(of: bytes, at: place, length: length)
    else { return nil }
    let start = place + header
    return LogChunk(
      source: source, time: Timestamp(microseconds: bytes.number(at: place + 8)), offset: offset,
      bytes: Array(bytes[start..<start + length]))
  }

  /// As output.c computes it; the caller has made sure that the bytes are there.
  static func checksum(of bytes: [UInt8], at place: Int, length: Int) -> UInt32 {
    var hash: UInt64 = 0
    func mix(_ word: UInt64) { hash = ((hash << 5 | hash >> 59) ^ word) &* 0x517c_c1b7_2722_0a95 }
    bytes.withUnsafeBytes { raw in
      mix(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
      mix(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)))
      mix(UInt64(length) | UInt64(raw[place + 18]) << 16)
      var at = place + header
      var left = length
      while left >= 8 {
        mix(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
        at += 8
        left -= 8
      }
      var last: UInt64 = 0
      for index in 0..<left { last |= UInt64(raw[at + index]) << (8 * UInt64(index)) }
      mix(last)
    }
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
