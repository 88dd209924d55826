import Model
import Planning
import Schedule
import Testing

/// The agent of all firing tests.
let host = agentID(7)

/// Actions as short lines, with times as seconds after `at(0)`.
func lines(_ actions: [FiringAction]) -> [String] {
  func seconds(_ time: Timestamp) -> String { String((time - at(0)).components.seconds) }
  return actions.map { action in
    switch action {
    case .start(let run): "start \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .startAttempt(let run): "attempt \(run.attempt) of \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .retryLater(let run, let time): "attempt \(run.attempt) of \(run.occurrence.job) later at \(seconds(time))"
    case .finish(let run, let outcome): "finish \(run.occurrence.job) \(seconds(run.occurrence.nominal)) \(outcome)"
    case .skip(let skip):
      "\(skip.reason.rawValue) \(skip.occurrence.job) \(skip.firstNominal.map { seconds($0) + "..." } ?? "")"
        + "\(seconds(skip.occurrence.nominal)) ×\(skip.count)"
    case .cancel(let run): "cancel \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .refuse(_, let reason): "refuse: \(reason)"
    case .note(let text): "note: \(text)"
    }
  }
}

/// A machine with one job `a`, due every minute, installed at 0.
private func machine(_ edit: (inout Job) -> Void = { _ in }, lease: Duration = .seconds(7 * 86_400)) throws -> FiringMachine {
  var job = try sampleJob("a")
  edit(&job)
  var machine = FiringMachine(agent: host)
  #expect(machine.install([try firing(job, lease: lease)], at: at(0)).isEmpty)
  return machine
}

private func run(_ seconds: Int64) throws -> RunID {
  Occurrence(job: try name("a"), nominal: at(seconds)).run(on: host)
}

@Suite struct FiringTests {
  @Test func `a job starts at its instants and not before`() throws {
    var machine = try machine()
    #expect(machine.nextWake == at(60))
    #expect(machine.tick(at: at(59)).isEmpty)
    let actions = machine.tick(at: at(60))
    #expect(lines(actions) == ["start a 60"])
    guard case .start(let run)? = actions.first else { return }
    #expect(run.id == Occurrence(job: try name("a"), nominal: at(60)).run(on: host))
    let bundle = try digest("a 1")
    #expect(run.bundle == bundle && run.attempt == 1 && run.phase == .running && run.started == at(60))
    #expect(machine.cursors == [try name("a"): at(60)])
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
    var machine = try machine()
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
    var machine = try machine()
    _ = machine.tick(at: at(300))
    _ = machine.attemptEnded(try run(300), attempt: 1, .succeeded, at: at(301))
    let back = machine.tick(at: at(100))
    #expect(lines(back) == ["note: the clock went back by 3m20s: what was due up to 2026-11-20T00:05:00Z is decided and does not fire again"])
    for second in stride(from: Int64(101), to: 360, by: 7) { #expect(machine.tick(at: at(second)).isEmpty) }
    #expect(machine.nextWake == at(360))
    #expect(lines(machine.tick(at: at(360))) == ["start a 360"])
  }

  @Test func `a clock that is corrected by less than a second is not worth a note`() throws {
    var machine = try machine()
    _ = machine.tick(at: at(61))
    #expect(machine.tick(at: at(61) - .milliseconds(999)).isEmpty)
  }

  @Test func `overlap skip names the run that is in the way`() throws {
    var machine = try machine()
    _ = machine.tick(at: at(60))
    let actions = machine.tick(at: at(120))
    #expect(lines(actions) == ["SkippedOverlap a 120 ×1"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "run \(try run(60).text.prefix(8)) of 2026-11-20T00:01:00Z was still going after 1m")
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(130))) == ["finish a 60 Succeeded"])
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `a run that waits for its next attempt is still going`() throws {
    var machine = try machine { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(100)) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(70))) == ["attempt 2 of a later at 170"])
    let actions = machine.tick(at: at(120))
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words.hasSuffix("was still waiting for its attempt 2 at 2026-11-20T00:02:50Z"))
    #expect(machine.nextWake == at(170))
    #expect(lines(machine.tick(at: at(170))) == ["attempt 2 of a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 2, .failed, at: at(175))) == ["finish a 60 Failed"])
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `overlap allow lets runs go beside each other`() throws {
    var machine = try machine { $0.overlap = .allow }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.tick(at: at(120))) == ["start a 120"])
    #expect(machine.activeRuns.count == 2)
  }

  @Test func `an at trigger fires once`() throws {
    var machine = try machine { $0.triggers = [.at(at(90))] }
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

@Suite struct SuspensionTests {
  @Test func `nothing fires while suspended, and the end leaves one record`() throws {
    var machine = try machine { $0.suspension = Suspension(reason: "move", until: at(600)) }
    #expect(machine.nextWake == at(600))
    #expect(machine.nextDue(try name("a")) == at(600))
    #expect(machine.tick(at: at(300)).isEmpty)
    let actions = machine.tick(at: at(600))
    #expect(lines(actions) == ["SkippedSuspended a 60...540 ×9", "start a 600"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "the job was suspended: move")
  }

  @Test func `an end that was slept through is told apart from what was missed after it`() throws {
    var machine = try machine { $0.suspension = Suspension(until: at(150)) }
    #expect(
      lines(machine.tick(at: at(360))) == ["SkippedSuspended a 60...120 ×2", "MissedDeadline a 180...300 ×3", "start a 360"])
  }

  @Test func `without an end it lasts until the job changes`() throws {
    var machine = try machine { $0.suspension = Suspension() }
    #expect(machine.nextWake == nil)
    #expect(try machine.nextDue(name("a")) == nil)
    let actions = machine.install([try firing(try sampleJob("a"), version: "2")], at: at(630))
    #expect(lines(actions) == ["SkippedSuspended a 60...600 ×10"])
    #expect(lines(machine.tick(at: at(660))) == ["start a 660"])
  }

  @Test func `a person may run a suspended job`() throws {
    var machine = try machine { $0.suspension = Suspension() }
    #expect(lines(machine.dispatch(try order(at: 30), at: at(30))) == ["start a 30"])
  }
}

