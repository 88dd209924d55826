import Model
import Planning
import Results
import Schedule
import TestSupport
import Testing
import ZoneInfo

@testable import CommandKit

@Suite struct SimulateTests {
  private static let zones = ZoneDatabase()

  private func job(
    _ name: String, _ triggers: [Trigger], overlap: Overlap = .skip, suspension: Suspension? = nil,
    targets: Targets = Targets()
  ) throws -> DesiredJob {
    DesiredJob(
      job: Job(
        name: try JobName(name), suspension: suspension, triggers: triggers, overlap: overlap, targets: targets,
        run: RunSpec(program: .command(["true"]))),
      bundle: try Digest(hex: String(repeating: "ab", count: 32)),
      commit: try CommitID(String(repeating: "c0", count: 20)))
  }

  private func simulation(
    _ jobs: [DesiredJob], agents: [SimulatedAgent]? = nil, from: String = "2026-11-20T12:00:00Z",
    until: String = "2026-11-20T13:00:00Z", takes: Duration = .seconds(60), limit: Int = 1_000
  ) throws -> FleetSimulation {
    FleetSimulation(
      jobs, on: try agents ?? [try #require(SimulatedAgent.nominal)], from: time(from), until: time(until),
      zones: Self.zones, durations: try PastDurations([], nil, assumed: takes), limit: limit)
  }

  private func report(_ simulation: FleetSimulation, agents: Int? = nil) throws -> SimulateReport {
    SimulateReport(
      simulation, from: Stage.now, until: Stage.now + .seconds(3_600), zone: .utc,
      durations: try PastDurations([], nil, assumed: .seconds(60)), agents: agents)
  }

  @Test func theSpanHoldsItsBeginningAndNotItsEnd() throws {
    let result = try simulation([job("often", [.every(.seconds(1_200))])])
    #expect(
      result.occurrences.map(\.time.description) == [
        "2026-11-20T12:00:00Z", "2026-11-20T12:20:00Z", "2026-11-20T12:40:00Z",
      ])
    #expect(result.occurrences.allSatisfy { $0.end == $0.time + .seconds(60) })
    #expect(result.cut == nil && result.unplaced.isEmpty && result.problems.isEmpty)
  }

