import Model
import TestSupport
import Testing

@Suite struct LogTests {
  static let time = Timestamp(rfc3339: "2026-11-20T01:30:00.002134Z") ?? Timestamp(seconds: 0)

  static func line(_ text: String, _ source: LogSource = .out, partial: Bool = false) -> LogLine {
    LogLine(time: time, source: source, isPartial: partial, text: Array(text.utf8))
  }

  static func printed(_ lines: [LogLine]) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines { line.print(to: &bytes) }
    return bytes
  }

  @Test func `lines are printed in one form`() {
    let text = String(
      decoding: Self.printed([
        Self.line("text"), Self.line("", .err), Self.line("a part", .err, partial: true), .cut(42, at: Self.time),
      ]), as: UTF8.self)
    #expect(
      text == """
        2026-11-20T01:30:00.002134Z out F text
        2026-11-20T01:30:00.002134Z err F
        2026-11-20T01:30:00.002134Z err P a part
        2026-11-20T01:30:00.002134Z log F [… 42 bytes cut …]

        """)
    #expect(LogLine.cut(42, at: Self.time).cutCount == 42 && Self.line("[… 42 bytes cut …]").cutCount == nil)
  }

  @Test func `times have one width, whatever they are`() {
    for microseconds in [0, 1, 999_999, -1, .min, .max, 253_402_300_799_999_999, 253_402_300_800_000_000] as [Int64] {
      var bytes: [UInt8] = []
      Timestamp(microseconds: microseconds).printFixed(to: &bytes)
      #expect(bytes.count == 27 && Timestamp(rfc3339: String(decoding: bytes, as: UTF8.self)) != nil)
    }
  }

  @Test func `reading gives back what was printed`() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<500 {
      let line = LogLine(
        time: Timestamp(microseconds: .random(in: 0...253_402_300_799_999_999, using: &random)),
        source: LogSource.allCases.randomElement(using: &random) ?? .out, isPartial: .random(using: &random),
        text: (0..<Int.random(in: 0...40, using: &random)).map { _ in
          let byte = UInt8.random(in: .min ... .max, using: &random)
          return byte == 0x0a ? 0x20 : byte
        })
      #expect(LogText.entries(of: Self.printed([line, line])) == [.line(line), .line(line)], "seed \(testSeed)")
    }
  }

  @Test(arguments: [
    "", "x", "2026-11-20T01:30:00.002134Z", "2026-11-20T01:30:00.002134Z out", "2026-11-20T01:30:00.002134Z out X a",
    "2026-11-20T01:30:00.002134Z two F a", "2026-11-20T01:30:00.002134Z out Fa", "2026-13-20T01:30:00.002134Z out F a",
    "2026-11-20T01:30:00Z out F aaaaaaaaaaaaaaaaaa", " 2026-11-20T01:30:00.00213Z out F a",
  ])
  func `another form is no line`(_ text: String) {
    #expect(LogLine(parsing: Array(text.utf8)[...]) == nil)
    #expect(LogText.entries(of: Array(text.utf8)) == (text.isEmpty ? [] : [.other(Array(text.utf8))]))
  }

  /// Chunks of random texts of both streams, one after the other.
  static func chunks(_ random: inout SeededGenerator, count: Int, upTo size: Int) -> [LogChunk] {
    var chunks: [LogChunk] = []
    for index in 0..<count {
      let bytes = (0..<Int.random(in: 1...size, using: &random)).map { _ in
        ([0x0a, 0x61, 0x62, 0xc3, 0xa4, 0xff] as [UInt8]).randomElement(using: &random) ?? 0x61
      }
      chunks.append(
        LogChunk(
          source: .random(using: &random) ? .out : .err, time: Self.time + .milliseconds(index),
          offset: chunks.last?.end ?? 0, bytes: bytes))
    }
    return chunks
  }

  static func output(_ lines: some Sequence<LogLine>, _ source: LogSource) -> [UInt8] {
    lines.filter { $0.source == source }.flatMap { $0.text + ($0.isPartial ? [] : [0x0a]) }
  }

  @Test func `lines hold the bytes of their stream in order`() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<200 {
      let chunks = Self.chunks(
        &random, count: Int.random(in: 0...12, using: &random), upTo: 30_000 >> Int.random(in: 0...12, using: &random))
      let lines = LogLine.lines(of: chunks)
      for source in [LogSource.out, .err] {
        let written = chunks.filter { $0.source == source }.flatMap(\.bytes)
        #expect(Self.output(lines, source) == written, "seed \(testSeed)")
      }
      #expect(lines.allSatisfy { $0.text.count <= LogLine.textLimit && !$0.text.contains(0x0a) })
      #expect(lines.reduce(0) { $0 + $1.outputCount } == chunks.reduce(0) { $0 + $1.bytes.count })
    }
  }

  @Test func `a long line is split between characters`() {
    let text = [UInt8](repeating: 0x61, count: LogLine.textLimit - 1) + Array("äöü\n".utf8)
    let lines = LogLine.lines(of: [LogChunk(source: .out, time: Self.time, offset: 0, bytes: text)])
    #expect(lines.map(\.text.count) == [LogLine.textLimit - 1, 6] && lines.map(\.isPartial) == [true, false])
  }

  /// Whatever was written: the log has no more bytes than it may, and what it shows and what it says was cut are all.
  @Test func `what is kept is bounded and adds up`() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<500 {
      let chunks = Self.chunks(
        &random, count: Int.random(in: 0...40, using: &random), upTo: 4_000 >> Int.random(in: 0...10, using: &random))
      let end = chunks.last?.end ?? 0
      // Head and tail of the record may overlap, or leave a gap; a full disk took what follows.
      let head = Array(chunks.prefix(Int.random(in: 0...chunks.count, using: &random)))
      let tail = Array(chunks.suffix(Int.random(in: 0...chunks.count, using: &random)))
      let seen = max(head.last?.end ?? 0, tail.last?.end ?? 0)
      let total = Bool.random(using: &random) ? seen : end + Int64.random(in: 0...5_000, using: &random)
      let limit = Int.random(in: 1_024...20_000, using: &random)
      let kept = LogText.keep(head: head, tail: tail, total: total, limit: limit, time: Self.time)
      let entries = LogText.entries(of: kept.bytes)
      var (shown, said): (Int64, Int64) = (0, 0)
      for case .line(let line) in entries {
        shown += Int64(line.outputCount)
        said += line.cutCount ?? 0
      }
      #expect(kept.bytes.count <= limit, "seed \(testSeed)")
      #expect(shown + said == total && said == kept.cut, "seed \(testSeed): \(shown) + \(said), \(total)")
      let whole = Self.printed(LogLine.lines(of: chunks))
      if head == chunks, total == end, whole.count <= limit { #expect(kept.bytes == whole, "seed \(testSeed)") }
    }
  }

  @Test func `nothing is nothing`() {
    #expect(LogText.keep(head: [], tail: [], total: 0, limit: 1_024, time: Self.time) == .init(bytes: [], cut: 0))
    let lost = LogText.keep(head: [], tail: [], total: 7, limit: 1_024, time: Self.time)
    #expect(lost.bytes == Self.printed([.cut(7, at: Self.time)]) && lost.cut == 7)
  }
}

