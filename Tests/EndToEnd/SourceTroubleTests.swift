import Foundation
import Model
import TestSupport
import Testing

/// Unreachable is not empty, rewritten is not meant, and broken is not removed.
@Suite(.serialized, .sharedSite(Site.Layout(resultsElsewhere: true)), .timeLimit(.minutes(10)))
struct SourceTroubleTests {
  static let job = "source/steady"

  private func began(_ site: Site) async throws {
    guard (try? site.agent("s")) == nil else { return }
    try await site.startAgent("s")
    let commit = try site.commit(site.job(Self.job))
    _ = try await site.synced(commit, job: Self.job)
  }

  /// The job fires on, and its results arrive.
  private func goesOn(_ site: Site) async throws {
    let last = try site.sightings(Self.job).last?.nominal ?? Timestamp(seconds: 0)
    try await site.receipt(Self.job, "after \(last)") { $0.nominal > last && $0.outcome == "Succeeded" }
  }

  private func isUnknown(_ site: Site, because reason: String) async throws {
    let status = try await site.status("the source is unknown") { status in
      status["source"]?["status"]?.stringValue == "unknown"
        && status["source"]?["reason"]?.stringValue?.contains(reason) == true
    }
    #expect(status.job(Self.job)?["sync"]?.stringValue == "Unknown")
    #expect(status.agent("s")?["jobs"]?.integerValue ?? 0 >= 1, "nothing was taken away")
    try await goesOn(site)
  }

  private func isKnown(_ site: Site) async throws {
    try await site.status("the source is known again") { status in
      status["source"]?["status"]?.stringValue == "known" && status.job(Self.job)?["sync"]?.stringValue == "Synced"
    }
  }

  @Test func aRepositoryThatVanishesChangesNothing() async throws {
    let site = try Site.current
    try await began(site)
    try FileManager.default.moveItem(atPath: site.source, toPath: site.source + ".away")
    try await isUnknown(site, because: "source.git")
    try FileManager.default.moveItem(atPath: site.source + ".away", toPath: site.source)
    try await isKnown(site)
  }

  @Test func aBranchThatVanishesChangesNothing() async throws {
    let site = try Site.current
    try await began(site)
    try git("update-ref", "-d", "refs/heads/main", in: site.source)
    try await isUnknown(site, because: "no branch 'main'")
    try git("push", "-q", "origin", "main", in: site.work)
    try await isKnown(site)
  }

  @Test func aRewrittenHistoryWaitsUntilItIsAccepted() async throws {
    let site = try Site.current
    try await began(site)
    try git("commit", "-q", "--amend", "-m", "another past", in: site.work)
    try git("push", "-q", "--force", "origin", "main", in: site.work)
    let tip = try git("rev-parse", "HEAD", in: site.work)
    try await isUnknown(site, because: "rewritten")
    let accepted = try site.belfry("accept", "HEAD", "--config", site.configuration())
    #expect(accepted.status == 0, "\(accepted)")
    try await isKnown(site)
    #expect(try site.status()?["source"]?["commit"]?.stringValue == tip)
    try await goesOn(site)
  }

  @Test func aBrokenManifestKeepsItsLastGoodVersionAndNoOtherWaits() async throws {
    let site = try Site.current
    try await began(site)
    let good = site.job("source/fragile", body: "echo good\n")
    let first = try site.commit(good)
    let bundle = try #require(try await site.synced(first, job: "source/fragile")["bundle"]?.stringValue)
    let steady = try #require(try site.status()?.job(Self.job)?["bundle"]?.stringValue)

    let manifest = try #require(good["jobs/source/fragile.yaml"] ?? nil)
    let second = try site.commit(
      site.job(Self.job, body: "echo changed\n").merging(
        ["jobs/source/fragile.yaml": manifest.replacing("timeout:", with: "timout:")]) { $1 })
    for turn in ["at once", "after the controller's restart", "after the restart of one that lost its disk"] {
      let status = try await site.status("the other job has changed, \(turn)") { status in
        status["source"]?["commit"]?.stringValue == second && status.job(Self.job)?["sync"]?.stringValue == "Synced"
          && status.agent("s")?["jobs"]?.integerValue == 2
      }
      #expect(status.job(Self.job)?["bundle"]?.stringValue != steady, "\(turn)")
      #expect(status.job("source/fragile")?["bundle"]?.stringValue == bundle, "\(turn)")
      let message = status["source"]?["diagnostics"]?.arrayValue?.first?["rendered"]?.stringValue ?? ""
      #expect(message.contains("jobs/source/fragile.yaml:") && message.contains("timout"), "\(turn): \(status.text)")
      let last = try site.sightings("source/fragile").last?.nominal ?? Timestamp(seconds: 0)
      try await site.receipt("source/fragile", "still, \(turn)") { $0.bundle == bundle && $0.nominal > last }
      guard turn != "after the restart of one that lost its disk" else { break }
      await (try site.controller).destroy()
      if turn != "at once" { try FileManager.default.removeItem(atPath: site.folder.path("controller-state")) }
      try await site.startController()
    }
    let third = try site.commit(good)
    #expect(try await site.synced(third, job: "source/fragile")["bundle"]?.stringValue == bundle)
  }

  @Test func anUnusableRootFileRemovesNothing() async throws {
    let site = try Site.current
    try await began(site)
    _ = try await site.synced(try site.commit(site.job("source/leaving")), job: "source/leaving")
    let broken = try site.commit(["belfry.yaml": "belfry: [\n", "jobs/source/leaving.yaml": nil])
    let status = try await site.status("incomplete") { status in
      status["source"]?["commit"]?.stringValue == broken && status["source"]?["status"]?.stringValue == "incomplete"
    }
    #expect(status.job("source/leaving") != nil && status.job(Self.job) != nil, "\(status.text)")
    try await goesOn(site)
    let mended = try site.commit(["belfry.yaml": "belfry: 1\n"])
    try await site.status("now it is gone") { status in
      status["source"]?["commit"]?.stringValue == mended && status.job("source/leaving") == nil
        && status.job(Self.job) != nil
    }
  }
}
