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
    for job in [try Self.plain(), try Self.full(), empty] + (try TimeRow.all.map { try $0.job() }) {
      let bytes = job.json.bytes
      let read = try Job(json: JSONValue(parsing: bytes, limit: 1 << 20))
      #expect(read == job)
      #expect(read.json.bytes == bytes)
    }
  }

  /// One field of time at a value other than its default, and what it adds to the job's JSON.
  struct TimeRow: Sendable, CustomTestStringConvertible {
    var adds: String
    /// In place of which text; nil: it stands before `"overlap"`.
    var instead: String?
    var edit: @Sendable (inout Job) -> Void
    var testDescription: String { adds }

    func job() throws -> Job {
      var job = try JobJSONTests.plain()
      edit(&job)
      return job
    }

    static let minute = Trigger.every(.seconds(60))
    static let start = Timestamp(seconds: 1_800_000_000)
    static let all = [
      TimeRow(adds: #""starts":"2027-01-15T08:00:00Z","#) { $0.starts = start },
      TimeRow(adds: #""expires":"2027-01-15T08:00:00Z","#) { $0.expires = start },
      TimeRow(adds: #""missed":"skip","#) { $0.missed = .skip },
      TimeRow(adds: #""missed":{"all":100},"#) { $0.missed = .all(limit: 100) },
      TimeRow(adds: #""missed":{"all":10000},"#) { $0.missed = .all(limit: 10_000) },
      TimeRow(adds: #""startByMs":3600000,"#) { $0.startBy = .seconds(3_600) },
      TimeRow(adds: #""overlap":"replace""#, instead: #""overlap":"skip""#) { $0.overlap = .replace },
      TimeRow(adds: #""overlap":{"queue":1}"#, instead: #""overlap":"skip""#) { $0.overlap = .queue(depth: 1) },
      TimeRow(adds: #""overlap":{"queue":100}"#, instead: #""overlap":"skip""#) { $0.overlap = .queue(depth: 100) },
      TimeRow(adds: #"{"everyMs":60000,"from":"2027-01-15T08:00:00Z"}"#, instead: #"{"everyMs":60000}"#) {
        $0.triggers = [.every(.seconds(60), from: start)]
      },
      TimeRow(adds: #"{"everyMs":60000,"jitterMs":5000}"#, instead: #"{"everyMs":60000}"#) {
        $0.triggers = [.every(.seconds(60), jitter: .seconds(5))]
      },
      TimeRow(
        adds: #"{"cron":"@daily","timezone":"UTC","gap":"skip","repeat":"both","jitterMs":300000}"#,
        instead: #"{"everyMs":60000}"#
      ) {
        $0.triggers = [
          .cron(
            expression: "@daily", timezone: "UTC", clockChange: ClockChange(gap: .skip, repeat: .both),
            jitter: .seconds(300))
        ]
      },
      TimeRow(adds: #"{"cron":"@daily","timezone":"UTC","repeat":"second"}"#, instead: #"{"everyMs":60000}"#) {
        $0.triggers = [.cron(expression: "@daily", timezone: "UTC", clockChange: ClockChange(repeat: .second))]
      },
    ]
  }

  /// What bundles of jobs without a field of time are made of: were it to change, every bundle of every fleet would.
  private static let plainText =
    #"{"name":"cleanup","labels":{},"triggers":[{"everyMs":60000}],"overlap":"skip","targets":{"match":{}},"#
    + #""run":{"command":["true"],"args":[],"files":[],"params":{},"env":{},"timeoutMs":3600000,"success":[0]},"#
    + #""retry":{"attempts":1,"backoffMs":10000,"factorThousandths":2000,"maxMs":300000,"on":["Failed","TimedOut"]}}"#

  @Test func defaultsAreLeftOut() throws {
    #expect(try Self.plain().json.text == Self.plainText)
  }

  @Test(arguments: TimeRow.all) func fieldsOfTimeAreAdded(_ row: TimeRow) throws {
    let place = row.instead ?? #""overlap":"#
    let parts = Self.plainText.split(separator: place, maxSplits: 1)
    try #require(parts.count == 2)
    let expected = parts[0] + row.adds + (row.instead == nil ? place : "") + parts[1]
    #expect(try row.job().json.text == expected)
  }

  @Test func pluginsAndRequestsArePrograms() throws {
    func check(_ text: String, _ program: RunSpec.Program) throws {
      var job = try Self.plain()
      job.run.program = program
      let script = try #require(Self.plainText.firstRange(of: #""command":["true"]"#))
      #expect(job.json.text == Self.plainText[..<script.lowerBound] + text + Self.plainText[script.upperBound...])
      #expect(try Job(json: job.json) == job)
    }
    let with: JSONValue = ["a": .array([1, true, "x"]), "b": ["c": "d"]]
    try check(
      #""plugin":{"name":"sql","with":{"a":[1,true,"x"],"b":{"c":"d"}}}"#,
      .plugIn(PlugInCall(name: try PlugInName("sql"), with: with)))
    var request = HTTPRequest(url: "https://a/b?c=${param.d}")
    try check(#""http":{"method":"GET","url":"https://a/b?c=${param.d}"}"#, .http(request))
    request = HTTPRequest(
      method: .post, url: "https://a/", headers: ["X": "${secret.db}"], body: "b", statuses: [200...299, 404...404],
      bodyPattern: "^a+$", timeout: .seconds(5), follow: 3, authorities: "certs/ca.pem", isInsecure: false)
    try check(
      #""http":{"method":"POST","url":"https://a/","headers":{"X":"${secret.db}"},"body":"b","#
        + #""expect":{"status":["200-299","404"],"body":"^a+$"},"timeoutMs":5000,"follow":3,"tls":{"ca":"certs/ca.pem"}}"#,
      .http(request))
  }

  /// What no manifest could have said.
  @Test(arguments: [
    #"{"name":"../x","with":{}}"#, #"{"name":"sql"}"#, #"{"with":{}}"#, #"{"name":"sql","with":[]}"#,
    #"{"name":"sql","with":{"b":1,"a":1}}"#, #"{"name":"sql","with":{"a":[{"c":1,"b":1}]}}"#,
    #"{"name":"sql","with":{},"x":1}"#,
  ])
  func refusesPlugin(_ text: String) throws {
    #expect(throws: JSONError.self) { try PlugInCall(json: try JSONValue(parsing: Array(text.utf8), limit: 1_000)) }
  }

  @Test(arguments: [
    "", #""method":"get""#, #""url":"ftp://a/""#, #""url":"http://169.254.0.1@x/""#, #""headers":{"Host":"x"}"#,
    #""headers":{"a b":"x"}"#, #""headers":{"A":"é"}"#, #""headers":{"A":"x\r\ny"}"#, #""headers":{"A":"${x}"}"#,
    #""body":"${param.}""#, #""expect":{"status":["600"]}"#, #""expect":{"status":[]}"#, #""expect":{"status":"200"}"#,
    #""expect":{"body":"(a"}"#, #""expect":{"x":1}"#, #""timeoutMs":500"#, #""timeoutMs":3600001"#, #""follow":11"#,
    #""follow":-1"#, #""tls":{"ca":"../x"}"#, #""tls":{"verify":false}"#, #""surprise":1"#,
  ])
  func refusesRequest(_ text: String) throws {
    let method = text.contains("\"method\"") ? "" : #""method":"GET""#
    let url = text.contains("\"url\"") || text.isEmpty ? "" : #""url":"http://a/""#
    let members = [method, url, text].filter { !$0.isEmpty }.joined(separator: ",")
    #expect(throws: JSONError.self) {
      try HTTPRequest(json: try JSONValue(parsing: Array("{\(members)}".utf8), limit: 10_000))
    }
  }

  @Test func containmentIsAdded() throws {
    func check(_ text: String, _ change: (inout RunSpec) throws -> Void) throws {
      var job = try Self.plain()
      try change(&job.run)
      #expect(job.json.text == Self.plainText.replacing("\"success\":[0]", with: "\"success\":[0]" + text))
      #expect(try Job(json: job.json) == job)
    }
    try check(#","user":"postgres""#) { $0.user = "postgres" }
    try check(#","stdin":"a\nb""#) { $0.input = "a\nb" }
    try check(#","secrets":{"A":"db","B":"tls.key"}"#) {
      $0.secrets = .variables(["B": try SecretName("tls.key"), "A": try SecretName("db")])
    }
    try check(#","secrets":["a","b"]"#) { $0.secrets = .files([try SecretName("a"), try SecretName("b")]) }
    try check(#","kill":{"signal":"INT","graceMs":0}"#) { $0.kill = RunSpec.Kill(signal: .int, grace: .zero) }
    try check(#","limits":{"files":64}"#) { $0.limits.files = 64 }
    try check(#","limits":{"nice":-20}"#) { $0.limits.nice = -20 }
    try check(#","workdir":"keep""#) { $0.workFolder = .keep }
    try check(#","limits":{"output":65536}"#) { $0.limits.output = 65_536 }
    try check(#","isolate":"files","write":["/var/backups"]"#) {
      $0.isolation = .files
      $0.write = ["/var/backups"]
    }
    try check(#","isolate":"full""#) { $0.isolation = .full }
    try check(#","limits":{"memory":536870912,"cpusThousandths":1500,"processes":64,"disk":65536}"#) {
      $0.limits = RunSpec.Limits(memory: 512 << 20, cpusThousandths: 1_500, processes: 64, disk: 64 << 10)
    }
  }

  @Test func artifactsAreAdded() throws {
    var job = try Self.plain()
    job.artifacts = ["out/*.gz", "**/core"]
    #expect(job.json.text == String(Self.plainText.dropLast()) + #","artifacts":["out/*.gz","**/core"]}"#)
    #expect(try Job(json: job.json) == job)
  }

  @Test func outputsAreAdded() throws {
    var job = try Self.plain()
    job.outputs = ["rows", "Size-2"]
    #expect(job.json.text == String(Self.plainText.dropLast()) + #","outputs":["rows","Size-2"]}"#)
    #expect(try Job(json: job.json) == job)
  }

  @Test func aFolderThatIsKeptIsNotSharedByRunsThatOverlap() throws {
    var job = try Self.plain()
    job.run.workFolder = .keep
    job.overlap = .allow
    #expect(throws: JSONError.self) { try Job(json: job.json) }
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
    Change("overlap", ["queue": 0]), Change("overlap", ["queue": 101]), Change("overlap", ["queue": "2"]),
    Change("overlap", ["queue": 2, "surprise": 1]), Change("overlap", ["replace": 1]), Change("overlap", true),
    Change("missed", "all"), Change("missed", "never"), Change("missed", ["all": 0]), Change("missed", ["all": 10_001]),
    Change("missed", ["all": 5, "surprise": 1]), Change("missed", 5), Change("startByMs", 0), Change("startByMs", -1),
    Change("startByMs", "1h"), Change("starts", "tomorrow"), Change("starts", 1), Change("expires", "2027-01-01"),
    Change("triggers", .array([["everyMs": 5_000, "jitterMs": 0]])),
    Change("triggers", .array([["everyMs": 5_000, "jitterMs": -1]])),
    Change("triggers", .array([["everyMs": 5_000, "from": "soon"]])),
    Change("triggers", .array([["everyMs": 5_000, "gap": "skip"]])),
    Change("triggers", .array([["at": "2026-01-01T00:00:00Z", "jitterMs": 1_000]])),
    Change("triggers", .array([["at": "2026-01-01T00:00:00Z", "from": "2026-01-01T00:00:00Z"]])),
    Change("triggers", .array([["cron": "@daily", "timezone": "UTC", "gap": "before"]])),
    Change("triggers", .array([["cron": "@daily", "timezone": "UTC", "repeat": "twice"]])),
    Change("triggers", .array([["cron": "@daily", "timezone": "UTC", "dst": ["gap": "skip"]]])),
    Change("targets", nil), Change("targets.match", ["a": "b"]), Change("targets.match", ["a": .array([1])]),
    Change("targets.agents", .array(["A"])), Change("targets.agents", .array([1])), Change("targets.where", "true"),
    Change("run", nil), Change("run.script", nil), Change("run.script", 1), Change("run.command", .array(["a"])),
    Change("run.args", "a"), Change("run.args", .array([1])), Change("run.params", ["a": .null]),
    Change("run.params", ["a": .array([])]), Change("run.params", ["a": ["decimal": "1e5"]]),
    Change("run.env", ["A": 1]), Change("run.timeoutMs", nil), Change("run.timeoutMs", -1),
    Change("run.success", .array(["0"])), Change("run.success", .array([256])), Change("run.success", .array([-1])),
    Change("run.user", 0), Change("run.user", "a b"), Change("run.user", ""), Change("run.user", "-a"),
    Change("run.stdin", 1), Change("run.stdin", .string(String(repeating: "x", count: RunSpec.inputLimit + 1))),
    Change("run.plugin", ["name": "sql", "with": [:]]), Change("run.http", ["method": "GET", "url": "http://a/"]),
    Change("run.secrets", "db"), Change("run.secrets", [:]), Change("run.secrets", .array([])),
    Change("run.secrets", ["A": 1]), Change("run.secrets", ["A": "../db"]), Change("run.secrets", ["A": "Db"]),
    Change("run.secrets", .array(["b", "a"])), Change("run.secrets", .array(["a", "a"])),
    Change("run.secrets", .array(["a/b"])), Change("run.secrets", .strings((100...150).map { "s\($0)" })),
    Change("run.kill", "KILL"), Change("run.kill", ["signal": "KILL", "graceMs": 1]),
    Change("run.kill", ["signal": "TERM"]), Change("run.kill", ["signal": "TERM", "graceMs": -1]),
    Change("run.kill", ["signal": "TERM", "graceMs": 600_001]),
    Change("run.kill", ["signal": "TERM", "graceMs": 1, "surprise": 1]), Change("run.limits", ["files": 15]),
    Change("artifacts", .array([])), Change("artifacts", "a"), Change("artifacts", .strings(["/etc/passwd"])),
    Change("artifacts", .strings(["../*"])), Change("artifacts", .strings([""])),
    Change("artifacts", .strings(["a**"])),
    Change("outputs", .array([])), Change("outputs", "rows"), Change("outputs", .strings(["rows", "rows"])),
    Change("outputs", .strings(["a b"])), Change("outputs", .strings(["1"])), Change("outputs", .strings([""])),
    Change("outputs", .strings(["a\n"])),
    Change("run.workdir", "shared"), Change("run.workdir", true),
    Change("run.limits", ["files": 1_048_577]), Change("run.limits", ["nice": 20]), Change("run.limits", ["nice": -21]),
    Change("run.limits", ["nice": "5"]), Change("run.limits", ["output": 65_535]),
    Change("run.isolate", "some"), Change("run.isolate", 1),
    Change("run.write", "/a"), Change("run.write", .array(["a"])), Change("run.write", .array(["/"])),
    Change("run.write", .array(["/a/../b"])), Change("run.write", .array(["/a//b"])),
    Change("run.write", .array(["/a\n"])),
    Change("run.limits", ["memory": 5]),
    Change("run.limits", ["memory": "512M"]), Change("run.limits", ["cpusThousandths": 9]),
    Change("run.limits", ["cpus": 1]), Change("run.limits", ["processes": 0]), Change("run.limits", ["disk": 65_535]),
    Change("run.limits", 5),
    Change("retry", nil), Change("retry.attempts", 0), Change("retry.attempts", 101),
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
