import Foundation
import Model
import TestSupport
import Testing

/// A program that dies at a named point, and where that is.
struct CrashRow: Sendable, CustomTestStringConvertible {
  let point: String
  /// What must happen for the point to be reached, beside what happens anyhow.
  var needs = Need.nothing
  var testDescription: String { point }

  enum Need: Sendable { case nothing, newAssignment, newAgent }

  static let agent = [
    CrashRow(point: "agent.ledgerWritten"),
    CrashRow(point: "agent.beforeLaunch"),
    CrashRow(point: "agent.launched"),
    CrashRow(point: "agent.attemptEnded"),
    CrashRow(point: "agent.endWritten"),
    CrashRow(point: "agent.receiptsSent"),
    CrashRow(point: "agent.beforeAcknowledged"),
    CrashRow(point: "agent.acknowledged"),
    CrashRow(point: "agent.assignmentStored", needs: .newAssignment),
    CrashRow(point: "agent.installed", needs: .newAssignment),
    CrashRow(point: "agent.keyWritten", needs: .newAgent),
  ]

  static let controller = [
    CrashRow(point: "controller.claimed"),
    CrashRow(point: "controller.sourceFetched", needs: .newAssignment),
    CrashRow(point: "controller.assignmentSent", needs: .newAssignment),
    CrashRow(point: "controller.received"),
    CrashRow(point: "controller.committed"),
    CrashRow(point: "controller.pushed"),
  ]
}

/// Kill -9 at every point where something is written down and not yet done, or done and not yet written down.
///
/// All points share two jobs that fire every second or two; after the last point the jobs are removed, and the whole
/// time is accounted for.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(5)))
struct CrashTests {
  static let jobs = ["crash/tick", "crash/flaky"]

  private func began(_ site: Site) async throws {
    guard (try? site.agent("a")) == nil else { return }
    try await site.startAgent("a")
    // Only for this agent: what the newcomer has armed when it is killed runs, and nobody comes back to tell of it.
    // The second job's first attempt always fails, so that every run of it is tried again.
    try site.commit(
      site.job("crash/tick", agents: ["a"], body: "echo tick\n").merging(
        site.job(
          "crash/flaky", every: "2s", agents: ["a"], more: "retry: {attempts: 2, backoff: 100ms}\n",
          body: "[ \"$BELFRY_ATTEMPT\" -ge 2 ]\n")
      ) { $1 })
    try await site.receipt("crash/tick", "the first")
  }

  @Test(arguments: CrashRow.agent)
  func theAgentDies(_ row: CrashRow) async throws {
    let site = try Site.current
    try await began(site)
    if row.needs == .newAgent {
      let newcomer = try site.launchAgent("newcomer", crashAt: row.point)
      #expect(await newcomer.end() == 137, "\(newcomer.output)")
      let again = try await site.startAgent("newcomer")
      try await site.status("the newcomer is connected") { $0.agent("newcomer")?["connected"]?.boolValue == true }
      return await again.destroy()
    }
    await (try site.agent("a")).destroy()
    let armed = try site.launchAgent("a", crashAt: row.point)
    if row.needs == .newAssignment {
      _ = await armed.line(containing: "connected")
      try site.commit([
        "jobs/crash/other.yaml": "job: crash/other\ntriggers: [{every: 7d}]\nrun: {command: [echo, \(row.point)]}\n"
      ])
    }
    #expect(await armed.end() == 137, "it should have died at \(row.point): \(armed.output)")
    try await site.startAgent("a")
    try await goesOn(site)
  }

  @Test(arguments: CrashRow.controller)
  func theControllerDies(_ row: CrashRow) async throws {
    let site = try Site.current
    try await began(site)
    await (try site.controller).destroy()
    let armed = try site.launchController(crashAt: row.point)
    if row.needs == .newAssignment {
      _ = await armed.line(containing: "ready")
      try site.commit([
        "jobs/crash/other.yaml": "job: crash/other\ntriggers: [{every: 7d}]\nrun: {command: [echo, \(row.point)]}\n"
      ])
    }
    #expect(await armed.end() == 137, "it should have died at \(row.point): \(armed.output)")
    try await site.startController()
    try await goesOn(site)
  }

  /// A receipt for a run after this moment comes.
  private func goesOn(_ site: Site) async throws {
    let last = try site.sightings("crash/tick").last?.nominal ?? Timestamp(seconds: 0)
    try await site.receipt("crash/tick", "after the restart") { $0.nominal > last && $0.outcome == "Succeeded" }
  }

  @Test func inTheEndEverythingIsAccountedForOnce() async throws {
    let site = try Site.current
    try await began(site)
    let commit = try site.commit(["jobs/crash/tick.yaml": nil, "jobs/crash/flaky.yaml": nil], "Stop")
    try await site.status("drained", within: .seconds(40)) { status in
      let agent = status.agent("a")
      return status["source"]?["commit"]?.stringValue == commit && agent?["sync"]?.stringValue == "Synced"
        && agent?["running"]?.arrayValue?.isEmpty == true && agent?["spooled"]?.integerValue == 0
        && status["results"]?["pending"]?.integerValue == 0
    }
    for job in Self.jobs {
      // A run that was armed when its job went may have begun all the same; its receipt is on its way.
      _ = try await eventually("each run of \(job) has its receipt", within: .seconds(40)) {
        let recorded = Set(try site.receipts(job).map(\.run))
        return try site.sightings(job).allSatisfy { recorded.contains($0.run) } ? true : nil
      }
      try account(for: job, every: job == "crash/tick" ? 1 : 2, on: site)
    }
    try git("fsck", "--strict", in: site.results)
  }

  private func account(for job: String, every step: Int64, on site: Site) throws {
    let receipts = try site.receipts(job)
    let sightings = try site.sightings(job)
    #expect(Set(receipts.map(\.run)).count == receipts.count, "\(job): a run has two receipts")
    #expect(Set(sightings).count == sightings.count, "\(job): an attempt was made twice")
    let recorded = Dictionary(receipts.map { ($0.run, $0) }, uniquingKeysWith: { first, _ in first })
    for sighting in sightings {
      let receipt = recorded[sighting.run]
      #expect(receipt != nil, "\(job): \(sighting) has no receipt")
      #expect(
        (receipt?.attempts.count ?? 0) >= Int(sighting.attempt) ?? 0, "\(job): the attempt is missing: \(sighting)")
    }
    let sighted = Set(sightings.map(\.run))
    for receipt in receipts where receipt.outcome == "Succeeded" || receipt.outcome == "Failed" {
      #expect(sighted.contains(receipt.run), "\(job): a receipt for what nobody saw: \(receipt.json.text)")
      #expect(receipt.outcome == "Succeeded", "\(job): \(receipt.json.text)")
    }
    let covered = receipts.reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
    let first = try #require(covered.min())
    let last = try #require(covered.max())
    let missing = stride(from: first, through: last, by: Int(step)).filter { !covered.contains($0) }
    #expect(missing.isEmpty, "\(job): nothing is known of these seconds")
  }
}
