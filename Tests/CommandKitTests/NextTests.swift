import Model
import Schedule
import TestSupport
import Testing
import ZoneInfo

@testable import CommandKit

@Suite struct NextTests {
  private func job(_ name: String, _ triggers: [Trigger], suspension: Suspension? = nil) throws -> Job {
    Job(name: try JobName(name), suspension: suspension, triggers: triggers, run: RunSpec(program: .command(["true"])))
  }

  @Test func inOrderOfTimeWithSuspensionsLast() throws {
    let jobs = [
      try job("nightly", [.cron(expression: "30 2 * * *", timezone: "UTC")]),
      try job("often", [.every(.seconds(600)), .at(time("2026-11-20T12:05:00Z"))]),
      try job("over", [.at(time("2026-01-01T00:00:00Z"))]),
      try job("paused", [.every(.seconds(60))], suspension: Suspension(reason: "migration")),
      try job(
        "until", [.every(.seconds(3_600))],
        suspension: Suspension(reason: nil, until: time("2026-11-20T15:00:00Z"))),
    ]
    let report = try NextReport(jobs, zones: ZoneDatabase(folder: "/nonexistent"), from: Stage.now, count: 2)
    #expect(
      report.text(now: Stage.now) == """
        JOB      DUE                              TRIGGER          NOTE
        often    2026-11-20T12:05:00Z  in 5m00s   at
        often    2026-11-20T12:10:00Z  in 10m00s  every 10m
        until    2026-11-20T15:00:00Z  in 3h00m   every 1h         suspended until 2026-11-20T15:00:00Z
        until    2026-11-20T16:00:00Z  in 4h00m   every 1h
        nightly  2026-11-21T02:30:00Z  in 14h30m  cron 30 2 * * *
        nightly  2026-11-22T02:30:00Z  in 1d14h   cron 30 2 * * *
        over     never
        paused   suspended                                         migration

        """)
  }

  @Test func timesAreInTheTriggersZone() async throws {
    let clone = try Clone()
    try clone.write(
      "jobs/backup.yaml",
      Clone.backup(timeout: "5m").replacing("\"30 2 * * *\"", with: "\"30 2 * * *\"\n    timezone: Europe/Berlin"))
    var stage = clone.stage
    stage.now = time("2027-03-26T12:00:00Z")
    let ran = await stage.run("next", "data/backup", "-n", "3")
    // In the night to 28 March 2027 half past two is left out, so the job is due right after the gap.
    let moved = "02:30 does not exist, so right after the gap"
    #expect(
      ran.output == """
        JOB          DUE                                   TRIGGER                        NOTE
        data/backup  2027-03-27T02:30:00+01:00  in 13h30m  cron 30 2 * * * Europe/Berlin
        data/backup  2027-03-28T03:00:00+02:00  in 1d13h   cron 30 2 * * * Europe/Berlin  \(moved)
        data/backup  2027-03-29T02:30:00+02:00  in 2d12h   cron 30 2 * * * Europe/Berlin

        """)
    #expect(ran.status == .fine)
  }

  @Test func anAgentMayBeNamed() async throws {
    let clone = try Clone()
    let signers = try Signers()
    try signers.publish(
      [try signers.record("2026-11-20T01:00:00Z", job: "report")], to: clone.bare,
      cache: clone.folder.path("cache.git"))
    try git("fetch", "-q", in: clone.work)
    try clone.write(
      "jobs/spread.yaml", "job: spread\ntriggers: [{every: 1h, jitter: 5m}]\nrun: {command: [\"true\"]}\n")
    let byID = await clone.stage.run("next", "spread", "--agent", signers.agentID.text, "--format", "json")
    let byName = await clone.stage.run("next", "spread", "--agent", "db-1", "--format", "json")
    #expect(byName.status == .fine && byName.output == byID.output && byID.output.contains("start"), "\(byName)")
    let unknown = await clone.stage.run("next", "spread", "--agent", "db-2")
    #expect(unknown.status == .bad && unknown.errors.contains("knows no agent db-2"), "\(unknown.errors)")
  }

  @Test func anUnknownJobGetsASuggestion() async throws {
    let clone = try Clone()
    let ran = await clone.stage.run("next", "data/backpu")
    #expect(ran.status == .bad)
    #expect(ran.errors == "error: there is no job 'data/backpu' here\nhint: did you mean 'data/backup'?\n")
  }

  @Test func asJSON() async throws {
    let clone = try Clone()
    let ran = await clone.stage.run("next", "--format", "json")
    let list = try #require(ran.json?.arrayValue)
    #expect(list.compactMap { $0["job"]?.stringValue } == ["report", "data/backup"])
    #expect(list[1]["due"]?.arrayValue?.first?["time"]?.stringValue == "2026-11-21T02:30:00Z")
    #expect(list[1]["more"]?.boolValue == true)
  }

  // MARK: What keeps jobs from firing

  private static let zones = ZoneDatabase()

  private func report(
    _ job: Job, from: String = "2026-11-20T12:00:00Z", until: String? = nil, count: Int = 3,
    agent: AgentID? = nil
  ) throws -> NextReport {
    try NextReport(
      [job], zones: Self.zones,
      NextReport.Query(from: time(from), until: until.map(time), count: count, agent: agent))
  }

  private func lines(_ report: NextReport) -> [String] {
    report.text(now: Stage.now).split(separator: "\n").dropFirst().map(String.init)
  }

  @Test func startsAndExpires() throws {
    var job = try job("hourly", [.every(.seconds(3_600))])
    job.starts = time("2026-11-20T15:00:00Z")
    job.expires = time("2026-11-20T17:00:00Z")
    #expect(
      lines(try report(job)) == [
        "hourly  2026-11-20T15:00:00Z  in 3h00m  every 1h  starts 2026-11-20T15:00:00Z",
        "hourly  2026-11-20T16:00:00Z  in 4h00m  every 1h",
        "hourly  no more                                   expires 2026-11-20T17:00:00Z",
      ])
    let late = try report(job, from: "2026-11-20T18:00:00Z")
    #expect(lines(late) == ["hourly  never  expired 2026-11-20T17:00:00Z"])
  }

  @Test func untilShowsAllUpToItsInstant() throws {
    let job = try job("hourly", [.every(.seconds(3_600))])
    let two = try report(job, until: "2026-11-20T14:00:00Z", count: 1_000)
    #expect(two.rows[0].times.map(\.due.local) == ["2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"])
    #expect(two.rows[0].end == .until)
    let none = try report(job, until: "2026-11-20T12:59:59Z")
    #expect(lines(none) == ["hourly  not until then"])
    let cut = try report(job, until: "2026-11-21T00:00:00Z", count: 2)
    #expect(lines(cut).last == "hourly  and more")
    #expect(cut.json.arrayValue?.first?["more"]?.boolValue == true)
    #expect(two.json.arrayValue?.first?["more"]?.boolValue == false)
  }

  private func calendar(_ name: String, _ spans: (String, String)...) -> Calendar {
    Calendar(name: name, windows: spans.map { .span(from: time($0.0), to: time($0.1)) })
  }

  @Test func blackoutsArePassedOver() throws {
    var job = try job("hourly", [.every(.seconds(3_600))])
    job.blackout = [
      calendar("freeze", ("2026-11-20T12:30:00Z", "2026-11-20T15:00:00Z")),
      calendar("audit", ("2026-11-20T15:30:00Z", "2026-11-20T16:30:00Z")),
    ]
    // What is due at the very end fires.
    #expect(
      lines(try report(job, count: 2)) == [
        "hourly  2026-11-20T15:00:00Z  in 3h00m  every 1h  after blackout freeze until 2026-11-20T15:00:00Z",
        "hourly  2026-11-20T17:00:00Z  in 5h00m  every 1h  after blackout audit until 2026-11-20T16:30:00Z",
      ])
    let due = try report(job, count: 1).json.arrayValue?.first?["due"]?.arrayValue?.first
    #expect(due?["after"]?.arrayValue?.first?["calendar"]?.stringValue == "freeze")
    #expect(due?["after"]?.arrayValue?.first?["until"]?.stringValue == "2026-11-20T15:00:00Z")
  }

  @Test func aBlackoutMayHoldForSomeAgentsOnly() throws {
    var job = try job("hourly", [.every(.seconds(3_600), jitter: .seconds(1_800))])
    job.blackout = [calendar("freeze", ("2026-11-20T13:10:00Z", "2026-11-20T15:10:00Z"))]
    let report = try report(job, count: 3)
    #expect(
      report.rows[0].times.map(\.due.local) == [
        "2026-11-20T13:00:00Z", "2026-11-20T15:00:00Z", "2026-11-20T16:00:00Z",
      ])
    #expect(report.rows[0].times.map { $0.partly?.calendar } == ["freeze", "freeze", nil])
    #expect(report.rows[0].times.map { $0.passed.count } == [0, 1, 0])
    // One agent is in it or is not.
    let agent = AgentID(random: (1, 2))
    let start = time("2026-11-20T13:00:00Z") + Trigger.offset(of: job.name, on: agent, jitter: .seconds(1_800))
    let first = try self.report(job, from: "2026-11-20T12:30:00Z", count: 1, agent: agent).rows[0].times.first?.due
      .start
    #expect((first == start) == (start < time("2026-11-20T13:10:00Z")))
  }

  @Test func aJobThatIsAlwaysInABlackoutEnds() throws {
    var job = try job("noon", [.cron(expression: "0 12 * * *", timezone: "UTC")])
    job.blackout = [Calendar(name: "lunch", windows: [.weekly(days: Array(0...6), from: 660, to: 780)])]
    let lines = lines(try report(job))
    #expect(
      lines.count == 1 && lines[0].hasPrefix("noon  not until 20") && lines[0].hasSuffix("  all in blackouts"),
      "\(lines)")
  }

  @Test func jitterIsNotedOrExact() throws {
    let job = try job("spread", [.every(.seconds(3_600), jitter: .seconds(300))])
    #expect(lines(try report(job, count: 1)) == ["spread  2026-11-20T13:00:00Z  in 1h00m  every 1h  +0–5m by agent"])
    let agent = AgentID(random: (1, 2))
    let offset = Trigger.offset(of: job.name, on: agent, jitter: .seconds(300))
    let exact = try report(job, from: "2026-11-20T12:30:00Z", count: 1, agent: agent)
    #expect(exact.rows[0].times[0].due.start == time("2026-11-20T13:00:00Z") + offset)
    #expect(!exact.text(now: Stage.now).contains("by agent"))
    #expect(exact.json.arrayValue?.first?["due"]?.arrayValue?.first?["start"]?.stringValue != nil)
    // The share of the hour before is still to come right after the hour.
    let just = try report(job, from: "2026-11-20T13:00:00.001Z", count: 1, agent: agent)
    #expect(just.rows[0].times[0].due.time == time("2026-11-20T13:00:00Z"))
  }

  struct Change: Sendable, CustomTestStringConvertible {
    var expression: String
    var zone = "Europe/Berlin"
    var change = ClockChange()
    var from: String
    /// Local time and note of each.
    var due: [(String, String?)]
    var testDescription: String { "\(expression) \(zone) \(from)" }
  }

  static let changes = [
    Change(
      expression: "30 2 * * *", from: "2027-03-27T12:00:00Z",
      due: [
        ("2027-03-28T03:00:00+02:00", "02:30 does not exist, so right after the gap"),
        ("2027-03-29T02:30:00+02:00", nil),
      ]),
    Change(
      expression: "30 2 * * *", from: "2026-10-24T12:00:00Z",
      due: [("2026-10-25T02:30:00+02:00", "the first of two 02:30"), ("2026-10-26T02:30:00+01:00", nil)]),
    Change(
      expression: "*/30 * * * *", from: "2026-10-25T00:15:00Z",
      due: [
        ("2026-10-25T02:30:00+02:00", "the first of two 02:30"),
        ("2026-10-25T02:00:00+01:00", "the second of two 02:00"),
        ("2026-10-25T02:30:00+01:00", "the second of two 02:30"), ("2026-10-25T03:00:00+01:00", nil),
      ]),
    Change(
      expression: "30 2 * * *", change: ClockChange(gap: .skip), from: "2027-03-27T12:00:00Z",
      due: [("2027-03-29T02:30:00+02:00", "2027-03-28 02:30 does not exist and is left out")]),
    Change(
      expression: "30 2 * * *", change: ClockChange(repeat: .second), from: "2026-10-24T12:00:00Z",
      due: [("2026-10-25T02:30:00+01:00", "the second of two 02:30"), ("2026-10-26T02:30:00+01:00", nil)]),
    Change(
      expression: "30 2 * * *", change: ClockChange(repeat: .both), from: "2026-10-24T12:00:00Z",
      due: [
        ("2026-10-25T02:30:00+02:00", "the first of two 02:30"),
        ("2026-10-25T02:30:00+01:00", "the second of two 02:30"),
      ]),
    // A whole day is left out.
    Change(
      expression: "0 12 * * *", zone: "Pacific/Apia", from: "2011-12-29T12:00:00Z",
      due: [
        ("2011-12-29T12:00:00-10:00", nil),
        ("2011-12-31T00:00:00+14:00", "2011-12-30 12:00 does not exist, so right after the gap"),
        ("2011-12-31T12:00:00+14:00", nil),
      ]),
  ]

  @Test(arguments: changes) func changesOfTheClockAreNoted(_ row: Change) throws {
    let trigger = Trigger.cron(expression: row.expression, timezone: row.zone, clockChange: row.change)
    let report = try report(try job("clock", [trigger]), from: row.from, count: row.due.count)
    #expect(report.rows[0].times.map(\.due.local) == row.due.map(\.0))
    #expect(report.rows[0].times.map(\.due.clockNote) == row.due.map(\.1))
  }

  // MARK: One expression

  @Test func anExpressionByItself() async throws {
    var stage = Stage(folder: "/")
    stage.now = time("2027-03-26T12:00:00Z")
    let ran = await stage.run("next", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "-n", "2")
    #expect(ran.status == .fine && ran.errors.isEmpty)
    #expect(ran.output.hasPrefix("30 2 * * *: ") && ran.output.contains("Europe/Berlin\n\nDUE "))
    #expect(
      ran.output.contains("\n2027-03-28T03:00:00+02:00  in 1d13h   Sun  02:30 does not exist, so right after the gap\n")
    )
    let json = await stage.run(
      "next", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--until", "2027-03-28", "--format", "json")
    let due = try #require(json.json?["due"]?.arrayValue)
    #expect(due.compactMap { $0["time"]?.stringValue } == ["2027-03-27T02:30:00+01:00"])
    #expect(due.compactMap { $0["utc"]?.stringValue } == ["2027-03-27T01:30:00Z"])
    #expect(json.json?["timezone"]?.stringValue == "Europe/Berlin")
    let never = await stage.run("next", "--cron", "0 0 1 1 *", "--until", "2027-12-01")
    #expect(never.output.contains("Nothing is due after 2027-03-26T12:00:00Z and not later than 2027-12-01T00:00:00Z."))
  }

  @Test func wordsAndHashes() async throws {
    let stage = Stage(folder: "/")
    let words = await stage.run("next", "--cron", "30 2 * * MON-FRI", "--timezone", "Europe/Berlin", "-n", "1")
    #expect(words.output.hasPrefix("30 2 * * MON-FRI: at 02:30 on weekdays, Europe/Berlin\n"), "\(words.output)")
    let json = await stage.run("next", "--cron", "30 2 * * MON-FRI", "--format", "json")
    #expect(json.json?["words"]?.stringValue == "at 02:30 on weekdays")
    let nobody = await stage.run("next", "--cron", "H 2 * * *")
    #expect(nobody.status == .bad && nobody.errors.contains("hint: name the job"), "\(nobody.output)\(nobody.errors)")
    let somebody = await stage.run("next", "data/backup", "--cron", "H 2 * * *", "-n", "1", "--format", "json")
    let other = await stage.run("next", "data/report", "--cron", "H 2 * * *", "-n", "1", "--format", "json")
    #expect(somebody.status == .fine && somebody.json?["due"] != other.json?["due"], "\(somebody.output)")
  }

  @Test func aMistakeInAnExpressionIsMarked() async throws {
    let stage = Stage(folder: "/")
    let wrong = await stage.run("next", "--cron", "30 25 * * *")
    #expect(wrong.status == .bad && wrong.output.isEmpty)
    #expect(wrong.errors.contains("\n  30 25 * * *\n     ^\n"), "\(wrong.errors)")
    let zone = await stage.run("next", "--cron", "30 2 * * *", "--timezone", "Europe/Berln")
    #expect(zone.status == .bad && zone.errors.contains("did you mean 'Europe/Berlin'?"))
    let hostile = await stage.run("next", "--cron", String(repeating: "1,", count: 5_000) + " * * * *")
    #expect(hostile.status == .bad && hostile.errors.utf8.count < 2_000)
    let escape = await stage.run("next", "--cron", "30 2 * * \u{1b}[2J")
    #expect(escape.status == .bad && !escape.errors.contains("\u{1b}"))
  }

  @Test func theEndLiesBehindTheStart() async throws {
    let clone = try Clone()
    let past = await clone.stage.run("next", "--until", "2026-11-01")
    #expect(
      past.status == .usage
        && past.errors.contains("--until 2026-11-01T00:00:00Z is not later than now\nhint: give --from"))
    let both = await clone.stage.run("next", "--from", "2026-11-02", "--until", "2026-11-01")
    #expect(both.status == .usage)
    let range = await clone.stage.run("next", "data/backup", "--from", "2026-11-01", "--until", "2026-11-03T02:30:00Z")
    #expect(range.output.split(separator: "\n").count == 4)
  }
}