  @Test func overlapsFollowFromDurations() throws {
    let long = try simulation([job("long", [.every(.seconds(600))])], takes: .seconds(900))
    let starts = long.occurrences.filter { $0.end != nil }.map(\.time.description)
    #expect(starts == ["2026-11-20T12:00:00Z", "2026-11-20T12:20:00Z", "2026-11-20T12:40:00Z"])
    let skipped = long.occurrences.filter { $0.end == nil }
    #expect(
      skipped.map(\.nominal.description) == [
        "2026-11-20T12:10:00Z", "2026-11-20T12:30:00Z", "2026-11-20T12:50:00Z",
      ])
    #expect(skipped.allSatisfy { $0.word == "SkippedOverlap" && $0.reason?.contains("still going") ?? false })
    let text = try report(long).text(columns: 80, lines: 6)
    #expect(text.contains("2026-11-20T12:10:00Z  long  any    SkippedOverlap  "), "\(text)")
    #expect(!text.contains("more until"), "\(text)")
    #expect(text.contains("3 runs start, 3 do not (3 SkippedOverlap)\n"), "\(text)")
    #expect(text.contains("At most 1 run at once, at 2026-11-20T12:00:00Z\n"))
  }

  @Test func aSuspensionIsOneRecord() throws {
    let result = try simulation([
      job("paused", [.every(.seconds(600))], suspension: Suspension(reason: "migration")),
      job("until", [.every(.seconds(600))], suspension: Suspension(until: time("2026-11-20T12:30:00Z"))),
    ])
    let paused = result.occurrences.filter { $0.job.text == "paused" }
    #expect(paused.map(\.count) == [6])
    #expect(paused.first?.time == time("2026-11-20T12:00:00Z") && paused.first?.nominal == time("2026-11-20T12:50:00Z"))
    let until = result.occurrences.filter { $0.job.text == "until" }
    #expect(until.map(\.count) == [3, 1, 1, 1] && until.count { $0.end != nil } == 3)
    let json = try report(result).json(list: true)
    #expect(json["others"]?["SkippedSuspended"]?.integerValue == 9)
    #expect(json["starts"]?.integerValue == 3)
  }

  @Test func placementAndJitterAreThoseOfTheAgents() throws {
    let agents = try ["db-1", "db-2", "web-1"].map { text in
      let name = try AgentName(text)
      return SimulatedAgent(
        name: name, id: SimulatedAgent.id(madeOf: name), labels: ["role": String(text.prefix { $0 != "-" })])
    }
    let jobs = [
      try job("spread", [.every(.seconds(3_600), jitter: .seconds(1_800))], targets: Targets(match: ["role": ["db"]])),
      try job("nowhere", [.every(.seconds(600))], targets: Targets(match: ["role": ["mail"]])),
    ]
    let result = try simulation(jobs, agents: agents)
    #expect(result.unplaced.map(\.text) == ["nowhere"] && result.hasJitter)
    #expect(Set(result.occurrences.map(\.agent.text)) == ["db-1", "db-2"])
    for occurrence in result.occurrences where occurrence.nominal == Stage.now {
      let agent = try #require(agents.first { $0.name == occurrence.agent })
      let offset = Trigger.offset(of: occurrence.job, on: agent.id, jitter: .seconds(1_800))
      #expect(occurrence.time == Stage.now + offset)
    }
    let text = try report(result, agents: 3).text(columns: 80, lines: 0)
    #expect(text.contains("NoEligibleAgent: no agent of the file matches the targets of nowhere\n"))
    #expect(text.contains("Without jitter most would be 2 in a minute, at 2026-11-20T12:00:00Z\n"), "\(text)")
  }

  @Test func whatIsTooMuchIsCut() throws {
    let agents = try ["a", "b"].map {
      try SimulatedAgent(name: AgentName($0), id: SimulatedAgent.id(madeOf: AgentName($0)))
    }
    let result = try simulation(
      [job("second", [.every(.seconds(1))])], agents: agents, takes: .milliseconds(1), limit: 100)
    #expect(result.occurrences.count <= 100 && result.occurrences.count >= 99)
    let cut = try #require(result.cut)
    // Up to there nothing is missing: both agents start in each second.
    let whole = try simulation(
      [job("second", [.every(.seconds(1))])], agents: agents, until: cut.description, takes: .milliseconds(1),
      limit: 10_000)
    #expect(whole.occurrences.filter { $0.time < cut } == result.occurrences)
    #expect(try report(result).summary.contains { $0.hasPrefix("CUT before 2026-11-20T12:00:") })
  }

  @Test func equalInputsGiveEqualOutput() throws {
    var generator = SeededGenerator(seed: testSeed)
    var jobs = try (0..<20).map { index in
      try job(
        "job-\(index)", [.every(.seconds(60 * Int.random(in: 1...30, using: &generator)), jitter: .seconds(45))],
        overlap: Bool.random(using: &generator) ? .skip : .allow)
    }
    let first = try simulation(jobs, takes: .seconds(300))
    jobs.shuffle(using: &generator)
    let second = try simulation(jobs, takes: .seconds(300))
    #expect(first.occurrences == second.occurrences, "seed \(testSeed)")
    #expect(zip(first.occurrences, first.occurrences.dropFirst()).allSatisfy { $0.time <= $1.time }, "seed \(testSeed)")
    // No occurrence twice, none both run and not.
    let keys = first.occurrences.map { "\($0.job) \($0.nominal)" }
    #expect(Set(keys).count == keys.count, "seed \(testSeed)")
  }

  // MARK: The command

  @Test func overARepository() async throws {
    let clone = try Clone()
    let signers = try Signers()
    let records = try (1...5).map { minute in
      try signers.record(
        "2026-11-20T0\(minute):00:00Z", job: "report", took: .seconds(60 * minute * minute))
    }
    try signers.publish(records, to: clone.bare, cache: clone.folder.path("cache.git"))
    try git("fetch", "-q", in: clone.work)
    let ran = await clone.stage.run("simulate", "--until", "2026-11-20T13:00:00Z")
    #expect(ran.status == .fine && ran.errors.isEmpty, "\(ran.errors)")
    // The median of 1, 4, 9, 16 and 25 minutes.
    #expect(ran.output.contains("2026-11-20T12:00:00Z  report  any    Starts  ~9m00s\n"), "\(ran.output)")
    #expect(
      ran.output.contains(
        "Durations: for 1 job the median of past runs, for 1 job without past runs 1m, as --assume says\n"))
    #expect(ran.output.contains("\nStarts per minute; most, 1, at 2026-11-20T12:00:00Z\n"))
    // What is assumed does not look like what was seen.
    let assumed = await clone.stage.run("simulate", "data/backup")
    #expect(assumed.output.contains("  Starts  1m00s?\n"), "\(assumed.output)")
    let short = await clone.stage.run("simulate", "-n", "5", "--until", "2026-11-20T13:00:00Z")
    #expect(short.output.contains("\nand 1 more until 2026-11-20T13:00:00Z; -n 6 lists them too\n"), "\(short.output)")
    #expect(short.output.contains("6 runs start"), "the rest counts them all: \(short.output)")
    let json = await clone.stage.run(
      "simulate", "report", "--format", "json", "--timezone", "Asia/Kolkata", "--summary")
    #expect(json.json?["starts"]?.integerValue == 144 && json.json?["occurrences"] == nil)
    #expect(json.json?["from"]?.stringValue == "2026-11-20T17:30:00+05:30")
    let bare = await Stage(folder: clone.bare).run("simulate", "--at", "main", "--summary")
    #expect(bare.status == .fine && bare.output.contains("145 runs start"), "\(bare.output)\(bare.errors)")
  }

  @Test func mistakesAreNamed() async throws {
    let clone = try Clone()
    let job = await clone.stage.run("simulate", "data/backpu")
    #expect(job.status == .bad && job.errors.contains("did you mean 'data/backup'?"))
    let order = await clone.stage.run("simulate", "--from", "2026-11-21", "--until", "2026-11-20")
    #expect(order.status == .usage && order.errors.contains("is not later than --from"))
    let assume = await clone.stage.run("simulate", "--assume", "soon")
    #expect(assume.status == .usage && assume.errors.contains("--assume takes a duration"))
    let zone = await clone.stage.run("simulate", "--timezone", "Mars/Base")
    #expect(zone.status == .bad)
    let file = await clone.stage.run("simulate", "--agents", "nope.yaml")
    #expect(file.status == .unreachable && file.errors.contains("nope.yaml"))
    let branch = await clone.stage.run("simulate", "--branch", "nowhere")
    #expect(branch.status == .bad && branch.errors.contains("no branch 'nowhere'"))
  }
}

