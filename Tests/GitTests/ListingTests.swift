import Git
import Model
import TestSupport
import Testing

@Suite struct ListingTests {
  @Test func everyFileWithItsKindInByteOrder() throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("work/run.sh", "#!/bin/sh\n", executable: true)
    try git("init", "-q", "work/sub", in: sandbox.folder.path)
    try git("commit", "-q", "--allow-empty", "-m", "inner", in: sandbox.folder.path("work/sub"))
    try git("-c", "advice.addEmbeddedRepo=false", "add", "-A", in: sandbox.work)
    try command(["ln", "-s", "run.sh", "link"], in: sandbox.work)
    try sandbox.commit(["a/b.txt": "1", "a.txt": "2", "a/c/d": "3", "a-b": "4", "ü": "5"])
    let (mirror, tip) = try sandbox.fetchedMirror()

    let files = try mirror.listing(of: tip)
    let expected = try git("-c", "core.quotePath=false", "ls-tree", "-r", tip.text, in: sandbox.bare)
    let kinds = [
      TreeFile.Kind.file: "100644 blob", .executable: "100755 blob", .symlink: "120000 blob",
      .submodule: "160000 commit",
    ]
    #expect(files.map { "\(kinds[$0.kind] ?? "?") \($0.id)\t\($0.path)" }.joined(separator: "\n") == expected)
    #expect(
      files.map { Array($0.path.utf8) } == files.map { Array($0.path.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    )
    #expect(Set(files.map(\.kind)) == [.file, .executable, .symlink, .submodule])
  }

  @Test func secondListingIsTheSameAsAFreshOne() throws {
    let sandbox = try Sandbox()
    var files: [String: String] = [:]
    for team in 0..<5 { for job in 0..<5 { files["jobs/t\(team)/j\(job)/job.yaml"] = "\(team) \(job)" } }
    try sandbox.commit(files)
    let (mirror, first) = try sandbox.fetchedMirror()
    let before = try mirror.listing(of: first)
    try command(["rm", "-r", "jobs/t1"], in: sandbox.work)
    try sandbox.commit(["jobs/t2/j3/job.yaml": "new", "jobs/t2/j3/run.sh": "new"])
    let second = try mirror.fetch("main", from: sandbox.remote, into: "main").tip

    let cached = try mirror.listing(of: second)
    #expect(cached == (try sandbox.mirror().listing(of: second)))
    #expect(cached.count == before.count - 5 + 1)
    #expect(try mirror.listing(of: first) == before)
  }

  @Test func aCommitThatChangesNothingElseReadsOnlyTheTouchedFolders() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["a/one": "1", "b/two": "2"])
    let (mirror, first) = try sandbox.fetchedMirror()
    _ = try mirror.listing(of: first)
    let second = try mirror.commit(batch(["a/one": "new"], on: first), updating: "main", expecting: first)
    // With the untouched folder's tree gone, only a listing that does not read it can succeed.
    try dropObject("b", of: first, in: sandbox.folder.path("mirror.git"))
    #expect(try mirror.listing(of: second).map(\.path) == ["a/one", "b/two"])
    #expect(throws: GitError.self) { try sandbox.mirror().listing(of: second) }
  }

  @Test func limits() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["a/b/c/d": "1", "e": "2"])
    let (mirror, tip) = try sandbox.fetchedMirror()
    #expect(try mirror.listing(of: tip, limits: ListingLimits(entries: 2, depth: 3, pathLength: 7)).count == 2)
    for limits in [
      ListingLimits(entries: 1), ListingLimits(depth: 2), ListingLimits(pathLength: 6),
    ] {
      #expect(gitError { _ = try mirror.listing(of: tip, limits: limits) }?.kind == .tooLarge)
    }
  }

  @Test func blobsAreRefusedByTheirHeader() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["big": String(repeating: "x", count: 100_000), "folder/small": "small", "empty": ""])
    let (mirror, tip) = try sandbox.fetchedMirror()
    let big = try #require(try mirror.listing(of: tip).first { $0.path == "big" })
    #expect(gitError { _ = try mirror.blob(big.id, limit: 99_999) }?.kind == .tooLarge)
    #expect(try mirror.blob(big.id, limit: 100_000).count == 100_000)
    #expect(try mirror.blobSize(big.id) == 100_000)
    #expect(try mirror.file(at: "folder/small", in: tip) == Array("small".utf8))
    #expect(try mirror.file(at: "empty", in: tip) == [])
    for path in ["folder", "folder/none", "big/x", "", "/big", "folder//small", "../big"] {
      #expect(try mirror.file(at: path, in: tip) == nil, "\(path)")
    }
    #expect(gitError { _ = try mirror.file(at: "big", in: tip, limit: 10) }?.kind == .tooLarge)
    #expect(try mirror.entries(inFolder: "", of: tip).map(\.name) == ["big", "empty", "folder"])
    #expect(try mirror.entries(inFolder: "folder", of: tip).map(\.kind) == [.file(.file)])
    #expect(try mirror.entries(inFolder: "none", of: tip) == [])
  }

  /// Makes every object loose and removes the tree of a folder.
  private func dropObject(_ folder: String, of commit: CommitID, in repository: String) throws {
    let id = try git("rev-parse", "\(commit):\(folder)", in: repository)
    try command(
      ["sh", "-c", "mv objects/pack packs && for p in packs/*.pack; do git unpack-objects -q < $p; done"],
      in: repository)
    try command(["rm", "-f", "objects/\(id.prefix(2))/\(id.dropFirst(2))"], in: repository)
    try command(["mkdir", "objects/pack"], in: repository)
  }
}
