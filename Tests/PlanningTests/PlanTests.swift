import Model
import Planning
import Testing

/// One snapshot and what is expected of its plan.
private struct PlanRow: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var source: SourceStatus = .known
  /// Name and version.
  var desired: [(String, String)] = []
  var held: [(String, String)] = []
  var agent: @Sendable (inout AgentState) throws -> Void = { _ in }
  var lines: [String]
}

private let now = at(0)

/// An agent that is up to date with a controller of epoch 3.
private func agent(_ number: Int, _ name: String, held: [(String, String)] = []) throws -> AgentState {
  var jobs: [JobName: HeldJob] = [:]
  for (job, version) in held {
    let version = try desired(job, version: version)
    jobs[version.job.name] = HeldJob(bundle: version.bundle, commit: version.commit)
  }
  return AgentState(
    id: agentID(number), name: try AgentName(name), held: jobs, position: Position(epoch: 3, sequence: 8),
    expires: now + .seconds(10 * 86_400), lastIssued: Position(epoch: 3, sequence: 8))
}

private func bundles(_ list: [(String, String)]) throws -> [JobName: HeldJob] { try agent(1, "x", held: list).held }

private let rows: [PlanRow] = [
  PlanRow(testDescription: "nothing desired, nothing held", lines: []),
  PlanRow(testDescription: "held as desired", desired: [("a", "1")], held: [("a", "1")], lines: []),
  PlanRow(testDescription: "missing", desired: [("a", "1")], lines: ["+ install a on db-1"]),
  PlanRow(
    testDescription: "removals, replacements, installs, each by name",
    desired: [("d", "1"), ("c", "2"), ("b", "1"), ("e", "2")], held: [("e", "1"), ("c", "1"), ("z", "1"), ("a", "1")],
    lines: [
      "- remove a from db-1", "- remove z from db-1", "~ replace c on db-1", "~ replace e on db-1",
      "+ install b on db-1", "+ install d on db-1",
    ]),
  PlanRow(
    testDescription: "an unknown source changes nothing", source: .unknown(reason: "no route to host"),
    desired: [("a", "2"), ("b", "1")], held: [("a", "1"), ("c", "1")],
    lines: ["! the source cannot be read, so nothing changes: no route to host"]),
  PlanRow(
    testDescription: "an unknown source that looks empty removes nothing", source: .unknown(reason: "gone"),
    held: [("a", "1")], lines: ["! the source cannot be read, so nothing changes: gone"]),
  PlanRow(
    testDescription: "an assignment is renewed under an unknown source too", source: .unknown(reason: "gone"),
    desired: [("a", "2")], held: [("a", "1")], agent: { $0.expires = now + .seconds(6 * 86_400) },
    lines: [
      "= renew the assignment of db-1 (half of the assignment's lifetime is gone)",
      "! the source cannot be read, so nothing changes: gone",
    ]),
  PlanRow(
    testDescription: "an incomplete source removes nothing", source: .incomplete(reason: "jobs/x.yaml"),
    desired: [("a", "2"), ("b", "1")], held: [("a", "1"), ("c", "1")],
    lines: [
      "~ replace a on db-1", "+ install b on db-1",
      "! the source is not completely known, so nothing is removed: jobs/x.yaml",
      "! c stays on db-1 until the source is completely known",
    ]),
  PlanRow(
    testDescription: "not connected", desired: [("a", "1"), ("b", "1")], agent: { $0.connected = false },
    lines: ["! 2 changes for db-1: waiting until it is connected"]),
  PlanRow(
    testDescription: "half of the lifetime gone", desired: [("a", "1")], held: [("a", "1")],
    agent: { $0.expires = now + .seconds(7 * 86_400) },
    lines: ["= renew the assignment of db-1 (half of the assignment's lifetime is gone)"]),
  PlanRow(
    testDescription: "just before half of the lifetime", desired: [("a", "1")], held: [("a", "1")],
    agent: { $0.expires = now + .seconds(7 * 86_400 + 1) }, lines: []),
  PlanRow(
    testDescription: "no renewal beside changes", desired: [("a", "2")], held: [("a", "1")],
    agent: { $0.expires = now }, lines: ["~ replace a on db-1"]),
  PlanRow(
    testDescription: "an earlier epoch", desired: [("a", "1")], held: [("a", "1")],
    agent: { ($0.position, $0.lastIssued) = (Position(epoch: 2, sequence: 99), .zero) },
    lines: ["= renew the assignment of db-1 (the controller's epoch is new)"]),
  PlanRow(
    testDescription: "a later epoch", desired: [("a", "2")], held: [("a", "1")],
    agent: { $0.position = Position(epoch: 4, sequence: 1) },
    lines: [
      "! 1 change for db-1: it obeys a controller with the higher epoch 4: "
        + "another one is acting, or the results branch was replaced"
    ]),
  PlanRow(
    testDescription: "a lower position than the last signed one", desired: [("a", "1")], held: [("a", "1")],
    agent: { $0.position.sequence = 7 }, lines: ["= renew the assignment of db-1 (its position is behind)"]),
  PlanRow(
    testDescription: "a new agent that is to hold nothing",
    agent: {
      ($0.position, $0.lastIssued, $0.expires) = (.zero, .zero, nil)
    }, lines: []),
  PlanRow(
    testDescription: "refused and not yet time", desired: [("a", "2")], held: [("a", "1")],
    agent: {
      let refused = try bundles([("a", "2")]).mapValues(\.bundle)
      $0.refusal = AssignmentRefusal(contents: refused, reason: "bad\u{1b}[2J", retryAt: at(60))
    },
    lines: ["! 1 change for db-1: refused (bad\\u{1b}[2J), offered again at 2026-11-20T00:01:00Z"]),
  PlanRow(
    testDescription: "refused and time again", desired: [("a", "2")], held: [("a", "1")],
    agent: {
      let refused = try bundles([("a", "2")]).mapValues(\.bundle)
      $0.refusal = AssignmentRefusal(contents: refused, reason: "bad", retryAt: at(0))
    }, lines: ["~ replace a on db-1"]),
  PlanRow(
    testDescription: "refused, but something else is desired now", desired: [("a", "3")], held: [("a", "1")],
    agent: {
      let refused = try bundles([("a", "2")]).mapValues(\.bundle)
      $0.refusal = AssignmentRefusal(contents: refused, reason: "bad", retryAt: at(60))
    }, lines: ["~ replace a on db-1"]),
  PlanRow(
    testDescription: "on its way", desired: [("a", "2")], held: [("a", "1")],
    agent: {
      $0.sent = SentAssignment(
        position: Position(epoch: 3, sequence: 9), expires: at(14 * 86_400), contents: try bundles([("a", "2")]),
        answerDue: at(1))
      $0.lastIssued.sequence = 9
    }, lines: []),
  PlanRow(
    testDescription: "the answer is overdue", desired: [("a", "2")], held: [("a", "1")],
    agent: {
      $0.sent = SentAssignment(
        position: Position(epoch: 3, sequence: 9), expires: at(14 * 86_400), contents: try bundles([("a", "2")]),
        answerDue: at(0))
      $0.lastIssued.sequence = 9
    }, lines: ["~ replace a on db-1"]),
  PlanRow(
    testDescription: "reverted while the change is on its way", desired: [("a", "1")], held: [("a", "1")],
    agent: {
      $0.sent = SentAssignment(
        position: Position(epoch: 3, sequence: 9), expires: at(14 * 86_400), contents: try bundles([("a", "2")]),
        answerDue: at(1))
      $0.lastIssued.sequence = 9
    }, lines: ["~ replace a on db-1"]),
]

