import Git
import Model
import Results
import TestSupport
import Testing
import Trust

@testable import CommandKit

/// A source whose history and results are all known: a job that was changed, broken and suspended, one that was
/// removed, and one that came late.
struct WhyScene {
  let clone: Clone
  let signers: Signers
  private(set) var commits: [String: String] = [:]

  /// For tests that only read it.
  static let shared = Result { try WhyScene() }

  init() throws {
    clone = try Clone()
    signers = try Signers()
    let start = "2026-11-01T00:00:00Z"
    try git(
      "commit", "-q", "--amend", "-m", "Start", in: clone.work,
      environment: ["GIT_COMMITTER_DATE": start, "GIT_AUTHOR_DATE": start])
    try git("push", "-q", "-f", "origin", "main", in: clone.work)
    commits["start"] = try clone.head()
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    commits["longer"] = try clone.commit("Give it longer", at: "2026-11-10T00:00:00Z")
    try git("rm", "-q", "jobs/report.yaml", in: clone.work)
    commits["removed"] = try clone.commit("Drop the report", at: "2026-11-12T12:00:00Z")
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "soon"))
    commits["broken"] = try clone.commit("Break it", at: "2026-11-14T00:00:00Z")
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m") + "suspend: {reason: storage migration}\n")
    commits["suspended"] = try clone.commit("Suspend it", at: "2026-11-16T00:00:00Z")
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "30m"))
    try clone.write(
      "jobs/late.yaml",
      "job: late\ntriggers: [{cron: \"0 6 * * *\", timezone: Europe/Berlin}]\nrun: {command: [df]}\n")
    commits["resumed"] = try clone.commit("Resume it", at: "2026-11-18T12:00:00Z")
    try signers.publish(try records(), to: clone.bare, cache: clone.folder.path("cache.git"))
  }

  private func records() throws -> [ReceiptDelivery] {
    [
      try signers.record("2026-11-05T02:30:00Z", from: commits["start"], late: .milliseconds(12)),
      // The agent still held the version before.
      try signers.record("2026-11-11T02:30:00Z", from: commits["start"], .ran(.failed), reason: "out of cheese"),
      try signers.record(
        "2026-11-13T02:30:00Z", from: commits["longer"], .skipped(.missedDeadline), reason: "the agent was down",
        first: "2026-11-12T02:30:00Z", count: 2),
      try signers.record("2026-11-15T02:30:00Z", from: commits["removed"]),
      try signers.record(
        "2026-11-18T02:30:00Z", from: commits["suspended"], .skipped(.suspended),
        reason: "the job was suspended: storage migration", first: "2026-11-16T02:30:00Z", count: 3),
      try signers.record("2026-11-20T02:30:00Z", from: commits["resumed"]),
      try signers.record("2026-11-20T09:17:11.500Z", from: commits["resumed"], request: "ana-7k2m"),
    ]
  }
}

