import Git
import Model
import TestSupport
import Testing

@Suite struct HistoryTests {
  @Test func commitsAsGitLogHasThem() throws {
    let sandbox = try Sandbox()
    for count in 0..<5 { try sandbox.commit(["file": "\(count)"], "commit \(count)\n\nbody") }
    try git("checkout", "-q", "-b", "side", "HEAD~2", in: sandbox.work)
    try sandbox.folder.write("work/other", "x")
    try git("add", "-A", in: sandbox.work)
    try git("commit", "-q", "-m", "side", in: sandbox.work)
    try git("checkout", "-q", "main", in: sandbox.work)
    try git("merge", "-q", "--no-ff", "-m", "merge", "side", in: sandbox.work)
    let tip = try sandbox.commit(["file": "last"])
    let (mirror, _) = try sandbox.fetchedMirror()

    let all = try mirror.commits(from: tip)
    let log = try git("log", "--format=%H", tip.text, in: sandbox.bare).split(separator: "\n").map(String.init)
    #expect(Set(all.map(\.id.text)) == Set(log))
    let position = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.id, $0) })
    // Newest first; commits of one second come in any order.
    for (index, commit) in all.enumerated() {
      for parent in commit.parents where all[position[parent, default: 0]].committer.time < commit.committer.time {
        #expect(position[parent, default: 0] > index)
      }
    }

    let firstParents = try git("log", "--first-parent", "--format=%H", tip.text, in: sandbox.bare)
    #expect(
      try mirror.commits(from: tip, firstParentOnly: true).map(\.id.text).joined(separator: "\n") == firstParents)
    #expect(try mirror.commits(from: tip, limit: 2).map(\.summary).first == "change")
    let base = try mirror.resolve("main~3")
    let range = try git("log", "--format=%H", "\(base)..\(tip)", in: sandbox.bare).split(separator: "\n").map(
      String.init)
    #expect(Set(try mirror.commits(from: tip, excluding: base).map(\.id.text)) == Set(range))

    let info = try mirror.commit(base)
    #expect(info.author.name == "Test" && info.author.email == "test@example.com")
    #expect(info.author.time.seconds == Int64(try git("log", "-1", "--format=%at", base.text, in: sandbox.bare)))
    #expect(info.message == "commit 3\n\nbody\n" && info.summary == "commit 3")
    #expect(
      try mirror.isAncestor(base, of: tip) && mirror.isAncestor(tip, of: tip) && !mirror.isAncestor(tip, of: base))
  }

  @Test func changedPathsAreThoseOfDiffTree() throws {
    let sandbox = try Sandbox()
    let first = try sandbox.commit(["a/b/c": "1", "a/d": "2", "same": "3", "turns": "4", "into/file": "5"])
    try command(["rm", "-r", "a/d", "turns", "into"], in: sandbox.work)
    let second = try sandbox.commit(["a/b/c": "new", "turns/folder": "4", "into": "5", "added": "6"])
    let (mirror, _) = try sandbox.fetchedMirror()

    let changes = try mirror.changedPaths(from: first, to: second)
    let letters = [ChangedPath.Change.added: "A", .modified: "M", .removed: "D"]
    let expected = try git(
      "diff-tree", "-r", "--no-renames", "--name-status", first.text, second.text, in: sandbox.bare)
    #expect(
      changes.map { "\(letters[$0.change] ?? "?")\t\($0.path)" }.sorted()
        == expected.split(separator: "\n").map(String.init).sorted())
    #expect(try mirror.changedPaths(from: nil, to: first).allSatisfy { $0.change == .added })
    #expect(try mirror.changedPaths(from: second, to: second) == [])
  }

  @Test func revisions() throws {
    let sandbox = try Sandbox()
    let first = try sandbox.commit(["a": "1"])
    try git("tag", "-a", "v1", "-m", "one", in: sandbox.work)
    let second = try sandbox.commit(["a": "2"])
    let work = try Repository.open(at: sandbox.work)
    #expect(!work.isBare)
    #expect(try work.resolve("HEAD") == second && work.resolve("main~1") == first && work.resolve("v1") == first)
    #expect(try work.resolve(first.short) == first && work.tip(ofBranch: "main") == second)
    #expect(try work.branches() == ["main"] && work.defaultBranch() == "main" && work.tip(ofBranch: "none") == nil)
    for revision in ["none", "main~9", "main:a", "", "deadbeef"] {
      #expect(gitError { _ = try work.resolve(revision) }?.kind == .notFound, "\(revision)")
    }
    #expect(gitError { _ = try work.tip(ofBranch: "a..b") }?.kind == .unsupported)
    #expect(gitError { _ = try work.commit(CommitID(String(repeating: "1", count: 40))) }?.kind == .notFound)
    #expect(gitError { _ = try work.commit(CommitID(String(repeating: "1", count: 64))) }?.kind == .unsupported)
  }

  @Test func revertIsWhatGitRevertMakes() throws {
    let sandbox = try Sandbox()
    let initial = try sandbox.commit(["a": "1\n", "b": "1\n"])
    let bad = try sandbox.commit(["a": "bad\n", "new": "x\n"])
    let later = try sandbox.commit(["b": "2\n"])
    let (mirror, _) = try sandbox.fetchedMirror()
    let reverted = try mirror.revert(bad, on: later, message: "Revert", author: author, updating: "main")

    try git("revert", "--no-edit", bad.text, in: sandbox.work)
    let path = sandbox.folder.path("mirror.git")
    #expect(try git("rev-parse", "\(reverted)^{tree}", in: path) == git("rev-parse", "HEAD^{tree}", in: sandbox.work))
    #expect(try mirror.tip(ofBranch: "main") == reverted)
    #expect(try mirror.commit(reverted).parents == [later])
    #expect(gitError { _ = try mirror.revert(bad, on: reverted, message: "", author: author) }?.kind == .unchanged)
    #expect(try git("fsck", "--strict", in: path) == "")
    // The branch is elsewhere by now.
    #expect(
      gitError { _ = try mirror.revert(later, on: later, message: "", author: author, updating: "main") }?.kind
        == .nonFastForward)

    let conflicting = try mirror.commit(batch(["a": "third\n"], on: later), updating: "other", expecting: nil)
    let error = gitError { _ = try mirror.revert(bad, on: conflicting, message: "", author: author) }
    #expect(error?.kind == .conflict && error?.paths == ["a"])
    #expect(try mirror.tip(ofBranch: "other") == conflicting)
    // The first commit of all can be undone as well.
    let emptied = try mirror.revert(initial, on: initial, message: "", author: author)
    #expect(try mirror.listing(of: emptied) == [])
  }

  @Test func revertOfAMergeUndoesWhatItBrought() throws {
    let sandbox = try Sandbox()
    try sandbox.commit(["a": "1\n"])
    try git("checkout", "-q", "-b", "side", in: sandbox.work)
    try sandbox.folder.write("work/side", "x")
    try git("add", "-A", in: sandbox.work)
    try git("commit", "-q", "-m", "side", in: sandbox.work)
    try git("checkout", "-q", "main", in: sandbox.work)
    try sandbox.commit(["b": "1\n"])
    try git("merge", "-q", "--no-ff", "-m", "merge", "side", in: sandbox.work)
    let merge = try sandbox.commit([:])
    let (mirror, _) = try sandbox.fetchedMirror()
    let undone = try mirror.revert(mirror.resolve("main~1"), on: merge, message: "", author: author)
    #expect(try mirror.listing(of: undone).map(\.path) == ["a", "b"])
  }
}
