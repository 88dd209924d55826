import Model
import TestSupport
import Testing

@Suite struct JobJSONTests {
  static func plain() throws -> Job {
    Job(
      name: try JobName("cleanup"), triggers: [.every(.seconds(60))], run: RunSpec(program: .command(["true"])))
  }

  static func full() throws -> Job {
    Job(
      name: try JobName("orders/backup"), summary: "Nightly dump \u{1f600}\n", owner: "data-team@example.com",
      labels: ["tier": "gold", "empty": ""],
      suspension: Suspension(reason: "migration", until: try instant("2026-12-01T00:00:00.000001Z")),
      triggers: [
        .cron(expression: "30 2 * * *", timezone: "Europe/Berlin"), .every(.milliseconds(1_500)),
        .at(try instant("2026-12-01T03:00:00+01:00")),
      ],
      overlap: .allow,
      targets: Targets(match: ["role": ["db"], "region": ["eu-1", "eu-2"]], agents: [try AgentName("db-1")]),
      run: RunSpec(
        program: .script("scripts/backup.sh"), interpreter: ["/bin/bash", "-eu"], args: ["--full", ""],
        files: ["scripts/lib/*.sh"],
        params: [
          "database": .string("orders"), "keep": .integer(.min), "dry": .boolean(false), "rate": .decimal("-0.25"),
        ],
        env: ["PGHOST": "db.internal"], timeout: .milliseconds(1_234), success: [0, 75, 255]),
      retry: RetryPolicy(
        attempts: 3, backoff: .zero, factorThousandths: 1_500, max: .seconds(300),
        on: [.failed, .timedOut, .lost, .cancelled]))
  }

  @Test func roundTrip() throws {
    var empty = try Self.plain()
    empty.suspension = Suspension()
    empty.targets.agents = []
    empty.retry.on = []
    empty.run.success = []
    for job in [try Self.plain(), try Self.full(), empty] {
      let bytes = job.json.bytes
      let read = try Job(json: JSONValue(parsing: bytes, limit: 1 << 20))
      #expect(read == job)
      #expect(read.json.bytes == bytes)
    }
  }

  struct Change: Sendable, CustomTestStringConvertible {
    var path: String
    var value: JSONValue?
    init(_ path: String, _ value: JSONValue?) {
      self.path = path
      self.value = value
    }
    var testDescription: String { "\(path) = \(value?.text.prefix(40) ?? "nothing")" }
  }

  @Test(arguments: [
    Change("surprise", 1), Change("name", nil), Change("name", "../x"), Change("name", 1), Change("description", 1),
    Change("labels", .array([])), Change("labels", ["a": 1]), Change("suspend", true), Change("suspend.surprise", 1),
    Change("suspend.until", "tomorrow"), Change("triggers", nil), Change("triggers", .array([])),
    Change("triggers", .array([[:]])), Change("triggers", .array([["cron": "* * * * *"]])),
    Change("triggers", .array([["everyMs": -1]])), Change("triggers", .array([["everyMs": "5s"]])),
    Change("triggers", .array([["everyMs": 5_000, "at": "2026-01-01T00:00:00Z"]])),
    Change("triggers", .array([["webhook": "deploy"]])), Change("overlap", nil), Change("overlap", "queue"),
    Change("targets", nil), Change("targets.match", ["a": "b"]), Change("targets.match", ["a": .array([1])]),
    Change("targets.agents", .array(["A"])), Change("targets.agents", .array([1])), Change("targets.where", "true"),
    Change("run", nil), Change("run.script", nil), Change("run.script", 1), Change("run.command", .array(["a"])),
    Change("run.args", "a"), Change("run.args", .array([1])), Change("run.params", ["a": .null]),
    Change("run.params", ["a": .array([])]), Change("run.params", ["a": ["decimal": "1e5"]]),
    Change("run.env", ["A": 1]), Change("run.timeoutMs", nil), Change("run.timeoutMs", -1),
    Change("run.success", .array(["0"])), Change("run.success", .array([256])), Change("run.success", .array([-1])),
    Change("run.user", "root"), Change("retry", nil), Change("retry.attempts", 0), Change("retry.attempts", 101),
    Change("retry.factorThousandths", 999), Change("retry.factorThousandths", 100_001),
    Change("retry.on", .array(["Running"])), Change("retry.on", .array(["failed"])), Change("retry.backoffMs", -1),
  ])
  func refuses(_ change: Change) throws {
    let changed = replacing(
      change.path.split(separator: ".").map(String.init), in: try Self.full().json, with: change.value)
    #expect(throws: JSONError.self) { try Job(json: changed) }
  }

  @Test func decimals() {
    for text in ["0", "-0", "0.25", "-12.50", "7", String(repeating: "9", count: 40)] {
      #expect(ParameterValue.isDecimal(text), "\(text)")
    }
    for text in ["", "-", ".5", "5.", "1e5", "+1", "01", "1.2.3", "1,5", "٥", "1.\u{301}5", " 1", "NaN"] {
      #expect(!ParameterValue.isDecimal(text), "\(text)")
    }
    #expect(!ParameterValue.isDecimal(String(repeating: "9", count: 41)))
  }

  @Test func parametersKeepTheirKind() {
    #expect(ParameterValue.integer(1).reading("5") == .integer(5))
    #expect(ParameterValue.integer(1).reading("5.0") == nil)
    #expect(ParameterValue.boolean(true).reading("yes") == nil)
    #expect(ParameterValue.boolean(true).reading("false") == .boolean(false))
    #expect(ParameterValue.decimal("1").reading("0.5") == .decimal("0.5"))
    #expect(ParameterValue.string("").reading("5") == .string("5"))
    #expect(ParameterValue.decimal("0.5").plainJSONText == "0.5")
    #expect(ParameterValue.string("0.5").plainJSONText == "\"0.5\"")
  }

  @Test func pausesGrowUpToTheirLimit() {
    let policy = RetryPolicy(attempts: 5, backoff: .seconds(10), factorThousandths: 2_000, max: .seconds(60))
    #expect(
      (1...6).map { policy.pause(after: $0, endedIn: .failed) } == [
        .seconds(10), .seconds(20), .seconds(40), .seconds(60), nil, nil,
      ])
    #expect(policy.pause(after: 1, endedIn: .succeeded) == nil)
    #expect(policy.pause(after: 1, endedIn: .lost) == nil)
    let endless = RetryPolicy(
      attempts: 100, backoff: .seconds(Int64.max / 1_000_000), factorThousandths: 100_000, max: .seconds(86_400))
    #expect(endless.pause(after: 99, endedIn: .failed) == .seconds(86_400))
  }

  @Test func targetsMatchAllLabels() throws {
    let targets = Targets(match: ["role": ["db"], "region": ["eu-1", "eu-2"]])
    let name = try AgentName("db-1")
    #expect(targets.include(agent: name, labels: ["role": "db", "region": "eu-2", "more": "x"]))
    #expect(!targets.include(agent: name, labels: ["role": "db"]))
    #expect(!targets.include(agent: name, labels: ["role": "db", "region": "us-1"]))
    #expect(Targets().include(agent: name, labels: [:]))
    #expect(!Targets(agents: []).include(agent: name, labels: [:]))
    #expect(Targets(agents: [name]).include(agent: name, labels: [:]))
  }
}
