import Foundation
import TestSupport
import Testing

@testable import CommandKit

@Suite struct InitTests {
  @Test func whatItMakesIsCleanAndCommitted() async throws {
    let folder = try TemporaryFolder("init")
    let stage = Stage(folder: folder.path)
    let made = await stage.run("init", "my-jobs")
    #expect(made.status == .fine, "\(made.errors)")
    #expect(made.output.contains("made it a git repository with a first commit"))
    #expect(made.output.contains("  cd my-jobs\n"))
    #expect(!made.output.contains("git add"))
    let work = folder.path("my-jobs")
    #expect(try git("status", "--porcelain", in: work).isEmpty)
    #expect(try git("ls-files", "-s", "scripts/hello.sh", in: work).hasPrefix("100755 "))
    #expect(try git("branch", "--show-current", in: work) == "main")
    for arguments in [
      ["validate", "my-jobs"], ["validate", "my-jobs", "--at", "HEAD"], ["validate", "-C", "my-jobs/jobs"],
    ] {
      let validated = await stage.run(arguments)
      #expect(validated.output == "2 jobs, 0 errors\n")
      #expect(validated.status == .fine)
    }
    #expect(try command([work + "/scripts/hello.sh"]).output == "hello from nobody, run by hand\n")
  }

  @Test func nothingIsOverwritten() async throws {
    let folder = try TemporaryFolder("init")
    try folder.write("README.md", "mine\n")
    let ran = await Stage(folder: folder.path).run("init")
    #expect(ran.status == .bad)
    #expect(ran.errors.contains("README.md"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["README.md"])
    #expect(try String(contentsOfFile: folder.path("README.md"), encoding: .utf8) == "mine\n")
  }

  @Test func inARepositoryNothingIsCommitted() async throws {
    let folder = try TemporaryFolder("init")
    try git("init", "-q", "-b", "main", in: folder.path)
    let ran = await Stage(folder: folder.path).run("init")
    #expect(ran.status == .fine)
    #expect(ran.output.contains("git add -A && git commit"))
    #expect(try command(["git", "rev-parse", "HEAD"], in: folder.path).status != 0)
  }

  @Test func withoutAnIdentityTheStepsAreTold() async throws {
    let folder = try TemporaryFolder("init")
    var stage = Stage(folder: folder.path)
    stage.environment = ["GIT_COMMITTER_NAME": "", "GIT_AUTHOR_NAME": ""]
    let ran = await stage.run("init", "jobs-here")
    #expect(ran.status == .fine)
    #expect(ran.output.contains("git add -A && git commit"))
  }
}
