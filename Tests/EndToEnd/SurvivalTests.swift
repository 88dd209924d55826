import Foundation
import Model
import TestSupport
import Testing

/// What becomes of runs that are going when something around them is killed.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct SurvivalTests {
  /// A job that never comes due by itself in a test's life.
  private func once(_ name: String, body: String, on site: Site) async throws -> String {
    if (try? site.agent("s")) == nil { try await site.startAgent("s") }
    let commit = try site.commit(site.job(name, every: "7d", body: body))
    _ = try await site.synced(commit, job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    let run = json["runs"]?.arrayValue?.first?["run"]?.stringValue
    let id = try #require(run, "\(answer)")
    _ = try await eventually("\(name) is running") { try site.sightings(name).isEmpty ? nil : true }
    return id
  }

  @Test func aKilledShimIsLostAndNotRunAgain() async throws {
    let site = try Site.current
    let run = try await once("survive/shim", body: "sleep 20\n", on: site)
    let shims = site.processes(with: "/runs/\(run)").filter { pid in
      let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
      return name?.hasSuffix("belfry-shim") == true
    }
    #expect(shims.count == 1)
    for shim in shims { kill(shim, SIGKILL) }
    let receipt = try await site.receipt("survive/shim", "lost") { $0.run == run }
    #expect(receipt.outcome == "Lost")
    #expect(!receipt.reason.isEmpty || receipt.attempts.last?["reason"]?.stringValue?.isEmpty == false)
    #expect(try site.sightings("survive/shim").count == 1)
    #expect(site.processes(with: "/runs/\(run)").isEmpty, "nothing of it is left running")
  }

  @Test func aRunOutlivesItsAgentAndIsTakenOver() async throws {
    let site = try Site.current
    let run = try await once("survive/agent", body: "sleep 2\necho the end\nexit 7\n", on: site)
    await (try site.agent("s")).destroy()
    try await site.startAgent("s")
    let receipt = try await site.receipt("survive/agent", "taken over") { $0.run == run }
    #expect(receipt.outcome == "Failed")
    #expect(receipt.exitCode == 7)
    #expect(try site.log("survive/agent", of: receipt) == "the end\n")
    #expect(try site.sightings("survive/agent").count == 1)
  }

  @Test func aRunThatEndsWhileItsAgentIsDeadIsNotLost() async throws {
    let site = try Site.current
    let run = try await once("survive/alone", body: "sleep 1\necho alone\n", on: site)
    await (try site.agent("s")).destroy()
    _ = try await eventually("the run has ended") { site.processes(with: "/runs/\(run)").isEmpty ? true : nil }
    try await site.startAgent("s")
    let receipt = try await site.receipt("survive/alone", "found") { $0.run == run }
    #expect(receipt.outcome == "Succeeded")
    #expect(try site.log("survive/alone", of: receipt) == "alone\n")
  }

  @Test func withoutAControllerTheAgentGoesOnFiring() async throws {
    let site = try Site.current
    if (try? site.agent("s")) == nil { try await site.startAgent("s") }
    let commit = try site.commit(site.job("survive/alone-tick"))
    _ = try await site.synced(commit, job: "survive/alone-tick")
    await (try site.controller).destroy()
    let before = try site.sightings("survive/alone-tick").count
    let seen = try await eventually("three more runs") {
      let all = try site.sightings("survive/alone-tick")
      return all.count >= before + 3 ? all : nil
    }
    // The agent restarts with nobody there to ask, and still knows what to do.
    await (try site.agent("s")).destroy()
    try await site.startAgent("s")
    _ = try await eventually("more runs after a restart") {
      try site.sightings("survive/alone-tick").count > seen.count ? true : nil
    }
    try await site.startController()
    for sighting in seen {
      try await site.receipt("survive/alone-tick", "of \(sighting.nominal)") { $0.run == sighting.run }
    }
  }

  @Test func receiptsThatWereCommittedAndNotPushedWhenTheControllerDiedArrive() async throws {
    let site = try Site(Site.Layout(push: "1m"))
    try await site.startController()
    try await site.startAgent("s")
    try site.commit(site.job("survive/unpushed"))
    let waiting = try await site.status("receipts wait") { ($0["results"]?["pending"]?.integerValue ?? 0) >= 2 }
    #expect(waiting.agent("s")?["connected"]?.boolValue == true)
    let seen = try site.sightings("survive/unpushed").prefix(2)
    let known = try site.receipts("survive/unpushed").map(\.run)
    #expect(seen.contains { !known.contains($0.run) }, "not pushed yet")
    await (try site.controller).destroy()
    // A new controller on an empty disk: all it has is the branch and the agent.
    try FileManager.default.removeItem(atPath: site.folder.path("controller-state"))
    try await site.startController()
    for sighting in seen {
      try await site.receipt("survive/unpushed", "of \(sighting.nominal)") { $0.run == sighting.run }
    }
    let runs = try site.receipts("survive/unpushed").map(\.run)
    #expect(Set(runs).count == runs.count)
    await site.close()
  }
}
