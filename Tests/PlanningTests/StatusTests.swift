import Model
import Planning
import Testing

/// One job `a` and the agents that concern it.
private struct StatusRow: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var source: SourceStatus = .known
  var problem: String?
  var suspension: Suspension?
  var match: [String: [String]] = [:]
  var agents: [Holder] = [Holder("db-1", holds: "2")]
  var sync: SyncStatus
  var health: Health
  var reason: String?
}

/// An agent by what it holds of job `a`, whose desired version is 2.
private struct Holder: Sendable {
  var name: String
  var holds: String?
  var connected: Bool
  var comes: String?
  var refused: String?
  var labels: [String: String]
  var last: RunState?
  var stopped: String?

  init(
    _ name: String, holds: String? = nil, connected: Bool = true, comes: String? = nil, refused: String? = nil,
    labels: [String: String] = [:], last: RunState? = nil, stopped: String? = nil
  ) {
    (self.name, self.holds, self.connected, self.comes) = (name, holds, connected, comes)
    (self.refused, self.labels, self.last, self.stopped) = (refused, labels, last, stopped)
  }

  func state(_ number: Int) throws -> AgentState {
    func contents(_ version: String) throws -> [JobName: HeldJob] {
      let version = try desired("a", version: version)
      return [version.job.name: HeldJob(bundle: version.bundle, commit: version.commit)]
    }
    var agent = AgentState(id: agentID(number), name: try AgentName(name), labels: labels, connected: connected)
    if let holds { agent.held = try contents(holds) }
    if let stopped { agent.stopped = [try JobName("a"): stopped] }
    if let comes {
      agent.sent = SentAssignment(
        position: Position(epoch: 1, sequence: 2), expires: at(1_000_000), contents: try contents(comes),
        answerDue: at(10))
    }
    if let refused {
      agent.refusal = AssignmentRefusal(
        contents: try contents(refused).mapValues(\.bundle), reason: "wrong digest", retryAt: at(10))
    }
    return agent
  }
}

private let rows: [StatusRow] = [
  StatusRow(testDescription: "as desired", sync: .synced, health: .healthy),
  StatusRow(
    testDescription: "the source is unknown", source: .unknown(reason: "timeout"), suspension: Suspension(),
    sync: .unknown, health: .unknown, reason: "the source cannot be read: timeout"),
  StatusRow(
    testDescription: "an incomplete source says all about a job that it holds", source: .incomplete(reason: "x"),
    sync: .synced, health: .healthy),
  StatusRow(
    testDescription: "the manifest is broken and the last good version works", problem: "unknown key", sync: .unknown,
    health: .healthy, reason: "the manifest has errors, the last good version stays: unknown key"),
  StatusRow(
    testDescription: "suspended", suspension: Suspension(reason: "move", until: at(60)),
    agents: [Holder("db-1", holds: "2", last: .failed)], sync: .synced, health: .suspended,
    reason: "move, until 2026-11-20T00:01:00Z"),
  StatusRow(testDescription: "suspended without words", suspension: Suspension(), sync: .synced, health: .suspended),
  StatusRow(
    testDescription: "no longer suspended", suspension: Suspension(until: at(0)), sync: .synced, health: .healthy),
  StatusRow(
    testDescription: "no agent matches", match: ["role": ["db"]], agents: [Holder("db-1")], sync: .synced,
    health: .degraded, reason: "no agent matches the targets"),
  StatusRow(
    testDescription: "in quarantine, whatever the last run was",
    agents: [Holder("db-1", holds: "2", last: .lost, stopped: "3 crashes")], sync: .synced, health: .degraded,
    reason: "in quarantine on db-1: 3 crashes"),
  StatusRow(
    testDescription: "still where it should not be", match: ["role": ["db"]],
    agents: [Holder("db-1", holds: "2", labels: ["role": "db"]), Holder("web-1", holds: "2")], sync: .outOfSync,
    health: .healthy, reason: "still on web-1, which the targets exclude"),
  StatusRow(
    testDescription: "all agents are away",
    agents: [Holder("db-2", holds: "2", connected: false), Holder("db-1", holds: "1", connected: false)],
    sync: .outOfSync, health: .unknown, reason: "not connected: db-1, db-2"),
  StatusRow(
    testDescription: "one agent is away with an old version",
    agents: [Holder("db-1", holds: "2"), Holder("db-2", holds: "1", connected: false)],
    sync: .outOfSync, health: .healthy, reason: "not the desired bundle on db-2, not connected"),
  StatusRow(
    testDescription: "refused", agents: [Holder("db-1", holds: "1", refused: "2")], sync: .outOfSync,
    health: .degraded, reason: "db-1 refused it: wrong digest"),
  StatusRow(
    testDescription: "another version was refused", agents: [Holder("db-1", holds: "1", refused: "3")],
    sync: .outOfSync, health: .progressing, reason: "not yet on db-1"),
  StatusRow(
    testDescription: "the last run failed on one of two",
    agents: [Holder("db-1", holds: "2", last: .succeeded), Holder("db-2", holds: "2", last: .timedOut)], sync: .synced,
    health: .degraded, reason: "the last run on db-2: TimedOut"),
  StatusRow(
    testDescription: "a roll-out does not hide the failure",
    agents: [Holder("db-1", holds: "1", comes: "2", last: .lost)],
    sync: .outOfSync, health: .degraded, reason: "the last run on db-1: Lost"),
  StatusRow(
    testDescription: "a failure where it is not held any more does not count",
    agents: [Holder("db-1", holds: "2"), Holder("db-2", comes: "2", last: .failed)], sync: .outOfSync,
    health: .progressing, reason: "on its way to db-2"),
  StatusRow(
    testDescription: "on its way for the first time", agents: [Holder("db-1", comes: "2")], sync: .outOfSync,
    health: .progressing, reason: "on its way to db-1"),
  StatusRow(
    testDescription: "held by nobody", agents: [Holder("db-1"), Holder("db-2")], sync: .outOfSync, health: .missing,
    reason: "no agent holds it yet"),
  StatusRow(
    testDescription: "many are behind",
    agents: (1...5).map { Holder("db-\($0)", holds: "1") } + [Holder("web-1", holds: "2")], sync: .outOfSync,
    health: .progressing, reason: "not yet on db-1, db-2, db-3 and 2 more"),
]

