import Foundation
import Model
import TestSupport
import Testing

@testable import Git

@Suite struct BatchCommitTests {
  @Test func `the lock that a killed process left is removed`() throws {
    let folder = try TemporaryFolder()
    let repository = try Repository.createBare(at: folder.path("results.git"))
    let commit = try repository.commit(batch(["a": "1"], on: nil), updating: "main", expecting: nil)
    for lock in ["refs/belfry/writing/results.lock", "packed-refs.lock"] { try folder.write("results.git/\(lock)", "") }
    func set() throws { try repository.setReference("refs/belfry/writing/results", to: commit, expecting: nil) }
    #expect(throws: GitError.self) { try set() }
    repository.removeReferenceLocks()
    try set()
    #expect(try repository.tip(ofReference: "refs/belfry/writing/results") == commit)
  }

  @Test func randomBatchesGiveTheTreesThatGitSees() throws {
    var random = SeededGenerator(seed: testSeed)
    let folder = try TemporaryFolder()
    let path = folder.path("results.git")
    let repository = try Repository.createBare(at: path)
    var expected: [String: String] = [:]
    var tip: CommitID?
    let names = ["a", "a.b", "a-b", "a0", "b", "é", "Z", "c"]
    func randomPath() -> String {
      (0...Int.random(in: 0...3, using: &random)).map { _ in names.randomElement(using: &random) ?? "a" }.joined(
        separator: "/")
    }
    for round in 0..<25 {
      var files: [String: String] = [:]
      var removing: [String] = []
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        let path = randomPath()
        guard !files.keys.contains(where: { path.hasPrefix($0 + "/") || $0.hasPrefix(path + "/") }) else { continue }
        files[path] = "\(Int.random(in: 0...5, using: &random))"
      }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let path = randomPath()
        removing.append(path)
      }
      for gone in removing { expected = expected.filter { $0.key != gone && !$0.key.hasPrefix(gone + "/") } }
      for (path, text) in files {
        expected = expected.filter { !$0.key.hasPrefix(path + "/") && !path.hasPrefix($0.key + "/") }
        expected[path] = text
      }
      tip = try repository.commit(batch(files, removing: removing, on: tip), updating: "results", expecting: tip)
      guard let tip else { return }
      let listed = try git("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", tip.text, in: path)
      let sorted = expected.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      #expect(listed == sorted.joined(separator: "\n"), "round \(round), seed \(testSeed)")
      #expect(try repository.listing(of: tip).map(\.path) == sorted, "round \(round), seed \(testSeed)")
      for (path, text) in expected {
        #expect(try repository.file(at: path, in: tip) == Array(text.utf8), "seed \(testSeed)")
      }
    }
    #expect(try git("fsck", "--strict", "--full", in: path) == "")
    #expect(try git("rev-list", "--count", "results", in: path) == "25")
    let packs = try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack")
    #expect(packs.allSatisfy { $0.hasPrefix("pack-") })
  }

  @Test func onePackHoldsExactlyTheNewObjects() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("results.git")
    let repository = try Repository.createBare(at: path)
    var files: [String: String] = ["same": "s"]
    for count in 0..<50 { files["runs/\(count % 5)/\(count)"] = "\(count)" }
    let first = try repository.commit(batch(files, on: nil), updating: "results", expecting: nil)
    let second = try repository.commit(
      batch(["runs/1/new": "n", "same": "s"], on: first), updating: "results", expecting: first)
    #expect(try packSizes(path) == [5, 51 + 5 + 2 + 1])
    // Without a change it is a commit all the same.
    let third = try repository.commit(batch([:], on: second), updating: "results", expecting: second)
    #expect(try packSizes(path) == [1, 5, 59])
    #expect(try git("diff-tree", second.text, third.text, in: path) == "")
    #expect(
      try git("show", "-s", "--format=%an <%ae> %at %cn", third.text, in: path)
        == "Belfry <belfry@example.com> 1700000000 Belfry")
    try git("repack", "-q", "-a", "-d", in: path)
    #expect(try repository.listing(of: third).count == 52)
  }

  @Test func theReferenceMovesOnlyFromWhereItWasExpected() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("results.git")
    let ours = try Repository.createBare(at: path)
    let theirs = try Repository.open(at: path)
    let first = try ours.commit(batch(["a": "1"], on: nil), updating: "results", expecting: nil)
    let second = try theirs.commit(batch(["b": "1"], on: first), updating: "results", expecting: first)
    for old in [nil, first] {
      let error = gitError { try ours.commit(batch(["c": "1"], on: first), updating: "results", expecting: old) }
      #expect(error?.kind == .nonFastForward)
      #expect(
        gitError { try ours.setReference("refs/heads/results", to: first, expecting: old) }?.kind == .nonFastForward)
    }
    #expect(gitError { try ours.setReference("refs/heads/none", to: first, expecting: first) }?.kind == .nonFastForward)
    #expect(try ours.tip(ofBranch: "results") == second)
    try folder.write("results.git/refs/heads/results.lock", "")
    #expect(
      gitError { try ours.commit(batch([:], on: second), updating: "results", expecting: second) }?.kind
        == .nonFastForward)
  }

  @Test(arguments: ["", "/a", "a/", "a//b", "../a", "a/../b", ".git/config", "a/.GIT/b", "a\nb", "a\0b"])
  func pathsThatAreRefused(_ path: String) throws {
    let folder = try TemporaryFolder()
    let repository = try Repository.createBare(at: folder.path("r.git"))
    #expect(
      gitError { try repository.commit(batch([path: "x"], on: nil), updating: "results", expecting: nil) }?.kind
        == .unsupported)
    #expect(try repository.tip(ofBranch: "results") == nil)
  }

  @Test func aFileBelowAFileOfTheSameBatchIsRefused() throws {
    let folder = try TemporaryFolder()
    let repository = try Repository.createBare(at: folder.path("r.git"))
    for files in [["a": "1", "a/b": "2"], ["a/b": "1", "a/b/c/d": "2"]] {
      #expect(
        gitError { try repository.commit(batch(files, on: nil), updating: "x", expecting: nil) }?.kind == .unsupported)
    }
  }

  @Test func aCrashBeforeTheReferenceMovesIsHarmless() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("results.git")
    let repository = try Repository.createBare(at: path)
    let first = try repository.commit(batch(["a": "1"], on: nil), updating: "results", expecting: nil)
    struct Crash: Error {}
    // Before anything is written.
    var dying = batch(["a": "2"], on: first)
    dying.sign = { _ in throw Crash() }
    #expect(throws: Crash.self) { try repository.commit(dying, updating: "results", expecting: first) }
    // Between pack and reference: the whole commit is stored, and nothing points at it. And half-written files.
    try folder.write("results.git/refs/heads/results.lock", "")
    #expect(throws: GitError.self) {
      try repository.commit(batch(["a": "2"], on: first), updating: "results", expecting: first)
    }
    try command(["rm", path + "/refs/heads/results.lock"])
    try folder.write("results.git/objects/pack/tmp_pack_belfry_1_2_3.pack", "PACK half")
    #expect(try git("fsck", "--strict", in: path).hasPrefix("dangling commit"))

    let after = try Repository.open(at: path)
    #expect(try after.tip(ofBranch: "results") == first)
    let second = try after.commit(batch(["a": "2"], on: first), updating: "results", expecting: first)
    #expect(try git("show", "results:a", in: path) == "2")
    #expect(try git("fsck", "--strict", in: path) == "" && after.tip(ofBranch: "results") == second)
  }

  @Test func sshSignatureVerifiesWithGit() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("results.git")
    try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.path("key")])
    let key = try String(contentsOfFile: folder.path("key.pub"), encoding: .utf8)
    try folder.write("signers", "belfry@example.com \(key)")
    let repository = try Repository.createBare(at: path)
    var signed = batch(["a": "1"], on: nil, "results: 1 succeeded\n\nBelfry-Epoch: 1")
    signed.sign = { payload in
      let file = try folder.write("payload", bytes: payload)
      let made = try command(["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", folder.path("key"), file])
      guard made.status == 0 else { throw GitError(.other, made.errors) }
      return try String(contentsOfFile: file + ".sig", encoding: .utf8)
    }
    let commit = try repository.commit(signed, updating: "results", expecting: nil)
    let verified = try command(
      ["git", "-c", "gpg.ssh.allowedSignersFile=\(folder.path("signers"))", "verify-commit", commit.text], in: path)
    #expect(verified.status == 0, "\(verified.errors)")
    #expect(verified.errors.contains("Good \"git\" signature for belfry@example.com"))
    #expect(try git("fsck", "--strict", in: path) == "")
    #expect(try git("show", "-s", "--format=%B", commit.text, in: path).contains("Belfry-Epoch: 1"))
  }

  @Test func namesAndMessagesCannotForgeHeaders() throws {
    let folder = try TemporaryFolder()
    let repository = try Repository.createBare(at: folder.path("r.git"))
    var forged = batch(["a": "1"], on: nil, "first\0second")
    forged.author = GitSignature(
      name: "A <x@y> 1 +0000\nparent 0000", email: "a>\ngpgsig x", time: Timestamp(seconds: 1), offset: -90)
    let commit = try repository.commit(forged, updating: "results", expecting: nil)
    let raw = try git("cat-file", "commit", commit.text, in: folder.path("r.git")).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(raw.count == 5)
    #expect(raw[1] == "author A x@y 1 +0000parent 0000 <agpgsig x> 1 -0130")
    #expect(try git("fsck", "--strict", in: folder.path("r.git")) == "")
  }

  @Test func executablesKeepTheirBit() throws {
    let folder = try TemporaryFolder()
    let repository = try Repository.createBare(at: folder.path("r.git"))
    var files = batch(["run": "x", "data": "y"], on: nil)
    files.executables = ["run"]
    let tip = try repository.commit(files, updating: "main", expecting: nil)
    #expect(try repository.listing(of: tip).map(\.kind) == [.file, .executable])
  }

  private func packSizes(_ path: String) throws -> [Int] {
    let folder = path + "/objects/pack"
    return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".idx") }.map { name in
      try git("verify-pack", "-v", folder + "/" + name, in: path).split(separator: "\n").filter {
        $0.utf8.count > 50 && $0.contains(" ") && $0.first != "/"
      }.count
    }.sorted()
  }
}