@Suite struct AgentsFileTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var text: String
    /// `name id labels`, or what the error says.
    var agents: [String] = []
    var says: String?
    var testDescription: String { what }
  }

  private static let id = "6f1c1d7a-3b52-4c1f-9a0e-2f7d4b8c9e11"

  static let rows = [
    Row(
      what: "YAML", text: "- name: db-1\n  id: \(id)\n  labels: {role: db, rack: 12}\n- name: web-1\n",
      agents: ["db-1 \(id) rack=12,role=db", "web-1"]),
    Row(what: "YAML under a key", text: "agents:\n  - {name: db-1}\n", agents: ["db-1"]),
    Row(what: "YAML's flow style", text: "[{name: db-1, labels: {a: b}}]", agents: ["db-1"]),
    Row(what: "JSON", text: #"[{"name": "db-1", "labels": {"role": "db"}}]"#, agents: ["db-1"]),
    Row(
      what: "the controller's status",
      text: """
        {"version": "0.1.0", "agents": {"known": 1, "connected": 1, "list": [
          {"id": "\(id)", "name": "db-1", "connected": true, "labels": {"role": "db"}, "jobs": 3, "running": []}]}}
        """,
      agents: ["db-1 \(id) role=db"]),
    Row(what: "empty", text: "", says: "agents.yaml: error: the file is empty"),
    Row(what: "empty list", text: "[]", says: "there are no agents in it"),
    Row(what: "no list", text: "name: db-1\n", says: "want a list of agents"),
    Row(what: "no name", text: "- labels: {a: b}\n", says: "agents.yaml:1:3: error: 'name' is missing in an agent"),
    Row(what: "bad name", text: "- name: DB 1\n", says: "agents.yaml:1:9: error: "),
    Row(what: "bad id", text: "- {name: a, id: x}\n", says: "'x' is not an agent id"),
    Row(what: "unknown key", text: "- {name: a, label: {}}\n", says: "did you mean 'labels'?"),
    Row(what: "twice", text: "- name: a\n- name: a\n", says: "two agents are called 'a'"),
    Row(what: "one id", text: "- {name: a, id: \(id)}\n- {name: b, id: \(id)}\n", says: "two agents have the id"),
    Row(what: "JSON without a name", text: #"[{"labels": {}}]"#, says: "agent 1: it has no name"),
    Row(what: "JSON's labels", text: #"[{"name": "a", "labels": {"n": 1}}]"#, says: "its label 'n' is not a text"),
    Row(what: "an alias bomb", text: "a: &a [x]\nb: [*a, *a]\n", says: "anchors (&name) are refused"),
    Row(what: "depth", text: String(repeating: "[", count: 10_000), says: "agents.yaml"),
    Row(what: "escape sequences", text: "- name: \"\\e[2J\"\n", says: "agents.yaml:1:9: error: "),
  ]

  @Test(arguments: rows) func forms(_ row: Row) throws {
    do throws(CommandError) {
      let agents = try AgentsFile.agents(Array(row.text.utf8), path: "agents.yaml")
      let texts = agents.map { agent in
        let labels = agent.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return "\(agent.name) \(agent.id) \(labels)"
      }
      #expect(zip(texts, row.agents).allSatisfy { $0.hasPrefix($1) } && texts.count == row.agents.count, "\(texts)")
      #expect(row.says == nil)
    } catch {
      #expect(error.message.contains(row.says ?? "?"), "\(error)")
      #expect(error.status == .bad && Ending(error).complaint.allSatisfy { $0 != "\u{1b}" })
    }
  }

  @Test func idsMadeOfNamesDiffer() throws {
    let names = try (0..<1_000).map { try AgentName("agent-\($0)") }
    #expect(Set(names.map(SimulatedAgent.id)).count == 1_000)
    #expect(SimulatedAgent.id(madeOf: names[0]) == SimulatedAgent.id(madeOf: names[0]))
  }
}

@Suite struct StartsChartTests {
  private func starts(_ counts: KeyValuePairs<String, Int>) -> [Timestamp] {
    counts.flatMap { Array(repeating: time($0.key), count: $0.value) }
  }

  @Test func aBarForEachBusyMinute() {
    let chart = StartsChart(
      starts([
        "2026-11-20T02:30:59Z": 3, "2026-11-20T02:30:00Z": 1, "2026-11-20T02:31:00Z": 1, "2026-11-20T07:00:00Z": 2,
      ]),
      zone: .utc)
    #expect(
      chart.text(columns: 41) == """
        Starts per minute; most, 4, at 2026-11-20T02:30:00Z
        2026-11-20 02:30  4  ████████████████████
        2026-11-20 02:31  1  █████
        2026-11-20 07:00  2  ██████████

        """)
    #expect(StartsChart([], zone: .utc).text(columns: 80).isEmpty)
  }

  @Test func aLongSpanShowsTheWorstMinuteOfEachTime() throws {
    let berlin = try zone("Europe/Berlin")
    // Every ten minutes for two days, and one pile-up at half past one in the night.
    var all = (0..<288).map { time("2026-11-20T00:00:00Z") + .seconds(600 * $0) }
    all += starts(["2026-11-21T00:30:00Z": 9])
    let chart = StartsChart(all, zone: berlin)
    #expect(chart.width == .seconds(3_600) && chart.bars.count == 48)
    let text = chart.text(columns: 60)
    #expect(
      text.hasPrefix("Starts per minute, the busiest minute of each 1h; most, 10, at 2026-11-21T01:30:00+01:00\n"))
    #expect(text.contains("\n2026-11-21 01:00  10 of 15  ██████"), "\(text)")
    let lines: [Substring] = text.split(separator: "\n")
    #expect(lines.dropFirst().allSatisfy { $0.count <= 60 })
    #expect(chart.json["worst"]?["starts"]?.integerValue == 10)
  }

  @Test func centuriesStillFit() {
    let all = (0..<9_000).map { time("1970-01-01T00:00:00Z") + .seconds(86_400 * 300 * $0) }
    let chart = StartsChart(all, zone: .utc)
    #expect(chart.bars.count <= 2 * StartsChart.barLimit)
    #expect(chart.bars.map(\.total).reduce(0, +) == 9_000)
  }

  @Test func runsAtOnce() throws {
    let agent = try AgentName("a")
    func run(_ from: Int64, _ to: Int64) throws -> FleetOccurrence {
      FleetOccurrence(
        SimulatedOccurrence(
          job: try JobName("j"), nominal: Timestamp(seconds: from), decided: Timestamp(seconds: from),
          start: Timestamp(seconds: from), end: Timestamp(seconds: to), fate: .starts),
        on: agent)
    }
    // One that ends when another begins is not beside it.
    let most = SimulateReport.mostAtOnce([try run(0, 10), try run(10, 20), try run(5, 12), try run(11, 11)])
    #expect(most?.count == 3 && most?.time == Timestamp(seconds: 11))
    #expect(SimulateReport.mostAtOnce([]) == nil)
  }
}
