@testable import ControllerKit
import Git
import Model
import Planning
import Platform
import Results
import SwiftProtobuf
import TestSupport
import Testing
import Trust
import Wire
import ZoneInfo

/// What an agent that has proven its key may write, and what it may not.
@Suite(.timeLimit(.minutes(10))) struct ReceiptGroundsTests {
  /// An agent's key, and the receipts that it signs.
  private struct Signer {
    var key: SigningKey
    var id = agentID(1)
    var name = "db-1"

    init() throws { key = try SigningKey.generate() }

    func receipt(
      _ job: String, at nominal: Timestamp = at(0), bundle: String = "bundle", commit: CommitID? = nil,
      log: [UInt8]? = nil
    ) throws -> Receipt {
      let occurrence = Occurrence(job: try JobName(job), nominal: nominal)
      let attempt = Receipt.Attempt(
        number: 1, started: nominal, ended: nominal, state: .succeeded, exitCode: 0,
        log: log.map { Receipt.Log(digest: SHA256.hash($0), written: Int64($0.count), kept: Int64($0.count)) }
          ?? Receipt.Log())
      return Receipt(
        run: occurrence.run(on: id), occurrence: occurrence, agent: id, agentName: try AgentName(name),
        bundle: digest(bundle), commit: try commit ?? ControllerKitTests.commit("c"), outcome: .ran(.succeeded),
        started: nominal, ended: nominal, attempts: [attempt])
    }

    func delivery(_ receipt: Receipt, logs: [Int: [UInt8]] = [:]) throws -> Belfry_V1_ReceiptDelivery {
      let signed = try key.sign(receipt)
      return .with { delivery in
        delivery.line = signed.line.data
        delivery.signature = signed.signatureLine.data
        delivery.logs = logs.map { log in
          .with {
            $0.attempt = UInt32(log.key)
            $0.data = log.value.data
          }
        }
      }
    }
  }

  // MARK: - By itself

  struct Claim: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var name = "db-1"
    var id: UInt64 = 1
    var seconds: Int64 = 0
    var signedLog: [UInt8]?
    var log: [UInt8]?
    var otherKey = false
    let refused: String?
  }

  static let claims: [Claim] = [
    Claim(testDescription: "honest", refused: nil),
    Claim(testDescription: "under a former name", name: "db-0", refused: nil),
    Claim(testDescription: "under another agent's name", name: "db-2", refused: "under the name 'db-2'"),
    Claim(testDescription: "for another agent", id: 2, refused: "agent"),
    Claim(testDescription: "signed by another key", otherKey: true, refused: "key"),
    Claim(testDescription: "from a clock 23 hours ahead", seconds: 23 * 3_600, refused: nil),
    Claim(testDescription: "from a clock a day ahead", seconds: 86_400, refused: "in the future"),
    Claim(testDescription: "of the year 9000", seconds: 220_000_000_000, refused: "in the future"),
    Claim(testDescription: "with its log", signedLog: [1, 2], log: [1, 2], refused: nil),
    Claim(testDescription: "with another log", signedLog: [1, 2], log: [1, 3], refused: "the log of attempt 1"),
    Claim(
      testDescription: "with a log that is too large", signedLog: Array(repeating: 1, count: 65_537),
      log: Array(repeating: 1, count: 65_537), refused: "the log of attempt 1"),
  ]

  @Test(arguments: claims) func whatADeliveryMustBeByItself(_ row: Claim) throws {
    var signer = try Signer()
    let key = signer.key.publicKey
    if row.otherKey { signer.key = try SigningKey.generate() }
    signer.name = row.name
    signer.id = agentID(row.id)
    let receipt = try signer.receipt("a", at: at(row.seconds), log: row.signedLog)
    let delivery = try signer.delivery(receipt, logs: row.log.map { [1: $0] } ?? [:])
    let names = [try AgentName("db-1"), try AgentName("db-0")]
    do throws(ReceiptCheck.Refused) {
      let checked = try ReceiptCheck.check(delivery, agent: agentID(1), names: names, key: key, now: at(0))
      #expect(row.refused == nil)
      #expect(checked.logs == (row.log.map { [1: $0] } ?? [:]))
    } catch {
      #expect(row.refused.map(error.reason.contains) == true, "\(error.reason)")
      #expect(error.run == receipt.run, "the agent must learn which one to stop sending")
    }
  }

  @Test func aTimeWithinAReceiptMayNotLieInTheFutureEither() throws {
    let signer = try Signer()
    var receipt = try signer.receipt("a")
    receipt.attempts[0].ended = at(100_000)
    receipt.ended = at(100_000)
    let delivery = try signer.delivery(receipt)
    #expect(throws: ReceiptCheck.Refused.self) {
      _ = try ReceiptCheck.check(
        delivery, agent: agentID(1), names: [AgentName("db-1")], key: signer.key.publicKey, now: at(0))
    }
  }

  // MARK: - Under which jobs

  /// A controller's parts over a source repository, with an empty memory.
  private struct Parts {
    let sources: Sources
    let state: SourceState
    let fleet: Fleet
    let keeper: ResultsKeeper
    let grounds: ReceiptGrounds
    let mirror: SourceMirror

    init(clock: WallClock = WallClock { at(0) }) throws {
      sources = try Sources()
      state = SourceState(changed: Signal())
      fleet = Fleet(epoch: 1, clock: clock, changed: Signal(), logger: quiet)
      keeper = try ReceiptGroundsTests.keeper(sources.folder, clock)
      let folder = sources.folder.path("mirror.git")
      mirror = SourceMirror(folder: folder, remote: Remote(url: sources.bare), branch: "main", zones: ZoneDatabase())
      grounds = ReceiptGrounds(
        fleet: fleet, source: state, keeper: keeper, history: SourceHistory(folder: folder, zones: ZoneDatabase()))
    }

    func poll() async throws {
      guard case .loaded(let desired, let commit, let diagnostics, let mistakes) = try await mirror.poll() else {
        return
      }
      await state.loaded(desired, commit: commit, diagnostics: diagnostics, mistakes: mistakes, at: at(0))
    }

    func judge(_ receipt: Receipt, names: [String] = ["db-1"]) async throws -> ReceiptGrounds.Verdict {
      await grounds.judge(receipt, names: try names.map { try AgentName($0) })
    }
  }

  static func keeper(_ folder: TemporaryFolder, _ clock: WallClock) throws -> ResultsKeeper {
    let branch = ResultsBranch(
      folder: folder.path("results.git"),
      configuration: ControllerConfiguration.Results(remote: Remote(url: folder.path("nowhere"))),
      identity: ResultsWriter.Identity(writer: "w", source: "s", key: try SigningKey.generate()), clock: clock)
    return ResultsKeeper(branch: branch, clock: clock, full: Signal(), logger: quiet)
  }

  private static func job(_ name: String, agents: String? = nil, match: String? = nil) -> String {
    let targets = [agents.map { "agents: [\($0)]" }, match.map { "match: {role: \($0)}" }].compactMap(\.self)
    return Sources.job(name) + (targets.isEmpty ? "" : "targets: {\(targets.joined(separator: ", "))}\n")
  }

  @Test func nothingIsRejectedBeforeTheSourceWasRead() async throws {
    let parts = try Parts()
    let signer = try Signer()
    #expect(try await parts.judge(signer.receipt("a")) == .notNow)
  }

  @Test func whatIsDesiredNowIsForThoseWhomItsTargetsName() async throws {
    let parts = try Parts()
    let signer = try Signer()
    try parts.sources.commit([
      "jobs/a.yaml": Self.job("all"), "jobs/b.yaml": Self.job("mine", agents: "db-1, db-7"),
      "jobs/c.yaml": Self.job("others", agents: "db-2"), "jobs/d.yaml": Self.job("labelled", match: "web"),
      "jobs/e.yaml": Self.job("former", agents: "db-0"),
    ])
    try await parts.poll()
    #expect(try await parts.judge(signer.receipt("all")) == .yes)
    #expect(try await parts.judge(signer.receipt("mine")) == .yes)
    #expect(try await parts.judge(signer.receipt("labelled")) == .yes, "labels are the agent's own word")
    #expect(try await parts.judge(signer.receipt("former"), names: ["db-1", "db-0"]) == .yes)
    #expect(try await parts.judge(signer.receipt("others")).isNo)
    #expect(try await parts.judge(signer.receipt("no-such-job")).isNo)
  }

  @Test func whatWasDesiredOnceIsFoundInTheHistory() async throws {
    let parts = try Parts()
    let signer = try Signer()
    let old = try parts.sources.commit([
      "jobs/a.yaml": Self.job("gone", agents: "db-1"), "jobs/b.yaml": Self.job("others", agents: "db-2"),
      "jobs/c.yaml": Self.job("moved", agents: "db-1"),
    ])
    try parts.sources.commit(["jobs/a.yaml": nil, "jobs/b.yaml": nil, "jobs/c.yaml": Self.job("moved", agents: "db-2")])
    try await parts.poll()
    #expect(try await parts.judge(signer.receipt("gone", commit: old)) == .yes)
    #expect(try await parts.judge(signer.receipt("moved", commit: old)) == .yes)
    #expect(try await parts.judge(signer.receipt("others", commit: old)).isNo)
    #expect(try await parts.judge(signer.receipt("never", commit: old)).isNo)
    // Another commit may have to wait for its turn, and is neither believed nor rejected until then.
    let verdict = try await eventually("its turn") {
      let verdict = try await parts.judge(signer.receipt("gone", commit: commit("made up")))
      return verdict == .notNow ? nil : verdict
    }
    #expect(verdict.isNo)
  }

  @Test func whatThisControllerAssignedIsTakenWhateverTheSourceSaysNow() async throws {
    let parts = try Parts()
    let signer = try Signer()
    try parts.sources.commit(["jobs/a.yaml": Self.job("present", agents: "db-2")])
    try await parts.poll()
    #expect(try await parts.judge(signer.receipt("present")).isNo)
    let session = try await parts.fleet.open(
      id: agentID(1), name: AgentName("db-1"), key: signer.key.publicKey, version: "1", nonce: "n")
    let sent = try await parts.fleet.send(
      Assignment(
        agent: agentID(1), position: Position(epoch: 1, sequence: 1), issued: at(0), expires: at(500),
        entries: [
          Assignment.Entry(
            job: JobName("present"), bundle: digest("bundle"), commit: commit("c"), lease: .seconds(9))
        ]), key: SigningKey.generate())
    #expect(sent)
    #expect(try await parts.judge(signer.receipt("present")) == .yes)
    #expect(try await parts.judge(signer.receipt("present", bundle: "an older one")) == .yes)
    // Its bundle does not open the door to another job.
    #expect(try await parts.judge(signer.receipt("other")).isNo)
    var other = signer
    other.id = agentID(2)
    #expect(try await parts.judge(other.receipt("present")).isNo, "another agent's assignment is none of its business")
    await parts.fleet.close(session, reason: "over")
    #expect(try await parts.judge(signer.receipt("present")) == .yes, "it was assigned once")
  }

  @Test func whatStandsOnTheBranchIsEvidence() async throws {
    let parts = try Parts()
    let signer = try Signer()
    try await parts.poll()
    let first = try signer.receipt("old-job")
    let signed = try signer.key.sign(first)
    await parts.keeper.take(ReceiptDelivery(signed: signed))
    #expect(try await parts.judge(signer.receipt("old-job", at: at(60))) == .yes)
    #expect(try await parts.judge(signer.receipt("old-job-2", at: at(60))) != .yes)
  }

  // MARK: - Room

  @Test func oneAgentDoesNotTakeTheRoomOfAll() async throws {
    let folder = try TemporaryFolder("belfry-room")
    let keeper = try Self.keeper(folder, WallClock { at(0) })
    let signer = try Signer()
    for number in 0..<Share.runsLimit {
      #expect(await keeper.hasRoom(for: agentID(1)))
      let signed = try signer.key.sign(signer.receipt("a", at: at(Int64(number))))
      await keeper.take(ReceiptDelivery(signed: signed))
      await keeper.take(ReceiptDelivery(signed: signed))
    }
    #expect(await keeper.pending == Share.runsLimit, "what comes twice is kept once")
    #expect(await !keeper.hasRoom(for: agentID(1)))
    #expect(await keeper.hasRoom(for: agentID(2)))
    #expect(await keeper.takeTurnedAway().isEmpty, "it would only be turned away again")
  }

  @Test func anAgentWhoseWindowFillsDoesNotWaitForThePushInterval() async throws {
    let folder = try TemporaryFolder("belfry-window")
    try git("init", "-q", "--bare", folder.path("nowhere"), in: folder.path)
    let keeper = try Self.keeper(folder, WallClock { at(0) })
    let signer = try Signer()
    for number in 1...Share.pressingRuns {
      #expect(await !keeper.isPushUrgent, "\(number)")
      await keeper.take(ReceiptDelivery(signed: try signer.key.sign(signer.receipt("a", at: at(Int64(number))))))
    }
    #expect(await keeper.isPushUrgent)
    #expect(Share.pressingRuns < WireLimits.receiptWindow, "before the agent has to wait")
    _ = try await keeper.claim(atLeast: 1)
    _ = try await keeper.commit(overview: nil)
    #expect(await keeper.isPushUrgent, "until the push")
    #expect(try await keeper.push().values.first?.count == Share.pressingRuns)
    #expect(await !keeper.isPushUrgent)
  }

  @Test func aShareCountsWhatWaits() throws {
    var share = Share()
    let run = Occurrence(job: try JobName("a"), nominal: at(0)).run(on: agentID(1))
    share.add(run, Share.byteLimit)
    share.add(run, Share.byteLimit)
    #expect(share.bytes == Share.byteLimit && !share.hasDrained)
    share.remove(run)
    share.remove(run)
    #expect(share.bytes == 0 && share.hasDrained)
  }
}

extension ReceiptGrounds.Verdict {
  fileprivate var isNo: Bool { if case .no = self { true } else { false } }
}
