/// The log of an attempt as it stands on the results branch: lines as ``LogLine`` prints them.
public enum LogText {
  /// Head and tail of an attempt's output, as large as may be.
  public struct Kept: Hashable, Sendable {
    /// Lines; where something is not there, one says how much.
    public var bytes: [UInt8]
    /// Bytes of output that are not in `bytes`.
    public var cut: Int64

    public init(bytes: [UInt8] = [], cut: Int64 = 0) {
      self.bytes = bytes
      self.cut = cut
    }
  }

  /// What is kept of an output of `total` bytes in at most `limit`, of which the half is the head's; from 1 KiB.
  ///
  /// `head` are chunks from the first byte on, `tail` those up to the last one that there is. Either may be more than is
  /// needed, they may overlap, and neither need be complete. `time` stands where no chunk has one.
  public static func keep(
    head: [LogChunk], tail: [LogChunk], total: Int64, limit: Int, time: Timestamp
  ) -> Kept {
    var first = Part(room: .max)
    for line in LogLine.lines(of: consecutive(head)) { first.append(line) }
    if first.output == total, first.bytes.count <= limit { return Kept(bytes: first.bytes, cut: 0) }

    // No cut is larger than `total`, so no line about one is longer than this.
    let mark = LogLine.overhead + LogLine.cut(total, at: time).text.count
    let last = tail.last?.end ?? first.output
    let lost = max(0, total - last)
    first = Part(room: limit / 2)
    for line in LogLine.lines(of: consecutive(head)) where !first.isFull { first.append(line) }
    var end = Part(room: limit - first.bytes.count - mark * (lost > 0 ? 2 : 1))
    let rest = LogLine.lines(of: tail.compactMap { $0.dropping(before: first.output) })
    for line in rest.reversed() where !end.isFull { end.prepend(line) }

    let middle = max(0, last - first.output - end.output)
    var bytes = first.bytes
    if middle > 0 { LogLine.cut(middle, at: end.first ?? first.last ?? time).print(to: &bytes) }
    for line in end.printed.reversed() { bytes += line }
    if lost > 0 { LogLine.cut(lost, at: end.last ?? first.last ?? time).print(to: &bytes) }
    return Kept(bytes: bytes, cut: middle + lost)
  }

  /// The chunks up to the first gap.
  private static func consecutive(_ chunks: [LogChunk]) -> ArraySlice<LogChunk> {
    var next: Int64 = 0
    return chunks.prefix { chunk in
      defer { next = chunk.end }
      return chunk.offset == next
    }
  }

  /// Lines that are printed into a certain room, from the front or from the back; the last one as far as it fits.
  private struct Part {
    let room: Int
    var bytes: [UInt8] = []
    /// In reverse order, by ``prepend(_:)``.
    var printed: [[UInt8]] = []
    var used = 0
    /// Bytes of output that they stand for.
    var output: Int64 = 0
    var isFull = false
    var first: Timestamp?
    var last: Timestamp?

    init(room: Int) { self.room = room }

    mutating func append(_ line: LogLine) {
      var line = line
      if LogLine.overhead + line.text.count > room - used {
        isFull = true
        let space = max(0, room - used - LogLine.overhead)
        line.text = Array(line.text.prefix(LogLine.wholeCharacters(of: line.text[...], upTo: space)))
        line.isPartial = true
        if line.text.isEmpty { return }
      }
      take(line)
      line.print(to: &bytes)
      last = line.time
      used = bytes.count
    }

    mutating func prepend(_ line: LogLine) {
      var line = line
      if LogLine.overhead + line.text.count > room - used {
        isFull = true
        var start = max(0, line.text.count - max(0, room - used - LogLine.overhead))
        while start < line.text.count, line.text[start] & 0xc0 == 0x80 { start += 1 }
        line.text = Array(line.text[start...])
        if line.text.isEmpty { return }
      }
      take(line)
      var text: [UInt8] = []
      line.print(to: &text)
      used += text.count
      printed.append(text)
      if last == nil { last = line.time }
      first = line.time
    }

    private mutating func take(_ line: LogLine) { output += Int64(line.outputCount) }
  }
}

extension LogText {
  /// A line of a log, or what stands in place of one.
  public enum Entry: Hashable, Sendable {
    case line(LogLine)
    /// Of another form: somebody has changed the log.
    case other([UInt8])
  }

  public static func entries(of log: [UInt8]) -> [Entry] {
    var lines = log.split(separator: 0x0a, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { line in LogLine(parsing: line).map(Entry.line) ?? .other(Array(line)) }
  }
}