@Suite struct LogPrinterTests {
  private static let log = LogTests.printed([
    LogTests.line("one"), LogTests.line("par", partial: true), LogTests.line("\u{1b}[2Jwarn", .err),
    LogTests.line("tial"), .cut(5, at: LogTests.time), LogTests.line("end\u{202e}", partial: true),
  ])

  struct Row: CustomTestStringConvertible {
    var name: String
    var printer = LogPrinter()
    var text: String
    var testDescription: String { name }
  }

  @Test(arguments: [
    Row(
      name: "for people", text: "one\npar\n<U+001B>[2Jwarn\ntial\n[… 5 bytes cut …]\nend<U+202E>\n"),
    Row(
      name: "raw", printer: LogPrinter(isRaw: true),
      text: "one\npar\u{1b}[2Jwarn\ntial\n[… 5 bytes cut …]\nend\u{202e}"),
    Row(name: "one stream", printer: LogPrinter(source: .err), text: "<U+001B>[2Jwarn\n[… 5 bytes cut …]\n"),
    Row(
      name: "the other", printer: LogPrinter(source: .out), text: "one\npartial\n[… 5 bytes cut …]\nend<U+202E>\n"),
    Row(
      name: "with times", printer: LogPrinter(hasTimes: true, source: .err),
      text: """
        2026-11-20T01:30:00.002134Z err F <U+001B>[2Jwarn
        2026-11-20T01:30:00.002134Z log F [… 5 bytes cut …]

        """),
  ])
  func `a log is shown`(_ row: Row) {
    #expect(String(decoding: row.printer.print(Self.log), as: UTF8.self) == row.text)
  }

  @Test func `raw times are the very log`() {
    #expect(LogPrinter(hasTimes: true, isRaw: true).print(Self.log) == Self.log)
  }

  @Test func `a character in two parts is one`() {
    let bytes = Array("aä€😀".utf8)
    for cut in 0...bytes.count {
      let lines = [
        LogLine(time: LogTests.time, source: .out, isPartial: true, text: Array(bytes[..<cut])),
        LogLine(time: LogTests.time, source: .out, text: Array(bytes[cut...])),
      ]
      #expect(LogPrinter().print(LogTests.printed(lines)) == bytes + [0x0a])
      // A line of the other stream lies between: nothing is lost.
      let between = [lines[0], LogTests.line("x", .err), lines[1]]
      #expect(LogPrinter().print(LogTests.printed(between)).contains(UInt8(ascii: "x")))
    }
  }

  @Test func `what is no line is shown too, and obeyed by nobody`() {
    let log = Array("junk\u{7}\n".utf8) + Self.log.prefix(10)
    #expect(String(decoding: LogPrinter().print(log), as: UTF8.self) == "junk<U+0007>\n2026-11-20\n")
  }
}
