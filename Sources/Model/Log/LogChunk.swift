/// A piece of an attempt's output as it was read from one of the job's two pipes.
public struct LogChunk: Hashable, Sendable {
  /// ``LogSource/out`` or ``LogSource/err``.
  public var source: LogSource
  /// When it was read.
  public var time: Timestamp
  /// How many bytes of the attempt's output, of both streams together, come before it.
  public var offset: Int64
  /// At least one.
  public var bytes: [UInt8]

  public init(source: LogSource, time: Timestamp, offset: Int64, bytes: [UInt8]) {
    self.source = source
    self.time = time
    self.offset = offset
    self.bytes = bytes
  }

  /// The offset of what follows it.
  public var end: Int64 { offset + Int64(bytes.count) }

  /// What of it is not before `offset`; nil when nothing is.
  public func dropping(before offset: Int64) -> LogChunk? {
    guard offset > self.offset else { return self }
    guard offset < end else { return nil }
    return LogChunk(source: source, time: time, offset: offset, bytes: Array(bytes[Int(offset - self.offset)...]))
  }
}

extension LogLine {
  /// Bytes of text in one line at the most; a longer one goes on in the next. As container runtimes do it.
  public static let textLimit = 16 << 10

  /// The lines of consecutive chunks, in the order in which they were read. Where a chunk ends within a line and the
  /// next one is of the same source, the line goes on; where it is of the other, a part of the line stands there, so that
  /// the order of the two is kept.
  public static func lines(of chunks: some Sequence<LogChunk>) -> [LogLine] {
    var lines: [LogLine] = []
    for chunk in chunks {
      var rest = chunk.bytes[...]
      while !rest.isEmpty {
        let text = rest.prefix { $0 != 0x0a }
        let isFull = text.count < rest.count
        append(text, isFull: isFull, chunk, to: &lines)
        rest = rest.dropFirst(text.count + (isFull ? 1 : 0))
      }
    }
    return lines
  }

  private static func append(_ text: ArraySlice<UInt8>, isFull: Bool, _ chunk: LogChunk, to lines: inout [LogLine]) {
    var rest = text
    if let last = lines.indices.last, lines[last].isPartial, lines[last].source == chunk.source {
      let room = textLimit - lines[last].text.count
      let taken = rest.count <= room ? rest : rest.prefix(wholeCharacters(of: rest, upTo: room))
      lines[last].text += taken
      rest = rest.dropFirst(taken.count)
      if rest.isEmpty {
        lines[last].isPartial = !isFull
        return
      }
    }
    repeat {
      let taken = rest.count <= textLimit ? rest : rest.prefix(wholeCharacters(of: rest, upTo: textLimit))
      rest = rest.dropFirst(taken.count)
      lines.append(
        LogLine(time: chunk.time, source: chunk.source, isPartial: !isFull || !rest.isEmpty, text: Array(taken)))
    } while !rest.isEmpty
  }

  /// The largest count up to the limit that does not split a character of UTF-8. What is not UTF-8 is split anywhere.
  public static func wholeCharacters(of bytes: ArraySlice<UInt8>, upTo limit: Int) -> Int {
    guard limit < bytes.count else { return bytes.count }
    var count = max(0, limit)
    // A character has at most three bytes after its first one.
    for _ in 0..<3 where count > 0 && bytes[bytes.startIndex + count] & 0xc0 == 0x80 { count -= 1 }
    return count > 0 && bytes[bytes.startIndex + count] & 0xc0 != 0x80 ? count : max(0, limit)
  }
}
