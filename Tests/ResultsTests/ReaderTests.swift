import Git
import Model
import TestSupport
import Testing
import Trust

@testable import Results

@Suite struct ReaderTests {
  /// A branch with 30 hourly occurrences of two jobs, the second one in the folder of the first one's times.
  private func filled() throws -> Remotes {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    var batch: [ReceiptDelivery] = []
    for hour in 0..<30 {
      batch.append(
        try Sample(job: "a", nominal: Sample.start + .seconds(3_600 * hour), logs: ["log \(hour)\n"]).delivery())
      batch.append(
        try Sample(job: "a/2026/11", nominal: Sample.start + .seconds(3_600 * hour + 60), agent: 2).delivery())
    }
    let keys = try [Sample.agentID(1): Sample.shared().publicKey, Sample.agentID(2): SigningKey.generate().publicKey]
    _ = try writer.append(batch, newAgentKeys: keys, now: Sample.start)
    _ = try writer.push()
    return remotes
  }

  @Test func aPlainCloneIsEnough() throws {
    let remotes = try filled()
    let clone = remotes.folder.path("clone")
    try git("clone", "-q", remotes.path, clone, in: remotes.folder.path)
    let reader = try ResultsReader(repository: Repository.open(at: clone))
    #expect(try reader.history(HistoryQuery(limit: 5)).receipts.count == 5)
    #expect(try reader.commit.text == git("rev-parse", "belfry/results", in: remotes.path))
  }

