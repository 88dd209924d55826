import Foundation
import Model
import TestSupport
import Testing

/// A results branch that others write to, that is gone for a while, or that belongs to another controller now.
@Suite(.serialized, .sharedSite(Site.Layout(resultsElsewhere: true)), .timeLimit(.minutes(10)))
struct ResultsTroubleTests {
  static let job = "results/tick"

  private func began(_ site: Site) async throws {
    if (try? site.agent("r")) == nil {
      try await site.startAgent("r")
      try site.commit(site.job(Self.job))
    }
    if try site.controller.hasEnded { try await site.startController() }
    try await goesOn(site)
  }

  private func goesOn(_ site: Site) async throws {
    let last = try site.sightings(Self.job).last?.nominal ?? Timestamp(seconds: 0)
    try await site.receipt(Self.job, "after \(last)") { $0.nominal > last }
  }

  private func check(_ site: Site) throws {
    let receipts = try site.receipts(Self.job)
    #expect(Set(receipts.map(\.run)).count == receipts.count)
    let covered = receipts.reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
    let first = try #require(covered.min())
    let last = try #require(covered.max())
    #expect((first...last).filter { !covered.contains($0) } == [])
    try git("fsck", "--strict", in: site.results)
  }

  @Test func someoneElsesCommitOnTheBranchStays() async throws {
    let site = try Site.current
    try await began(site)
    let clone = site.folder.path("notes")
    try git("clone", "-q", "--branch", Site.branch, site.results, clone, in: site.folder.path)
    try site.folder.write("notes/NOTES.md", "a note\n")
    try git("add", "-A", in: clone)
    try git("commit", "-q", "-m", "A note", in: clone)
    // The controller pushes several times a second, so it may take a few goes.
    _ = try await eventually("the note is pushed") {
      try git("pull", "-q", "--rebase", "origin", Site.branch, in: clone)
      return try command(["git", "push", "-q", "origin", "HEAD:\(Site.branch)"], in: clone).status == 0 ? true : nil
    }
    let note = try git("rev-parse", "HEAD", in: clone)
    try await goesOn(site)
    #expect(try site.file("NOTES.md") == "a note\n")
    #expect(try command(["git", "merge-base", "--is-ancestor", note, Site.branch], in: site.results).status == 0)
    try check(site)
  }

  @Test func aBranchThatWasDeletedComesBack() async throws {
    let site = try Site.current
    try await began(site)
    try git("update-ref", "-d", "refs/heads/\(Site.branch)", in: site.results)
    let last = try site.sightings(Self.job).last?.nominal ?? Timestamp(seconds: 0)
    try await site.receipt(Self.job, "on the new branch") { $0.nominal > last }
    #expect(try site.file("controller.pem") != nil)
    try git("fsck", "--strict", in: site.results)
  }

  @Test func receiptsWaitWhileTheRemoteIsAway() async throws {
    let site = try Site.current
    try await began(site)
    try FileManager.default.moveItem(atPath: site.results, toPath: site.results + ".away")
    let from = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))
    let status = try await site.status("results wait") { status in
      status["results"]?["state"]?.stringValue == "waiting" && status["results"]?["reason"]?.stringValue != nil
        && (status.agent("r")?["spooled"]?.integerValue ?? 0) >= 2
    }
    #expect(status.job(Self.job)?["sync"]?.stringValue == "Synced", "the fleet does not mind")
    try FileManager.default.moveItem(atPath: site.results + ".away", toPath: site.results)
    let seen = try site.sightings(Self.job).filter { $0.nominal > from }
    #expect(seen.count >= 2)
    for sighting in seen {
      try await site.receipt(Self.job, "of \(sighting.nominal)", within: .seconds(60)) { $0.run == sighting.run }
    }
    try await site.status("results are well") { $0["results"]?["state"]?.stringValue == "ok" }
  }

  /// With the same state folder it would take the epoch, and the token, from one that works.
  @Test func aSecondControllerOfTheSameFolderStopsNobody() async throws {
    let site = try Site.current
    try await began(site)
    let first = try site.controller
    let second = try site.launchController()
    #expect(await second.end() == 3, "\(second.output)")
    #expect(second.output.contains("another controller is using the state folder"), "\(second.output)")
    // Another folder, and the same port.
    let third = try site.launchController("third", more: "", address: site.address())
    #expect(await third.end() == 3, "\(third.output)")
    #expect(third.output.contains("agents.listen: cannot listen on 127.0.0.1:"), "\(third.output)")
    #expect(third.output.contains("Address already in use"), "\(third.output)")
    #expect(!first.hasEnded)
    try await goesOn(site)
  }

  @Test func theControllerThatStartsLaterActsAlone() async throws {
    let site = try Site.current
    try await began(site)
    let first = try site.controller
    let second = try await site.startController("second")
    #expect(await first.end() == 3, "\(first.output)")
    #expect(first.output.contains("taken over"), "\(first.output)")
    #expect(!second.hasEnded)
    // The agent still dials the first one's address; started again, that one claims a higher epoch.
    let third = try await site.startController()
    #expect(await second.end() == 3, "\(second.output)")
    #expect(!third.hasEnded)
    try await goesOn(site)
  }
}
