import ControllerKit
import Model
import Planning
import TestSupport
import Testing

@testable import CommandKit

/// `plan --controller`: what a revision would do to a fleet that holds an older one.
@Suite struct FleetPlanTests {
  private let clone: Clone
  private let old: String

  init() throws {
    clone = try Clone()
    old = try clone.head()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    try clone.commit("Longer backups")
  }

  private static let agent = "00000000-0000-4000-8000-000000000001"

  /// The fleet of one agent that holds both jobs as of the older commit.
  private func snapshot(status: String = "known", connected: Bool = true) throws -> String {
    let location = RepositoryLocation(path: clone.work, isBare: false)
    let source = try SourceFolder(at: location, source: ("/srv/jobs.git", "main"))
    let jobs = try source.load(try CommitID(old)).jobs.map { job -> JSONValue in
      ["job": .string(job.job.name.text), "bundle": .string(job.bundle.hex), "commit": .string(old)]
    }
    let json: JSONValue = [
      "epoch": .integer(1),
      "source": ["repository": .string("/srv/jobs.git"), "branch": .string("main"), "status": .string(status)],
      "terms": ["lifetimeMs": .integer(1_209_600_000), "leaseMs": .integer(604_800_000)],
      "jobs": .array(jobs),
      "agents": .array([
        [
          "id": .string(Self.agent), "name": .string("db-1"), "labels": .object([]), "connected": .bool(connected),
          "position": ["epoch": .integer(1), "sequence": .integer(4)],
          "lastIssued": ["epoch": .integer(1), "sequence": .integer(4)],
          "expires": .string("2026-12-04T00:00:00Z"), "held": .array(jobs),
        ]
      ]),
    ]
    return json.text
  }

  private func plan(_ arguments: [String], _ snapshot: String) async throws -> Ran {
    let work = clone.work
    try clone.folder.write("token", FakeController.token)
    let token = clone.folder.path("token")
    return try await FakeController(["GET /v1/snapshot": [(200, snapshot)]]).serving { address in
      await Stage(folder: work).run(["plan"] + arguments + ["--api", "http://\(address)", "--token-file", token])
    }
  }

  @Test func theSameBundlesAreRecognised() async throws {
    let ran = try await plan([old], try snapshot())
    #expect(ran.status == .fine)
    #expect(ran.output == "Plan: nothing to do\n")
  }

  @Test func differencesAreTold() async throws {
    let ran = try await plan([], try snapshot())
    let lines = ran.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.first?.hasPrefix("~ replace data/backup on db-1 (bundle ") == true)
    #expect(lines.dropFirst().first == "    run.timeout: 5m → 30m")
    #expect(lines.last == "Plan: 0 to install, 1 to replace, 0 to remove on 1 agent")
  }

  @Test func aBrokenJobStaysInItsVersion() async throws {
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "soon"))
    try clone.commit("Break it")
    let ran = try await plan([], try snapshot())
    #expect(ran.status == .bad)
    #expect(ran.output == "Plan: nothing to do\n")
    #expect(ran.errors.contains("jobs/backup.yaml:6:"))
  }

  @Test func whatKeepsAFleetFromChangingIsSaid() async throws {
    let away = try await plan([], try snapshot(connected: false))
    #expect(away.output.contains("! 1 change for db-1: waiting until it is connected"))
    let lost = try await plan([], try snapshot(status: "unknown"))
    #expect(lost.errors.hasPrefix("warning: the controller does not know its source completely now: unknown"))
    let two = await clone.stage.run(
      "plan", "--controller", "a", "b", "--api", "http://127.0.0.1:1", "--token-file", "x")
    #expect(two.status == .usage)
  }

  @Test(arguments: ["{}", #"{"epoch":1}"#, #"{"source":{"repository":"a","branch":"b","status":"known"}}"#])
  func anotherShapeIsAnError(_ text: String) throws {
    #expect(throws: JSONError.self) { try FleetSnapshot(json: json(text)) }
  }
}
