import Foundation
import Glibc
import Model
import TestSupport
import Testing

/// Files that runs give back, from the job's folder to a person's.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ArtifactTests {
  /// The run's artifacts as `belfry artifacts` lists them, once they are as wanted.
  private func artifacts(
    _ site: Site, _ run: String, _ what: String, where fits: @escaping ([JSONValue]) -> Bool
  ) async throws -> [JSONValue] {
    try await eventually("artifacts of \(run): \(what)", within: .seconds(90)) {
      let answer = try site.belfry("artifacts", run, "--config", site.configuration(), "--format", "json")
      guard answer.status == 0, let json = try? JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20) else {
        return nil
      }
      let list = json["artifacts"]?.arrayValue ?? []
      return fits(list) ? list : nil
    }
  }

  private static func areStored(_ list: [JSONValue]) -> Bool {
    !list.isEmpty && list.allSatisfy { $0["state"]?.stringValue == "stored" }
  }

  private func sum(_ path: String) throws -> String {
    String(try command(["sha256sum", path]).output.prefix(64))
  }

  @Test func filesOfARunCanBeFetchedAndAreChecked() async throws {
    let site = try Site()
    try await site.startController()
    try await site.startAgent("art-1")
    try site.commit(
      site.job(
        "art/files", every: "7d", more: "artifacts: [\"out/*.gz\"]\n", run: "  params: {n: 1}\n",
        body: "mkdir out; echo data | gzip > out/a.gz; echo note > $BELFRY_ARTIFACTS/note.txt; exit 0"))
    let commit = try git("rev-parse", "HEAD", in: site.work)
    _ = try await site.synced(commit, job: "art/files")
    let asked = try site.belfry("run", "art/files", "--wait", "--config", site.configuration())
    #expect(asked.status == 0, "\(asked)")
    let receipt = try await site.receipt("art/files", "the run's") { $0.outcome == "Succeeded" }
    let listed = receipt.attempts.last?["artifacts"]?.arrayValue ?? []
    #expect(listed.map { $0["name"]?.stringValue } == ["note.txt", "out/a.gz"])
    let list = try await artifacts(site, receipt.run, "stored", where: Self.areStored)
    #expect(list.map { $0["sha256"] } == listed.map { $0["sha256"] })

    let target = site.folder.path("fetched.gz")
    let got = try site.belfry(
      "artifacts", String(receipt.run.prefix(8)), "get", "out/a.gz", "-o", target, "--config", site.configuration())
    #expect(got.status == 0, "\(got)")
    #expect(try sum(target) == listed[1]["sha256"]?.stringValue)
    let shown = try site.belfry(
      "artifacts", receipt.run, "get", "note.txt", "-o", "-", "--config", site.configuration())
    #expect(shown.output == "note\n")
    let again = try site.belfry(
      "artifacts", receipt.run, "get", "note.txt", "-o", target, "--config", site.configuration())
    #expect(again.status == 1 && again.errors.contains("is there already"))
    let wrong = try site.belfry("artifacts", receipt.run, "get", "note.tx", "--config", site.configuration())
    #expect(wrong.status == 1 && wrong.errors.contains("did you mean 'note.txt'?"))

    // A byte that the controller's disk has changed does not pass for the run's.
    let agent = try #require(
      try FileManager.default.contentsOfDirectory(atPath: site.folder.path("controller-state/artifacts")).first)
    let digest = try #require(listed[0]["sha256"]?.stringValue)
    let stored = site.folder.path("controller-state/artifacts/\(agent)/\(digest)")
    try command(["sh", "-c", "printf X | dd of=\(stored) conv=notrunc status=none"])
    let damaged = try site.belfry(
      "artifacts", receipt.run, "get", "note.txt", "-o", site.folder.path("bad"), "--config", site.configuration())
    #expect(damaged.status == 1 && damaged.errors.contains("not the bytes that the receipt names"), "\(damaged)")
    #expect(access(site.folder.path("bad"), F_OK) != 0)
    // Nothing is left with the agent.
    let spool = site.folder.path("agent-art-1/artifacts")
    _ = try await eventually("the agent's spool is empty") {
      try FileManager.default.contentsOfDirectory(atPath: spool).isEmpty ? true : nil
    }
    await site.close()
  }

  @Test func whatCannotBeSentBackFailsTheRun() async throws {
    let site = try Site()
    try await site.startController()
    try await site.startAgent("art-2")
    try site.commit(site.job("art/large", body: "truncate -s 2G $BELFRY_ARTIFACTS/f"))
    let receipt = try await site.receipt("art/large", "the first")
    #expect(receipt.outcome == "Failed")
    #expect(receipt.reason.contains("artifacts: f: it has 2147483648 bytes, more than 1073741824"), "\(receipt.json)")
    await site.close()
  }

  /// Who dies where while a file of 100 MB is on its way.
  struct Death: Sendable, CustomTestStringConvertible {
    var controller: String?
    var agent: String?
    var testDescription: String { controller ?? agent ?? "nobody" }
  }

  @Test(arguments: [
    Death(controller: "controller.artifactPiece"), Death(controller: "controller.artifactsStored"),
    Death(agent: "agent.artifactsTaken"), Death(agent: "agent.artifactsReceived"),
  ])
  func aLargeFileArrivesWholeWhoeverDies(_ death: Death) async throws {
    let site = try Site()
    let controller = try await site.startController(crashAt: death.controller)
    let agent = try await site.startAgent("art-3", crashAt: death.agent)
    let original = site.folder.path("original")
    try site.commit(
      site.job(
        "art/cut", every: "7d",
        body: "head -c 100000000 /dev/urandom > $BELFRY_ARTIFACTS/big; sha256sum < $BELFRY_ARTIFACTS/big > \(original)")
    )
    let commit = try git("rev-parse", "HEAD", in: site.work)
    _ = try await site.synced(commit, job: "art/cut")
    let asked = try site.belfry("run", "art/cut", "--config", site.configuration())
    #expect(asked.status == 0, "\(asked)")
    if death.controller != nil {
      #expect(await controller.end(within: .seconds(60)) != nil)
      try await site.startController()
    } else {
      #expect(await agent.end(within: .seconds(60)) != nil)
      try await site.startAgent("art-3")
    }
    let receipt = try await site.receipt("art/cut", "the run's", within: .seconds(60))
    #expect(receipt.outcome == "Succeeded" && receipt.attempts.count == 1)
    let list = try await artifacts(site, receipt.run, "stored", where: Self.areStored)
    let digest = try String(contentsOfFile: original, encoding: .utf8).prefix(64)
    #expect(list.first?["sha256"]?.stringValue == String(digest) && list.first?["size"]?.integerValue == 100_000_000)
    let target = site.folder.path("fetched")
    let got = try site.belfry("artifacts", receipt.run, "get", "big", "-o", target, "--config", site.configuration())
    #expect(got.status == 0, "\(got)")
    #expect(try sum(target) == String(digest))
    _ = try await eventually("the agent's spool is empty", within: .seconds(90)) {
      try FileManager.default.contentsOfDirectory(atPath: site.folder.path("agent-art-3/artifacts")).isEmpty
        ? true : nil
    }
    #expect(try site.sightings("art/cut").count == 1)
    await site.close()
  }
}
