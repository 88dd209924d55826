import Model
import TestSupport
import Testing

@testable import CommandKit

@Suite struct PlanTests {
  @Test func theWorkingTreeAgainstHead() async throws {
    let clone = try Clone()
    let nothing = await clone.stage.run("plan")
    #expect(nothing.output == "Plan: nothing changes\n" && nothing.status == .fine)
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    try clone.write("scripts/backup.sh", "#!/bin/sh\necho two\n", executable: true)
    try git("rm", "-q", "jobs/report.yaml", in: clone.work)
    try clone.write("jobs/new.yaml", "job: new\ntriggers: [{every: 10m}]\nrun: {command: [df, -h]}\n")
    let ran = await clone.stage.run("plan")
    let lines = ran.output.split(separator: "\n")
    #expect(lines.count == 6)
    #expect(lines[0] == "- remove report")
    #expect(lines[1] == "~ change data/backup")
    #expect(lines[2] == "    run.timeout: 5m → 30m")
    #expect(lines[3] == "    files scripts/backup.sh: changed")
    #expect(lines[4] == "+ add new")
    #expect(lines[5] == "Plan: 1 to add, 1 to change, 1 to remove")
  }

  @Test func twoRevisions() async throws {
    let clone = try Clone()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    try clone.commit("Longer")
    for folder in [clone.work, clone.bare] {
      let ran = await Stage(folder: folder).run("plan", folder == clone.bare ? "main~1" : "HEAD~1", "HEAD")
      #expect(ran.output.contains("    run.timeout: 5m → 30m\n"))
      let back = await Stage(folder: folder).run("plan", "HEAD", "HEAD~1", "--format", "json")
      #expect(back.json?["changes"]?.arrayValue?.first?["differences"]?.arrayValue?.first?["new"]?.stringValue == "5m")
    }
    let bare = await Stage(folder: clone.bare).run("plan")
    #expect(bare.status == .usage && bare.errors.contains("a bare repository has no working tree"))
  }

  @Test func beforeTheFirstCommit() async throws {
    let folder = try TemporaryFolder("unborn")
    try git("init", "-q", "-b", "main", in: folder.path)
    let stage = Stage(folder: folder.path)
    _ = await stage.run("init")
    let ran = await stage.run("plan")
    #expect(ran.output == "+ add disk-report\n+ add hello\nPlan: 2 to add, 0 to change, 0 to remove\n")
    #expect(await stage.run("plan", "HEAD").status == .bad)
  }

  @Test func aBrokenJobStaysAsItIs() async throws {
    let clone = try Clone()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "soon"))
    let ran = await clone.stage.run("plan")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains("jobs/backup.yaml:6:"))
    #expect(ran.output == "! data/backup has mistakes and stays as it is\nPlan: nothing changes\n")
  }

  @Test func anUnreadableRootRemovesNothing() async throws {
    let clone = try Clone()
    try clone.write("belfry.yaml", "belfry: [1\n")
    let ran = await clone.stage.run("plan")
    #expect(ran.status == .bad)
    #expect(!ran.output.contains("- remove"))
    #expect(ran.output.contains("nothing is removed"))
  }
}
