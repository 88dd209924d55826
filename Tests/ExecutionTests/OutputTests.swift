import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

@Suite(.timeLimit(.minutes(10))) struct OutputTests {
  @Test func `a line of a gigabyte costs a bounded file and is counted`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("echo first; head -c 1G /dev/zero; echo; echo last")
    let record = try await shim.record()
    #expect(record.ending == .exited(0))
    #expect(record.written == 1 << 30 + 12 && record.recorded == record.written)
    let kept = try shim.folder.keptOutput(record)
    #expect((60 << 10...64 << 10).contains(kept.bytes.count))
    #expect(kept.written == record.written && Int64(kept.shown) + kept.cut == record.written)
    let output = kept.output()
    #expect(output.starts(with: Array("first\n".utf8)) && output.suffix(6).elementsEqual("\nlast\n".utf8))
    #expect(kept.lines.count { $0.cutCount == kept.cut } == 1)
    #expect(kept.log.digest == SHA256.hash(kept.bytes) && kept.log.kept == kept.bytes.count)
    var status = stat()
    stat(shim.folder.path + "/output", &status)
    #expect(status.st_size == 1 << 20)
  }

  @Test func `each line has its stream, and a time between start and end`() async throws {
    let bench = try Workbench()
    let before = now()
    let shim = try bench.shell("echo one; echo two >&2; echo three 2>&1; printf four >&2")
    let record = try await shim.record()
    let kept = try shim.folder.keptOutput(record)
    #expect(String(decoding: kept.output(.out), as: UTF8.self) == "one\nthree\n")
    #expect(String(decoding: kept.output(.err), as: UTF8.self) == "two\nfour")
    #expect(kept.lines.allSatisfy { before <= $0.time && $0.time <= now() })
    #expect(kept.lines.count { $0.isPartial } == 1)
  }

  /// Each part is in the record before the next one is written, so their order is known.
  @Test func `partial lines of both streams keep their order`() async throws {
    let bench = try Workbench()
    let gates = try (0..<4).map { try bench.fifo("gate\($0)") }
    let shim = try bench.shell(
      """
      printf 'a\\nb'; cat \(gates[0]); printf 'x' >&2; cat \(gates[1]); printf 'y\\n' >&2; cat \(gates[2])
      printf 'c\\n'; cat \(gates[3]); printf 'end'
      """)
    for (gate, size) in zip(gates, [3, 4, 6, 8]) {
      while try shim.folder.keptOutput().written < size { sched_yield() }
      try await touch(gate)
    }
    let kept = try shim.folder.keptOutput(try await shim.record())
    let lines = kept.lines.map {
      "\($0.source) \($0.isPartial ? "P" : "F") \(String(decoding: $0.text, as: UTF8.self))"
    }
    #expect(lines == ["out F a", "out P b", "err F xy", "out F c", "out P end"])
    #expect(String(decoding: kept.output(), as: UTF8.self) == "a\nbxy\nc\nend")
    #expect(kept.lines[1].time <= kept.lines[2].time && kept.lines[2].time <= kept.lines[3].time)
  }

  /// Of two streams that have something, the one that had it first is read first.
  @Test func `what was written first stands first`() async throws {
    let bench = try Workbench()
    for run in 0..<20 {
      let first = run % 2
      let lines = ["echo o", "echo e >&2"]
      let shim = try bench.shell("\(lines[first]); \(lines[1 - first])", run: "run\(run)")
      let kept = try shim.folder.keptOutput(try await shim.record())
      #expect(kept.output().elementsEqual((first == 0 ? "o\ne\n" : "e\no\n").utf8))
    }
  }

  @Test(arguments: [
    Array(0...255) + [0xc3, 0x28, 0xed, 0xa0, 0x80], Array("1%\r2%\r\nlast".utf8), Array("\n\n\n".utf8), [0], [10],
    Array("2026-11-20T01:30:00.002134Z log F [… 5 bytes cut …]\n".utf8),
  ])
  func `bytes stay as they are`(_ bytes: [UInt8]) async throws {
    let bench = try Workbench()
    try bench.files.write("bytes", bytes: bytes)
    let shim = try bench.shell("cat \(bench.files.path("bytes"))")
    let kept = try shim.folder.keptOutput(try await shim.record())
    #expect(kept.output() == bytes && kept.cut == 0 && kept.lines.allSatisfy { $0.source == .out })
  }

  @Test func `no output is no file and no digest`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell(":")
    let record = try await shim.record()
    let kept = try shim.folder.keptOutput(record)
    #expect(kept == KeptOutput() && kept.log == Receipt.Log())
    #expect(access(shim.folder.path + "/output", F_OK) != 0)
  }

  @Test func `a stream that is closed early is no end of the other`() async throws {
    let bench = try Workbench()
    let gate = try bench.fifo("gate")
    let shim = try bench.shell("echo out; exec >&-; cat \(gate) >&2; echo err >&2")
    try await touch(gate)
    let record = try await shim.record()
    #expect(try shim.folder.text(record) == "out\nerr\n")
    let other = try bench.shell("exec 2>&-; seq 1 50000; echo nobody sees this >&2", run: "other")
    #expect(try await other.record().written == 288_894)
  }

  struct Limit: CustomTestStringConvertible {
    var bytes: Int
    var testDescription: String { ByteCount.manifestText(bytes) }
  }

  @Test(arguments: [Limit(bytes: 64 << 10), Limit(bytes: 100_001), Limit(bytes: 3 << 20)])
  func `no more than the limit is on the disk, and head and tail of it`(_ limit: Limit) async throws {
    let bench = try Workbench()
    let shim = try bench.shell("seq 1 1000000; seq 1 1000000 >&2; echo end", { $0.keepOutput(in: limit.bytes) })
    let record = try await shim.record()
    #expect(record.written == 2 * 6_888_896 + 4)
    var status = stat()
    stat(shim.folder.path + "/output", &status)
    #expect((limit.bytes - 8192...limit.bytes).contains(Int(status.st_size)))
    let kept = try shim.folder.keptOutput(record)
    #expect(kept.output(.out).starts(with: Array("1\n2\n".utf8)))
    #expect(kept.output(.out).suffix(5).elementsEqual("\nend\n".utf8) && kept.output(.err).contains(0x31))
    #expect(Int64(kept.shown) + kept.cut == record.written && kept.bytes.count <= KeptOutput.limit)
  }

  /// Random writes into small records: what is in them is what was written at these offsets, and the head and the tail
  /// are all there that fits.
  @Test func `head and ring hold what was written`() async throws {
    let bench = try Workbench()
    var random = SeededGenerator(seed: testSeed)
    for run in 0..<25 {
      let head = Int.random(in: 1...4, using: &random) * OutputBlock.size
      let tail = Int.random(in: 1...4, using: &random) * OutputBlock.size
      let written = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        (0..<Int.random(in: 1...9_000, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      }
      var names: [String] = []
      for (index, chunk) in written.enumerated() {
        names.append(try bench.files.write("c\(run)-\(index)", bytes: chunk))
      }
      let all = written.flatMap { $0 }
      let line = names.map { "cat \($0)\(Bool.random(using: &random) ? " >&2" : ""); " }.joined() + ":"
      let shim = try bench.shell(line, { ($0.head, $0.tail) = (head, tail) }, run: "run\(run)")
      let record = try await shim.record()
      #expect(record.written == all.count)
      guard let output = try shim.folder.outputRecord() else {
        #expect(all.isEmpty)
        continue
      }
      let chunks = try output.chunks(from: 0, limit: .max)
      // With two streams in turn the order in which they are read may be another one.
      if !line.contains(">&2") { #expect(chunks.allSatisfy { $0.matches(all) }, "seed \(testSeed), run \(run)") }
      #expect(chunks.first?.offset == 0 && chunks.last?.end == Int64(all.count), "seed \(testSeed), run \(run)")
      #expect(zip(chunks, chunks.dropFirst()).count { $0.end != $1.offset } <= 1, "seed \(testSeed), run \(run)")
      let count = chunks.reduce(0) { $0 + $1.bytes.count }
      if all.count < (head + tail) / 2 { #expect(count == all.count, "seed \(testSeed), run \(run)") }
      // From anywhere: the same bytes.
      let offset = Int64.random(in: 0...Int64(all.count), using: &random)
      let rest = try output.chunks(from: offset, limit: .max)
      #expect(rest == chunks.compactMap { $0.dropping(before: offset) }, "seed \(testSeed), run \(run), from \(offset)")
      let end = try output.tail(.max, notBefore: 0)
      #expect(chunks.suffix(end.count).elementsEqual(end), "seed \(testSeed), run \(run)")
    }
  }

  /// A shim that is killed may leave the last write half done; a loss of power any sector as it was before.
  @Test func `half a write is taken for nothing`() async throws {
    let bench = try Workbench()
    var random = SeededGenerator(seed: testSeed)
    let all = (0..<120_000).map { _ in UInt8.random(in: 97...122, using: &random) }
    let file = try bench.files.write("all", bytes: all)
    let shim = try bench.shell(
      "cat \(file)", { ($0.head, $0.tail) = (2 * OutputBlock.size, 9 * OutputBlock.size) })
    _ = try await shim.record()
    let good = try shim.folder.open().open("output", O_RDONLY).readWhole(limit: 1 << 20, name: "output")
    for _ in 0..<300 {
      var bad = good
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bad.removeLast(Int.random(in: 1...bad.count - OutputBlock.size, using: &random))
      case 1:
        let place = Int.random(in: OutputBlock.size..<bad.count, using: &random)
        bad[place] ^= UInt8.random(in: 1...255, using: &random)
      default:
        // A stretch from elsewhere, as an older round would have it.
        let (from, to) = (Int.random(in: 1..<8, using: &random), Int.random(in: 1..<8, using: &random))
        let count = Int.random(in: 1...6_000, using: &random)
        for index in 0..<count where max(from, to) * OutputBlock.size + index < bad.count {
          bad[to * OutputBlock.size + index] = good[from * OutputBlock.size + index]
        }
      }
      try bench.files.write("run/output", bytes: bad)
      guard let output = try shim.folder.outputRecord() else { throw Unexpected("no record") }
      let chunks = try output.chunks(from: 0, limit: .max) + output.tail(.max, notBefore: 0)
      #expect(chunks.allSatisfy { $0.matches(all) }, "seed \(testSeed)")
    }
  }

  @Test(arguments: [[UInt8](), Array("BFOUT001".utf8), Array(repeating: 7, count: 5_000), Array("BFOUT002".utf8)])
  func `a file that is none is said, or is nothing`(_ bytes: [UInt8]) async throws {
    let bench = try Workbench()
    let shim = try bench.shell("echo x")
    _ = try await shim.record()
    try bench.files.write("run/output", bytes: bytes)
    if bytes.count < 24 {
      #expect(try shim.folder.keptOutput() == KeptOutput())
    } else {
      #expect(throws: ExecutionError.self) { try shim.folder.keptOutput() }
    }
  }

  /// Follows a flood through a ring that goes round many times meanwhile.
  @Test func `who follows a flood sees what was written, or that it is gone`() async throws {
    let bench = try Workbench()
    let pattern = (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    let file = try bench.files.write("pattern", bytes: pattern)
    let shim = try bench.shell(
      "for i in $(seq 300); do cat \(file); done", { $0.keepOutput(in: 128 << 10) })
    async let ended = shim.record()
    let (seen, next): (Int, Int64) = try await blocking {
      var (seen, next): (Int, Int64) = (0, 0)
      while next < 300 * 100_003 {
        guard let output = try shim.folder.outputRecord() else { continue }
        for chunk in try output.chunks(from: next, limit: 64 << 10) {
          guard chunk.offset >= next, chunk.matches(repeating: pattern) else { throw Unexpected("at \(chunk.offset)") }
          next = chunk.end
          seen += chunk.bytes.count
        }
      }
      return (seen, next)
    }
    let record = try await ended
    #expect(next == record.written && seen > 0)
  }
}

extension LogChunk {
  /// Whether it is what stands at its offset.
  fileprivate func matches(_ all: [UInt8]) -> Bool {
    end <= all.count && all[Int(offset)..<Int(end)].elementsEqual(bytes)
  }

  fileprivate func matches(repeating pattern: [UInt8]) -> Bool {
    var place = Int(offset % Int64(pattern.count))
    for byte in bytes {
      if pattern[place] != byte { return false }
      place = place + 1 == pattern.count ? 0 : place + 1
    }
    return true
  }
}
