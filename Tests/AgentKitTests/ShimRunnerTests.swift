@testable import AgentKit
@testable import Execution
import Model
import Planning
import Platform
import TestSupport
import Testing
import Trust
import ZoneInfo

/// What an agent makes of the run folders that it finds when it starts.
struct ShimRunnerTests {
  private func runner(_ folder: TemporaryFolder) throws -> ShimRunner {
    try command(["mkdir", folder.path("runs")])
    return ShimRunner(
      folder: folder.path("runs"), keptFolder: folder.path("work"),
      artifacts: try ArtifactSpool(path: folder.path("artifacts")), launcher: try ShimLauncher(),
      store: try BundleStore(path: folder.path("store")),
      controllerKey: try SigningKey.generate().publicKey, agent: try AgentName("bench"), zones: ZoneDatabase(),
      clock: .system, logger: quiet)
  }

  /// A run folder whose status file is not whole: the agent died while it made it, or the power was cut.
  @Test(arguments: [[], [UInt8](repeating: 0, count: 4096)])
  func onlyWithinOneLifeOfTheMachineDoesAHalfMadeFolderMeanThatNothingBegan(_ status: [UInt8]) throws {
    let folder = try TemporaryFolder()
    let runner = try runner(folder)
    let attempt = AttemptID(
      run: Occurrence(job: try JobName("a"), nominal: at(0)).run(on: AgentID(random: (1, 1))), number: 1)
    let path = folder.path("runs/\(attempt.run.text).1")
    try command(["mkdir", path])
    try folder.write("runs/\(attempt.run.text).1/status", bytes: status)
    #expect(runner.hasBegun(attempt, sameBoot: false))
    #expect(!runner.hasBegun(attempt, sameBoot: true))
    #expect(try command(["ls", path]).status != 0, "it is out of the way of the next start")
  }
}
