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
    #expect(
      ran.output == """
        JOB          DUE                                   TRIGGER
        data/backup  2027-03-27T02:30:00+01:00  in 13h30m  cron 30 2 * * * Europe/Berlin
        data/backup  2027-03-28T03:00:00+02:00  in 1d13h   cron 30 2 * * * Europe/Berlin
        data/backup  2027-03-29T02:30:00+02:00  in 2d12h   cron 30 2 * * * Europe/Berlin

        """)
    #expect(ran.status == .fine)
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
  }
}
