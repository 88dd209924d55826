import Foundation
import Model
import TestSupport
import Testing

/// What makes an agent stop starting things by itself: jobs that crash shims, and disks that are full.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct StopTests {
  /// Kills the shim of the job's next run that has begun.
  private func killShim(of job: String, after seen: Int, on site: Site) async throws {
    let sighting = try await eventually("\(job) runs once more", within: .seconds(60)) {
      let all = try site.sightings(job)
      return all.count > seen ? all.last : nil
    }
    let shims = site.processes(with: "/runs/\(sighting.run)").filter { pid in
      let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
      return name?.hasSuffix("belfry-shim") == true
    }
    #expect(shims.count == 1)
    for shim in shims { kill(shim, SIGKILL) }
    #expect(try await site.receipt(job, "lost", within: .seconds(60)) { $0.run == sighting.run }.outcome == "Lost")
  }

  @Test func aJobWhoseRunsCrashTheirShimsIsStoppedUntilSomebodyLooks() async throws {
    let site = try Site.current
    let name = "stop/poison"
    let agent = try await site.startAgent("q", more: ["--quarantine", "2"])
    let gate = site.folder.path("poison-gate")
    try site.commit(site.job(name, agents: ["q"], body: "[ -e \(gate) ] || sleep 30\n"))
    for crash in 0..<2 { try await killShim(of: name, after: crash, on: site) }
    let stopped = try await site.status("it is in quarantine") { status in
      status.job(name)?["health"]?.stringValue == "Degraded"
        && status.job(name)?["healthReason"]?.stringValue?.contains("in quarantine on q") == true
    }
    let reason = try #require(stopped.job(name)?["healthReason"]?.stringValue)
    #expect(reason.contains("2 times within 1d") && reason.contains("belfry run \(name)"), "\(reason)")
    let skipped = try await site.receipt(name, "of what did not run") {
      $0.outcome == "Quarantined" && $0.attempts.isEmpty
    }
    try git("fetch", "-q", "origin", in: site.work)
    let why = try site.belfry("why", name, skipped.nominal.description)
    #expect(why.output.contains("Quarantined") && why.output.contains("crashed"), "\(why)")
    #expect(try site.sightings(name).count == 2)

    // It outlives the agent, and ends with a person's run.
    await agent.destroy()
    try await site.startAgent("q", more: ["--quarantine", "2"])
    try await site.status("still") {
      $0.agent("q")?["connected"]?.boolValue == true && $0.job(name)?["health"]?.stringValue == "Degraded"
    }
    #expect(try site.sightings(name).count == 2)
    try site.folder.write("poison-gate", "")
    let run = try site.belfry("run", name, "--config", site.configuration(), "--wait")
    #expect(run.status == 0, "\(run)")
    try await site.receipt(name, "of the schedule again", within: .seconds(60)) {
      $0.outcome == "Succeeded" && $0.json["cause"]?.stringValue == "schedule"
    }
    try await site.status("healthy") { $0.job(name)?["health"]?.stringValue == "Healthy" }
    await (try site.agent("q")).destroy()
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: to mount a small file system"))
  func aFullDiskStopsWhatIsNewAndLosesNothingOfWhatRuns() async throws {
    let site = try Site.current
    let disk = try SmallDisk(kilobytes: 40 << 10)
    let agent = try await site.startAgent(
      "full", stateFolder: disk.path + "/agent", more: ["--disk-reserve", "8M"])
    let gate = site.folder.path("disk-gate")
    let commit = try site.commit(
      site.job("stop/tick", agents: ["full"])
        .merging(
          site.job("stop/long", every: "300d", agents: ["full"], body: "until [ -e \(gate) ]; do sleep 0.1; done\n")
        ) {
          $1
        })
    _ = try await site.synced(commit, job: "stop/long")
    try await site.receipt("stop/tick", "the first")
    let answer = try site.belfry("run", "stop/long", "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    let run = try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
    _ = try await eventually("it is running") { try site.sightings("stop/long").isEmpty ? nil : true }

    let began = Date()
    try disk.fill()
    try await site.status("it says why nothing starts") { status in
      status.agent("full")?["problems"]?.arrayValue?.contains {
        $0.stringValue?.contains("nothing starts") == true && $0.stringValue?.contains("disk-reserve") == true
      } == true
    }
    let refused = try site.belfry("run", "stop/long", "--config", site.configuration())
    #expect(refused.status != 0 && (refused.output + refused.errors).contains("disk-reserve"), "\(refused)")
    // What was going ends, and its receipt arrives while the disk is full.
    try site.folder.write("disk-gate", "")
    #expect(try await site.receipt("stop/long", "of what was going") { $0.run == run }.outcome == "Succeeded")
    _ = try await eventually("instants were held back") { Date().timeIntervalSince(began) > 4 ? true : nil }
    let seen = try site.sightings("stop/tick").count
    #expect(!agent.hasEnded, "\(agent.output)")

    disk.free()
    try await site.receipt("stop/tick", "of what was held back") { $0.outcome == "NoRoom" }
    _ = try await eventually("it goes on") { try site.sightings("stop/tick").count > seen ? true : nil }
    try await site.status("no problem is left") { $0.agent("full")?["problems"]?.arrayValue?.isEmpty == true }
    try site.commit(["jobs/stop/tick.yaml": nil, "jobs/stop/long.yaml": nil])
    let covered = try site.receipts("stop/tick").reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
    #expect(covered.count == Int((covered.max() ?? 0) - (covered.min() ?? 0)) + 1, "each second is spoken for")
    await agent.destroy()
  }
}
