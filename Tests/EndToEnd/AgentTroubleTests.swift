import Foundation
import Model
import TestSupport
import Testing

/// Bad disks, bad output, bad scripts, bad peers.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct AgentTroubleTests {
  /// Runs a job once, on the agent `a`, and gives back its receipt.
  private func runOnce(_ name: String, body: String, on site: Site) async throws -> SeenReceipt {
    if (try? site.agent("a")) == nil { try await site.startAgent("a") }
    let commit = try site.commit(site.job(name, every: "7d", agents: ["a"], body: body))
    _ = try await site.synced(commit, job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--wait")
    #expect(answer.status == 0, "\(answer)")
    return try await site.receipt(name, "of the run")
  }

  @Test func aHundredMegabytesOfOutputAreCutInTheMiddle() async throws {
    let site = try Site.current
    let receipt = try await runOnce(
      "agent/loud", body: "echo begin; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end\n", on: site)
    let log = receipt.attempts.last?["log"]
    #expect(log?["written"]?.integerValue == 100_000_011)
    let kept = try #require(log?["kept"]?.integerValue)
    #expect((1_000...65_536).contains(kept))
    let text = try #require(try site.log("agent/loud", of: receipt))
    #expect(text.hasPrefix("begin\n") && text.hasSuffix("\nend\n") && text.contains(" bytes cut …]\n"))
    #expect(try site.logFile("agent/loud", of: receipt)?.utf8.count == Int(kept))
  }

  @Test func outputThatIsNotUTF8IsKeptByteForByte() async throws {
    let site = try Site.current
    let receipt = try await runOnce("agent/binary", body: "printf '\\377\\376\\200\\000ok\\033[2J\\n'\n", on: site)
    let path = try #require(try site.paths("logs/agent/binary").first)
    let dump = try command(
      ["sh", "-c", "git show '\(Site.branch):\(path)' | cut -d' ' -f4- | od -An -v -tx1"], in: site.results)
    #expect(dump.output.trimmed == "ff fe 80 00 6f 6b 1b 5b 32 4a 0a")
    #expect(receipt.outcome == "Succeeded")
    let verify = try site.belfry("verify", "--run", receipt.run, "-C", site.results)
    #expect(verify.status == 0, "\(verify)")
  }

  @Test func scriptsThatCannotStartAreRefusedBeforeTheyAreShipped() throws {
    let site = try Site.current
    let folder = site.folder.path("bad")
    try git("clone", "-q", site.source, folder, in: site.folder.path)
    try site.folder.write(
      "bad/jobs/a.yaml", "job: bad/mode\ntriggers: [{every: 1m}]\nrun:\n  script: scripts/mode.sh\n")
    try site.folder.write("bad/scripts/mode.sh", "#!/bin/sh\n")
    try site.folder.write(
      "bad/jobs/b.yaml", "job: bad/ends\ntriggers: [{every: 1m}]\nrun:\n  script: scripts/ends.sh\n")
    try site.folder.write("bad/scripts/ends.sh", "#!/bin/sh\r\necho\r\n", executable: true)
    let answer = try site.belfry("validate", in: folder)
    #expect(answer.status == 1)
    let text = answer.output + answer.errors
    #expect(text.contains("jobs/a.yaml:4:11: error:"), "\(text)")
    #expect(text.contains("jobs/b.yaml:4:11: error:"), "\(text)")
  }

  @Test func anAgentThatTrustsAnotherKeyHasNothingToDoWithTheController() async throws {
    let site = try Site.current
    try site.belfry("keys", "generate", site.folder.path("other"))
    let agent = try site.launchAgent("distrustful", key: site.folder.path("other.pub"))
    #expect(await agent.line(containing: "did not prove the key") != nil, "\(agent.output)")
    #expect(try site.status()?.agent("distrustful")?["connected"]?.boolValue != true)
    await agent.destroy()
  }

  @Test func aNameAndAStateFolderBelongToOneAgentAtATime() async throws {
    let site = try Site.current
    let first = try await site.startAgent("twin")
    try await site.status("connected") { $0.agent("twin")?["connected"]?.boolValue == true }
    let second = try site.launchAgent("twin", stateFolder: site.folder.path("agent-twin-2"))
    #expect(await second.line(containing: "the name 'twin' is agent ") != nil, "\(second.output)")
    #expect(!first.hasEnded)
    await second.destroy()
    let third = try site.launchAgent("twin")
    #expect(await third.end() == 1, "\(third.output)")
    #expect(third.output.contains("another agent is using the state folder"), "\(third.output)")
    await first.destroy()
  }

  @Test func aFullDiskStopsNewRunsAndLosesNothing() async throws {
    let site = try Site.current
    let state = site.folder.path("small")
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    guard try command(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", state]).status == 0 else {
      return print("skipped: a small file system cannot be mounted here, which takes root")
    }
    let job = "agent/cramped"
    do {
      // Without the reserve, which would keep it from ever getting so far.
      try await site.startAgent("cramped", stateFolder: state, more: ["--disk-reserve", "0"])
      try site.commit(site.job(job, agents: ["cramped"], body: "echo cramped\n"))
      try await site.receipt(job, "while there is room")
      try command(["sh", "-c", "cat /dev/zero >\(state)/filler 2>/dev/null"])
      let full = try await site.status("the full disk shows") { status in
        status.agent("cramped")?["problems"]?.arrayValue?.isEmpty == false
      }
      let words = full.agent("cramped")?["problems"]?.arrayValue?.first?.stringValue ?? ""
      #expect(words.contains("full") || words.contains("No space"), "\(words)")
      let during = try site.sightings(job).count
      try FileManager.default.removeItem(atPath: state + "/filler")
      _ = try await eventually("it fires again") { try site.sightings(job).count > during ? true : nil }
      try await site.status("the problem is gone") { $0.agent("cramped")?["problems"]?.arrayValue?.isEmpty == true }
      for sighting in try site.sightings(job) {
        try await site.receipt(job, "of \(sighting.nominal)") { $0.run == sighting.run }
      }
      let sightings = try site.sightings(job)
      #expect(Set(sightings).count == sightings.count)
      let receipts = try site.receipts(job)
      let covered = receipts.reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
      let first = try #require(covered.min())
      let last = try #require(covered.max())
      #expect((first...last).filter { !covered.contains($0) } == [], "seconds of which nothing is known")
    } catch {
      Issue.record(error)
      print((try? site.agent("cramped").output) ?? "")
    }
    await (try site.agent("cramped")).destroy()
    try command(["umount", "-l", state])
  }
}