  @Test func theFurtherOfLocalAndRemoteBranchIsRead() throws {
    let remotes = try filled()
    let clone = remotes.folder.path("clone")
    try git("clone", "-q", "-b", "belfry/results", remotes.path, clone, in: remotes.folder.path)
    let tip = try git("rev-parse", "HEAD", in: clone)
    try git("reset", "-q", "--hard", "HEAD~1", in: clone)
    #expect(try ResultsReader(repository: Repository.open(at: clone)).commit.text == tip)
    try git("reset", "-q", "--hard", tip, in: clone)
    try git("commit", "-q", "--allow-empty", "-m", "local", in: clone)
    #expect(
      try ResultsReader(repository: Repository.open(at: clone)).commit.text == git("rev-parse", "HEAD", in: clone))
  }

  @Test func noBranchIsSaid() throws {
    let remotes = try Remotes()
    #expect { try remotes.reader() } throws: { ($0 as? ResultsError)?.code == .noBranch }
  }

  @Test func historyIsNewestFirst() throws {
    let remotes = try filled()
    let reader = try remotes.reader()
    let all = try reader.history(HistoryQuery(limit: 1_000))
    let times = all.receipts.map(\.receipt.occurrence.nominal)
    #expect(times == times.sorted(by: >) && times.count == 60 && all.isComplete && all.problems.isEmpty)
    let some = try reader.history(HistoryQuery(limit: 7))
    #expect(some.receipts == Array(all.receipts.prefix(7)) && !some.isComplete)
    let job = try JobName("a")
    let one = try reader.history(HistoryQuery(job: job, limit: 1_000))
    #expect(one.receipts == all.receipts.filter { $0.receipt.occurrence.job == job } && one.receipts.count == 30)
    let range = HistoryQuery(
      job: job, limit: 1_000, since: Sample.start + .seconds(3_600 * 3), until: Sample.start + .seconds(3_600 * 5))
    #expect(try reader.history(range).receipts.count == 3)
    let failed = try reader.history(HistoryQuery(limit: 5)) { !$0.outcome.isSuccess }
    #expect(failed.receipts.isEmpty && failed.isComplete)
    #expect(try reader.history(HistoryQuery(job: JobName("nobody"))).receipts.isEmpty)
    #expect(try reader.jobs().map(\.text) == ["a", "a/2026/11"])
  }

  @Test func theWalkIsTheSortedListOfFiles() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    var random = SeededGenerator(seed: testSeed)
    let jobs = ["a", "a/2026", "a/2026/11", "b", "2026/11/20/02"]
    let times = (0..<60).map { _ in
      Timestamp(
        microseconds: Int64.random(in: 1_700_000_000...1_900_000_000, using: &random) * 1_000_000 + [0, 250_000, 17]
          .randomElement(using: &random)!)
    }
    let samples = times.enumerated().map { Sample(job: jobs[$0.offset % jobs.count], nominal: $0.element) }
    _ = try writer.append(samples.map { try $0.delivery() }, now: Sample.start)
    _ = try writer.push()
    let expected = samples.sorted { $0.nominal == $1.nominal ? $0.job < $1.job : $0.nominal > $1.nominal }.map {
      "\($0.nominal) \($0.job)"
    }
    let read = try remotes.reader().history(HistoryQuery(limit: 1_000)).receipts
    #expect(
      read.map { "\($0.receipt.occurrence.nominal) \($0.receipt.occurrence.job)" } == expected, "seed \(testSeed)")
    let through = times[0]
    let until = try remotes.reader().history(HistoryQuery(limit: 1_000, until: through)).receipts
    #expect(until.count == times.filter { $0 <= through }.count, "seed \(testSeed)")
  }

  @Test func runsAreFoundByTheirFirstDigits() throws {
    let remotes = try filled()
    let reader = try remotes.reader()
    let all = try reader.history(HistoryQuery(limit: 1_000)).receipts
    for stored in all.prefix(10) {
      #expect(try reader.run(stored.receipt.run.text) == .found(stored))
      #expect(try reader.run(stored.receipt.run.text, job: stored.file.job) == .found(stored))
      guard case .found(let found) = try reader.run(String(stored.receipt.run.text.prefix(10))) else {
        Issue.record("not found")
        return
      }
      #expect(found == stored)
    }
    #expect(try reader.run("00000000000000000000") == .notFound(searchedAll: true))
    #expect(try reader.run("00000000000000000000", fileLimit: 3) == .notFound(searchedAll: false))
    for bad in ["", "abc", "ABCD", "xyz1", "0123456789abcdef01234", "\u{1b}[2J1234"] {
      #expect { try reader.run(bad) } throws: { ($0 as? ResultsError)?.code == .invalidRunID }
    }
  }

  @Test func sharedFirstDigitsAreAmbiguous() throws {
    let remotes = try Remotes()
    let writer = try remotes.claimedWriter()
    // Among 700 runs two with the same four first digits are all but certain; which ones follows from their names.
    let samples = (0..<700).map { Sample(agent: $0) }
    _ = try writer.append(samples.map { try $0.delivery() }, now: Sample.start)
    _ = try writer.push()
    let groups = Dictionary(grouping: try samples.map { try $0.receipt().run.text }, by: { String($0.prefix(4)) })
    let prefix = try #require(groups.first { $0.value.count > 1 }?.key)
    guard case .ambiguous(let matches) = try remotes.reader().run(prefix) else {
      Issue.record("not ambiguous")
      return
    }
    #expect(Set(matches.map(\.receipt.run.text)) == Set(groups[prefix] ?? []))
  }

  @Test func logsAndSignaturesAreRead() throws {
    let remotes = try filled()
    let reader = try remotes.reader()
    let stored = try #require(try reader.history(HistoryQuery(job: JobName("a"), limit: 1)).receipts.first)
    let log = try #require(try reader.log(of: stored, attempt: 1))
    #expect(String(decoding: log, as: UTF8.self) == "log 29\n")
    #expect(reader.isLog(log, of: stored, attempt: 1) && !reader.isLog(log + [0], of: stored, attempt: 1))
    #expect(try reader.log(of: stored, attempt: 2) == nil && reader.log(of: stored, attempt: -1) == nil)
    #expect(try reader.verify(stored) == .verified(key: Sample.shared().publicKey.keyID))
    #expect(try reader.controllerKey() == Sample.shared().publicKey)
    #expect(try reader.agentKeys().count == 2)
    // Agent 2 signed with another key than the pinned one.
    let other = try #require(try reader.history(HistoryQuery(job: JobName("a/2026/11"), limit: 1)).receipts.first)
    guard case .refused = try reader.verify(other) else {
      Issue.record("verified")
      return
    }
  }

  @Test func everyFlippedByteOfALineIsRefused() throws {
    let remotes = try filled()
    let reader = try remotes.reader()
    let stored = try #require(try reader.history(HistoryQuery(job: JobName("a"), limit: 1)).receipts.first)
    let key = try Sample.shared().publicKey
    for index in stored.bytes.indices {
      var changed = stored
      changed.bytes[index] ^= 1
      guard case .refused = reader.verify(changed, key: key) else {
        Issue.record("byte \(index)")
        return
      }
    }
    var unsigned = stored
    unsigned.signature = nil
    guard case .refused = reader.verify(unsigned, key: key) else {
      Issue.record("verified without a signature")
      return
    }
  }

  /// Somebody pushed what Belfry would never write.
  @Test func garbageIsReportedAndTheRestIsRead() throws {
    let remotes = try filled()
    let clone = remotes.folder.path("garbage")
    try git("clone", "-q", "-b", "belfry/results", remotes.path, clone, in: remotes.folder.path)
    let good = try String(decoding: Sample(job: "a").delivery().signed.line, as: UTF8.self)
    let folder = "garbage/runs/a/2026/11/20/02"
    try remotes.folder.write(
      folder + "/3000Z.ndjson",
      good + "\nnot json\n{}\n\n" + good.replacing("\"a\"", with: "\"b\"") + "\n\u{1b}[2J\n" + good)
    try remotes.folder.write(folder + "/3100Z.ndjson", bytes: [UInt8](repeating: 0x5b, count: 12 << 20))
    try remotes.folder.write(folder + "/3200Z.ndjson", bytes: [UInt8](repeating: 0x5b, count: 200_000))
    try remotes.folder.write(folder + "/3300Z.ndjson/x", "a folder")
    try remotes.folder.write(folder + "/3400Z.ndjson", good)  // of another time
    try remotes.folder.write(folder + "/notes.txt", "x")
    try remotes.folder.write("garbage/runs/a/2026/99/x", "x")
    try remotes.folder.write("garbage/runs/a/20/26/11/20/02/3000Z.ndjson", good)
    try remotes.folder.write("garbage/runs/\u{202e}/2026/11/20/02/3000Z.ndjson", good)
    try remotes.folder.write("garbage/agents/\(Sample.agentID(1)).pem", "not a key")
    try command(["ln", "-s", "/etc/passwd", "3500Z.ndjson"], in: remotes.folder.path(folder))
    try command(["ln", "-s", "/etc/passwd", "README.md"], in: remotes.folder.path("garbage/jobs/a"))
    try command(["ln", "-sf", "/etc/passwd", "controller.pem"], in: clone)
    try git("add", "-A", in: clone)
    try git("commit", "-q", "-m", "garbage", in: clone)
    try git("push", "-q", "origin", "belfry/results", in: clone)
    let reader = try remotes.reader()
    let page = try reader.history(HistoryQuery(job: JobName("a"), limit: 1_000))
    #expect(page.receipts.count == 31)  // the good line stands twice
    let places = page.problems.map { "\($0.path.suffix(13)):\($0.line)" }
    #expect(
      places
        == [
          "\("3500Z.ndjson".suffix(13)):0", "/3400Z.ndjson:1", "/3300Z.ndjson:0", "/3200Z.ndjson:1", "/3100Z.ndjson:0",
          "/3000Z.ndjson:2", "/3000Z.ndjson:3", "/3000Z.ndjson:4", "/3000Z.ndjson:5", "/3000Z.ndjson:6",
        ].map { $0.hasPrefix("/") ? $0 : "/" + $0 })
    #expect(
      page.problems.allSatisfy { $0.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202e}" } })
    #expect(try reader.agentKey(Sample.agentID(1)) == nil && reader.controllerKey() == nil)
    // A writer goes on with such a branch.
    let writer = try remotes.claimedWriter("two")
    _ = try writer.append(
      [
        Sample(job: "a", nominal: Sample.start + .seconds(60), agent: 5).delivery(),
        Sample(job: "a", agent: 6).delivery(),
      ],
      overview: Overview(jobs: [JobName("a"): .init()]), now: Sample.start)
    #expect(try writer.pushed().count == 2)
    let after = try remotes.reader().history(HistoryQuery(job: JobName("a"), limit: 1_000)).receipts
    #expect(after.filter { $0.receipt.agent == Sample.agentID(5) }.map(\.file.part) == [2])
    #expect(after.filter { $0.receipt.agent == Sample.agentID(6) }.map(\.line) == [8])
  }
}
