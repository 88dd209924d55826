import Foundation
import Model
import TestSupport
import Testing

@testable import CommandKit

@Suite struct RollbackTests {
  private func changedClone() throws -> Clone {
    let clone = try Clone()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    try clone.commit("Longer backups")
    try clone.write("README.md", "unrelated\n")
    try clone.commit("A README")
    return clone
  }

  private func timeout(_ revision: String, in folder: String) throws -> String {
    try git("show", "\(revision):jobs/backup.yaml", in: folder)
  }

  @Test func theLastChangeOfAJob() async throws {
    let clone = try changedClone()
    let bad = try clone.head("HEAD~1")
    let ran = await clone.stage.run("rollback", "data/backup", "--yes")
    #expect(ran.status == .fine, "\(ran.errors)")
    #expect(ran.output.contains("Reverting \(bad.prefix(9)) \"Longer backups\" by Test"))
    #expect(ran.output.contains("  ~ jobs/backup.yaml\n"))
    #expect(ran.output.contains("    run.timeout: 30m → 5m\n"))
    #expect(ran.output.hasSuffix("and pushed to origin.\n"))
    #expect(try clone.remoteHead() == clone.head())
    #expect(try timeout("HEAD", in: clone.work).contains("timeout: 5m"))
    #expect(try git("status", "--porcelain", in: clone.work).isEmpty)
    #expect(
      try git("log", "-1", "--format=%an|%s|%b", in: clone.work)
        == "Test|Revert \"Longer backups\"|This reverts commit \(bad).\n")
    #expect(FileManager.default.fileExists(atPath: clone.work + "/README.md"))
  }

  @Test func aFileOrInheritedDefaultsCountAsChangesOfTheJob() async throws {
    let clone = try changedClone()
    try clone.write("scripts/backup.sh", "#!/bin/sh\necho broken\n", executable: true)
    let script = try clone.commit("Break the script")
    try clone.write("jobs/report.yaml", "job: report\ntriggers: [{every: 20m}]\nrun: {command: [df, -h]}\n")
    try clone.commit("Report less often")
    let first = await clone.stage.run("rollback", "data/backup", "--yes", "--format", "json")
    #expect(first.json?["reverted"]?.stringValue == script)
    try clone.write("belfry.yaml", "belfry: 1\ndefaults: {owner: someone}\n")
    let defaults = try clone.commit("Owner")
    let second = await clone.stage.run("rollback", "data/backup", "--yes", "--format", "json")
    #expect(second.json?["reverted"]?.stringValue == defaults)
  }

  @Test func aRemovedAndABrokenJobComeBack() async throws {
    let clone = try changedClone()
    try git("rm", "-q", "jobs/report.yaml", in: clone.work)
    let removal = try clone.commit("No more reports")
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "soon"))
    let breaking = try clone.commit("Break the manifest")
    let back = await clone.stage.run("rollback", "data/backup", "--yes", "--format", "json")
    #expect(back.json?["reverted"]?.stringValue == breaking)
    let report = await clone.stage.run("rollback", "report", "--yes", "--format", "json")
    #expect(report.json?["reverted"]?.stringValue == removal)
    #expect(FileManager.default.fileExists(atPath: clone.work + "/jobs/report.yaml"))
  }

  @Test func theTipAndACommit() async throws {
    let clone = try changedClone()
    let tip = await clone.stage.run("rollback", "--yes")
    #expect(tip.output.contains("\"A README\"") && tip.output.contains("Plan: nothing changes"))
    let commit = await clone.stage.run("rollback", "HEAD~2", "--yes")
    #expect(commit.output.contains("\"Longer backups\""))
    let repeated = await clone.stage.run("rollback", "--yes")
    #expect(repeated.status == .bad && repeated.errors.contains("would bring back what it took away"), "\(repeated)")
    let undo = try git("rev-parse", "HEAD", in: clone.work)
    #expect(repeated.errors.contains("belfry rollback \(undo.prefix(9)) --yes"), "\(repeated.errors)")
    let again = await clone.stage.run("rollback", String(undo.prefix(9)), "--yes")
    #expect(again.output.contains("note: that commit is a revert itself"))
    #expect(try timeout("HEAD", in: clone.work).contains("timeout: 30m"))
  }

  @Test func aBareRepository() async throws {
    let clone = try changedClone()
    let ran = await Stage(folder: "/").run("rollback", "-C", clone.bare, "data/backup", "--yes")
    #expect(ran.status == .fine, "\(ran.errors)")
    #expect(ran.output.hasSuffix("and not pushed.\n"))
    #expect(try timeout("main", in: clone.bare).contains("timeout: 5m"))
  }

  @Test func whoSaysNoChangesNothing() async throws {
    let clone = try changedClone()
    let before = try clone.head()
    var stage = clone.stage
    for answer in ["n", "", "nope", nil] as [String?] {
      stage.answer = answer
      let ran = await stage.run("rollback", "data/backup")
      #expect(ran.status == (answer == nil ? .usage : .bad))
      #expect(ran.errors.contains("Revert it? [y/N] ") && ran.errors.contains("nothing was changed"))
    }
    #expect(try clone.head() == before)
    #expect(try clone.remoteHead() == before)
    stage.answer = "y"
    #expect(await stage.run("rollback", "data/backup").status == .fine)
    #expect(try clone.remoteHead() != before)
  }

  @Test func uncommittedChangesAreSafe() async throws {
    let clone = try changedClone()
    let before = try clone.head()
    try clone.write("jobs/backup.yaml", "mine\n")
    let ran = await clone.stage.run("rollback", "--yes")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains("not committed") && ran.errors.contains(" M jobs/backup.yaml"))
    #expect(try clone.remoteHead() == before)
    #expect(try String(contentsOfFile: clone.work + "/jobs/backup.yaml", encoding: .utf8) == "mine\n")
  }

  @Test func conflictsAreNamed() async throws {
    let clone = try changedClone()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "45m"))
    try clone.commit("Even longer")
    let before = try clone.head()
    let ran = await clone.stage.run("rollback", "HEAD~2", "--yes")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains("jobs/backup.yaml"))
    #expect(try clone.head() == before)
  }

  @Test func aRefusedPushChangesNothing() async throws {
    let clone = try changedClone()
    let other = clone.folder.path("other")
    try git("clone", "-q", clone.bare, other, in: clone.folder.path)
    try clone.folder.write("other/more.txt", "x\n")
    try git("add", "-A", in: other)
    try git("commit", "-q", "-m", "Meanwhile", in: other)
    try git("push", "-q", in: other)
    let (before, remote) = (try clone.head(), try clone.remoteHead())
    let ran = await clone.stage.run("rollback", "data/backup", "--yes")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains("somebody pushed in the meantime"))
    #expect(try clone.head() == before)
    #expect(try clone.remoteHead() == remote)
    try git("remote", "set-url", "origin", clone.folder.path("gone.git"), in: clone.work)
    let gone = await clone.stage.run("rollback", "data/backup", "--yes")
    #expect(gone.status == .unreachable)
    #expect(try clone.head() == before)
    let local = await clone.stage.run("rollback", "data/backup", "--yes", "--no-push")
    #expect(local.status == .fine && local.output.hasSuffix("and not pushed.\n"))
  }

  @Test func commitsThatGoAlongAreNamed() async throws {
    let clone = try changedClone()
    try clone.write("notes.txt", "x\n")
    try git("add", "-A", in: clone.work)
    try git("commit", "-q", "-m", "Not pushed yet", in: clone.work)
    let ran = await clone.stage.run("rollback", "data/backup", "--yes")
    #expect(ran.output.contains("Pushed with it, because origin does not have them yet:\n"))
    #expect(ran.output.contains(" Not pushed yet\n"))
  }

  struct Nonsense: Sendable {
    var target: String
    var says: String
  }

  @Test(arguments: [
    Nonsense(target: "data/backpu", says: "neither a job nor a commit here\nhint: did you mean 'data/backup'?"),
    Nonsense(target: "No Such", says: "neither a job nor a commit"),
    Nonsense(target: "HEAD~2", says: "is the first one"),
    Nonsense(target: "report", says: "is the first one"),
  ]) func whatCannotBeReverted(_ row: Nonsense) async throws {
    let clone = try changedClone()
    let before = try clone.remoteHead()
    let ran = await clone.stage.run("rollback", row.target, "--yes")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains(row.says), "\(ran.errors)")
    #expect(try clone.remoteHead() == before)
  }

  @Test func theUsersSignatureIsUsed() async throws {
    let clone = try changedClone()
    try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", clone.folder.path("id")])
    for (key, value) in [
      ("gpg.format", "ssh"), ("user.signingkey", clone.folder.path("id")), ("commit.gpgsign", "true"),
    ] {
      try git("config", key, value, in: clone.work)
    }
    let ran = await clone.stage.run("rollback", "--yes")
    #expect(ran.status == .fine, "\(ran.errors)")
    #expect(try git("cat-file", "commit", "HEAD", in: clone.work).contains("gpgsig -----BEGIN SSH SIGNATURE-----"))
    #expect(try clone.remoteHead() == clone.head())
  }

  @Test func identLines() {
    let author = GitSignatureRow.read("A B <a@b.c> 1795132800 -0330")
    #expect(author == GitSignatureRow(name: "A B", email: "a@b.c", seconds: 1_795_132_800, offset: -210))
    #expect(GitSignatureRow.read("nobody") == nil)
    #expect(GitSignatureRow.read("A <a> x y") == nil)
  }
}