@Suite struct StatusTests {
  private func snapshot(_ row: StatusRow) throws -> PlanSnapshot {
    var job = try desired("a", version: "2", targets: Targets(match: row.match))
    job.job.suspension = row.suspension
    let agents = try row.agents.enumerated().map { try $0.element.state($0.offset + 1) }
    return PlanSnapshot(
      desired: DesiredState([job, try desired("other")], source: row.source), agents: agents,
      terms: AssignmentTerms(epoch: 1))
  }

  @Test(arguments: rows) fileprivate func judges(_ row: StatusRow) throws {
    let snapshot = try snapshot(row)
    let job = try name("a")
    var last: [AgentID: RunState] = [:]
    for (index, holder) in row.agents.enumerated() { last[agentID(index + 1)] = holder.last }
    let evidence = JobEvidence(
      desired: try #require(snapshot.desired.jobs[job]), source: row.source, manifestProblem: row.problem,
      agents: snapshot.agents.reversed(), lastRuns: last)
    let status = judgeJob(evidence, now: at(0))
    #expect(status.sync == row.sync)
    #expect(status.health == row.health)
    #expect(status.reason == row.reason)
    let problems = row.problem.map { [job: $0] } ?? [:]
    #expect(judgeJobs(snapshot, problems: problems, lastRuns: [job: last], now: at(0))[job] == status)
  }

  @Test func `agents are judged by the first rule that fits`() throws {
    struct Row {
      var holder: Holder
      var source: SourceStatus = .known
      var edit: (inout AgentState) -> Void = { _ in }
      var expected: AgentStatus
    }
    let later =
      "it obeys a controller with the higher epoch 2: another one is acting, or the results branch was replaced"
    for row in [
      Row(holder: Holder("x", holds: "2"), expected: AgentStatus(connected: true, sync: .synced, health: .healthy)),
      Row(
        holder: Holder("x", holds: "1", comes: "2"),
        expected: AgentStatus(connected: true, sync: .outOfSync, health: .progressing, reason: "1 job differs")),
      Row(
        holder: Holder("x", holds: "1", refused: "2"),
        expected: AgentStatus(
          connected: true, sync: .outOfSync, health: .degraded,
          reason: "refused (wrong digest), offered again at 2026-11-20T00:00:10Z")),
      Row(
        holder: Holder("x", holds: "1", connected: false),
        expected: AgentStatus(
          connected: false, sync: .outOfSync, health: .unknown, reason: "not connected; 1 job differs")),
      Row(
        holder: Holder("x", holds: "2", connected: false),
        expected: AgentStatus(connected: false, sync: .synced, health: .unknown, reason: "not connected")),
      Row(
        holder: Holder("x", holds: "2"), edit: { $0.position.epoch = 2 },
        expected: AgentStatus(connected: true, sync: .synced, health: .degraded, reason: later)),
      Row(
        holder: Holder("x", holds: "1"), source: .unknown(reason: "gone"),
        expected: AgentStatus(
          connected: true, sync: .unknown, health: .healthy, reason: "the source cannot be read: gone")),
    ] {
      var agent = try row.holder.state(1)
      row.edit(&agent)
      let snapshot = PlanSnapshot(
        desired: DesiredState([try desired("a", version: "2")], source: row.source), agents: [agent],
        terms: AssignmentTerms(epoch: 1))
      #expect(judgeAgents(snapshot, now: at(0)) == [agent.id: row.expected])
    }
  }
}
