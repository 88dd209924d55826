import Git
import Model
@testable import Results
import TestSupport
import Testing
import Trust

@Suite struct WriterTests {
  @Test func theFirstClaimMakesTheBranch() throws {
    let remotes = try Remotes()
    let claim = try remotes.writer().claimEpoch(now: Sample.start)
    #expect(claim.epoch == 1 && claim.isNewBranch && claim.previousEpoch == nil && !claim.replacedControllerKey)
    #expect(try remotes.files() == ["README.md", "controller.pem"])
    #expect(try remotes.show("controller.pem") + "\n" == Sample.shared().publicKey.pem)
    let message = try git("log", "-1", "--format=%B", "belfry/results", in: remotes.path)
    #expect(message.contains("results: one takes over as epoch 1\n\nBelfry-Epoch: 1\nBelfry-Writer: one\n"))
  }

  @Test func nothingIsWrittenWithoutAClaim() throws {
    let remotes = try Remotes()
    let writer = try remotes.writer()
    #expect(throws: ResultsError.self) { try writer.append([], now: Sample.start) }
    #expect(throws: ResultsError.self) { try writer.push() }
  }

  @Test func aBatchIsOneCommitAndOnePack() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let samples = (0..<200).map {
      Sample(job: "team/j\($0 % 20)", nominal: Sample.start + .seconds($0), agent: $0 % 3, logs: ["log \($0)\n"])
    }
    let packs = { try command(["sh", "-c", "ls objects/pack/*.pack | wc -l"], in: $0).output }
    let before = try (packs(remotes.path), packs(remotes.folder.path("cache-one.git")))
    let outcome = try writer.append(samples.map { try $0.delivery() }, now: Sample.start)
    #expect(outcome.added.count == 200 && outcome.refused.isEmpty)
    #expect(try writer.pushed() == Set(outcome.added))
    let after = try (packs(remotes.path), packs(remotes.folder.path("cache-one.git")))
    #expect(before == ("1\n", "1\n") && after == ("2\n", "2\n"))
    #expect(try git("rev-list", "--count", "belfry/results", in: remotes.path) == "2")
    #expect(try git("fsck", "--strict", "--no-dangling", in: remotes.path) == "")
    #expect(try git("count-objects", in: remotes.path).hasPrefix("0 objects"))
    #expect(try remotes.files().filter { $0.hasSuffix(".ndjson") }.count == 200)
    #expect(try remotes.show("logs/team/j7/2026/11/20/02/3007Z/db-1.1.log") == "log 7")
    #expect(
      try remotes.show("runs/team/j7/2026/11/20/02/3007Z.ndjson").utf8.elementsEqual(samples[7].delivery().signed.line))
    #expect(try remotes.show("jobs/team/j7/README.md").contains("| [2026-11-20 02:30:07]("))
  }

  @Test func gitVerifiesTheCommits() throws {
    guard try command(["sh", "-c", "command -v ssh-keygen"]).status == 0 else { return }
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    _ = try writer.append([Sample().delivery()], now: Sample.start)
    _ = try writer.push()
    let signers = try remotes.folder.write(
      "signers", Sample.shared().publicKey.allowedSignersLine(principal: "belfry@localhost") + "\n")
    let shown = try command(
      ["git", "-c", "gpg.ssh.allowedSignersFile=\(signers)", "log", "--format=%G? %GS", "belfry/results"],
      in: remotes.path)
    #expect(shown.output == "G belfry@localhost\nG belfry@localhost\n", "\(shown.errors)")
  }

  @Test func onlyAPushMakesRunsCertain() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let delivery = try Sample().delivery()
    let run = delivery.signed.value.run
    let first = try writer.append([delivery], now: Sample.start)
    #expect(first.added == [run] && writer.unpushedReceipts == 1)
    #expect(try remotes.files().allSatisfy { !$0.hasPrefix("runs/") })
    #expect(try writer.pushed() == [run])
    #expect(writer.unpushedReceipts == 0)
    // Delivered again, it is acknowledged again, without a commit.
    let again = try writer.append([delivery], now: Sample.start)
    #expect(again.commit == nil && again.added.isEmpty && again.present == [run])
    #expect(try writer.pushed() == [run])
    #expect(try writer.pushed() == [])
    #expect(try git("rev-list", "--count", "belfry/results", in: remotes.path) == "2")
  }

  @Test func aConflictingReceiptIsRefusedAndTheOthersAreWritten() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    _ = try writer.append([Sample().delivery()], now: Sample.start)
    let outcome = try writer.append(
      [Sample(outcome: .ran(.failed)).delivery(), Sample(agent: 2).delivery()], now: Sample.start)
    #expect(outcome.refused.map(\.reason) == [.conflict] && outcome.added.count == 1)
    #expect(try writer.pushed().count == 2)
  }

  @Test func anUnreachableRemoteChangesNothing() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let outcome = try writer.append([Sample().delivery()], now: Sample.start)
    try command(["mv", remotes.path, remotes.path + ".away"])
    #expect(throws: ResultsError.self) { try writer.push() }
    _ = try writer.append([Sample(agent: 2).delivery()], now: Sample.start)
    #expect(throws: ResultsError.self) { try writer.push() }
    #expect(writer.unpushedReceipts == 2)
    try command(["mv", remotes.path + ".away", remotes.path])
    let runs = try writer.pushed()
    #expect(runs.count == 2 && runs.isSuperset(of: outcome.added))
  }

  @Test func theResultsMayStandInTheSourceRepository() throws {
    let folder = try TemporaryFolder("source")
    try git("init", "-q", "-b", "main", in: folder.path)
    try folder.write("belfry.yaml", "belfry: 1\n")
    try git("add", "-A", in: folder.path)
    try git("commit", "-q", "-m", "first", in: folder.path)
    let repository = try Repository.openOrCreateBare(at: folder.path(".cache.git"))
    let writer = ResultsWriter(
      repository: repository, remote: Remote(url: folder.path),
      identity: .init(writer: "dev", source: "here", key: try Sample.shared()))
    _ = try writer.claimEpoch(now: Sample.start)
    _ = try writer.append([Sample().delivery()], now: Sample.start)
    #expect(try writer.pushed().count == 1)
    #expect(try git("rev-list", "--count", "main", in: folder.path) == "1")
    #expect(try git("show", "belfry/results:jobs/orders/backup/README.md", in: folder.path).contains("Succeeded"))
  }

  @Test func theOverviewIsRenderedOnceAMinute() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let overview = Overview(jobs: [try JobName("orders/backup"): .init(next: Sample.start + .seconds(600))])
    func page(_ seconds: Int) throws -> String {
      let now = Sample.start + .seconds(seconds)
      _ = try writer.append([Sample(nominal: now).delivery()], overview: overview, now: now)
      _ = try writer.push()
      return try remotes.show("README.md")
    }
    #expect(
      try page(0).contains(
        "`](jobs/orders/backup/README.md) | Succeeded | 2026-11-20 02:30:00 | 1 succeeded | 2026-11-20 02:40:00 |"
      ))
    #expect(try page(59).contains("1 succeeded"))
    #expect(try page(60).contains("3 succeeded"))
    // A clock that was set back does not stop it.
    #expect(try page(-3_600).contains("4 succeeded"))
  }

  @Test func nothingIsCommittedForTheOverviewAlone() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let overview = Overview(jobs: [try JobName("a"): .init()])
    #expect(try writer.append([], overview: overview, now: Sample.start).commit == nil)
  }

  @Test func pagesAreTheSameAfterAColdStart() throws {
    let remotes = try Remotes()
    let warm = try remotes.claimedWriter("warm")
    var random = SeededGenerator(seed: testSeed)
    var samples = (0..<130).map {
      Sample(
        job: "a/j\($0 % 2)", nominal: Sample.start + .seconds(7_200 * ($0 / 2)), agent: $0 % 3,
        outcome: $0 % 7 == 0 ? .ran(.failed) : .ran(.succeeded), logs: $0 % 3 == 0 ? ["x"] : [])
    }
    samples += (0..<40).map {
      Sample(job: "a/j0", nominal: Sample.start + .seconds(7_200 * ($0 + 30)), agent: 10 + $0 % 2)
    }
    samples.shuffle(using: &random)
    let overview = Overview(jobs: [
      try JobName("a/j0"): .init(), try JobName("a/j1"): .init(), try JobName("b"): .init(),
    ])
    for start in stride(from: 0, to: samples.count, by: 17) {
      let batch = try samples[start..<min(start + 17, samples.count)].map { try $0.delivery() }
      _ = try warm.append(batch, overview: overview, now: Sample.start + .seconds(100 * start))
    }
    _ = try warm.push()
    let last = Sample(job: "a/j0", nominal: Sample.start + .seconds(7_200 * 64))
    let now = Sample.start + .seconds(100_000)
    let warmTip = try #require(try warm.append([last.delivery()], overview: overview, now: now).commit)
    let cold = try remotes.claimedWriter("cold")
    let coldTip = try #require(try cold.append([last.delivery()], overview: overview, now: now).commit)
    _ = try cold.push()
    for file in ["README.md", "jobs/a/j0/README.md", "jobs/a/j1/README.md"] {
      let warmPage = try git("show", "\(warmTip):\(file)", in: remotes.folder.path("cache-warm.git"))
      let coldPage = try git("show", "\(coldTip):\(file)", in: remotes.folder.path("cache-cold.git"))
      #expect(warmPage == coldPage, "seed \(testSeed)")
      #expect(warmPage.split(separator: "\n").count > 4)
    }
  }

  @Test func agentKeysArePinned() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let (one, two) = try (SigningKey.generate().publicKey, SigningKey.generate().publicKey)
    let agent = Sample.agentID(1)
    #expect(try writer.append([], newAgentKeys: [agent: one], now: Sample.start).commit != nil)
    #expect(try writer.append([], newAgentKeys: [agent: one], now: Sample.start).commit == nil)
    let changed = try writer.append([], newAgentKeys: [agent: two], now: Sample.start)
    #expect(changed.commit == nil && changed.refusedKeys == [agent])
    _ = try writer.push()
    #expect(try remotes.show(ResultsLayout.agentKey(agent)) + "\n" == one.pem)
    // A controller that lost its disk knows them from the branch.
    let next = try remotes.claimedWriter("two")
    #expect(next.agentKeys == [agent: one])
    #expect(try next.append([], newAgentKeys: [agent: two], now: Sample.start).refusedKeys == [agent])
  }

  @Test func namesAreWhatTheBranchSays() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let (one, two) = (Sample.agentID(1), Sample.agentID(2))
    let (old, new) = (try AgentName("old"), try AgentName("new"))
    let path = ResultsLayout.agentNames(one)
    #expect(ResultsLayout.parse(path) == .agentNames(one) && ResultsPath.agentNames(one).text == path)
    #expect(try writer.append([], newAgentNames: [one: old, two: new], now: Sample.start).commit != nil)
    #expect(try writer.append([], newAgentNames: [one: new], now: Sample.start).commit == nil, "it has one")
    _ = try writer.push()
    #expect(try remotes.show(path) == "old")
    #expect(writer.agentNames == [one: [old], two: [new]])
    // A controller that lost its disk knows them from the branch.
    #expect(try remotes.claimedWriter("two").agentNames == [one: [old], two: [new]])
  }

  @Test func aPersonsCommitRenamesAnAgentAndReleasesAName() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let (one, two) = (Sample.agentID(1), Sample.agentID(2))
    let (old, new) = (try AgentName("old"), try AgentName("new"))
    _ = try writer.append([], newAgentNames: [one: old, two: new], now: Sample.start)
    _ = try writer.push()
    try remotes.foreignCommit(ResultsLayout.agentNames(one), " newer \n\nold\n")
    _ = try writer.look()
    #expect(writer.agentNames == [one: [try AgentName("newer"), old], two: [new]])
    try remotes.foreignRemoval(ResultsLayout.agentNames(one))
    _ = try writer.look()
    #expect(writer.agentNames == [two: [new]])
    #expect(try writer.append([], now: Sample.start).commit == nil, "what was released is not put back")
    // What nobody meant to release stays: the branch is deleted, and begins anew.
    try git("update-ref", "-d", "refs/heads/belfry/results", in: remotes.path)
    _ = try writer.look()
    #expect(writer.agentNames == [two: [new]])
    _ = try writer.append([Sample().delivery()], now: Sample.start)
    _ = try writer.push()
    #expect(try remotes.show(ResultsLayout.agentNames(two)) == "new")
  }

  @Test(arguments: [
    "": nil, "\n\n": nil, "a": ["a"], "a\nb\n": ["a", "b"], "a\r\nb": ["a", "b"], "A": nil, "a\n../b": nil,
    "a b": nil, String(repeating: "a\n", count: 17): nil,
  ])
  func aFileOfNamesIsReadWholeOrNotAtAll(_ text: String, _ names: [String]?) {
    #expect(AgentNamesFile.read(Array(text.utf8))?.map(\.text) == names)
  }
}
