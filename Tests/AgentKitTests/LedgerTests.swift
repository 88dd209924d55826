@testable import AgentKit
import Model
import Planning
import TestSupport
import Testing
import Trust

/// What is written comes back, in another life too.
@Suite(.timeLimit(.minutes(10))) struct LedgerTests {
  private let folder: TemporaryFolder
  private let ledger: Ledger

  init() throws {
    folder = try TemporaryFolder("belfry-ledger")
    ledger = try Ledger(path: folder.path("ledger.sqlite"))
  }

  private func reopened() throws -> Ledger { try Ledger(path: folder.path("ledger.sqlite")) }

  private func run(_ seconds: Int64, request: String? = nil, phase: ActiveRun.Phase = .running) throws -> LedgerRun {
    let job = Job(
      name: try JobName("a/b"), labels: ["k": "v"], triggers: [.cron(expression: "* * * * *", timezone: "UTC")],
      run: RunSpec(program: .script("s.sh"), params: ["x": .string("y")]), retry: RetryPolicy(attempts: 3))
    let occurrence = Occurrence(job: job.name, nominal: at(seconds), cause: request.map(Cause.person) ?? .schedule)
    let active = ActiveRun(
      id: occurrence.run(on: AgentID(random: (1, 1))), occurrence: occurrence, job: job, bundle: digest("b"),
      commit: try commit("c"),
      params: ["x": .string("z"), "n": .integer(-1), "d": .decimal("0.50"), "f": .boolean(true)],
      attempt: 2, phase: phase, started: at(seconds), cancelRequested: true)
    let attempt = Receipt.Attempt(
      number: 1, started: at(seconds), ended: at(seconds + 1), state: .failed, exitCode: 9, reason: "wörds",
      log: Receipt.Log(digest: digest("log"), written: 5, kept: 5))
    return LedgerRun(run: active, attempts: [attempt], boot: "boot")
  }

  @Test func aCommitIsOnTheDiskWhenItReturns() throws {
    #expect(try ledger.synchronous == 2)
    #expect(try reopened().synchronous == 2)
  }

  @Test func runsComeBackAsTheyWere() throws {
    let rows = [
      try run(0), try run(1, request: "api-1"), try run(2, phase: .waiting(until: at(90))),
      try run(3, phase: .queued), try run(4, phase: .armed(for: at(4))),
    ]
    try ledger.write { for row in rows { try $0.begin(row) } }
    #expect(try reopened().activeRuns() == rows)
    for row in rows {
      var changed = row
      changed.run.phase = .running
      changed.run.started = at(5)
      changed.run.attempt = 3
      changed.boot = "another"
      try ledger.write { try $0.update(changed) }
      #expect(try reopened().activeRuns().contains(changed))
    }
  }

  @Test func aRunBeginsOnce() throws {
    let row = try run(0)
    try ledger.write { try $0.begin(row) }
    #expect(throws: (any Error).self) { try self.ledger.write { try $0.begin(row) } }
    try ledger.write { try $0.finish(row.run.id, line: [1], signature: [2]) }
    #expect(throws: (any Error).self, "not after its end either") { try self.ledger.write { try $0.begin(row) } }
    #expect(try ledger.activeRuns().isEmpty)
  }

  @Test func aForgottenRunMayBeginAgain() throws {
    let row = try run(0, phase: .armed(for: at(0)))
    try ledger.write { try $0.begin(row) }
    try ledger.write { try $0.forget(row.run.id) }
    #expect(try reopened().activeRuns().isEmpty)
    try ledger.write { try $0.begin(row) }
    #expect(try reopened().activeRuns() == [row])
  }

  @Test func aTransactionThatFailsLeavesNothing() throws {
    let row = try run(0)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try self.ledger.write { transaction in
        try transaction.begin(row)
        try transaction.move(row.run.job.name, to: Cursor(decided: at(5), floor: at(4)))
        try transaction.heard(at: at(5))
        throw Stop()
      }
    }
    #expect(try ledger.activeRuns().isEmpty)
    #expect(try ledger.cursors().isEmpty)
    #expect(try ledger.lastHeard() == nil)
  }

  @Test func cursorsNumbersAndTheAssignmentComeBack() throws {
    let job = try JobName("a")
    let held = HeldAssignment(position: Position(epoch: 3, sequence: 9), digest: digest("assignment"))
    #expect(try ledger.accepted().position == .zero)
    try ledger.write { transaction in
      try transaction.move(job, to: Cursor(decided: at(3), floor: at(0)))
      try transaction.move(job, to: Cursor(decided: at(2), floor: at(1)))
      try transaction.move(try JobName("gone"), to: Cursor(decided: at(2), floor: at(2)))
      try transaction.forgetCursor(of: try JobName("gone"))
      try transaction.heard(at: at(3))
      try transaction.accept(held)
    }
    let again = try reopened()
    #expect(try again.cursors() == [job: Cursor(decided: at(2), floor: at(1))])
    #expect(try again.lastHeard() == at(3))
    #expect(try again.accepted() == held)
  }

  @Test func theSpoolKeepsItsOrderAndForgetsWhatIsAcknowledged() throws {
    let rows = try (0..<4).map { try run($0) }
    try ledger.write { transaction in
      for (number, row) in rows.enumerated() {
        try transaction.begin(row)
        try transaction.keep(log: [UInt8(number)], of: row.run.id, attempt: 1)
        try transaction.finish(row.run.id, line: [UInt8(number)], signature: [])
      }
      // The same receipt again is no second one.
      try transaction.finish(rows[0].run.id, line: [99], signature: [])
    }
    #expect(try ledger.spooled(after: 0, limit: 10).map(\.line) == [[0], [1], [2], [3]])
    let second = try ledger.spooled(after: 0, limit: 2).last
    #expect(try ledger.spooled(after: second?.number ?? 0, limit: 10).map(\.line) == [[2], [3]])
    try ledger.write { transaction in
      try transaction.acknowledged([rows[1].run.id])
      try transaction.rejected(rows[2].run.id, reason: "never", at: at(0))
    }
    let left = try reopened().spooled(after: 0, limit: 10)
    #expect(left.map(\.line) == [[0], [3]])
    #expect(left.map { $0.logs.map(\.data) } == [[[0]], [[3]]])
    #expect(try ledger.spoolCount() == 2)
  }

  @Test func whatWasPutAsideIsForgottenAfterAMonthOrForWantOfRoom() throws {
    let rows = try (0..<4).map { try run($0) }
    let month = Int64(LedgerTransaction.rejectedAge.components.seconds)
    try ledger.write { transaction in
      for row in rows {
        try transaction.begin(row)
        try transaction.keep(log: [7], of: row.run.id, attempt: 1)
        try transaction.finish(row.run.id, line: [], signature: [])
      }
      try transaction.rejected(rows[0].run.id, reason: "no", at: at(10))
      try transaction.rejected(rows[1].run.id, reason: "no", at: at(20))
      try transaction.rejected(rows[2].run.id, reason: "no", at: at(30))
    }
    #expect(try ledger.rejectedCount() == 3)
    func logs() throws -> [Int] { try rows.map { try ledger.logs(of: $0.run.id).count } }
    #expect(try logs() == [1, 1, 1, 1])
    try ledger.write {
      try $0.forgetRejected(before: at(month + 15) - LedgerTransaction.rejectedAge, now: at(month + 15))
    }
    #expect(try ledger.rejectedCount() == 2)
    #expect(try logs() == [0, 1, 1, 1])
    // Runs without a receipt first, then what was put aside, the oldest first; what waits for the controller never.
    for (expected, left) in [(1, 2), (1, 1), (1, 1), (1, 0), (1, 0), (0, 0)] {
      var forgotten = 0
      try ledger.write { forgotten = try $0.forgetOldest(1, now: at(0)) }
      #expect(try forgotten == expected && ledger.rejectedCount() == left)
    }
    #expect(try ledger.spooled(after: 0, limit: 9).map(\.run) == [rows[3].run.id])
    #expect(try logs() == [0, 0, 0, 1])
  }

  @Test func oldRunsAreForgottenOnlyWithoutAReceipt() throws {
    let old = try run(0)
    let waiting = try run(1)
    let young = try run(1_000)
    try ledger.write { transaction in
      for row in [old, waiting, young] {
        try transaction.begin(row)
        try transaction.finish(row.run.id, line: [], signature: [])
      }
      try transaction.acknowledged([old.run.id, young.run.id])
      try transaction.forgetRuns(before: at(500))
      try transaction.begin(old)
    }
    for row in [waiting, young] {
      #expect(throws: (any Error).self) { try self.ledger.write { try $0.begin(row) } }
    }
  }

  @Test func spentOrdersAreKnownUntilTheyCouldNotStartAnyMore() throws {
    let row = try run(0, request: "r")
    try ledger.write { transaction in
      try transaction.begin(row, startBy: at(60))
      try transaction.finish(row.run.id, line: [], signature: [])
    }
    #expect(try reopened().spentOrders(after: at(59)) == [row.run.id: at(60)])
    #expect(try reopened().spentOrders(after: at(60)).isEmpty)
  }

  @Test func artifactsAreKeptUntilTheyAreReceivedAndTheReceiptIsAcknowledged() throws {
    for order in [["received", "acknowledged"], ["acknowledged", "received"]] {
      let bench = try Bench()
      let ledger = try Ledger(path: bench.ledgerPath)
      let (run, other) = (try bench.run(1), try bench.run(2))
      try ledger.write {
        try $0.finish(run, line: [1], signature: [2], artifacts: [digest("a"), digest("b")])
        try $0.finish(other, line: [3], signature: [4], artifacts: [digest("b")])
      }
      #expect(try ledger.owedArtifacts() == [digest("a"), digest("b")] && ledger.spoolCount() == 2)
      for step in order {
        #expect(try ledger.owesArtifact(digest("a")))
        try ledger.write { transaction in
          if step == "received" {
            try transaction.received(artifactsOf: run)
          } else {
            try transaction.acknowledged([run])
          }
        }
        let offers = try ledger.artifactOffers(except: [], limit: 9)
        #expect(offers.map(\.run) == (step == order[0] && step == "acknowledged" ? [run] : []))
        if let offer = offers.first { #expect(offer.line == [1] && offer.signature == [2]) }
      }
      #expect(try !ledger.owesArtifact(digest("a")) && ledger.owesArtifact(digest("b")))
      #expect(try ledger.spooled(after: 0, limit: 9).map(\.run) == [other])
      // Nobody asks for the artifacts of a receipt that was put aside.
      try ledger.write { try $0.rejected(other, reason: "no", at: at(0)) }
      #expect(try ledger.owedArtifacts().isEmpty && ledger.artifactOffers(except: [], limit: 9).isEmpty)
    }
  }
}
