import Foundation
import Model
import TestSupport
import Testing

/// Names, epochs and receipts as agents claim them, and what the controller makes of it.
@Suite(.timeLimit(.minutes(10)))
struct IdentityTests {
  @Test func aNameStaysWithItsAgentUntilACommitReleasesIt() async throws {
    let site = try Site()
    try await site.startController()
    let first = try await site.startAgent("db-1")
    _ = try await eventually("the name is on the branch") { try site.paths("agents").count == 2 ? true : nil }
    let path = try #require(try site.paths("agents").first { $0.hasSuffix(".name") })
    #expect(try site.file(path) == "db-1\n")
    await first.destroy()
    // Set up anew, long after a restart: the name still is the old one's, on a controller that lost its disk too.
    await (try site.controller).destroy()
    try FileManager.default.removeItem(atPath: site.folder.path("controller-state"))
    try await site.startController()
    let second = try await site.startAgent("db-1", stateFolder: site.folder.path("agent-anew"))
    #expect(await second.line(containing: "remove \(path) from the branch") != nil, "\(second.output)")
    let clone = site.folder.path("release")
    try git("clone", "-q", "--branch", Site.branch, site.results, clone, in: site.folder.path)
    try git("rm", "-q", path, in: clone)
    try git("commit", "-q", "-m", "Release db-1", in: clone)
    try git("push", "-q", "origin", "HEAD:\(Site.branch)", in: clone)
    try await site.status("the new agent has the name") { $0.agent("db-1")?["connected"]?.boolValue == true }
    _ = try await eventually("its name is on the branch") {
      try site.paths("agents").contains { $0.hasSuffix(".name") && $0 != path } ? true : nil
    }
    #expect(try site.file(path) == nil)
    await site.close()
  }

  @Test func aControllerThatLostEverythingIsToldTheLineThatWinsItsAgentsBack() async throws {
    let site = try Site()
    for _ in 0..<3 {
      try await site.startController()
      await (try site.controller).destroy()
    }
    try await site.startController()
    try await site.startAgent("e")
    let first = try site.commit(site.job("identity/tick", every: "7d"))
    _ = try await site.synced(first, job: "identity/tick")
    await (try site.controller).destroy()
    try FileManager.default.removeItem(atPath: site.folder.path("controller-state"))
    try git("update-ref", "-d", "refs/heads/\(Site.branch)", in: site.results)
    try await site.startController()
    let status = try await site.status("the later epoch shows") { $0["laterEpoch"]?["line"]?.stringValue != nil }
    #expect(status["epoch"]?.integerValue == 1, "an agent's word moves nothing")
    let line = try #require(status["laterEpoch"]?["line"]?.stringValue)
    #expect(line == "epoch: {least: 5}")
    #expect(try site.belfry("status", "--config", site.configuration()).output.contains(line))
    #expect(try site.controller.output.contains(line), "the log says it too")
    await (try site.controller).destroy()
    try await site.startController(more: line)
    let second = try site.commit(site.job("identity/tick", every: "6d"))
    _ = try await site.synced(second, job: "identity/tick")
    let last = try await site.status("all is well") { $0["laterEpoch"] == nil }
    #expect(last["epoch"]?.integerValue == 5)
    await site.close()
  }
}