/// Without bundles and summary, which have their own test.
private func shortLines(_ plan: Plan) -> [String] {
  plan.lines().dropLast().map { line in line.split(separator: " (bundle").first.map(String.init) ?? line }
}

@Suite struct PlanTests {
  @Test(arguments: rows) fileprivate func decides(_ row: PlanRow) throws {
    var agent = try agent(1, "db-1", held: row.held)
    try row.agent(&agent)
    let jobs = try row.desired.map { try desired($0.0, version: $0.1) }
    let snapshot = PlanSnapshot(
      desired: DesiredState(jobs, source: row.source), agents: [agent], terms: AssignmentTerms(epoch: 3))
    #expect(shortLines(plan(snapshot, now: now)) == row.lines)
  }

  @Test func `the next assignment is complete and keeps the commit of what stays`() throws {
    let agent = try agent(1, "db-1", held: [("a", "1"), ("b", "1")])
    var same = try desired("a", version: "1")
    same.commit = try commit("later")
    let snapshot = PlanSnapshot(
      desired: DesiredState([same, try desired("b", version: "2")]), agents: [agent],
      terms: AssignmentTerms(epoch: 3, lifetime: .seconds(100), lease: .seconds(9)))
    let plan = plan(snapshot, now: now)
    let assignment = try #require(plan.assignments.first)
    #expect(plan.assignments.count == 1)
    #expect(assignment.agent == agent.id)
    #expect(assignment.position == Position(epoch: 3, sequence: 9))
    #expect((assignment.issued, assignment.expires) == (now, at(100)))
    let changed = try desired("b", version: "2")
    #expect(
      assignment.entries == [
        .init(job: same.job.name, bundle: same.bundle, commit: try commit("commit 1"), lease: .seconds(9)),
        .init(job: changed.job.name, bundle: changed.bundle, commit: try commit("commit 2"), lease: .seconds(9)),
      ])
  }

  @Test func `the next position exceeds both what the agent reports and what was signed`() throws {
    struct Row {
      var reported, issued, next: Position
      init(_ reported: (Int64, Int64), _ issued: (Int64, Int64), next: (Int64, Int64)) {
        (self.reported, self.issued) = (
          Position(epoch: reported.0, sequence: reported.1), .init(epoch: issued.0, sequence: issued.1)
        )
        self.next = Position(epoch: next.0, sequence: next.1)
      }
    }
    for row in [
      Row((0, 0), (0, 0), next: (3, 1)), Row((3, 20), (3, 8), next: (3, 21)), Row((3, 2), (3, 8), next: (3, 9)),
      Row((2, 50), (2, 8), next: (3, 1)),
    ] {
      var agent = try agent(1, "db-1")
      (agent.position, agent.lastIssued) = (row.reported, row.issued)
      let snapshot = PlanSnapshot(
        desired: DesiredState([try desired("a")]), agents: [agent], terms: AssignmentTerms(epoch: 3))
      #expect(plan(snapshot, now: now).assignments.map(\.position) == [row.next])
    }
  }

  @Test func `a job without an eligible agent is noted and others go on`() throws {
    let agent = try agent(1, "db-1")
    let elsewhere = Targets(match: ["role": ["web"]])
    let snapshot = PlanSnapshot(
      desired: DesiredState([try desired("a", targets: elsewhere), try desired("b")]), agents: [agent],
      terms: AssignmentTerms(epoch: 3))
    #expect(shortLines(plan(snapshot, now: now)) == ["+ install b on db-1", "! no agent matches the targets of a"])
  }

  @Test func `an answer to something else changes nothing`() throws {
    var agent = try agent(1, "db-1")
    let snapshot = PlanSnapshot(
      desired: DesiredState([try desired("a")]), agents: [agent], terms: AssignmentTerms(epoch: 3))
    let assignment = try #require(plan(snapshot, now: now).assignments.first)
    agent.send(assignment, answerDue: at(30))
    let sent = agent
    agent.accept(Position(epoch: 3, sequence: 8))
    agent.refuse(Position(epoch: 3, sequence: 10), reason: "no", retryAt: at(60))
    #expect(agent == sent)
    agent.refuse(assignment.position, reason: "no", retryAt: at(60))
    #expect(agent.sent == nil && agent.held.isEmpty && agent.refusal?.retryAt == at(60))
    #expect(plan(PlanSnapshot(desired: snapshot.desired, agents: [agent], terms: snapshot.terms), now: at(59)).isEmpty)
    #expect(!plan(PlanSnapshot(desired: snapshot.desired, agents: [agent], terms: snapshot.terms), now: at(60)).isEmpty)
  }
}
