import Model
import Planning
import Testing

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
      var machine = try minutely { $0.retry = RetryPolicy(attempts: row.attempts, on: row.on) }
      _ = machine.tick(at: at(60))
      #expect(lines(machine.attemptEnded(try run(60), attempt: 1, row.state, at: at(70))) == [row.expected])
    }
  }

  @Test func `an end that was told before, or is none, changes nothing`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 3) }
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
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 3) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.cancel(try run(60), at: at(61))) == ["cancel a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(62))) == ["finish a 60 Failed"])
    _ = machine.tick(at: at(120))
    _ = machine.attemptEnded(try run(120), attempt: 1, .failed, at: at(121))
    #expect(lines(machine.cancel(try run(120), at: at(122))) == ["finish a 120 Cancelled"])
    #expect(machine.tick(at: at(140)).isEmpty)
    #expect(machine.cancel(try run(120), at: at(141)).isEmpty)
  }

  @Test func `a run whose bytes are wrong ends without another attempt`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 3) }
    _ = machine.tick(at: at(60))
    #expect(machine.refuse(try run(60), attempt: 2, at: at(60)).isEmpty)
    #expect(lines(machine.refuse(try run(60), attempt: 1, at: at(60))) == ["finish a 60 RefusedVerification"])
    #expect(machine.refuse(try run(60), attempt: 1, at: at(60)).isEmpty)
    #expect(machine.nextWake == at(120))
  }

  @Test func `restored runs go on where they were`() throws {
    var before = try minutely { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(10)) }
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
      Row(
        order: try order(at: 5, params: ["db": .string("a\0b")]),
        expected: ["refuse: parameter 'db' holds a NUL"]),
      Row(
        order: try order(at: 5, params: ["db": .string(String(repeating: "x", count: 65_537))]),
        expected: ["refuse: parameter 'db' has more than 65536 bytes"]),
      Row(
        order: try order(at: 5, params: ["db": .string(String(repeating: "x", count: 65_536))]), expected: ["start a 5"]
      ),
    ] {
      var machine = try minutely { $0.run.params = ["keep": .integer(14), "db": .string("x")] }
      #expect(lines(machine.dispatch(row.order, at: at(row.now))) == row.expected)
    }
  }

  @Test func `an order gives parameters in place of the declared ones`() throws {
    var machine = try minutely { $0.run.params = ["keep": .integer(14), "db": .string("x")] }
    var order = try order(at: 5, params: ["keep": .integer(3)])
    order.person = "ana"
    let actions = machine.dispatch(order, at: at(6))
    guard case .start(let run)? = actions.first else { return }
    #expect(run.person == "ana")
    #expect(run.params == ["keep": .integer(3), "db": .string("x")])
    #expect(run.occurrence.cause == .person(request: "r1"))
  }

  @Test func `an order for a job that is going is recorded as an overlap`() throws {
    var machine = try minutely()
    _ = machine.tick(at: at(60))
    #expect(lines(machine.dispatch(try order(at: 65), at: at(66))) == ["SkippedOverlap a 65 ×1"])
    #expect(machine.dispatch(try order(at: 65), at: at(67)).isEmpty)
  }

  @Test func `a person's run stands in the way of a scheduled one`() throws {
    var machine = try minutely()
    _ = machine.dispatch(try order(at: 30), at: at(30))
    #expect(lines(machine.tick(at: at(60))) == ["SkippedOverlap a 60 ×1"])
  }

  @Test func `an order that comes twice is carried out once, also after the run and a restart`() throws {
    var machine = try minutely()
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
