import Foundation
import Model
import Results
import TestSupport
import Testing
import Trust

@testable import CommandKit

/// `history`, `logs` and `verify --run` on a results branch.
@Suite struct ResultsCommandsTests {
  private let clone: Clone
  private let signers: Signers
  private let deliveries: [ReceiptDelivery]

  init() throws {
    clone = try Clone()
    signers = try Signers()
    deliveries = [
      try signers.receipt(
        nominal: "2026-11-19T02:30:00Z", state: .failed, log: "no\u{1b}[2J\u{7}\nspace", reason: "out of cheese"),
      try signers.receipt(nominal: "2026-11-20T02:30:00Z"),
      try signers.receipt(job: "report", nominal: "2026-11-20T10:00:00Z", log: ""),
    ]
    try signers.publish(deliveries, to: clone.bare, cache: clone.folder.path("cache.git"))
  }

  private func id(_ index: Int) -> String { deliveries[index].signed.value.run.text }

  @Test func historyOfABareRepositoryAndOfAClone() async throws {
    let expected = """
      DUE                   JOB          AGENT  OUTCOME    TOOK  RUN           NOTE
      2026-11-20T10:00:00Z  report       db-1   Succeeded  1.2s  \(id(2).prefix(12))
      2026-11-20T02:30:00Z  data/backup  db-1   Succeeded  1.2s  \(id(1).prefix(12))
      2026-11-19T02:30:00Z  data/backup  db-1   Failed     1.2s  \(id(0).prefix(12))  exit 3, out of cheese

      """
    let bare = await Stage(folder: clone.bare).run("history")
    #expect(bare.output == expected && bare.status == .fine)
    let before = await clone.stage.run("history")
    #expect(before.status == .bad && before.errors.contains("'git fetch' brings it"))
    try git("fetch", "-q", in: clone.work)
    #expect(await clone.stage.run("history").output == expected)
  }

  @Test func historyIsFiltered() async throws {
    let stage = Stage(folder: clone.bare)
    let failed = await stage.run("history", "--failed", "--format", "json")
    #expect(failed.json?.arrayValue?.count == 1)
    #expect(failed.json?.arrayValue?.first?["receipt"]?["run"]?.stringValue == id(0))
    #expect(failed.json?.arrayValue?.first?["place"]?.stringValue == "runs/data/backup/2026/11/19/02/3000Z.ndjson:1")
    let since = await stage.run("history", "--since", "2026-11-20", "data/backup", "--format", "json")
    #expect(since.json?.arrayValue?.compactMap { $0["receipt"]?["run"]?.stringValue } == [id(1)])
    let one = await stage.run("history", "-n", "1", "--format", "json")
    #expect(one.json?.arrayValue?.count == 1)
    let unknown = await stage.run("history", "data/backpu")
    #expect(unknown.errors == "error: 'data/backpu' has no record on this branch\nhint: did you mean 'data/backup'?\n")
    let verified = await stage.run("history", "--verify")
    #expect(verified.status == .fine && verified.output.contains("good"))
  }

  @Test func logsAreNeutralisedOnATerminalOnly() async throws {
    var stage = Stage(folder: clone.bare)
    let piped = await stage.run("logs", String(id(0).prefix(12)))
    #expect(piped.output == "no\u{1b}[2J\u{7}\nspace" && piped.errors.isEmpty)
    stage.isTerminal = true
    let shown = await stage.run("logs", id(0))
    #expect(shown.output == "no<U+001B>[2J<U+0007>\nspace\n")
    #expect(shown.errors == "data/backup, due 2026-11-19T02:30:00Z, on db-1: Failed in 1.2s, attempt 1 of 1\n")
    let raw = await stage.run("logs", id(0), "--raw")
    #expect(raw.output == piped.output)
  }

  @Test func logsOfAJobAreThoseOfItsLastRun() async throws {
    let stage = Stage(folder: clone.bare)
    // What was skipped since has no log.
    let skipped = try signers.record("2026-11-20T03:30:00Z", .skipped(.overlap), reason: "still going")
    try signers.publish([skipped], to: clone.bare, cache: clone.folder.path("cache.git"))
    #expect(await stage.run("logs", "data/backup").output == stage.run("logs", id(1)).output)
    let never = try signers.record("2026-11-20T03:30:00Z", job: "decade", .skipped(.overlap), reason: "still going")
    try signers.publish([never], to: clone.bare, cache: clone.folder.path("cache.git"))
    let nothing = await stage.run("logs", "decade")
    #expect(nothing.status == .bad && nothing.errors.contains("none of a run that began"), "\(nothing.errors)")
    let unknown = await stage.run("logs", "data/backpu")
    #expect(unknown.status == .bad && unknown.errors.contains("did you mean 'data/backup'?"), "\(unknown.errors)")
  }