/// `why` for each thing that can have become of an occurrence.
@Suite struct WhyTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var job = "data/backup"
    var time: String
    var status = CommandKit.ExitStatus.bad
    var verdict: String
    var due: String?
    /// All of them, in the text.
    var says: [String]
    var testDescription: String { "\(job) \(time)" }
  }

  static let rows = [
    Row(
      time: "2026-11-05T02:30:00Z", status: .fine, verdict: "ran", due: "2026-11-05T02:30:00Z",
      says: [
        "data/backup, due 2026-11-05T02:30:00Z: ran and succeeded\n",
        "\ndb-1   Succeeded  2026-11-05T02:30:00.012Z  12ms  1.2s  ",
        "\ndue       2026-11-05T02:30:00Z, by cron 30 2 * * *\n", "(Start) then, by the dates that commits claim\n",
        "was changed by ", "(Give it longer): run.timeout: 5m → 30m\n", "(Start), the same version\n",
        "\nrecord    runs/data/backup/2026/11/05/02/3000Z.ndjson:1\n",
      ]),
    // Said as people do: by the minute, and without a date for the last one.
    Row(
      time: "02:30", status: .fine, verdict: "ran", due: "2026-11-20T02:30:00Z",
      says: ["the job is so since ", "(Resume it)"]),
    Row(time: "2026-11-20 02:30", status: .fine, verdict: "ran", due: "2026-11-20T02:30:00Z", says: []),
    Row(
      time: "2026-11-20T02:33:20+00:00", status: .fine, verdict: "ran", due: "2026-11-20T02:30:00Z",
      says: ["asked     2026-11-20T02:33:20Z; the nearest occurrence is meant\n"]),
    Row(
      time: "2026-11-11T02:30:00Z", verdict: "failed", due: "2026-11-11T02:30:00Z",
      says: [
        ": ran and did not succeed: Failed, exit 3, out of cheese\n", "(Give it longer) then",
        "(Start), another version than the source's then: run.timeout: 5m → 30m\n",
      ]),
    // Within and at the end of a record of several.
    Row(
      time: "2026-11-12T02:30:00Z", verdict: "skipped", due: "2026-11-12T02:30:00Z",
      says: [
        ": did not run: MissedDeadline, 2 occurrences since 2026-11-12T02:30:00Z, the agent was down\n",
        "13/02/3000Z.ndjson:1, one record of 2 occurrences from 2026-11-12T02:30:00Z to 2026-11-13T02:30:00Z\n",
      ]),
    Row(time: "2026-11-13 02:30", verdict: "skipped", due: "2026-11-13T02:30:00Z", says: ["MissedDeadline"]),
    Row(
      time: "2026-11-17T02:30:00Z", verdict: "skipped", due: "2026-11-17T02:30:00Z",
      says: ["SkippedSuspended", "storage migration", "(Suspend it) then"]),
    // The manifest is broken, its last good version goes on.
    Row(
      time: "2026-11-15T02:30:00Z", status: .fine, verdict: "ran", due: "2026-11-15T02:30:00Z",
      says: [
        "the job's manifest had mistakes there: jobs/backup.yaml:6:", "(Drop the report) stays in force",
        "(Break it) then",
      ]),
    Row(
      time: "2026-11-14T02:30:00Z", verdict: "noRecord", due: "2026-11-14T02:30:00Z",
      says: [
        ": there is no record of it\n",
        "db-1      no record of it; its last one before is that of 2026-11-13T02:30:00Z, its next one that of 2026-11-15T02:30:00Z; "
          + "last heard of at 2026-11-20T09:17:",
      ]),
    Row(
      time: "12:00", verdict: "notDue",
      says: [
        "data/backup: was not due at 2026-11-20T12:00:00Z\n", "schedule  cron 30 2 * * *\n",
        "before    2026-11-20T02:30:00Z, which ran and succeeded\n", "after     2026-11-21T02:30:00Z, in 14h30m\n",
      ]),
    Row(
      time: "2026-11-20 09:17", status: .fine, verdict: "ran", due: "2026-11-20T09:17:11.500Z", says: ["on request"]),
    Row(
      time: "2026-11-21T02:30:00Z", verdict: "future", due: "2026-11-21T02:30:00Z",
      says: [": is yet to come, in 14h30m\n"]),
    Row(
      job: "report", time: "2026-11-15T10:00:00Z", verdict: "noJob",
      says: [
        "report: did not run: there was no such job at 2026-11-15T10:00:00Z\n", "removed   by ", "(Drop the report)",
      ]),
    Row(
      job: "late", time: "2026-11-15 06:00", verdict: "noJob",
      says: ["no such job at 2026-11-15T06:00:00+01:00", "added     by ", "(Resume it), later\n"]),
    Row(
      job: "late", time: "2026-11-19 06:00", verdict: "noRecord", due: "2026-11-19T06:00:00+01:00",
      says: ["no agent has ever held the job"]),
    Row(
      job: "report", time: "2026-10-15T10:00:00Z", verdict: "noJob",
      says: [
        "source    main has no commit that is as old\n", "added     by ", "(Start), later",
      ]),
    Row(
      job: "report", time: "2026-11-02T10:00:00Z", verdict: "noRecord", due: "2026-11-02T10:00:00Z", says: []),
  ]

  @Test(arguments: rows) func everyCase(_ row: Row) async throws {
    let scene = try WhyScene.shared.get()
    let stage = Stage(folder: scene.clone.bare)
    let ran = await stage.run(["why", row.job] + row.time.split(separator: " ").map(String.init))
    #expect(ran.status == row.status, "\(ran.output)\(ran.errors)")
    for text in row.says { #expect(ran.output.contains(text), "\(text)\n\(ran.output)") }
    let json = await stage.run("why", row.job, row.time, "--format", "json")
    #expect(json.json?["verdict"]?.stringValue == row.verdict, "\(json.output)")
    #expect(json.json?["due"]?.stringValue == row.due)
    #expect(json.status == row.status)
    if row.verdict != "noJob" || !row.time.hasPrefix("2026-10") {
      #expect(scene.commits.values.contains(json.json?["commit"]?.stringValue ?? ""))
    }
  }

  @Test func withoutResultsTheSourceAloneAnswers() async throws {
    let clone = try WhyScene().clone
    let due = await clone.stage.run("why", "data/backup", "02:30")
    #expect(
      due.status == .unreachable && due.output.contains("this clone has no results branch: 'git fetch' brings it"))
    let not = await clone.stage.run("why", "data/backup", "12:00")
    #expect(not.status == .bad && not.output.contains("was not due"))
    try git("fetch", "-q", in: clone.work)
    let fetched = await clone.stage.run("why", "data/backup", "02:30")
    #expect(fetched.status == .fine && fetched.output.contains("origin/main was at "), "\(fetched.output)")
  }

  @Test func whatWasNotPushedIsNoSource() async throws {
    let clone = try WhyScene().clone
    try git("fetch", "-q", in: clone.work)
    try git("rm", "-q", "jobs/backup.yaml", in: clone.work)
    try git(
      "commit", "-q", "-m", "Not pushed", in: clone.work,
      environment: ["GIT_COMMITTER_DATE": "2026-11-20T01:00:00Z"])
    #expect(await clone.stage.run("why", "data/backup", "02:30").output.contains("(Resume it) then"))
    let local = await clone.stage.run("why", "data/backup", "02:30", "--source", "main")
    #expect(local.output.contains("main was at ") && local.output.contains("(Not pushed) then"), "\(local.output)")
  }

  @Test func aJobThatNobodyKnows() async throws {
    let clone = try WhyScene.shared.get().clone
    let ran = await Stage(folder: clone.bare).run("why", "data/backpu", "02:30")
    #expect(ran.status == .bad)
    #expect(
      ran.errors == "error: there is no job 'data/backpu' in the history of main\nhint: did you mean 'data/backup'?\n")
    let nowhere = await Stage(folder: "/").run("why", "data/backup", "02:30")
    #expect(nowhere.status == .unreachable)
    let revision = await Stage(folder: clone.bare).run("why", "data/backup", "02:30", "--source", "nope")
    #expect(revision.status == .unreachable && revision.errors.contains("there is no revision 'nope'"))
  }

  @Test func severalAgents() async throws {
    let scene = try WhyScene()
    let (clone, commits) = (scene.clone, scene.commits)
    let other = try Signers(agentID: AgentID(random: (1 << 32, 2)), name: "db-2")
    try other.publish(
      [
        try other.record(
          "2026-11-19T02:30:00Z", from: commits["resumed"], .skipped(.overlap), reason: "run abc was still going"),
        try other.record("2026-11-20T02:30:00Z", from: commits["resumed"], .ran(.timedOut)),
      ], to: clone.bare, cache: clone.folder.path("cache2.git"))
    let stage = Stage(folder: clone.bare)
    let ran = await stage.run("why", "data/backup", "02:30", "--format", "json")
    #expect(ran.status == .bad && ran.json?["verdict"]?.stringValue == "failed")
    #expect(ran.json?["summary"]?.stringValue == "ran and succeeded on 1 of 2 agents, did not succeed on 1")
    #expect(ran.json?["records"]?.arrayValue?.compactMap { $0["agent"]?.stringValue } == ["db-1", "db-2"])
    let before = await stage.run("why", "data/backup", "2026-11-19 02:30")
    #expect(before.output.contains("did not run: SkippedOverlap, run abc was still going"), "\(before.output)")
    #expect(before.output.contains("\ndb-1      no record of it"), "\(before.output)")
  }

  @Test func pausesThatHaveNoRecordYet() async throws {
    let clone = try Clone()
    let start = "2026-11-01T00:00:00Z"
    try clone.write(
      "belfry.yaml",
      """
      belfry: 1
      calendars:
        freeze:
          spans: [{from: 2026-11-19T00:00:00Z, to: 2026-11-21T00:00:00Z}]

      """)
    try clone.write("jobs/backup.yaml", Clone.backup(timeout: "5m") + "blackout: [freeze]\n")
    try clone.write(
      "jobs/report.yaml",
      "job: report\nsuspend: {reason: move, until: 2026-11-21T00:00:00Z}\ntriggers: [{every: 10m}]\nrun: {command: [df]}\n"
    )
    try git("add", "-A", in: clone.work)
    try git(
      "commit", "-q", "--amend", "-m", "Start", in: clone.work,
      environment: ["GIT_COMMITTER_DATE": start, "GIT_AUTHOR_DATE": start])
    try git("push", "-q", "-f", "origin", "main", in: clone.work)
    let signers = try Signers()
    try signers.publish(
      [try signers.record("2026-11-18T02:30:00Z", from: try clone.head())], to: clone.bare,
      cache: clone.folder.path("cache.git"))
    let stage = Stage(folder: clone.bare)
    let blackout = await stage.run("why", "data/backup", "2026-11-20 02:30")
    #expect(blackout.status == .bad)
    #expect(
      blackout.output.contains(": did not run: blackout freeze is in force until 2026-11-21T00:00:00Z\n"),
      "\(blackout.output)")
    let suspended = await stage.run("why", "report", "2026-11-20 02:30", "--format", "json")
    #expect(suspended.json?["verdict"]?.stringValue == "suspended")
    let future = await stage.run("why", "report", "2026-11-20 12:10")
    #expect(
      future.output.contains(": is yet to come, in 10m00s, and as things are it will not run\n"), "\(future.output)")
  }

  @Test func outputIsSafeForATerminal() async throws {
    let scene = try WhyScene()
    let (clone, commits) = (scene.clone, scene.commits)
    let strange = try scene.signers.record(
      "2026-11-19T02:30:00Z", from: commits["resumed"], .ran(.failed), reason: "a\u{1b}[2Jb\nc")
    try scene.signers.publish([strange], to: clone.bare, cache: clone.folder.path("cache.git"))
    let ran = await Stage(folder: clone.bare).run("why", "data/backup", "2026-11-19 02:30")
    #expect(!ran.output.contains("\u{1b}") && ran.output.contains("a<U+001B>[2Jb"), "\(ran.output)")
  }
}

