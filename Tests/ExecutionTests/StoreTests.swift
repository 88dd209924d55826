import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

@Suite struct StoreTests {
  private func bench() throws -> Workbench { try Workbench() }

  private func blob(_ bench: Workbench, _ digest: Digest) -> String { bench.files.path("store/blobs/\(digest.hex)") }

  @Test func `what was stored is read back`() throws {
    let bench = try bench()
    let bytes: [UInt8] = [0, 1, 2, 255]
    let digest = SHA256.hash(bytes)
    try bench.store.store(file: bytes, named: digest)
    try bench.store.store(file: bytes, named: digest)
    #expect(try bench.store.file(digest) == bytes)
    #expect(try BundleStore(path: bench.store.path).file(digest) == bytes)
    #expect(try command(["ls", bench.files.path("store/blobs")]).output == digest.hex + "\n")
  }

  @Test func `bytes under a wrong digest are not stored`() throws {
    let bench = try bench()
    let error = #expect(throws: ExecutionError.self) {
      try bench.store.store(file: [1], named: SHA256.hash([2] as [UInt8]))
    }
    #expect(error?.code == .corrupted)
    #expect(try command(["ls", "-A", bench.files.path("store/blobs")]).output == "")
  }

  @Test func `any flipped bit is a refusal, a report and a removal`() throws {
    let bench = try bench()
    let text = Array("#!/bin/sh\necho backup\n".utf8)
    let digest = SHA256.hash(text)
    for index in text.indices {
      var flipped = text
      flipped[index] ^= 1 << UInt8(index % 8)
      try bench.files.write("store/blobs/\(digest.hex)", bytes: flipped)
      let error = #expect(throws: ExecutionError.self) { try bench.store.file(digest) }
      #expect(error?.code == .corrupted)
      #expect(access(blob(bench, digest), F_OK) != 0)
    }
  }

  struct Damage: CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var testDescription: String { name }
  }

  @Test(arguments: [
    Damage(name: "empty", bytes: []), Damage(name: "cut", bytes: Array("hell".utf8)),
    Damage(name: "longer", bytes: Array("hello!".utf8)),
    Damage(name: "over the limit", bytes: [UInt8](repeating: 0, count: BundleStore.fileLimit + 1)),
  ])
  func `damaged files are missing and reported`(_ damage: Damage) throws {
    let bench = try bench()
    let files = try bench.put([("a", "hello"), ("b", "there"), ("copy of a", "hello")])
    try bench.files.write("store/blobs/\(files[0].digest.hex)", bytes: damage.bytes)
    let missing = try bench.store.missing(files)
    #expect(missing.files == [files[0]] && missing.corrupted == [files[0].digest])
    #expect(try bench.store.missing(files) == BundleStore.Missing(files: [files[0]], corrupted: []))
  }

  @Test func `a link in place of a file is not followed`() throws {
    let bench = try bench()
    let files = try bench.put([("a", "hello")])
    let real = try bench.files.write("elsewhere", "hello")
    unlink(blob(bench, files[0].digest))
    symlink(real, blob(bench, files[0].digest))
    #expect(throws: ExecutionError.self) { try bench.store.file(files[0].digest) }
  }

  @Test func `a bundle is named by its payload`() throws {
    let bench = try bench()
    let attempt = try bench.attempt(RunSpec(program: .command(["true"])))
    let bundle = Bundle(
      source: SourceLocation(repository: "r", branch: "b", path: "p"),
      job: Job(name: attempt.occurrence.job, triggers: [.every(.seconds(60))], run: attempt.program), files: [])
    let key = try SigningKey.generate()
    let signed = try key.sign(bundle)
    try bench.store.store(bundle: signed.bytes, named: signed.digest)
    #expect(try bench.store.bundle(signed.digest) == signed.bytes)
    #expect(throws: ExecutionError.self) {
      try bench.store.store(bundle: signed.bytes, named: SHA256.hash([] as [UInt8]))
    }
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<200 {
      var flipped = signed.bytes
      let index = Int.random(in: flipped.indices, using: &random)
      flipped[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
      try bench.files.write("store/bundles/\(signed.digest.hex).dsse", bytes: flipped)
      // What the store lets through (the signature is not its business) the verifier must not.
      let read = try? bench.store.bundle(signed.digest)
      if let read {
        #expect(throws: TrustError.self, "seed \(testSeed), byte \(index)") {
          try verifyBundle(read, key: key.publicKey, named: signed.digest)
        }
      }
    }
    try bench.store.remove(bundle: signed.digest)
    #expect(throws: ExecutionError.self) { try bench.store.bundle(signed.digest) }
  }

  @Test func `collection keeps what is named and nothing else`() throws {
    let bench = try bench()
    let files = try bench.put([("a", "one"), ("b", "two"), ("c", "three")])
    let collected = try bench.store.collect(keeping: [], files: [files[1].digest])
    #expect(collected == BundleStore.Collected(bundles: 0, files: 2, bytes: 8))
    #expect(try bench.store.missing(files).files == [files[0], files[2]])
  }

  @Test func `what an interrupted write left is swept away`() throws {
    let bench = try bench()
    let files = try bench.put([("a", "one")])
    try bench.files.write("store/blobs/.new-0", "hal")
    #expect(try bench.store.missing(files).files.isEmpty)
    _ = try BundleStore(path: bench.store.path)
    #expect(try command(["ls", "-A", bench.files.path("store/blobs")]).output == files[0].digest.hex + "\n")
  }
}
