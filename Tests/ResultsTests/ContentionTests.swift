import Git
import Model
import Results
import TestSupport
import Testing
import Trust

/// What others do to the branch while a writer is at work.
@Suite struct ContentionTests {
  private func report(_ outcome: ResultsWriter.PushOutcome) throws -> ResultsWriter.PushReport {
    var pushed: ResultsWriter.PushReport?
    if case .pushed(let report) = outcome { pushed = report }
    return try #require(pushed, "\(outcome)")
  }

  @Test func aPersonsCommitIsKept() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let batches = [[Sample(logs: ["1"])], [Sample(agent: 2), Sample(job: "b")]]
    var runs: Set<RunID> = []
    for batch in batches { runs.formUnion(try writer.append(batch.map { try $0.delivery() }, now: Sample.start).added) }
    try remotes.foreignCommit("NOTES.md", "hello")
    let foreign = try CommitID(git("rev-parse", "belfry/results", in: remotes.path))
    let report = try report(writer.push())
    #expect(report.runs == runs && report.changes == [.foreignCommits(tip: foreign)])
    #expect(try remotes.show("NOTES.md") == "hello")
    #expect(
      try git("log", "--format=%s", "belfry/results", in: remotes.path) == """
        results: 2 succeeded
        results: 1 succeeded
        A person's edit
        results: one takes over as epoch 1
        """)
    #expect(try git("fsck", "--strict", "--no-dangling", in: remotes.path) == "")
  }

  @Test func editsAreComputedAgainOnWhatOthersWrote() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let mine = try Sample(agent: 2).delivery()
    _ = try writer.append([mine], now: Sample.start)
    // Somebody else puts another run's receipt into the very file.
    let other = try Sample(agent: 1, outcome: .ran(.failed)).delivery()
    let file = "runs/orders/backup/2026/11/20/02/3000Z"
    try remotes.foreignCommit(file + ".ndjson", String(decoding: other.signed.line, as: UTF8.self))
    try remotes.foreignCommit(file + ".sigs", String(decoding: other.signed.signatureLine, as: UTF8.self))
    #expect(try report(writer.push()).runs == [mine.signed.value.run])
    let lines = try remotes.show(file + ".ndjson").split(separator: "\n").map { Array($0.utf8) }
    #expect(lines == [other.signed.line, mine.signed.line])
    #expect(try remotes.show(file + ".sigs").split(separator: "\n").count == 2)
    #expect(try remotes.show("jobs/orders/backup/README.md").contains("**1 Failed**, 1 Succeeded"))
    // Theirs is on the branch: it is present when its agent delivers it.
    #expect(try writer.append([other], now: Sample.start).present == [other.signed.value.run])
  }

  @Test func aNewerControllerFencesTheOlder() throws {
    let remotes = try Remotes()
    let old = try remotes.claimedWriter("old")
    let safe = try old.append([Sample().delivery()], now: Sample.start).added
    #expect(try old.pushed() == Set(safe))
    let new = try remotes.claimedWriter("new")
    #expect(new.epoch == 2)
    _ = try old.append([Sample(agent: 2).delivery()], now: Sample.start)
    guard case .fenced(let epoch, let writer, let report) = try old.push() else {
      Issue.record("not fenced")
      return
    }
    #expect(epoch == 2 && writer == "new" && report.runs.isEmpty)
    #expect(throws: ResultsError.self) { try old.push() }
    #expect(throws: ResultsError.self) { try old.append([], now: Sample.start) }
    // The agent, not having been told, delivers it to the new one.
    _ = try new.append([Sample().delivery(), Sample(agent: 2).delivery()], now: Sample.start)
    #expect(try new.pushed().count == 2)
    #expect(try remotes.show("runs/orders/backup/2026/11/20/02/3000Z.ndjson").split(separator: "\n").count == 2)
  }

  @Test func aPersonsCommitAfterTheClaimStillFences() throws {
    let remotes = try Remotes()
    let old = try remotes.claimedWriter("old")
    _ = try remotes.claimedWriter("new")
    for number in 1...3 { try remotes.foreignCommit("NOTES-\(number).md", "x") }
    _ = try old.append([Sample().delivery()], now: Sample.start)
    guard case .fenced(2, "new", _) = try old.push() else {
      Issue.record("not fenced")
      return
    }
  }

  @Test func aFencedWriterMayClaimAgainAndKeepsWhatItHad() throws {
    let remotes = try Remotes()
    let old = try remotes.claimedWriter("old")
    _ = try remotes.claimedWriter("new")
    let run = try old.append([Sample().delivery()], now: Sample.start).added
    _ = try old.push()
    let claim = try old.claimEpoch(now: Sample.start)
    #expect(claim.epoch == 3 && claim.previousWriter == "new" && claim.previousEpoch == 2)
    #expect(try old.pushed() == Set(run))
  }

  @Test func whatArrivedBeforeBeingFencedIsReported() throws {
    let remotes = try Remotes()
    let old = try remotes.claimedWriter("old")
    let run = try old.append([Sample().delivery()], now: Sample.start).added
    // The push arrives, but its confirmation gets lost; then another controller takes over.
    let tip = try #require(old.localTip)
    try git("push", "-q", remotes.path, "\(tip):refs/heads/belfry/results", in: remotes.folder.path("cache-old.git"))
    _ = try remotes.claimedWriter("new")
    guard case .fenced(_, _, let report) = try old.push() else {
      Issue.record("not fenced")
      return
    }
    #expect(report.runs == Set(run))
  }

  @Test func aPushWhoseConfirmationWasLostIsRecognised() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let first = try writer.append([Sample().delivery()], now: Sample.start).added
    let tip = try #require(writer.localTip)
    try git("push", "-q", remotes.path, "\(tip):refs/heads/belfry/results", in: remotes.folder.path("cache-one.git"))
    let second = try writer.append([Sample(agent: 2).delivery()], now: Sample.start).added
    #expect(try report(writer.push()).runs == Set(first + second))
    #expect(try git("rev-list", "--count", "belfry/results", in: remotes.path) == "3")
  }

  @Test func theNewsOfWhatArrivedOutlivesAFailure() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let first = try writer.append([Sample().delivery()], now: Sample.start).added
    let tip = try #require(writer.localTip)
    try git("push", "-q", remotes.path, "\(tip):refs/heads/belfry/results", in: remotes.folder.path("cache-one.git"))
    try remotes.foreignCommit("NOTES.md", "x")
    let second = try writer.append([Sample(agent: 2).delivery()], now: Sample.start).added
    // The fetch shows that the first batch had arrived, but then the second one cannot be written again.
    let lock = try remotes.folder.write("cache-one.git/refs/belfry/writing/belfry/results.lock", "")
    #expect(throws: ResultsError.self) { try writer.push() }
    #expect(writer.unpushedReceipts == 1)
    try command(["rm", lock])
    let report = try report(writer.push())
    #expect(report.runs == Set(first + second) && report.changes.count == 1)
  }

  @Test func twoWritersThatTakeTurnsLoseNothing() throws {
    let remotes = try Remotes()
    var random = SeededGenerator(seed: testSeed)
    let writers = try [remotes.claimedWriter("a"), remotes.claimedWriter("b")]
    var waiting = Set(0..<40)
    for _ in 0..<30 {
      let writer = writers[Int.random(in: 0...1, using: &random)]
      let chosen = waiting.shuffled(using: &random).prefix(4)
      do {
        let outcome = try writer.append(
          chosen.map { try Sample(nominal: Sample.start + .seconds($0 % 5), agent: $0).delivery() }, now: Sample.start)
        _ = outcome
        if Bool.random(using: &random) { continue }
        guard case .pushed(let report) = try writer.push() else { continue }
        for number in Array(waiting)
        where report.runs.contains(
          try Sample(nominal: Sample.start + .seconds(number % 5), agent: number).receipt().run)
        {
          waiting.remove(number)
        }
      } catch let error as ResultsError where error.code == .fenced {
        _ = try writer.claimEpoch(now: Sample.start)
      }
    }
    // Whatever was acknowledged is there, and nothing is there twice.
    let lines = try remotes.files().filter { $0.hasSuffix(".ndjson") }.flatMap {
      try remotes.show($0).split(separator: "\n")
    }
    #expect(Set(lines).count == lines.count, "seed \(testSeed)")
    for number in Set(0..<40).subtracting(waiting) {
      let line = String(
        decoding: try Sample(nominal: Sample.start + .seconds(number % 5), agent: number).delivery().signed.line,
        as: UTF8.self)
      #expect(lines.contains(line[...]), "seed \(testSeed)")
    }
  }

  @Test func aDeletedBranchBeginsAnew() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    let key = try SigningKey.generate().publicKey
    _ = try writer.append([Sample().delivery()], newAgentKeys: [Sample.agentID(1): key], now: Sample.start)
    _ = try writer.push()
    let tip = try #require(writer.localTip)
    try git("update-ref", "-d", "refs/heads/belfry/results", in: remotes.path)
    let run = try writer.append([Sample(agent: 2).delivery()], now: Sample.start).added
    let report = try report(writer.push())
    #expect(report.changes == [.deleted(was: tip)] && report.runs == Set(run))
    #expect(try git("rev-list", "--count", "belfry/results", in: remotes.path) == "1")
    #expect(
      try remotes.files() == [
        "README.md", "agents/\(Sample.agentID(1)).pem", "controller.pem", "jobs/orders/backup/README.md",
        "runs/orders/backup/2026/11/20/02/3000Z.ndjson", "runs/orders/backup/2026/11/20/02/3000Z.sigs",
      ])
    #expect(try git("log", "-1", "--format=%B", "belfry/results", in: remotes.path).contains("Belfry-Epoch: 1\n"))
  }

  @Test func aRewrittenBranchGetsWhatWasNotPushed() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    _ = try writer.append([Sample().delivery()], now: Sample.start)
    _ = try writer.push()
    let tip = try #require(writer.localTip)
    let other = try CommitID(git("commit-tree", "-m", "another history", "\(tip)^^{tree}", in: remotes.path))
    try git("update-ref", "refs/heads/belfry/results", other.text, in: remotes.path)
    // Redelivered: it was on the branch when it was appended, and must be on it when it is acknowledged.
    let outcome = try writer.append([Sample().delivery(), Sample(agent: 2).delivery()], now: Sample.start)
    #expect(outcome.present.count == 1 && outcome.added.count == 1)
    let report = try report(writer.push())
    #expect(report.changes == [.rewritten(from: tip, to: other)] && report.runs.count == 2)
    #expect(try remotes.show("runs/orders/backup/2026/11/20/02/3000Z.ndjson").split(separator: "\n").count == 2)
  }

  @Test(arguments: [
    "runs", "jobs", "logs", "runs/orders/backup/2026/11/20/02/3000Z.ndjson/x", "jobs/orders", "README.md/x",
  ])
  func aStrangeFileInTheWayStopsNothing(path: String) throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    try git(
      "clone", "-q", "-b", "belfry/results", remotes.path, remotes.folder.path("strange"), in: remotes.folder.path)
    try command(["rm", "-rf", "README.md"], in: remotes.folder.path("strange"))
    try remotes.folder.write("strange/\(path)", "garbage")
    try git("add", "-A", in: remotes.folder.path("strange"))
    try git("commit", "-q", "-m", "strange", in: remotes.folder.path("strange"))
    try git("push", "-q", "origin", "belfry/results", in: remotes.folder.path("strange"))
    let overview = Overview(jobs: [try JobName("orders/backup"): .init()])
    _ = try writer.append([Sample(logs: ["x"]).delivery()], overview: overview, now: Sample.start)
    #expect(try writer.pushed().count == 1)
    let reader = try remotes.reader()
    let page = try reader.history(HistoryQuery())
    let stored = try #require(page.receipts.first)
    #expect(page.receipts.count == 1)
    #expect(try reader.log(of: stored, attempt: 1) == Array("x".utf8))
    #expect(try git("fsck", "--strict", "--no-dangling", in: remotes.path) == "")
  }

  @Test func anEpochThatAgentsSawIsTheLeast() throws {
    let remotes = try Remotes()
    #expect(try remotes.writer().claimEpoch(atLeast: 41, now: Sample.start).epoch == 41)
    #expect(try remotes.writer("two").claimEpoch(atLeast: 7, now: Sample.start).epoch == 42)
  }

  @Test func anotherControllersKeyIsReplacedAndSaid() throws {
    let remotes = try Remotes()
    _ = try remotes.claimedWriter()
    let key = try SigningKey.generate()
    let claim = try remotes.writer("two", key: key).claimEpoch(now: Sample.start)
    #expect(claim.replacedControllerKey)
    #expect(try remotes.show("controller.pem") + "\n" == key.publicKey.pem)
  }
}