@Suite struct MomentArgumentTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var text: String
    var zone = "Europe/Berlin"
    var now = "2026-11-20T12:00:00Z"
    var instant: String?
    var note: String?
    var testDescription: String { text }
  }

  static let rows = [
    Row(text: "2026-11-20T02:30:00+01:00", instant: "2026-11-20T01:30:00Z"),
    Row(text: "2026-11-20 02:30", instant: "2026-11-20T01:30:00Z"),
    Row(text: "2026-11-20T02:30", instant: "2026-11-20T01:30:00Z"),
    Row(text: "2026-11-20 02:30:15", instant: "2026-11-20T01:30:15Z"),
    Row(text: "12:59", instant: "2026-11-20T11:59:00Z"),
    Row(text: "13:00:00", instant: "2026-11-20T12:00:00Z"),
    // Yesterday, for it is not yet so today.
    Row(text: "13:01", instant: "2026-11-19T12:01:00Z"),
    Row(text: "23:30", now: "2026-11-20T22:00:00Z", instant: "2026-11-19T22:30:00Z"),
    Row(text: "2027-03-28 02:30", instant: "2027-03-28T01:00:00Z", note: "the clock left that time out"),
    Row(text: "2026-10-25 02:30", instant: "2026-10-25T00:30:00Z", note: "the clock showed that time twice"),
    Row(text: "24:00"), Row(text: "2:30"), Row(text: "02"), Row(text: "2026-11-20"), Row(text: "2026-02-29 02:30"),
    Row(text: ""), Row(text: "2026-11-20 02:30 x"), Row(text: "1969-12-31 23:00"), Row(text: "02:30:60"),
    Row(text: String(repeating: "0", count: 10_000)),
  ]

  @Test(arguments: rows) func formsOfATime(_ row: Row) throws {
    guard let instant = row.instant else {
      #expect(throws: NameError.self) { try MomentArgument(row.text) }
      return
    }
    let moment = try MomentArgument(row.text).resolve(in: try zone(row.zone), now: time(row.now))
    #expect(moment.instant == time(instant))
    #expect(moment.note?.hasPrefix(row.note ?? "?") ?? (row.note == nil))
  }
}
