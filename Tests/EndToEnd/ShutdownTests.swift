import Foundation
import Model
import TestSupport
import Testing

/// An agent that is told to stop while runs are going, and what its next start, which may be another version, makes of it.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct ShutdownTests {
  /// Starts a job once and gives back its run; the agent is `s`.
  private func once(_ name: String, body: String, on site: Site) async throws -> String {
    let commit = try site.commit(site.job(name, every: "300d", agents: ["s"], body: body))
    _ = try await site.synced(commit, job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    let run = try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
    _ = try await eventually("\(name) is running") { try site.sightings(name).isEmpty ? nil : true }
    return run
  }

  private func agent(_ site: Site, _ more: String...) async throws -> Program {
    if let former = try? site.agent("s") { await former.destroy() }
    let agent = try await site.startAgent("s", more: more)
    try await site.status("it is connected") { $0.agent("s")?["connected"]?.boolValue == true }
    return agent
  }

  @Test func aRunIsLeftAndTakenOverByAnotherVersionWithAnotherShim() async throws {
    let site = try Site.current
    let folder = site.folder.path("versions")
    let shims = try FileManager.default.contentsOfDirectory(atPath: Program.folder)
      .filter { $0.hasSuffix("_Execution.resources") }.map { "\(Program.folder)/\($0)/belfry-shim" }
    let shim = try #require(shims.first)
    /// As a package manager does it: a new file in the old one's place.
    func install() throws {
      try command(["mkdir", "-p", folder])
      for (from, to) in [(Program.folder + "/belfry-agent", "belfry-agent"), (shim, "belfry-shim")] {
        try command(["sh", "-c", "cp '\(from)' '\(folder)/\(to).new' && mv '\(folder)/\(to).new' '\(folder)/\(to)'"])
      }
    }
    try install()
    let program = folder + "/belfry-agent"
    let old = try await site.startAgent("s", program: program)
    let gate = site.folder.path("upgrade-gate")
    let run = try await once(
      "stop/upgrade", body: "echo begin\nuntil [ -e \(gate) ]; do sleep 0.1; done\necho end\nexit 4\n", on: site)
    old.signal(SIGTERM)
    #expect(await old.end() == 0, "\(old.output)")
    #expect(old.output.contains("they=go on with their shims"), "\(old.output)")
    try install()
    try await site.startAgent("s", program: program)
    try site.folder.write("upgrade-gate", "")
    let receipt = try await site.receipt("stop/upgrade", "taken over") { $0.run == run }
    #expect(receipt.outcome == "Failed" && receipt.exitCode == 4)
    #expect(try site.log("stop/upgrade", of: receipt) == "begin\nend\n")
    #expect(try site.sightings("stop/upgrade").count == 1)
    // What the new shim starts works as well.
    let next = try await once("stop/upgraded", body: "echo new\n", on: site)
    #expect(try await site.receipt("stop/upgraded", "new") { $0.run == next }.outcome == "Succeeded")
  }

  @Test func runsAreWaitedForAndTheirReceiptsAreDelivered() async throws {
    let site = try Site.current
    let agent = try await agent(site, "--shutdown", "wait")
    let gate = site.folder.path("wait-gate")
    let run = try await once("stop/wait", body: "until [ -e \(gate) ]; do sleep 0.1; done\n", on: site)
    agent.signal(SIGTERM)
    #expect(await agent.line(containing: "they=are waited for") != nil, "\(agent.output)")
    try site.folder.write("wait-gate", "")
    #expect(await agent.end() == 0, "\(agent.output)")
    #expect(agent.output.contains("receipts=read by the controller"), "\(agent.output)")
    // Nobody but the controller is left that could bring it there.
    #expect(try await site.receipt("stop/wait", "delivered") { $0.run == run }.outcome == "Succeeded")
    // Its last word was that it had a receipt, and that is with everybody now.
    try await site.status("nothing is spooled") { status in
      status.agent("s")?["connected"]?.boolValue == false && status.agent("s")?["spooled"]?.integerValue == 0
    }
  }

  /// How the waiting for a run ends that does not end.
  enum Impatience: CaseIterable { case limit, secondSignal }

  @Test(arguments: Impatience.allCases)
  func theWaitingEnds(_ impatience: Impatience) async throws {
    let site = try Site.current
    let name = "stop/\(impatience)".lowercased()
    let agent = try await agent(
      site, "--shutdown", "wait", "--shutdown-timeout", impatience == .limit ? "1s" : "7d")
    let gate = site.folder.path("gate-\(impatience)")
    let run = try await once(name, body: "until [ -e \(gate) ]; do sleep 0.1; done\necho went on\n", on: site)
    agent.signal(SIGTERM)
    _ = await agent.line(containing: "they=are waited for")
    if impatience == .secondSignal { agent.signal(SIGTERM) }
    #expect(await agent.end() == 0, "\(agent.output)")
    #expect(agent.output.contains("runs left to their shims=1"), "\(agent.output)")
    try await site.startAgent("s")
    try site.folder.write("gate-\(impatience)", "")
    let receipt = try await site.receipt(name, "taken over") { $0.run == run }
    #expect(receipt.outcome == "Succeeded")
    #expect(try site.log(name, of: receipt) == "went on\n")
  }

  @Test func whatIsArmedIsDisarmedAndDueAgainAtTheNextStart() async throws {
    let site = try Site.current
    let agent = try await agent(site)
    try site.commit(site.job("stop/tick", every: "2s", agents: ["s"]))
    try await site.receipt("stop/tick", "the first")
    agent.signal(SIGTERM)
    #expect(await agent.end() == 0, "\(agent.output)")
    _ = try await eventually("no shim is left") { site.processes(with: "/agent-s/runs/").isEmpty ? true : nil }
    let seen = try site.sightings("stop/tick")
    try await site.startAgent("s")
    try await site.receipt("stop/tick", "after it") { $0.nominal > seen.last?.nominal ?? $0.nominal }
    let covered = try site.receipts("stop/tick").reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
    let missing = stride(from: covered.min() ?? 0, through: covered.max() ?? 0, by: 2).filter { !covered.contains($0) }
    #expect(missing.isEmpty)
    try site.commit(["jobs/stop/tick.yaml": nil])
  }

  @Test func wrongSettingsAreRefused() async throws {
    let site = try Site.current
    for (words, complaint) in [
      (["--shutdown", "now"], "neither 'wait' nor 'leave'"),
      (["--shutdown-timeout", "8d"], "no duration from 1s to 7d"),
    ] {
      let agent = try site.launchAgent("wrong", more: words)
      #expect(await agent.end() == 1)
      // Its end may be known before its last words were read.
      _ = try await eventually("it says: \(complaint)") { agent.output.contains(complaint) ? true : nil }
    }
  }
}
