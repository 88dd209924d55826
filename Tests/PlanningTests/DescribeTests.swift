import Model
import Planning
import Testing

@Suite struct DescribeTests {
  private func change(_ edit: (inout DesiredJob) throws -> Void) throws -> [String] {
    let run = RunSpec(
      program: .script("scripts/backup.sh"), args: ["--full"], params: ["keep": .integer(14), "rate": .decimal("0.5")],
      env: ["PGHOST": "db"])
    let file = BundleFile(path: "scripts/backup.sh", digest: try digest("v1"), size: 10, executable: true)
    let old = try desired(try sampleJob("orders/backup", every: 600, run: run), files: [file])
    var new = old
    try edit(&new)
    return FieldDifference.between(old, new).map(\.line)
  }

  @Test func `fields are told as a manifest spells them`() throws {
    #expect(try change { $0.job.run.timeout = .seconds(1800) } == ["run.timeout: 1h → 30m"])
    #expect(try change { $0.job.retry.factorThousandths = 1500 } == ["retry.factor: 2 → 1.5"])
    #expect(try change { $0.job.triggers = [.every(.seconds(90))] } == ["triggers[0].every: 10m → 1m30s"])
    #expect(
      try change { $0.job.triggers.append(.cron(expression: "30 2 * * *", timezone: "Europe/Berlin")) } == [
        "triggers: [{every: 10m}] → [{every: 10m}, {cron: \"30 2 * * *\", timezone: Europe/Berlin}]"
      ])
    #expect(try change { $0.job.run.args = ["--full", "a b"] } == ["run.args: [--full] → [--full, \"a b\"]"])
    #expect(try change { $0.job.owner = "data team" } == ["owner: added \"data team\""])
    #expect(try change { $0.job.run.env = [:] } == ["run.env.PGHOST: removed db"])
    #expect(try change { $0.job.run.params["rate"] = .decimal("0.25") } == ["run.params.rate.decimal: 0.5 → 0.25"])
    #expect(try change { $0.job.suspension = Suspension(reason: "move") } == ["suspend: added {reason: move}"])
    #expect(try change { _ in }.isEmpty)
  }

  @Test func `fields of time are told as a manifest spells them`() throws {
    #expect(try change { $0.job.overlap = .queue(depth: 2) } == ["overlap: skip → queue (2)"])
    #expect(try change { $0.job.overlap = .queue(depth: 1) } == ["overlap: skip → queue"])
    #expect(try change { $0.job.overlap = .replace } == ["overlap: skip → replace"])
    #expect(try change { $0.job.missed = .all(limit: 500) } == ["missed: latest → all (500)"])
    #expect(try change { $0.job.missed = .all(limit: Missed.standardLimit) } == ["missed: latest → all"])
    #expect(
      try change {
        $0.job.missed = .skip
        $0.job.startBy = .seconds(3_600)
        $0.job.starts = time("2026-11-01T00:00:00Z")
        $0.job.expires = time("2027-11-01T00:00:00Z")
      } == [
        "starts: added 2026-11-01T00:00:00Z", "expires: added 2027-11-01T00:00:00Z", "missed: latest → skip",
        "startBy: added 1h",
      ])
    #expect(
      try change { $0.job.triggers = [.every(.seconds(600), from: time("2026-11-01T00:00:00Z"), jitter: .seconds(60))] }
        == ["triggers[0].from: added 2026-11-01T00:00:00Z", "triggers[0].jitter: added 1m"])
    let plain = Trigger.cron(expression: "@daily", timezone: "UTC")
    let careful = Trigger.cron(
      expression: "@daily", timezone: "UTC", clockChange: ClockChange(gap: .skip, repeat: .both), jitter: .seconds(300))
    #expect(
      try change { $0.job.triggers = [careful, plain] } == [
        "triggers: [{every: 10m}] → "
          + "[{cron: \"@daily\", timezone: UTC, dst: {gap: skip, repeat: both}, jitter: 5m}, {…"
      ])
    let old = try desired(try sampleJob("a", triggers: [plain]))
    let skipping = ClockChange(gap: .skip)
    let new = try desired(
      try sampleJob("a", triggers: [.cron(expression: "@daily", timezone: "UTC", clockChange: skipping)]))
    let both = try desired(try sampleJob("a", triggers: [careful]))
    #expect(FieldDifference.between(old, new).map(\.line) == ["triggers[0].dst: added {gap: skip}"])
    #expect(FieldDifference.between(new, old).map(\.line) == ["triggers[0].dst: removed {gap: skip}"])
    #expect(
      FieldDifference.between(new, both).map(\.line) == [
        "triggers[0].dst.repeat: added both", "triggers[0].jitter: added 5m",
      ])
  }

  @Test func `files are told by content, mode and presence`() throws {
    #expect(try change { $0.files[0].digest = try digest("v2") } == ["files scripts/backup.sh: changed"])
    #expect(
      try change { $0.files[0].executable = false } == ["files scripts/backup.sh: executable → not executable"])
    #expect(try change { $0.files = [] } == ["files scripts/backup.sh: removed 10 bytes"])
  }

  @Test func `text from a repository cannot play with the terminal`() throws {
    #expect(try change { $0.job.owner = "\u{1b}[2J\u{202e}x\n" } == ["owner: added \"\\u{1b}[2J\\u{202e}x\\n\""])
    #expect(try change { $0.job.owner = #"a "b" \"# } == [#"owner: added "a \"b\" \\""#])
    #expect(
      try change { $0.job.run.params["missed"] = .string("\u{1b}[2J") } == [
        "run.params.missed: added \"\\u{1b}[2J\""
      ])
    #expect(try change { $0.job.labels = ["overlap": "\u{1b}"] } == ["labels.overlap: added \"\\u{1b}\""])
    let long = try change { $0.job.owner = String(repeating: "x", count: 500) }
    #expect(long.first?.count == "owner: added ".count + 80)
  }

  @Test func `between two revisions jobs are removed, changed, added`() throws {
    var slow = try desired("c", version: "2")
    slow.job.run.timeout = .seconds(7200)
    let old = DesiredState([try desired("a"), try desired("b"), try desired("c")])
    let new = DesiredState([try desired("b"), slow, try desired("d")])
    let changes = JobChange.between(old, new)
    let (one, two) = (try digest("c 1").short, try digest("c 2").short)
    #expect(
      changes.flatMap(\.lines) == [
        "- remove a (bundle \(try digest("a 1").short)…)", "~ change c (bundle \(one)… → \(two)…)",
        "    run.timeout: 1h → 2h", "+ add d (bundle \(try digest("d 1").short)…)",
      ])
    #expect(changes[1].json["differences"]?.arrayValue?.first?["new"] == "2h")
    let broken = DesiredState(jobs: new.jobs, source: .incomplete(reason: "x"))
    #expect(JobChange.between(old, broken).map(\.job.text) == ["c", "d"])
    #expect(JobChange.between(old, DesiredState(jobs: [:], source: .unknown(reason: "x"))).isEmpty)
  }

  @Test func `a fleet's plan tells equal differences once and sums up`() throws {
    let old = try desired("a")
    var new = try desired("a", version: "2")
    new.job.overlap = .allow
    let held = [old.job.name: HeldJob(bundle: old.bundle, commit: old.commit)]
    let agents = try ["db-2", "db-1"].enumerated().map { index, name in
      AgentState(id: agentID(index + 1), name: try AgentName(name), held: held, expires: at(1_000_000))
    }
    let snapshot = PlanSnapshot(
      desired: DesiredState([new, try desired("b", targets: Targets(agents: [try AgentName("db-2")]))]), agents: agents,
      terms: AssignmentTerms(epoch: 1))
    let plan = plan(snapshot, now: at(0))
    let versions = [old.bundle: old, new.bundle: new]
    let bundles = "(bundle \(old.bundle.short)… → \(new.bundle.short)…)"
    #expect(
      plan.lines(version: { versions[$0] }) == [
        "~ replace a on db-1 \(bundles)", "    overlap: skip → allow", "~ replace a on db-2 \(bundles)",
        "    as on db-1", "+ install b on db-2 (bundle \(try digest("b 1").short)…)",
        "Plan: 1 to install, 2 to replace, 0 to remove on 2 agents",
      ])
    #expect(Plan().lines() == ["Plan: nothing to do"])
    let json = try #require(plan.json["actions"]?.arrayValue)
    #expect(json.count == 3 && json[0]["action"] == "replace" && json[0]["to"] == .string(new.bundle.hex))
    #expect(json[2]["action"] == "install" && json[2]["agentName"] == "db-2" && json[2]["from"] == nil)
  }
}
