// ControllerKitTests: the controller's parts one by one, on temporary repositories and without agents.

import Foundation
import Logging
import Model
import TestSupport
import Trust

/// 2026-11-20T00:00:00Z and so many seconds.
func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_795_132_800 + seconds) }

func digest(_ text: String) -> Digest { SHA256.hash(Array(text.utf8)) }

func commit(_ text: String) throws -> CommitID { try CommitID(String(digest(text).hex.prefix(40))) }

func agentID(_ number: UInt64) -> AgentID { AgentID(random: (number, number)) }

let quiet: Logger = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()

/// A repository of jobs and a clone to commit from.
struct Sources {
  let folder: TemporaryFolder
  var bare: String { folder.path("source.git") }
  var work: String { folder.path("work") }

  init() throws {
    folder = try TemporaryFolder("belfry-controller-kit")
    try git("init", "-q", "--bare", "-b", "main", bare, in: folder.path)
    try git("clone", "-q", bare, work, in: folder.path)
    try git("checkout", "-q", "-B", "main", in: work)
    try commit(["belfry.yaml": "belfry: 1\n"])
  }

  /// Commits and pushes; nil removes a file.
  @discardableResult
  func commit(_ files: [String: String?]) throws -> CommitID {
    for (path, text) in files {
      if let text {
        try folder.write("work/" + path, text, executable: path.hasSuffix(".sh"))
      } else {
        try FileManager.default.removeItem(atPath: work + "/" + path)
      }
    }
    try git("add", "-A", in: work)
    try git("commit", "-q", "--allow-empty", "-m", "change", in: work)
    try git("push", "-q", "--force", "origin", "main", in: work)
    return try CommitID(git("rev-parse", "HEAD", in: work))
  }

  static func job(_ name: String, _ words: String = "true") -> String {
    "job: \(name)\ntriggers: [{every: 1h}]\nrun: {command: [\(words)]}\n"
  }
}
