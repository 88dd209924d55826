/// Numbers of bytes as people write them: `64K`, `512M`, `2G`, each unit 1024 times the one before.
public enum ByteCount {
  private static let units: [(bytes: Int, letter: String)] = [
    (1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"),
  ]

  /// Reads a whole number with one of `K`, `M`, `G` and `T`, or a number of bytes. Nil for anything else and for more than
  /// 2^60.
  public static func bytes(manifest text: some StringProtocol) -> Int? {
    let unit = units.first { text.hasSuffix($0.letter) }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard (1...19).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(digits)
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.bytes ?? 1)
    return overflow || bytes > 1 << 60 ? nil : bytes
  }

  /// The shortest text that ``bytes(manifest:)`` reads as this number.
  public static func manifestText(_ bytes: Int) -> String {
    guard bytes > 0, let unit = units.first(where: { bytes.isMultiple(of: $0.bytes) }) else { return String(bytes) }
    return "\(bytes / unit.bytes)\(unit.letter)"
  }
}