@Suite struct LeaseTests {
  @Test func `without a lease nothing fires, and it says so once`() throws {
    var machine = try machine(lease: .seconds(100))
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
    _ = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(61))
    #expect(
      lines(machine.tick(at: at(120))) == [
        "note: a does not fire: no controller was heard since 2026-11-20T00:00:00Z, and its lease of 1m40s has run out"
      ])
    #expect(machine.tick(at: at(180)).isEmpty)
    #expect(machine.nextWake == nil)
    #expect(try machine.nextDue(name("a")) == nil)
    #expect(lines(machine.heard(at: at(250))) == ["MissedDeadline a 120...240 ×3"])
    #expect(lines(machine.tick(at: at(300))) == ["start a 300"])
  }

  @Test func `contact renews the lease`() throws {
    var machine = try machine(lease: .seconds(100))
    #expect(machine.heard(at: at(50)).isEmpty)
    #expect(lines(machine.tick(at: at(119))) == ["start a 60"])
    #expect(machine.lastHeard == at(50))
  }

  @Test func `what came due without a lease does not fire because contact was first to wake`() throws {
    var machine = try machine(lease: .seconds(100))
    let actions = machine.heard(at: at(250))
    #expect(lines(actions).last == "MissedDeadline a 60...240 ×4")
    #expect(!lines(actions).contains { $0.hasPrefix("start") })
  }

  @Test func `a restart does not make a lease anew`() throws {
    var machine = FiringMachine(agent: host, lastHeard: at(0))
    _ = machine.install([try firing(try sampleJob("a"), lease: .seconds(100))], cursors: [try name("a"): at(60)], at: at(119))
    #expect(lines(machine.tick(at: at(120))).first?.hasPrefix("note: a does not fire") == true)
  }

  @Test func `a job that changes without a lease records what it missed`() throws {
    var machine = try machine(lease: .seconds(100))
    _ = machine.tick(at: at(130))
    let actions = machine.install([try firing(try sampleJob("a"), version: "2")], at: at(200))
    #expect(lines(actions) == ["MissedDeadline a 60...180 ×3"])
  }
}

@Suite struct InstallTests {
  @Test func `a changed job starts at now and what was due before is decided in its old version`() throws {
    var machine = try machine()
    let faster = try firing(try sampleJob("a", every: 10), version: "2")
    let actions = machine.install([faster], at: at(65))
    #expect(lines(actions) == ["start a 60"])
    guard case .start(let run)? = actions.first else { return }
    #expect(try run.bundle == digest("a 1"))
    #expect(machine.cursors == [try name("a"): at(65)])
    #expect(machine.nextWake == at(70))
  }

  @Test func `the same bundle goes on under another commit`() throws {
    var machine = try machine()
    var same = try firing(try sampleJob("a"))
    same.commit = try commit("later")
    #expect(machine.install([same], at: at(59)).isEmpty)
    guard case .start(let run)? = machine.tick(at: at(60)).first else { return }
    #expect(try run.commit == commit("later"))
  }

