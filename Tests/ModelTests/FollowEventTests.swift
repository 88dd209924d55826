import Model
import Testing

@Suite struct FollowEventTests {
  private static func chunk(_ text: String, at offset: Int64, _ source: LogSource = .out) -> LogChunk {
    LogChunk(source: source, time: LogTests.time, offset: offset, bytes: Array(text.utf8))
  }

  /// Stands in for base64: this module knows none.
  private static func hex(_ bytes: [UInt8]) -> String { bytes.map { padded(Int($0), 3) }.joined() }

  private static func unhex(_ text: String) -> [UInt8]? {
    var rest = text[...]
    var bytes: [UInt8] = []
    while let byte = UInt8(rest.prefix(3)) {
      bytes.append(byte)
      rest = rest.dropFirst(3)
    }
    return rest.isEmpty ? bytes : nil
  }

  @Test func `events are read as they are printed`() throws {
    let events: [FollowEvent] = [
      .run(try RunID(String(repeating: "ab", count: 10)), job: try JobName("a/b"), agent: try AgentName("db-1")),
      .output(attempt: 2, Self.chunk("text \"ä\"\n", at: 7)),
      .output(
        attempt: 1, LogChunk(source: .err, time: LogTests.time, offset: 0, bytes: [0xff, 0x00, 0x0a])),
      .cut(attempt: 1, offset: 3, bytes: 4), .standing(.away, attempt: 1), .alive,
      .end(outcome: "Failed", reason: "exit code 3"), .end(outcome: "Succeeded", reason: nil), .failed("why"),
    ]
    for event in events { #expect(FollowEvent(json: event.json(base64: Self.hex), base64: Self.unhex) == event) }
  }

  @Test(arguments: [
    "{}", "[]", "5", #"{"run":"x","job":"a","agent":"b"}"#, #"{"attempt":1,"offset":-1,"time":"x","stream":"out"}"#,
    #"{"attempt":1,"offset":1,"time":"2026-11-20T01:30:00Z","stream":"log","text":"x"}"#,
    #"{"attempt":1,"offset":1,"time":"2026-11-20T01:30:00Z","stream":"out","text":""}"#,
    #"{"attempt":1,"offset":1,"time":"yesterday","stream":"out","text":"x"}"#, #"{"cut":0,"offset":1}"#,
    #"{"cut":5}"#, #"{"cut":9223372036854775807,"offset":1}"#, #"{"standing":"Dancing"}"#,
  ])
  func `another form is no event`(_ text: String) throws {
    #expect(FollowEvent(json: try JSONValue(parsing: Array(text.utf8), limit: 1_000), base64: Self.unhex) == nil)
  }

  @Test func `what is known already says nothing, and a gap says how wide it is`() {
    var position = LogPosition()
    #expect(position.take(attempt: 1, [Self.chunk("abc", at: 0)]) == [.output(attempt: 1, Self.chunk("abc", at: 0))])
    #expect(position.take(attempt: 1, [Self.chunk("abc", at: 0)]) == [])
    #expect(
      position.take(attempt: 1, [Self.chunk("bcd", at: 1), Self.chunk("x", at: 10)]) == [
        .output(attempt: 1, Self.chunk("d", at: 3)), .cut(attempt: 1, offset: 4, bytes: 6),
        .output(attempt: 1, Self.chunk("x", at: 10)),
      ])
    #expect(position == LogPosition(attempt: 1, offset: 11))
    #expect(position.take(attempt: 2, [Self.chunk("y", at: 0)]).count == 1 && position.attempt == 2)
    #expect(position.take(attempt: 1, [Self.chunk("z", at: 50)]) == [], "attempts do not go back")
  }

  @Test func `a log gives back the places of its lines`() {
    let log = LogTests.printed([
      LogTests.line("one"), LogTests.line("tw", .err, partial: true), .cut(10, at: LogTests.time),
      LogTests.line("end", partial: true), .cut(5, at: LogTests.time),
    ])
    #expect(
      LogText.chunks(of: log) == [
        Self.chunk("one\n", at: 0), Self.chunk("tw", at: 4, .err), Self.chunk("end", at: 16),
      ])
    #expect(LogText.lost(atEndOf: log) == 5 && LogText.lost(atEndOf: Array(log.dropLast(60))) == 0)
  }

  @Test(arguments: [.max, .max - 1, LogText.outputLimit + 1, LogText.outputLimit, LogText.outputLimit / 2] as [Int64])
  func `a log may speak of any number of cut bytes`(_ bytes: Int64) throws {
    let cut = LogLine.cut(bytes, at: LogTests.time)
    #expect(cut.cutCount == (bytes <= LogText.outputLimit ? bytes : nil))
    // So many that the sum of those that are believed would overflow.
    let pairs = (0..<2_000).flatMap { _ in [cut, LogTests.line("x")] }
    let log = LogTests.printed(pairs + [cut])
    let chunks = LogText.chunks(of: log)
    let last = try #require(chunks.last)
    #expect(chunks.count == 2_000 && last.end <= LogText.outputLimit + 10_000)
    #expect(zip(chunks, chunks.dropFirst()).allSatisfy { $0.end <= $1.offset })
    #expect(last.end + LogText.lost(atEndOf: log) <= 2 * LogText.outputLimit + 10_000)
    var position = LogPosition()
    let events = position.take(attempt: 1, chunks)
    for event in events { #expect(FollowEvent(json: event.json(base64: Self.hex), base64: Self.unhex) == event) }
  }
}
