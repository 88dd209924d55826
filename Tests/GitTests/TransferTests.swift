import Foundation
import Model
import TestSupport
import Testing

@testable import Git

@Suite struct TransferTests {
  /// Both ways of copying, over a history with merges, tags, submodules, moved and repeated content.
  @Test(arguments: [(0, 0), (50_000, 1 << 30)]) func everythingArrives(objects: Int, bytes: Int) throws {
    let sandbox = try Sandbox()
    try git("init", "-q", "work/sub", in: sandbox.folder.path)
    try git("commit", "-q", "--allow-empty", "-m", "inner", in: sandbox.folder.path("work/sub"))
    try sandbox.commit(["a/b/c": "1", "same": "x", "a/same": "x"])
    try git("checkout", "-q", "-b", "side", in: sandbox.work)
    try sandbox.commit(["side/a/b/c": "2"])
    try git("checkout", "-q", "main", in: sandbox.work)
    try git("mv", "a", "moved", in: sandbox.work)
    try sandbox.commit(["new": "3"])
    try git("merge", "-q", "--no-ff", "-m", "merge", "side", in: sandbox.work)
    try git("tag", "-a", "v1", "-m", "one", in: sandbox.work)
    let tip = try sandbox.commit(["last": "4"])

    let source = try Repository.open(at: sandbox.work)
    let target = try sandbox.mirror()
    let transfer = ObjectTransfer(from: source, to: target, large: (objects, bytes))
    try transfer.copy(tip)
    try target.setReference("refs/heads/main", to: tip, expecting: nil)
    let path = sandbox.folder.path("mirror.git")
    #expect(try git("fsck", "--strict", "--full", in: path) == "")
    #expect(
      try git("rev-list", "--objects", "main", in: path).split(separator: "\n").count
        == git("rev-list", "--objects", "main", in: sandbox.work).split(separator: "\n").count)

    // What is there is not sent again.
    let next = try sandbox.commit(["new": "5"])
    try transfer.copy(next)
    try target.setReference("refs/heads/main", to: next, expecting: tip)
    let newest = try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack").filter {
      $0.hasSuffix(".idx")
    }
    .map { try git("verify-pack", "-v", "objects/pack/" + $0, in: path) }
    .map {
      $0.split(separator: "\n").filter { $0.contains(" blob ") || $0.contains(" tree ") || $0.contains(" commit ") }
        .count
    }
    #expect(newest.min() == 3)
    #expect(try git("fsck", "--strict", "--full", in: path) == "")
  }

  /// A pack that arrived without a reference, after a crash, does not stand for history that is complete.
  @Test func objectsWithoutAReferenceAreNotReliedOn() throws {
    let sandbox = try Sandbox()
    let first = try sandbox.commit(["a": "1"])
    let second = try sandbox.commit(["a": "2"])
    let source = try Repository.open(at: sandbox.work)
    let target = try sandbox.mirror()
    // Only the commit object itself.
    var pack = try PackWriter()
    let oid = try first.object
    try source.withObject(oid, .commit) { (bytes) throws(GitError) in try pack.add(.commit, bytes, id: oid) }
    try target.store(pack)
    #expect(try target.fetch("main", from: Remote(url: sandbox.work), into: "main").tip == second)
    #expect(try git("fsck", "--strict", "--full", in: sandbox.folder.path("mirror.git")) == "")
  }
}
