/// Makes TZif files (RFC 9636) for tests, right ones and wrong ones.
struct TZifBuilder {
  var version: UInt8 = 0x32
  /// Seconds east of UT, daylight saving mark, index into the designations.
  var types: [(offset: Int32, isDaylight: UInt8, designation: UInt8)] = [(0, 0, 0)]
  var transitions: [(at: Int64, type: UInt8)] = []
  var designations: [UInt8] = Array("UTC\0".utf8)
  var leapCount = 0
  var footer: String? = "UTC0"

  var bytes: [UInt8] {
    if version == 0 { return header() + block(wide: false) }
    var bytes = header() + block(wide: false) + header() + block(wide: true)
    if let footer { bytes += "\n\(footer)\n".utf8 }
    return bytes
  }

  private func header() -> [UInt8] {
    var bytes: [UInt8] = Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
    for count in [0, 0, leapCount, transitions.count, types.count, designations.count] {
      bytes += Self.big(UInt32(count))
    }
    return bytes
  }

  private func block(wide: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for transition in transitions {
      bytes += wide ? Self.big(UInt64(bitPattern: transition.at)) : Self.big(UInt32(truncatingIfNeeded: transition.at))
    }
    bytes += transitions.map(\.type)
    for type in types { bytes += Self.big(UInt32(bitPattern: type.offset)) + [type.isDaylight, type.designation] }
    bytes += designations
    bytes += [UInt8](repeating: 0, count: leapCount * (wide ? 12 : 8))
    return bytes
  }

  private static func big<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    withUnsafeBytes(of: word.bigEndian) { Array($0) }
  }
}
