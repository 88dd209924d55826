import Model
import Planning
import TestSupport
import Testing

/// Snapshots of small random fleets, drawn from few names and versions so that cases meet.
private struct RandomFleet {
  var random: SeededGenerator
  let now = at(1_000_000)

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func snapshot() throws -> PlanSnapshot {
    var jobs: [DesiredJob] = []
    for index in 0..<8 where chance(70) {
      jobs.append(
        try desired("job-\(index)", version: "\(Int.random(in: 1...3, using: &random))", targets: try targets()))
    }
    let source: SourceStatus = chance(15) ? .unknown(reason: "x") : chance(20) ? .incomplete(reason: "y") : .known
    var agents: [AgentState] = []
    for number in 0..<Int.random(in: 0...6, using: &random) { agents.append(try agent(number)) }
    return PlanSnapshot(
      desired: DesiredState(jobs, source: source), agents: agents.shuffled(using: &random),
      terms: AssignmentTerms(epoch: 5))
  }

  private mutating func targets() throws -> Targets {
    var targets = Targets()
    if chance(50) { targets.match["role"] = [["db", "web"].randomElement(using: &random) ?? "db"] }
    if chance(20) { targets.agents = [try AgentName("host-\(Int.random(in: 0..<3, using: &random))")] }
    return targets
  }

  private mutating func held() throws -> [JobName: HeldJob] {
    var held: [JobName: HeldJob] = [:]
    for index in 0..<8 where chance(50) {
      let version = try desired("job-\(index)", version: "\(Int.random(in: 1...3, using: &random))")
      held[version.job.name] = HeldJob(bundle: version.bundle, commit: version.commit)
    }
    return held
  }

  private mutating func position() -> Position {
    chance(10)
      ? .zero
      : Position(epoch: Int64.random(in: 4...5, using: &random), sequence: Int64.random(in: 1...9, using: &random))
  }

  private mutating func agent(_ number: Int) throws -> AgentState {
    var agent = AgentState(id: agentID(number + 1), name: try AgentName("host-\(number % 4)"))
    agent.labels = chance(80) ? ["role": chance(50) ? "db" : "web"] : [:]
    agent.connected = chance(80)
    agent.held = try held()
    agent.position = chance(5) ? Position(epoch: 6, sequence: 1) : position()
    agent.lastIssued = position()
    agent.expires = chance(90) ? now + .seconds(Int64.random(in: -5...14, using: &random) * 86_400) : nil
    if chance(20) {
      agent.sent = SentAssignment(
        position: agent.lastIssued, expires: now + .seconds(86_400 * 13), contents: try held(),
        answerDue: now + .seconds(chance(50) ? 5 : -5))
    }
    if chance(20) {
      agent.refusal = AssignmentRefusal(
        contents: try held().mapValues(\.bundle), reason: "no", retryAt: now + .seconds(chance(50) ? 5 : -5))
    }
    return agent
  }
}

@Suite struct PlanPropertyTests {
  private func forEachSnapshot(_ check: (PlanSnapshot, Plan, Timestamp, inout SeededGenerator) throws -> Void) throws {
    var fleet = RandomFleet(random: SeededGenerator(seed: testSeed))
    for _ in 0..<400 {
      let snapshot = try fleet.snapshot()
      try check(snapshot, plan(snapshot, now: fleet.now), fleet.now, &fleet.random)
    }
  }

  @Test func `a plan that was applied leaves nothing to do`() throws {
    try forEachSnapshot { snapshot, first, now, _ in
      let lines = plan(snapshot.applying(first), now: now).actions.map(\.line)
      #expect(lines == [], "seed \(testSeed)")
    }
  }

  @Test func `a plan that is on its way leaves nothing to do`() throws {
    try forEachSnapshot { snapshot, first, now, _ in
      let sent = snapshot.sending(first, answerDue: now + .seconds(5))
      let lines = plan(sent, now: now + .seconds(4)).actions.map(\.line)
      #expect(lines == [], "seed \(testSeed)")
    }
  }

  @Test func `the order of agents does not matter`() throws {
    try forEachSnapshot { snapshot, first, now, random in
      var other = snapshot
      other.agents.shuffle(using: &random)
      let same = plan(other, now: now) == first
      #expect(same, "seed \(testSeed)")
    }
  }

  @Test func `no agent gets a job whose targets exclude it`() throws {
    try forEachSnapshot { snapshot, first, _, _ in
      for action in first.actions {
        let agent = try #require(snapshot.agents.first { $0.id == action.agent })
        let job: JobName
        switch action.change {
        case .install(let name, _), .replace(let name, _, _): job = name
        case .remove, .renew: continue
        }
        let targets = try #require(snapshot.desired.jobs[job]?.job.targets)
        #expect(targets.include(agent: agent.name, labels: agent.labels), "seed \(testSeed)")
      }
    }
  }

  @Test func `unreachable is not empty`() throws {
    try forEachSnapshot { snapshot, first, now, _ in
      for assignment in first.assignments {
        let agent = try #require(snapshot.agents.first { $0.id == assignment.agent })
        let had = agent.sent.map { now < $0.answerDue ? $0.contents : agent.held } ?? agent.held
        switch snapshot.desired.source {
        case .known: break
        case .incomplete: #expect(Set(had.keys).isSubset(of: assignment.contents.keys), "seed \(testSeed)")
        case .unknown: #expect(assignment.contents == had, "seed \(testSeed)")
        }
      }
    }
  }

  @Test func `nothing moves without need`() throws {
    try forEachSnapshot { snapshot, first, _, _ in
      for action in first.actions {
        switch action.change {
        case .replace(let job, let from, let to):
          #expect(from != to && snapshot.desired.jobs[job]?.bundle == to, "seed \(testSeed)")
        case .install(let job, let bundle):
          #expect(snapshot.desired.jobs[job]?.bundle == bundle, "seed \(testSeed)")
        case .remove(let job, _):
          let agent = try #require(snapshot.agents.first { $0.id == action.agent })
          let included = snapshot.desired.jobs[job]?.job.targets.include(agent: agent.name, labels: agent.labels)
          #expect(included != true, "seed \(testSeed)")
        case .renew: break
        }
      }
    }
  }

  @Test func `only connected agents of no later controller get assignments, and each a higher position`() throws {
    try forEachSnapshot { snapshot, first, _, _ in
      #expect(Set(first.actions.map(\.agent)) == Set(first.assignments.map(\.agent)), "seed \(testSeed)")
      for assignment in first.assignments {
        let agent = try #require(snapshot.agents.first { $0.id == assignment.agent })
        #expect(agent.connected, "seed \(testSeed)")
        #expect(assignment.position > max(agent.position, agent.lastIssued), "seed \(testSeed)")
        #expect(assignment.position.epoch == snapshot.terms.epoch, "seed \(testSeed)")
      }
    }
  }
}