  @Test func `a removed job fires no more and its run goes on to be retried`() throws {
    var machine = try machine { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(10)) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.install([], at: at(125))) == ["MissedDeadline a 120 ×1"])
    #expect(machine.tick(at: at(180)).isEmpty)
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(190))) == ["attempt 2 of a later at 200"])
    #expect(lines(machine.tick(at: at(200))) == ["attempt 2 of a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 2, .succeeded, at: at(201))) == ["finish a 60 Succeeded"])
    #expect(machine.nextWake == nil)
  }

  @Test func `a job that comes back starts then`() throws {
    var machine = try machine()
    _ = machine.install([], at: at(10))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(130))
    #expect(machine.tick(at: at(179)).isEmpty)
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `a job that comes back after the clock was set back repeats nothing`() throws {
    var machine = try machine()
    _ = machine.tick(at: at(300))
    _ = machine.attemptEnded(try run(300), attempt: 1, .succeeded, at: at(301))
    _ = machine.install([], at: at(302))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(100))
    #expect(machine.nextWake == at(360))
  }

  @Test func `a restart makes up for the latest missed instant only`() throws {
    var machine = FiringMachine(agent: host, lastHeard: at(60))
    #expect(machine.install([try firing(try sampleJob("a"))], cursors: [try name("a"): at(60)], at: at(400)).isEmpty)
    #expect(lines(machine.tick(at: at(400))) == ["MissedDeadline a 120...300 ×4", "start a 360"])
  }

  @Test func `moved cursors are handed out once`() throws {
    var machine = try machine()
    #expect(machine.takeCursorMoves() == [try name("a"): at(0)])
    #expect(machine.takeCursorMoves().isEmpty)
    _ = machine.tick(at: at(61))
    #expect(machine.takeCursorMoves() == [try name("a"): at(60)])
    _ = machine.install([], at: at(62))
    #expect(machine.takeCursorMoves().isEmpty)
    _ = machine.install([], at: at(62 + 8 * 86_400))
    #expect(machine.takeCursorMoves() == [try name("a"): nil])
  }
}

/// An order to run job `a` in version 1.
private func order(
  at seconds: Int64, startBy: Int64? = nil, request: String = "r1", job: String = "a", version: String = "1",
  params: [String: ParameterValue] = [:]
) throws -> Dispatch {
  Dispatch(
    agent: host, epoch: 1, nonce: "n", job: try name(job), bundle: try digest("\(job) \(version)"), request: request,
    nominal: at(seconds), startBy: at(startBy ?? seconds + 30), params: params)
}

@Suite struct RunTests {
  @Test func `an attempt is retried as the policy says`() throws {
    struct Row { var state: RunState, on: Set<RunState>, attempts: Int, expected: String }
    for row in [
      Row(state: .succeeded, on: [.failed], attempts: 3, expected: "finish a 60 Succeeded"),
      Row(state: .failed, on: [.failed], attempts: 3, expected: "attempt 2 of a later at 80"),
      Row(state: .failed, on: [.failed], attempts: 1, expected: "finish a 60 Failed"),
      Row(state: .timedOut, on: [.failed], attempts: 3, expected: "finish a 60 TimedOut"),
      Row(state: .lost, on: [.failed, .timedOut], attempts: 3, expected: "finish a 60 Lost"),
      Row(state: .lost, on: [.lost], attempts: 3, expected: "attempt 2 of a later at 80"),
      Row(state: .cancelled, on: [.failed], attempts: 3, expected: "finish a 60 Cancelled"),
    ] {
      var machine = try machine { $0.retry = RetryPolicy(attempts: row.attempts, on: row.on) }
      _ = machine.tick(at: at(60))
      #expect(lines(machine.attemptEnded(try run(60), attempt: 1, row.state, at: at(70))) == [row.expected])
    }
  }