  @Test func jsonIsSafeOnATerminalAndSaysTheSame() async throws {
    let strange = try signers.receipt(
      job: "strange", nominal: "2026-11-20T11:00:00Z", state: .failed, reason: "a\u{9b}2J\u{202e}b\u{e0041}c")
    try signers.publish([strange], to: clone.bare, cache: clone.folder.path("cache.git"))
    var stage = Stage(folder: clone.bare)
    let piped = await stage.run("history", "strange", "--format", "json")
    #expect(piped.output.contains("a\u{9b}2J\u{202e}b\u{e0041}c"))
    stage.isTerminal = true
    let shown = await stage.run("history", "strange", "--format", "json")
    #expect(shown.output.contains(#"a\u009b2J\u202eb\udb40\udc41c"#))
    #expect(shown.json == piped.json)
    let text = await stage.run("history", "strange")
    #expect(text.output.contains("a<U+009B>2J<U+202E>b<U+E0041>c"))
  }

  @Test func logsThatAreNotThere() async throws {
    let stage = Stage(folder: clone.bare)
    let silent = await stage.run("logs", id(2))
    #expect(silent.status == .fine && silent.output.isEmpty && silent.errors == "Attempt 1 wrote nothing.\n")
    let attempt = await stage.run("logs", id(0), "--attempt", "2")
    #expect(attempt.status == .bad && attempt.errors.contains("no attempt 2\nhint: it had 1 attempt"))
    let unknown = await stage.run("logs", "ffff" + "ffff")
    #expect(unknown.status == .bad && unknown.errors.contains("no run that begins with ffffffff"))
    let short = await stage.run("logs", "ab")
    #expect(short.status == .usage)
    let none = await clone.stage.run("logs", id(0), "--branch", "nowhere")
    #expect(none.status == .bad && none.errors.contains("no branch 'nowhere'"))
  }

  @Test func aLogThatSomebodyChangedIsSaid() async throws {
    try edit("logs/data/backup/2026/11/20/02/3000Z/db-1.1.log") { $0.replacing("done", with: "fine") }
    let ran = await Stage(folder: clone.bare).run("logs", id(1))
    #expect(ran.output == "fine\n")
    #expect(ran.errors.hasPrefix("warning: this is not the log that the agent signed"))
  }

  @Test func verifyARun() async throws {
    let stage = Stage(folder: clone.bare)
    let good = await stage.run("verify", "--run", id(1))
    #expect(good.status == .fine)
    #expect(good.output.hasPrefix("kind:      receipt\n"))
    #expect(good.output.contains("GOOD  runs/data/backup/2026/11/20/02/3000Z.ndjson:1: signed by key "))
    try edit("runs/data/backup/2026/11/20/02/3000Z.ndjson") { $0.replacing("\"exitCode\":0", with: "\"exitCode\":1") }
    let bad = await stage.run("verify", "--run", id(1))
    #expect(bad.status == .bad && bad.output.contains("\nBAD   runs/"))
    let history = await stage.run("history", "data/backup", "--verify")
    #expect(history.status == .bad && history.output.contains("BAD: "))
  }

  @Test func opensslAgreesAboutARun() async throws {
    let ran = await Stage(folder: clone.bare).run("verify", "--run", id(1), "--openssl")
    let script = ran.output.components(separatedBy: "# First, in the repository:\n").last ?? ""
    // The commands that bring the files are comments: here they are run, with the script after them.
    let runnable = script.replacing("# git show ", with: "git -C '\(clone.bare)' show ")
    let folder = try TemporaryFolder("openssl")
    try folder.write("check.sh", "set -eu\n" + runnable)
    let result = try command(["sh", "check.sh"], in: folder.path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("Signature Verified Successfully"))
  }

  @Test func verifyFilesOfACheckedOutBranch() async throws {
    let tree = clone.folder.path("tree")
    try git("worktree", "add", "-q", tree, "belfry/results", in: clone.bare)
    let stage = Stage(folder: tree)
    let file = "runs/data/backup/2026/11/20/02/3000Z.ndjson"
    let good = await stage.run("verify", file)
    #expect(good.status == .fine, "\(good.output)\(good.errors)")
    let script = await stage.run("verify", file, "--openssl").output.components(separatedBy: "\n\n#!/bin/sh").last ?? ""
    try clone.folder.write("tree/check.sh", "#!/bin/sh" + script)
    #expect(try command(["sh", "check.sh"], in: tree).status == 0)
    let text = try String(contentsOfFile: tree + "/" + file, encoding: .utf8)
    try clone.folder.write("tree/" + file, text + text)
    let more = await stage.run("verify", file)
    #expect(more.status == .bad && more.output.hasSuffix("1 of 2 good\n"))
    try clone.folder.write("tree/" + file, "")
    #expect(await stage.run("verify", file).status == .bad)
  }

  /// A commit of somebody who may push.
  private func edit(_ path: String, _ change: (String) -> String) throws {
    let tree = clone.folder.path("editor")
    try git("worktree", "add", "-q", tree, "belfry/results", in: clone.bare)
    let text = try String(contentsOfFile: tree + "/" + path, encoding: .utf8)
    try clone.folder.write("editor/" + path, change(text))
    try git("commit", "-q", "-a", "-m", "Edit", in: tree)
    try git("worktree", "remove", "--force", tree, in: clone.bare)
  }
}
