import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

@Suite(.timeLimit(.minutes(10))) struct OutputTests {
  @Test func `a gigabyte costs a bounded file and is counted`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("echo first; head -c 1G /dev/zero; echo; echo last")
    let record = try await shim.record()
    #expect(record.ending == .exited(0))
    #expect(record.written == 1 << 30 + 12)
    let kept = try shim.folder.keptOutput(record)
    #expect(kept.bytes.count == 64 << 10)
    #expect(kept.written == record.written)
    #expect(kept.bytes.starts(with: Array("first\n".utf8)))
    #expect(kept.bytes.suffix(6).elementsEqual("\nlast\n".utf8))
    let line = "\n[… \(kept.cut) bytes cut …]\n"
    #expect(kept.cut == record.written - Int64(kept.bytes.count - line.utf8.count))
    #expect(kept.bytes[(32 << 10)...].starts(with: Array(line.utf8)))
    #expect(kept.log.digest == SHA256.hash(kept.bytes) && kept.log.kept == 64 << 10)
    var status = stat()
    stat(shim.folder.path + "/output", &status)
    #expect(status.st_size == 64 + 64 << 10)
  }

  @Test func `bytes that are no UTF-8 stay as they are`() async throws {
    let bench = try Workbench()
    try bench.files.write("bytes", bytes: Array(0...255) + [0xc3, 0x28, 0xed, 0xa0, 0x80])
    let shim = try bench.shell("cat \(bench.files.path("bytes"))")
    let record = try await shim.record()
    #expect(try shim.folder.keptOutput(record).bytes == Array(0...255) + [0xc3, 0x28, 0xed, 0xa0, 0x80])
  }

  @Test func `no output is no file and no digest`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell(":")
    let record = try await shim.record()
    let kept = try shim.folder.keptOutput(record)
    #expect(kept == KeptOutput() && kept.log == Receipt.Log())
    #expect(access(shim.folder.path + "/output", F_OK) != 0)
  }

  @Test func `everything is kept up to head and tail together`() async throws {
    let bench = try Workbench()
    for (run, count) in [32_767, 32_768, 32_769, 65_535, 65_536].enumerated() {
      let shim = try bench.shell("head -c \(count) /dev/zero | tr '\\000' x", run: "run\(run)")
      let record = try await shim.record()
      let kept = try shim.folder.keptOutput(record)
      #expect(kept.bytes.count == count && kept.cut == 0)
      #expect(kept.bytes.allSatisfy { $0 == UInt8(ascii: "x") })
    }
  }

  /// What the shim keeps of random writes, against a model that keeps everything.
  @Test func `head and ring hold what a model says`() async throws {
    let bench = try Workbench()
    var random = SeededGenerator(seed: testSeed)
    for run in 0..<25 {
      let head = Int.random(in: 1...300, using: &random)
      let tail = Int.random(in: 1...300, using: &random)
      let written = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        [UInt8](repeating: UInt8.random(in: 33...126, using: &random), count: Int.random(in: 1...200, using: &random))
      }
      var names: [String] = []
      for (index, chunk) in written.enumerated() {
        names.append(try bench.files.write("c\(run)-\(index)", bytes: chunk))
      }
      let all = written.flatMap { $0 }
      let shim = try bench.shell(
        names.map { "cat \($0); " }.joined() + ":",
        {
          $0.head = head
          $0.tail = tail
        }, run: "run\(run)")
      let record = try await shim.record()
      let kept = try shim.folder.keptOutput(record)
      if all.count <= head + tail {
        #expect(kept.bytes == all, "seed \(testSeed), run \(run)")
      } else {
        let line = Array("[… \(all.count - head - tail) bytes cut …]\n".utf8)
        #expect(kept.bytes == all[..<head] + [0x0a] + line + all.suffix(tail), "seed \(testSeed), run \(run)")
      }
    }
  }

  struct Join: CustomTestStringConvertible {
    var name: String
    var head = 0
    var tail = 0
    var gap = false
    var written: Int
    var kept: Int
    var testDescription: String { name }
  }

  /// The largest a result may be is 64 KiB, whatever head and tail are.
  @Test(arguments: [
    Join(name: "nothing", written: 0, kept: 0),
    Join(name: "all of it", head: 100, tail: 100, written: 200, kept: 200),
    Join(name: "full disk at once", written: 200, kept: "[… 200 bytes cut …]\n".utf8.count),
    Join(name: "full disk in the head", head: 100, written: 200, kept: 100 + 1 + "[… 100 bytes cut …]\n".utf8.count),
    Join(name: "full disk in the tail", head: 32 << 10, tail: 32 << 10, written: 70_000, kept: 64 << 10),
    Join(name: "gap", head: 32 << 10, tail: 32 << 10, gap: true, written: 1 << 40, kept: 64 << 10),
    Join(name: "larger limits", head: 1 << 20, tail: 1 << 20, gap: false, written: 2 << 20, kept: 64 << 10),
  ])
  func `the kept output is bounded and adds up`(_ row: Join) {
    let kept = OutputLayout.joined(
      head: [UInt8](repeating: 1, count: row.head), tail: [UInt8](repeating: 2, count: row.tail), gap: row.gap,
      written: Int64(row.written))
    // The line's length is known but for a digit.
    #expect((row.kept - 1...row.kept).contains(kept.bytes.count))
    #expect(kept.bytes.count { $0 < 3 } + Int(kept.cut) == row.written)
  }
}