  @Test func `an end that was told before, or is none, changes nothing`() throws {
    var machine = try machine { $0.retry = RetryPolicy(attempts: 3) }
    _ = machine.tick(at: at(60))
    #expect(machine.attemptEnded(try run(60), attempt: 1, .running, at: at(61)).isEmpty)
    #expect(machine.attemptEnded(try run(60), attempt: 2, .failed, at: at(61)).isEmpty)
    _ = machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(61))
    #expect(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(62)).isEmpty)
    _ = machine.tick(at: at(71))
    #expect(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(72)).isEmpty)
    #expect(machine.attemptEnded(try run(999), attempt: 1, .failed, at: at(72)).isEmpty)
  }

  @Test func `a cancelled run gets no other attempt`() throws {
    var machine = try machine { $0.retry = RetryPolicy(attempts: 3) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.cancel(try run(60), at: at(61))) == ["cancel a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(62))) == ["finish a 60 Failed"])
    _ = machine.tick(at: at(120))
    _ = machine.attemptEnded(try run(120), attempt: 1, .failed, at: at(121))
    #expect(lines(machine.cancel(try run(120), at: at(122))) == ["finish a 120 Cancelled"])
    #expect(machine.tick(at: at(140)).isEmpty)
    #expect(machine.cancel(try run(120), at: at(141)).isEmpty)
  }

  @Test func `restored runs go on where they were`() throws {
    var before = try machine { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(10)) }
    _ = before.tick(at: at(60))
    _ = before.attemptEnded(try run(60), attempt: 1, .failed, at: at(70))
    var after = FiringMachine(agent: host)
    after.restore(before.activeRuns, at: at(100))
    #expect(after.nextWake == at(80))
    #expect(lines(after.tick(at: at(100))) == ["attempt 2 of a 60"])
    #expect(lines(after.attemptEnded(try run(60), attempt: 2, .lost, at: at(101))) == ["finish a 60 Lost"])
  }

  @Test func `an order is decided by the first rule that fits`() throws {
    struct Row { var order: Dispatch, now: Int64 = 10, expected: [String] }
    let (one, two) = (try digest("a 1").short, try digest("a 2").short)
    for row in [
      Row(order: try order(at: 5), expected: ["start a 5"]),
      Row(order: try order(at: 5, startBy: 10), expected: ["start a 5"]),
      Row(order: try order(at: 5, startBy: 9), expected: ["MissedDeadline a 5 ×1"]),
      Row(order: try order(at: 5, job: "b"), expected: ["refuse: b is not installed here"]),
      Row(
        order: try order(at: 5, version: "2"),
        expected: ["refuse: a is another version here: installed is bundle \(one)…, ordered was \(two)…"]),
      Row(
        order: try order(at: 5, params: ["kep": .integer(1)]),
        expected: ["refuse: there is no parameter 'kep'; did you mean 'keep'?"]),
      Row(
        order: try order(at: 5, params: ["keep": .string("x")]),
        expected: ["refuse: parameter 'keep' must be an integer, not a string"]),
    ] {
      var machine = try machine { $0.run.params = ["keep": .integer(14)] }
      #expect(lines(machine.dispatch(row.order, at: at(row.now))) == row.expected)
    }
  }

  @Test func `an order gives parameters in place of the declared ones`() throws {
    var machine = try machine { $0.run.params = ["keep": .integer(14), "db": .string("x")] }
    let actions = machine.dispatch(try order(at: 5, params: ["keep": .integer(3)]), at: at(6))
    guard case .start(let run)? = actions.first else { return }
    #expect(run.params == ["keep": .integer(3), "db": .string("x")])
    #expect(run.occurrence.cause == .person(request: "r1"))
  }

  @Test func `an order for a job that is going is recorded as an overlap`() throws {
    var machine = try machine()
    _ = machine.tick(at: at(60))
    #expect(lines(machine.dispatch(try order(at: 65), at: at(66))) == ["SkippedOverlap a 65 ×1"])
    #expect(machine.dispatch(try order(at: 65), at: at(67)).isEmpty)
  }

  @Test func `a person's run stands in the way of a scheduled one`() throws {
    var machine = try machine()
    _ = machine.dispatch(try order(at: 30), at: at(30))
    #expect(lines(machine.tick(at: at(60))) == ["SkippedOverlap a 60 ×1"])
  }

  @Test func `an order that comes twice is carried out once, also after the run and a restart`() throws {
    var machine = try machine()
    let order = try order(at: 5)
    let id = order.occurrence.run(on: host)
    #expect(machine.dispatch(order, at: at(6)).count == 1)
    #expect(machine.dispatch(order, at: at(7)).isEmpty)
    _ = machine.attemptEnded(id, attempt: 1, .succeeded, at: at(8))
    #expect(machine.dispatch(order, at: at(9)).isEmpty)
    var after = FiringMachine(agent: host)
    _ = after.install([try firing(try sampleJob("a"))], at: at(10))
    after.restore([], spent: [id: order.startBy], at: at(10))
    #expect(after.dispatch(order, at: at(11)).isEmpty)
  }
}
