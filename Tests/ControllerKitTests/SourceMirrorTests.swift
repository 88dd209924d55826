@testable import ControllerKit
import Foundation
import Git
import Model
import Planning
import TestSupport
import Testing
import Trust
import ZoneInfo

/// What commits mean for what is desired, at a warm and at a cold start.
@Suite(.timeLimit(.minutes(10))) struct SourceMirrorTests {
  private let sources: Sources
  init() throws { sources = try Sources() }

  /// A mirror on a fresh disk, as after a controller lost its own.
  private func mirror(_ name: String = UUID().uuidString) -> SourceMirror {
    SourceMirror(
      folder: sources.folder.path(name), remote: Remote(url: sources.bare), branch: "main", zones: ZoneDatabase())
  }

  private func desired(_ finding: SourceMirror.Finding) throws -> DesiredState {
    guard case .loaded(let desired, _, _, _) = finding else { throw CommandFailure(description: "\(finding)") }
    return desired
  }

  private func names(_ state: DesiredState) -> [String] { state.jobs.keys.map(\.text).sorted() }

  @Test func whatIsCommittedIsDesired() async throws {
    let commit = try sources.commit(["jobs/a.yaml": Sources.job("a"), "jobs/b.yaml": Sources.job("b")])
    let mirror = mirror()
    let first = try desired(try await mirror.poll())
    #expect(names(first) == ["a", "b"])
    #expect(first.source == .known)
    guard case .unchanged(.known) = try await mirror.poll() else {
      throw CommandFailure(description: "nothing has changed")
    }
    let next = try sources.commit([
      "jobs/a.yaml": Sources.job("a", "false"), "jobs/b.yaml": nil, "jobs/c.yaml": Sources.job("c"),
    ])
    let second = try desired(try await mirror.poll())
    #expect(names(second) == ["a", "c"])
    #expect(second.jobs[try JobName("a")]?.commit == next)
    #expect(first.jobs[try JobName("a")]?.commit == commit)
    #expect(first.jobs[try JobName("a")]?.bundle != second.jobs[try JobName("a")]?.bundle)
  }

  private static func calendar(_ date: String) -> String {
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:\(date)\nEND:VEVENT\nEND:VCALENDAR\n"
  }

  @Test func aCalendarIsPartOfTheBundlesOfTheJobsThatNameIt() async throws {
    let root = "belfry: 1\ncalendars: {holidays: {ics: holidays.ics}}\n"
    try sources.commit([
      "belfry.yaml": root, "holidays.ics": Self.calendar("20261224"), "jobs/b.yaml": Sources.job("b"),
      "jobs/a.yaml": Sources.job("a") + "blackout: [holidays]\n",
    ])
    let mirror = mirror()
    let first = try desired(try await mirror.poll())
    let (a, b) = (try JobName("a"), try JobName("b"))
    #expect(first.jobs[a]?.job.blackout.first?.windows.count == 1)
    try sources.commit(["holidays.ics": Self.calendar("20261225")])
    let second = try desired(try await mirror.poll())
    #expect(second.jobs[a]?.bundle != first.jobs[a]?.bundle && second.jobs[b] == first.jobs[b])
    // More than is read of any file: the job stays as it was, and what else there is in the commit is taken.
    try sources.commit([
      "holidays.ics": String(repeating: "X-A:0123456789\n", count: 1_200_000), "jobs/c.yaml": Sources.job("c"),
    ])
    let third = try desired(try await mirror.poll())
    #expect(third.jobs[a] == second.jobs[a])
    #expect(names(third) == ["a", "b", "c"] && third.source == .known)
    try sources.commit(["holidays.ics": Self.calendar("20261224")])
    #expect(try desired(try await mirror.poll()).jobs[a]?.bundle == first.jobs[a]?.bundle)
  }

  @Test func theSameContentKeepsItsCommitAndARevertGivesTheSameBundle() async throws {
    let commit = try sources.commit(["jobs/a.yaml": Sources.job("a"), "jobs/b.yaml": Sources.job("b")])
    let mirror = mirror()
    let first = try desired(try await mirror.poll())
    try sources.commit(["jobs/b.yaml": Sources.job("b", "false")])
    let second = try desired(try await mirror.poll())
    #expect(second.jobs[try JobName("a")]?.commit == commit, "a commit elsewhere is no news to it")
    try sources.commit(["jobs/b.yaml": Sources.job("b")])
    let third = try desired(try await mirror.poll())
    #expect(third.jobs.mapValues(\.bundle) == first.jobs.mapValues(\.bundle))
  }

  @Test(arguments: [false, true])
  func aBrokenJobKeepsItsLastGoodVersion(isCold: Bool) async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a", "one"), "jobs/b.yaml": Sources.job("b")])
    try sources.commit(["jobs/a.yaml": Sources.job("a", "two"), "scripts/x.sh": "#!/bin/sh\n"])
    let warm = mirror()
    let good = try desired(try await warm.poll())
    try sources.commit(["jobs/a.yaml": Sources.job("a").replacing("every", with: "evry")])
    try sources.commit([
      "jobs/a.yaml": Sources.job("a").replacing("every", with: "evry"), "jobs/b.yaml": Sources.job("b", "new"),
    ])
    let mirror = isCold ? mirror() : warm
    let state = try desired(try await mirror.poll())
    #expect(state.jobs[try JobName("a")]?.bundle == good.jobs[try JobName("a")]?.bundle, "version two, not one")
    #expect(state.jobs[try JobName("b")]?.bundle != good.jobs[try JobName("b")]?.bundle)
    #expect(state.source == .known)
    let bundle = try #require(state.jobs[try JobName("a")]?.bundle)
    #expect(try await mirror.envelope(of: bundle, key: try SigningKey.generate()) != nil, "it can still be sent")
  }

  @Test func aJobThatWasNeverGoodIsNotDesiredAndKeepsNothingBack() async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a"), "jobs/bad.yaml": "job: bad\nrun: 1\n"])
    let state = try desired(try await mirror().poll())
    #expect(names(state) == ["a"])
    #expect(state.source == .known)
  }

  @Test func aJobThatWasRemovedAndComesBackBrokenHasNothingToKeep() async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a")])
    try sources.commit(["jobs/a.yaml": nil])
    try sources.commit(["jobs/a.yaml": "job: a\nrun: 1\n"])
    #expect(names(try desired(try await mirror().poll())).isEmpty)
  }

  @Test func whileItIsNotKnownWhatThereIsNothingGoes() async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a"), "jobs/b.yaml": Sources.job("b")])
    let mirror = mirror()
    _ = try await mirror.poll()
    try sources.commit(["belfry.yaml": "belfry: [\n", "jobs/b.yaml": nil])
    let state = try desired(try await mirror.poll())
    #expect(names(state) == ["a", "b"])
    guard case .incomplete(let reason) = state.source else { throw CommandFailure(description: "\(state.source)") }
    #expect(!reason.isEmpty)
    guard case .unchanged(.incomplete) = try await mirror.poll() else {
      throw CommandFailure(description: "it is still incomplete")
    }
    try sources.commit(["belfry.yaml": "belfry: 1\n"])
    #expect(names(try desired(try await mirror.poll())) == ["a"])
  }

  @Test func aRewrittenHistoryIsTakenOnlyWhenAccepted() async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a")])
    let mirror = mirror()
    _ = try await mirror.poll()
    try git("checkout", "-q", "--orphan", "other", in: sources.work)
    try git("branch", "-q", "-D", "main", in: sources.work)
    try git("checkout", "-q", "-B", "main", in: sources.work)
    let tip = try sources.commit(["jobs/a.yaml": Sources.job("a", "other")])
    for _ in 0..<2 { await #expect(throws: SourceProblem.self) { _ = try await mirror.poll() } }
    await mirror.accept(try commit("another one"))
    await #expect(throws: SourceProblem.self, "not the one that was accepted") { _ = try await mirror.poll() }
    await mirror.accept(tip)
    #expect(names(try desired(try await mirror.poll())) == ["a"])
    // And the next ordinary commit needs no pardon.
    try sources.commit(["jobs/b.yaml": Sources.job("b")])
    #expect(names(try desired(try await mirror.poll())) == ["a", "b"])
  }

  @Test func whatCannotBeReadIsAnErrorAndNotAnEmptySource() async throws {
    try sources.commit(["jobs/a.yaml": Sources.job("a")])
    let mirror = mirror()
    _ = try await mirror.poll()
    try git("update-ref", "-d", "refs/heads/main", in: sources.bare)
    await #expect(throws: GitError.self) { _ = try await mirror.poll() }
    try FileManager.default.moveItem(atPath: sources.bare, toPath: sources.bare + ".away")
    await #expect(throws: GitError.self) { _ = try await mirror.poll() }
    try FileManager.default.moveItem(atPath: sources.bare + ".away", toPath: sources.bare)
    try git("push", "-q", "origin", "main", in: sources.work)
    guard case .unchanged(.known) = try await mirror.poll() else {
      throw CommandFailure(description: "it is as it was")
    }
  }

  @Test func filesAreGivenOnlyToWhomeverTheirBundleIsMeantFor() async throws {
    let script = "#!/bin/sh\necho a\n"
    try sources.commit([
      "jobs/a.yaml": "job: a\ntriggers: [{every: 1h}]\nrun: {script: a.sh}\n", "a.sh": script,
      "jobs/b.yaml": Sources.job("b"),
    ])
    let mirror = mirror()
    let state = try desired(try await mirror.poll())
    let a = try #require(state.jobs[try JobName("a")]?.bundle)
    let b = try #require(state.jobs[try JobName("b")]?.bundle)
    #expect(try await mirror.blob(digest(script), of: [a]) == Array(script.utf8))
    #expect(try await mirror.blob(digest(script), of: [b]) == nil)
    #expect(try await mirror.blob(digest(script), of: []) == nil)
    #expect(try await mirror.blob(digest("another"), of: [a]) == nil)
  }

  @Test func onlyChangedFilesAreReadAgain() throws {
    let old = Sources.job("old")
    let script = "#!/bin/sh\necho steady\n"
    try sources.commit([
      "jobs/old.yaml": old, "jobs/s.yaml": "job: s\ntriggers: [{every: 1h}]\nrun: {script: s.sh}\n", "s.sh": script,
    ])
    func loader() -> RepositoryLoader { RepositoryLoader(zones: ZoneDatabase(), location: ("r", "main")) }
    let warm = loader()
    let repository = try Repository.open(at: sources.work)
    _ = try warm.load(commit: try repository.resolve("HEAD"), from: repository)
    let next = try sources.commit(["jobs/new.yaml": Sources.job("new")])
    // What is gone cannot be read, so whoever still knows it has not read it again.
    for path in ["jobs/old.yaml", "s.sh"] {
      let id = try git("rev-parse", "HEAD:" + path, in: sources.work)
      try FileManager.default.removeItem(atPath: sources.work + "/.git/objects/\(id.prefix(2))/\(id.dropFirst(2))")
    }
    let again = try Repository.open(at: sources.work)
    #expect(try warm.load(commit: next, from: again).jobs.map(\.job.name.text) == ["new", "old", "s"])
    #expect(throws: GitError.self) { _ = try loader().load(commit: next, from: try Repository.open(at: sources.work)) }
  }
}
