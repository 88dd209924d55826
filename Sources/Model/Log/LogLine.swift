/// Where a line of a log comes from.
public enum LogSource: String, Hashable, Sendable, CaseIterable {
  case out
  case err
  /// Belfry itself: what it says about the log, which no job can write.
  case log
}

/// One line of a log as the results branch keeps it, close to the form that Kubernetes' container runtimes write:
///
///     2026-11-20T01:30:00.002134Z out F text
///
/// The time is when the first byte of it was read, in UTC with six digits after the point. `F`: the line is full, and ended
/// with a line feed. `P`: it goes on with the next line of the same source; where there is none, the output ended without
/// a line feed. The text is what the job wrote, byte for byte; nothing of it can look like another line. A space stands
/// before it, and not where there is no text.
public struct LogLine: Hashable, Sendable {
  public var time: Timestamp
  public var source: LogSource
  public var isPartial: Bool
  /// Without the line feed, and without any other.
  public var text: [UInt8]

  public init(time: Timestamp, source: LogSource, isPartial: Bool = false, text: [UInt8]) {
    self.time = time
    self.source = source
    self.isPartial = isPartial
    self.text = text
  }

  /// In place of what is not there.
  public static func cut(_ bytes: Int64, at time: Timestamp) -> LogLine {
    LogLine(time: time, source: .log, text: Array("[… \(bytes) bytes cut …]".utf8))
  }
}

extension LogLine {
  /// Bytes of a printed line without its text, the line feed and the space before the text included.
  public static let overhead = 35

  /// Bytes that the line stands for in the job's output.
  public var outputCount: Int { source == .log ? 0 : text.count + (isPartial ? 0 : 1) }

  /// How many bytes of output a line in place of them speaks of; nil for any other, and for
  /// more than ``LogText/outputLimit``.
  public var cutCount: Int64? {
    guard source == .log, let words = String(validating: text, as: UTF8.self), words.hasPrefix("[… "),
      words.hasSuffix(" bytes cut …]"), let count = Int64(words.dropFirst(3).dropLast(13)),
      (1...LogText.outputLimit).contains(count)
    else { return nil }
    return count
  }

  /// Prints the line, its end included.
  public func print(to bytes: inout [UInt8]) {
    time.printFixed(to: &bytes)
    bytes.append(0x20)
    bytes += source.rawValue.utf8
    bytes += (isPartial ? " P" : " F").utf8
    if !text.isEmpty {
      bytes.append(0x20)
      bytes += text
    }
    bytes.append(0x0a)
  }

  /// Reads a line without its end; nil when it has another form.
  public init?(parsing line: ArraySlice<UInt8>) {
    let front = line.prefix(Self.overhead - 2)
    guard front.count == Self.overhead - 2 else { return nil }
    let words = front.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, words[0].count == 27,
      let time = Timestamp(rfc3339: String(decoding: words[0], as: UTF8.self)),
      let source = LogSource(rawValue: String(decoding: words[1], as: UTF8.self)),
      words[2].elementsEqual("F".utf8) || words[2].elementsEqual("P".utf8)
    else { return nil }
    let rest = line.dropFirst(front.count)
    guard rest.isEmpty || rest.first == 0x20 else { return nil }
    self.init(
      time: time, source: source, isPartial: words[2].elementsEqual("P".utf8), text: Array(rest.dropFirst()))
  }
}

extension Timestamp {
  /// `2026-11-20T01:30:00.002134Z`: always 27 bytes. What lies outside of the years 1970 to 9999 is moved to their edge.
  public func printFixed(to bytes: inout [UInt8]) {
    let seconds = min(max(seconds, 0), 253_402_300_799)
    let civil = CivilTime(secondsSinceEpoch: seconds)
    func digits(_ number: Int, _ width: Int, _ end: Unicode.Scalar) {
      var divisor = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        bytes.append(0x30 + UInt8(number / divisor % 10))
        divisor /= 10
      }
      bytes.append(UInt8(end.value))
    }
    digits(civil.year, 4, "-")
    digits(civil.month, 2, "-")
    digits(civil.day, 2, "T")
    digits(civil.hour, 2, ":")
    digits(civil.minute, 2, ":")
    digits(civil.second, 2, ".")
    digits(seconds == self.seconds ? Int(subsecond) : 0, 6, "Z")
  }
}
