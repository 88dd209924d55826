// GitTests: the Git module against the real git command line. What several suites share is here.

import Foundation
import Git
import Model
import TestSupport

/// A work tree, a bare remote that it pushes to, and a mirror of ours, all empty at first.
struct Sandbox {
  let folder: TemporaryFolder
  var work: String { folder.path("work") }
  var bare: String { folder.path("remote.git") }
  var remote: Remote { Remote(url: bare) }

  init() throws {
    folder = try TemporaryFolder("belfry-git")
    try git("init", "-q", "-b", "main", "--bare", "remote.git", in: folder.path)
    try git("init", "-q", "-b", "main", "work", in: folder.path)
    try git("remote", "add", "origin", bare, in: work)
  }

  /// Writes files into the work tree, commits and pushes them.
  @discardableResult
  func commit(_ files: [String: String], _ message: String = "change") throws -> CommitID {
    for (path, text) in files { try folder.write("work/" + path, text) }
    try git("add", "-A", in: work)
    try git("commit", "-q", "--allow-empty", "-m", message, in: work)
    try git("push", "-q", "--force", "origin", "HEAD:main", in: work)
    return try CommitID(git("rev-parse", "HEAD", in: work))
  }

  func mirror(_ name: String = "mirror.git") throws -> Repository {
    try Repository.openOrCreateBare(at: folder.path(name))
  }

  /// The mirror after a first fetch.
  func fetchedMirror() throws -> (Repository, CommitID) {
    let mirror = try mirror()
    return (mirror, try mirror.fetch("main", from: remote, into: "main").tip)
  }
}

/// One author and one time for all commits.
let author = GitSignature(name: "Belfry", email: "belfry@example.com", time: Timestamp(seconds: 1_700_000_000))

func batch(
  _ files: [String: String], removing: [String] = [], on parent: CommitID?, _ message: String = "batch"
) -> BatchCommit {
  BatchCommit(
    files: files.sorted { $0.key < $1.key }.map { (path: $0.key, bytes: Array($0.value.utf8)) }, removing: removing,
    parent: parent, message: message, author: author)
}

/// The error that `body` throws, or nil.
func gitError(_ body: () throws -> Void) -> GitError? {
  do {
    try body()
    return nil
  } catch {
    return error as? GitError ?? GitError(.other, "another error: \(error)")
  }
}

/// Says why a test checks nothing here.
func skip(_ reason: String) { print("skipped: \(reason)") }

let isRoot = geteuid() == 0