@Suite struct PackCompactionTests {
  @Test func manySmallPacksBecomeFewAndNothingIsLost() throws {
    let sandbox = try Sandbox()
    // Packs with deltas as git makes them, among ours.
    for count in 0..<3 {
      try sandbox.commit(["text": (0..<500).map { "line \($0)\n" }.joined() + "\(count)", "file\(count)": "x"])
      try git("repack", "-q", "-d", in: sandbox.bare)
    }
    let kept = try packs(sandbox.bare).first ?? ""
    try sandbox.folder.write("remote.git/objects/pack/" + kept.replacing(".idx", with: ".keep"), "")
    let repository = try Repository.open(at: sandbox.bare)
    let reader = try Repository.open(at: sandbox.bare)
    var tip: CommitID?
    var most = 0
    for count in 0..<150 {
      tip = try repository.commit(
        batch(["runs/\(count % 7)/\(count)": "receipt \(count)"], on: tip), updating: "results", expecting: tip)
      most = max(most, try packs(sandbox.bare).count)
      if let tip, count % 20 == 0 { #expect(try reader.listing(of: tip).count == count + 1) }
    }
    #expect(most <= Repository.packLimit + 1)
    #expect(try packs(sandbox.bare).contains(kept))
    #expect(try git("fsck", "--strict", "--full", in: sandbox.bare) == "")
    #expect(try git("rev-list", "--count", "results", in: sandbox.bare) == "150")
    #expect(try git("ls-tree", "-r", "--name-only", "results", in: sandbox.bare).split(separator: "\n").count == 150)
    #expect(try git("show", "main:text", in: sandbox.bare).hasSuffix("line 499\n2"))
    let last = try #require(tip)
    #expect(try reader.listing(of: last).count == 150)
  }

  @Test func aDamagedPackIsNotMerged() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("r.git")
    let repository = try Repository.createBare(at: path)
    var tip = try repository.commit(batch(["a": "0"], on: nil), updating: "results", expecting: nil)
    let damaged = path + "/objects/pack/" + (try packs(path).first ?? "").replacing(".idx", with: ".pack")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: damaged))
    bytes[20] ^= 1
    try FileManager.default.removeItem(atPath: damaged)
    try bytes.write(to: URL(fileURLWithPath: damaged))
    for count in 0..<60 {
      tip = try repository.commit(
        BatchCommit(files: [("b", Array("\(count)".utf8))], parent: nil, message: "\(count)", author: author),
        updating: "results", expecting: tip)
    }
    #expect(FileManager.default.fileExists(atPath: damaged))
    #expect(try repository.listing(of: tip).count == 1)
  }

  private func packs(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack").filter { $0.hasSuffix(".idx") }.sorted()
  }
}
