import Foundation
import Model
import TestSupport
import Testing

/// Flipped bytes in an agent's store: refused, never run, and healed by the controller.
///
/// Every single byte is tried in the tests of Trust and Execution; these are a dozen places in each kind of file, in the
/// whole program.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct TamperingTests {
  static let jobs = (0..<6).map { "tamper/job-\($0)" }
  static let rounds = 2

  private func began(_ site: Site) async throws {
    if (try? site.agent("t")) == nil {
      try await site.startAgent("t")
      var files: [String: String?] = [:]
      for job in Self.jobs { files.merge(site.job(job, body: "echo \(job)\n")) { $1 } }
      try site.commit(files)
    } else if try site.agent("t").hasEnded {
      try await site.startAgent("t")
    }
    if try site.controller.hasEnded { try await site.startController() }
    for job in Self.jobs { try await healthy(job, site) }
  }

  /// A run that started from now on succeeds.
  private func healthy(_ job: String, _ site: Site) async throws {
    let now = Self.now
    try await site.receipt(job, "success") { $0.nominal > now && $0.outcome == "Succeeded" }
  }

  private static var now: Timestamp { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)) }

  /// For each job the file to damage.
  private func stored(_ kind: String, _ site: Site) throws -> [String: String] {
    let store = site.folder.path("agent-t") + "/store/"
    let status = try #require(try site.status())
    return try Dictionary(
      uniqueKeysWithValues: Self.jobs.map { job in
        if kind == "bundles" {
          return (job, store + "bundles/" + (status.job(job)?["bundle"]?.stringValue ?? "") + ".dsse")
        }
        let sum = try command(["sha256sum", "\(site.work)/scripts/\(job).sh"]).output.prefix(64)
        return (job, store + "blobs/" + sum)
      })
  }

  /// Replaces the file as a whole, so that no reader sees half of it.
  private func replace(_ path: String, with bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + ".tampered"))
    guard rename(path + ".tampered", path) == 0 else { throw CommandFailure(description: "cannot rename to \(path)") }
  }

  private func flipped(_ bytes: [UInt8], _ part: Int, of parts: Int) -> [UInt8] {
    var bytes = bytes
    let position = part == 0 ? 0 : (bytes.count - 1) * part / (parts - 1)
    bytes[position] ^= UInt8(1 << (part % 7))
    return bytes
  }

  @Test(arguments: ["bundles", "blobs"])
  func aRunningAgentRefusesDamagedFiles(_ kind: String) async throws {
    let site = try Site.current
    try await began(site)
    let paths = try stored(kind, site)
    await (try site.controller).destroy()
    let agent = try site.agent("t")
    var windows: [(job: String, times: ClosedRange<Timestamp>)] = []
    for round in 0..<Self.rounds {
      var intact: [String: [UInt8]] = [:]
      for (index, job) in Self.jobs.enumerated() {
        let path = try #require(paths[job])
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        intact[path] = bytes
        try replace(path, with: flipped(bytes, round * Self.jobs.count + index, of: Self.rounds * Self.jobs.count))
      }
      // What was armed before the damage runs what was hashed then. After a first refusal nothing of the kind is left.
      let counts = refusals(agent)
      try await refused(counts, more: 1, agent)
      let from = Self.now
      try await refused(counts, more: 2, agent)
      windows += Self.jobs.map { ($0, from...Self.now) }
      if round < Self.rounds - 1 { for (path, bytes) in intact { try replace(path, with: bytes) } }
    }
    // The last damage is left for the controller to heal.
    try await site.startController()
    for job in Self.jobs {
      try await healthy(job, site)
      let sighted = Set(try site.sightings(job).map(\.run))
      let receipts = try site.receipts(job)
      let refused = receipts.filter { $0.outcome == "RefusedVerification" }
      #expect(refused.count >= Self.rounds, "\(job)")
      #expect(refused.allSatisfy { !sighted.contains($0.run) && !$0.reason.isEmpty }, "\(job)")
      for window in windows where window.job == job {
        let ran = receipts.filter { receipt in
          guard let started = receipt.json["started"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }) else {
            return false
          }
          return window.times.contains(started)
        }
        #expect(ran.isEmpty, "\(job) ran while its \(kind) were damaged: \(ran.map(\.json.text))")
      }
    }
  }

  /// Waits until each job was refused so many times more than `counts` say.
  private func refused(_ counts: [String: Int], more: Int, _ agent: Program) async throws {
    for job in Self.jobs {
      _ = try await eventually("\(job) is refused") {
        (refusals(agent)[job] ?? 0) >= (counts[job] ?? 0) + more ? true : nil
      }
    }
  }

  /// Lines in the agent's log that say so, by job.
  private func refusals(_ agent: Program) -> [String: Int] {
    let lines = agent.output.split(separator: "\n").filter { $0.contains("refused to run") }
    return Dictionary(uniqueKeysWithValues: Self.jobs.map { job in (job, lines.count { $0.contains("job=\(job) ") }) })
  }

  @Test func aDamagedAssignmentIsNotFollowedAfterARestart() async throws {
    let site = try Site.current
    try await began(site)
    await (try site.controller).destroy()
    await (try site.agent("t")).destroy()
    let folder = site.folder.path("agent-t") + "/assignments/"
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
    let intact = Array(try Data(contentsOf: URL(fileURLWithPath: folder + name)))
    for part in 0..<12 {
      try replace(folder + name, with: flipped(intact, part, of: 12))
      let agent = try await site.startAgent("t")
      #expect(agent.output.contains("the installed assignment is refused"), "part \(part): \(agent.output)")
      #expect(agent.output.contains("jobs=0"), "part \(part): \(agent.output)")
      await agent.destroy()
    }
    try await site.startAgent("t")
    try await site.startController()
    for job in Self.jobs { try await healthy(job, site) }
  }

  @Test func damagedBundlesAreNotFiredAfterARestart() async throws {
    let site = try Site.current
    try await began(site)
    let paths = try stored("bundles", site)
    await (try site.controller).destroy()
    await (try site.agent("t")).destroy()
    for (index, job) in Self.jobs.enumerated() {
      let path = try #require(paths[job])
      try replace(
        path, with: flipped(Array(try Data(contentsOf: URL(fileURLWithPath: path))), index, of: Self.jobs.count))
    }
    let agent = try await site.startAgent("t")
    for job in Self.jobs {
      #expect(
        agent.output.split(separator: "\n").contains {
          $0.contains("an installed job is refused") && $0.contains("job=\(job) ")
        })
    }
    #expect(agent.output.contains("jobs=0"))
    try await site.startController()
    for job in Self.jobs { try await healthy(job, site) }
  }
}
