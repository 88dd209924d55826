import Model
import Planning
import Testing

@Suite struct FiringTests {
  @Test func `a job starts at its instants and not before`() throws {
    var machine = try minutely()
    #expect(machine.nextWake == at(60))
    #expect(machine.tick(at: at(59)).isEmpty)
    let actions = machine.tick(at: at(60))
    #expect(lines(actions) == ["start a 60"])
    guard case .start(let run)? = actions.first else { return }
    #expect(run.id == Occurrence(job: try name("a"), nominal: at(60)).run(on: host))
    let bundle = try digest("a 1")
    #expect(run.bundle == bundle && run.attempt == 1 && run.phase == .running && run.started == at(60))
    #expect(machine.cursors == [try name("a"): Cursor(decided: at(60), floor: at(0))])
    #expect(machine.nextWake == at(120))
    #expect(machine.tick(at: at(61)).isEmpty)
  }

  @Test func `an instant at the very time of installation lies in the past`() throws {
    var machine = FiringMachine(agent: host)
    _ = machine.install([try firing(try sampleJob("a"))], at: at(60))
    #expect(machine.tick(at: at(60)).isEmpty)
    #expect(machine.nextWake == at(120))
  }

  @Test func `after a jump forwards the latest fires and the others are one record`() throws {
    var machine = try minutely()
    let actions = machine.tick(at: at(3_610))
    #expect(lines(actions) == ["MissedDeadline a 60...3540 ×59", "start a 3600"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.isCountExact && skip.words.hasPrefix("missed while"))
    #expect(try skip.run == run(3_540))
    #expect(machine.nextWake == at(3_660))
  }

  @Test func `a fold of more than the limit says at least`() throws {
    var machine = FiringMachine(agent: host, foldLimit: 10)
    let job = try sampleJob("a", triggers: [.cron(expression: "* * * * *", timezone: "UTC")])
    _ = machine.install([try firing(job)], at: at(0))
    let actions = machine.tick(at: at(3_600))
    guard case .skip(let skip)? = actions.first else { return }
    #expect(lines(actions) == ["MissedDeadline a 60...3540 ×10", "start a 3600"])
    #expect(!skip.isCountExact && skip.words.hasSuffix("at least 10 in all"))
  }

  @Test func `after a jump back nothing fires twice, and it says so once`() throws {
    var machine = try minutely()
    _ = machine.tick(at: at(300))
    _ = machine.attemptEnded(try run(300), attempt: 1, .succeeded, at: at(301))
    let back = machine.tick(at: at(100))
    #expect(
      lines(back) == [
        "note: the clock went back by 3m20s: what was due up to 2026-11-20T00:05:00Z is decided and does not fire again"
      ])
    for second in stride(from: Int64(101), to: 360, by: 7) { #expect(machine.tick(at: at(second)).isEmpty) }
    #expect(machine.nextWake == at(360))
    #expect(lines(machine.tick(at: at(360))) == ["start a 360"])
  }

  @Test func `a clock that is corrected by less than a second is not worth a note`() throws {
    var machine = try minutely()
    _ = machine.tick(at: at(61))
    #expect(machine.tick(at: at(61) - .milliseconds(999)).isEmpty)
  }

  @Test func `overlap skip names the run that is in the way`() throws {
    var machine = try minutely()
    _ = machine.tick(at: at(60))
    let actions = machine.tick(at: at(120))
    #expect(lines(actions) == ["SkippedOverlap a 120 ×1"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "run \(try run(60).text.prefix(8)) of 2026-11-20T00:01:00Z was still going after 1m")
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(130))) == ["finish a 60 Succeeded"])
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `a run that waits for its next attempt is still going`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(100)) }
    _ = machine.tick(at: at(60))
    let ended = machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(70))
    #expect(lines(ended) == ["attempt 2 of a later at 170"])
    let actions = machine.tick(at: at(120))
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words.hasSuffix("was still waiting for its attempt 2 at 2026-11-20T00:02:50Z"))
    #expect(machine.nextWake == at(170))
    #expect(lines(machine.tick(at: at(170))) == ["attempt 2 of a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 2, .failed, at: at(175))) == ["finish a 60 Failed"])
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `overlap allow lets runs go beside each other`() throws {
    var machine = try minutely { $0.overlap = .allow }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.tick(at: at(120))) == ["start a 120"])
    #expect(machine.activeRuns.count == 2)
  }

  @Test func `an at trigger fires once`() throws {
    var machine = try minutely { $0.triggers = [.at(at(90))] }
    #expect(lines(machine.tick(at: at(90))) == ["start a 90"])
    #expect(machine.nextWake == nil)
  }

  @Test func `equal times are decided in the order of names`() throws {
    var machine = FiringMachine(agent: host)
    let jobs = try ["c", "a", "b"].map { try firing(try sampleJob($0)) }
    _ = machine.install(jobs, at: at(0))
    #expect(lines(machine.tick(at: at(60))) == ["start a 60", "start b 60", "start c 60"])
  }

  @Test func `a tick looks only at what is due, whatever else is installed`() throws {
    var machine = FiringMachine(agent: host)
    var jobs = try (0..<10_000).map { try firing(try sampleJob("job-\($0)", triggers: [.at(at(100_000 + Int64($0)))])) }
    jobs += try (0..<3).map { try firing(try sampleJob("often-\($0)")) }
    _ = machine.install(jobs, at: at(0))
    let before = machine.decisions
    #expect(machine.tick(at: at(60)).count == 3)
    #expect(machine.tick(at: at(90)).isEmpty)
    #expect(machine.decisions - before == 3)
    #expect(machine.nextWake == at(120))
  }
}
