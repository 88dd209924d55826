import Model
import TestSupport
import Testing

@testable import CommandKit

@Suite struct ValidateTests {
  @Test func allMistakesAndTheirPlaces() async throws {
    let clone = try Clone()
    try clone.write("jobs/broken.yaml", "job: broken\ntriggers: [{every: 10m}]\nrun:\n  command: [df]\n  timout: 5m\n")
    try clone.write("jobs/lost.yaml", "job: lost\ntriggers: [{every: 10m}]\nrun: {script: scripts/none.sh}\n")
    let ran = await clone.stage.run("validate")
    #expect(ran.status == .bad)
    #expect(ran.output.contains("jobs/broken.yaml:5:3: error: "))
    #expect(ran.output.contains("did you mean 'timeout'?"))
    #expect(ran.output.contains("jobs/lost.yaml:3:"))
    #expect(ran.output.hasSuffix("\n2 jobs, 2 errors\n"))
    #expect(ran.errors.isEmpty)
    // What is committed is still good.
    #expect(await clone.stage.run("validate", "--at", "HEAD").output == "2 jobs, 0 errors\n")
    let bare = await Stage(folder: clone.bare).run("validate")
    #expect(bare.output == "2 jobs, 0 errors\n")
  }

  @Test func asJSON() async throws {
    let clone = try Clone()
    try clone.write("jobs/broken.yaml", "job: broken\ntriggers: [{every: 10m}]\nrun: {command: [df], timout: 5m}\n")
    let ran = await clone.stage.run("validate", "--format", "json")
    #expect(ran.status == .bad)
    #expect(ran.json?["jobs"]?.integerValue == 2 && ran.json?["errors"]?.integerValue == 1)
    let diagnostic = ran.json?["diagnostics"]?.arrayValue?.first
    #expect(diagnostic?["file"]?.stringValue == "jobs/broken.yaml" && diagnostic?["line"]?.integerValue == 3)
  }

  @Test func placesThatAreNone() async throws {
    let clone = try Clone()
    let missing = await clone.stage.run("validate", "nowhere")
    #expect(missing.status == .unreachable && missing.errors.hasPrefix("error: there is no folder 'nowhere'"))
    let revision = await clone.stage.run("validate", "--at", "nowhere")
    #expect(revision.status == .bad && revision.errors.contains("there is no revision 'nowhere'"))
    let plain = try TemporaryFolder("plain")
    let empty = await Stage(folder: plain.path).run("validate")
    #expect(empty.status == .bad && empty.output.contains("belfry.yaml"))
  }
}
