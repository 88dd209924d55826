import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

/// On a file system of a megabyte that is full, or gets full while a job runs.
@Suite(
  .serialized, .timeLimit(.minutes(10)),
  .enabled(if: isRoot(), "needs root: to mount a small file system"))
struct FullDiskTests {
  @Test func `nothing starts on a full disk, and the reason is said`() throws {
    let bench = try Workbench()
    let disk = try SmallDisk(kilobytes: 256)
    try disk.fill()
    let attempt = try bench.attempt(RunSpec(program: .command(["touch", bench.files.path("witness")])))
    let error = #expect(throws: ExecutionError.self) {
      try bench.launcher.start(attempt, from: bench.store, in: disk.path + "/run")
    }
    #expect(error?.code == .diskFull && error?.message.contains("No space left on device") == true, "\(error as Any)")
    #expect(access(disk.path + "/run", F_OK) != 0 && !bench.exists("witness"))
    disk.free()
    #expect(throws: Never.self) { _ = try bench.launcher.start(attempt, from: bench.store, in: disk.path + "/run") }
  }

  @Test func `a job that fills the disk still has its outcome`() async throws {
    let bench = try Workbench()
    let disk = try SmallDisk(kilobytes: 512)
    let folder = try RunFolder.create(at: disk.path + "/run")
    let line =
      "echo before; until [ -s ../output ]; do :; done; cat /dev/zero > \(disk.path)/filler 2>/dev/null; seq 1 30000; exit 9"
    let shim = try bench.launcher.launch(bench.shellSpec(line), in: folder)
    let record = try await shim.record()
    #expect(record.ending == .exited(9) && record.outputFailed && record.syncError == nil)
    #expect(record.written == 7 + 168_894)
    let kept = try folder.keptOutput(record)
    #expect(kept.written == record.written && kept.cut > 0)
    #expect(kept.output().starts(with: Array("before\n1\n2\n".utf8)))
    #expect(String(decoding: kept.bytes, as: UTF8.self).hasSuffix(" log F [… \(kept.cut) bytes cut …]\n"))
    #expect(Int64(kept.shown) + kept.cut == record.written)
  }

  @Test func `a job without any room for output still has its outcome`() async throws {
    let bench = try Workbench()
    let disk = try SmallDisk(kilobytes: 512)
    let gate = try bench.fifo("gate")
    let folder = try RunFolder.create(at: disk.path + "/run")
    let shim = try bench.launcher.launch(bench.shellSpec("cat \(gate); seq 1 1000; exit 9"), in: folder)
    try disk.fill()
    try await touch(gate)
    let record = try await shim.record()
    #expect(record.ending == .exited(9) && record.outputFailed && record.written == 3893)
    #expect(try folder.text(record) == "[… 3893 bytes cut …]\n")
  }

  @Test func `a store on a full disk keeps what it had and nothing half`() throws {
    let disk = try SmallDisk(kilobytes: 256)
    let store = try BundleStore(path: disk.path + "/store")
    let small: [UInt8] = Array("small".utf8)
    try store.store(file: small, named: SHA256.hash(small))
    let large = [UInt8](repeating: 7, count: 400_000)
    let error = #expect(throws: ExecutionError.self) { try store.store(file: large, named: SHA256.hash(large)) }
    #expect(error?.code == .diskFull)
    #expect(try store.file(SHA256.hash(small)) == small)
    #expect(try command(["ls", "-A", disk.path + "/store/blobs"]).output == SHA256.hash(small).hex + "\n")
    let gone = #expect(throws: ExecutionError.self) { try store.file(SHA256.hash(large)) }
    #expect(gone?.code == .missing)
  }
}
