import Foundation
import Git
import Model
import TestSupport
import Testing

/// Repositories that are broken, belong to others, or sit on a disk that is full.
@Suite struct DamageTests {
  @Test func flippedBytesInAPackAreNoticed() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["a": String(repeating: "content ", count: 200)])
    let (mirror, tip) = try sandbox.fetchedMirror()
    let files = try mirror.listing(of: tip)
    let path = sandbox.folder.path("mirror.git")
    let packs = try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack").filter {
      $0.hasSuffix(".pack")
    }
    let pack = path + "/objects/pack/" + (try #require(packs.first))
    let good = try Data(contentsOf: URL(fileURLWithPath: pack))
    var random = SeededGenerator(seed: testSeed)
    var noticed = 0
    for _ in 0..<60 {
      var bad = good
      bad[Int.random(in: 12..<good.count - 20, using: &random)] ^= UInt8(1 << Int.random(in: 0...7, using: &random))
      try bad.write(to: URL(fileURLWithPath: pack))
      let opened = try Repository.open(at: path)
      let error = gitError {
        let read = try opened.listing(of: tip)
        // Whatever is read without an error is what was committed.
        #expect(read == files, "seed \(testSeed)")
        for file in read { #expect(try opened.blob(file.id, limit: 10_000) == mirrorContent, "seed \(testSeed)") }
      }
      if let error {
        noticed += 1
        #expect([.corrupt, .notFound, .tooLarge].contains(error.kind), "\(error), seed \(testSeed)")
      }
    }
    #expect(noticed > 30, "seed \(testSeed)")
  }

  private var mirrorContent: [UInt8] { Array(String(repeating: "content ", count: 200).utf8) }

  @Test func aDamagedRemoteDoesNotMoveTheReference() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["a": "1"])
    let (mirror, tip) = try sandbox.fetchedMirror()
    try sandbox.commit(["a": "2"])
    let blob = try git("rev-parse", "main:a", in: sandbox.bare)
    let file = sandbox.bare + "/objects/\(blob.prefix(2))/\(blob.dropFirst(2))"
    try command(["rm", "-f", file])
    let missing = gitError { _ = try mirror.fetch("main", from: sandbox.remote, into: "main") }
    #expect(missing?.kind == .notFound && missing?.message.contains(blob) == true)
    try sandbox.folder.write("remote.git/objects/\(blob.prefix(2))/\(blob.dropFirst(2))", "garbage")
    #expect(gitError { _ = try mirror.fetch("main", from: sandbox.remote, into: "main") }?.kind == .corrupt)
    #expect(try mirror.tip(ofBranch: "main") == tip)
  }

  @Test func aRemoteOfAnotherOwner() throws {
    guard isRoot else { return skip("needs root to give a repository away") }
    let sandbox = try Sandbox()
    let tip = try sandbox.commit(["a": "1"])
    try command(["chown", "-R", "65534:65534", sandbox.bare])
    #expect(try sandbox.mirror().fetch("main", from: sandbox.remote, into: "main").tip == tip)
  }

  @Test func pushingToACheckedOutBranchIsRefused() throws {
    let sandbox = try Sandbox()
    let tip = try sandbox.commit(["a": "1"])
    let (mirror, _) = try sandbox.fetchedMirror()
    let work = Remote(url: sandbox.work)
    let next = try mirror.commit(batch(["a": "2"], on: tip), updating: "main", expecting: tip)
    #expect(gitError { try mirror.push(next, to: "main", of: work, expecting: tip) }?.kind == .rejected)
    // Any other branch is fine: nobody's files change.
    try mirror.push(next, to: "results", of: work, expecting: nil)
    #expect(try git("rev-parse", "results", in: sandbox.work) == next.text)
    #expect(try git("status", "--porcelain", in: sandbox.work) == "")
  }

  @Test func aFullDiskIsAnErrorAndNothingIsLost() async throws {
    guard isRoot else { return skip("needs root to mount a small file system") }
    let folder = try TemporaryFolder()
    let mount = folder.path("small")
    try command(["mkdir", mount])
    let mounted = try command(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount])
    guard mounted.status == 0 else { return skip("cannot mount: \(mounted.errors)") }
    defer { _ = try? command(["umount", "-l", mount]) }
    let path = mount + "/results.git"
    let repository = try Repository.createBare(at: path)
    let first = try repository.commit(batch(["a": "1"], on: nil), updating: "results", expecting: nil)
    var random = SeededGenerator(seed: testSeed)
    let noise = (0..<2_000_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    var big = batch([:], on: first)
    big.files = [(path: "big", bytes: noise)]
    let error = gitError { try repository.commit(big, updating: "results", expecting: first) }
    #expect(error?.kind == .disk && error?.message.contains("No space") == true, "\(String(describing: error))")
    #expect(try repository.tip(ofBranch: "results") == first)
    #expect(try git("fsck", "--strict", in: path) == "")
    // What arrives by network stops before libgit2 would die of it.
    let sandbox = try Sandbox()
    try sandbox.commit(["a": "1"])
    let server = try await Server.gitDaemon(sandbox.folder.path)
    let remote = Remote(url: "git://127.0.0.1:\(server.port)/remote.git")
    let fetched = gitError { _ = try repository.fetch("main", from: remote, into: "main") }
    #expect(fetched?.kind == .disk, "\(String(describing: fetched))")
    #expect(try repository.tip(ofBranch: "main") == nil)
    // And there is room again for small things.
    let second = try repository.commit(batch(["b": "1"], on: first), updating: "results", expecting: first)
    #expect(try Repository.open(at: path).tip(ofBranch: "results") == second)
  }
}
