import Model
import Planning
import Testing

@Suite struct SuspensionTests {
  @Test func `nothing fires while suspended, and the end leaves one record`() throws {
    var machine = try minutely { $0.suspension = Suspension(reason: "move", until: at(600)) }
    #expect(machine.nextWake == at(600))
    #expect(machine.nextDue(try name("a")) == at(600))
    #expect(machine.tick(at: at(300)).isEmpty)
    let actions = machine.tick(at: at(600))
    #expect(lines(actions) == ["SkippedSuspended a 60...540 ×9", "start a 600"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "the job was suspended: move")
  }

  @Test func `an end that was slept through is told apart from what was missed after it`() throws {
    var machine = try minutely { $0.suspension = Suspension(until: at(150)) }
    #expect(
      lines(machine.tick(at: at(360))) == [
        "SkippedSuspended a 60...120 ×2", "MissedDeadline a 180...300 ×3", "start a 360",
      ])
  }

  @Test func `without an end it lasts until the job changes`() throws {
    var machine = try minutely { $0.suspension = Suspension() }
    #expect(machine.nextWake == nil)
    #expect(try machine.nextDue(name("a")) == nil)
    let actions = machine.install([try firing(try sampleJob("a"), version: "2")], at: at(630))
    #expect(lines(actions) == ["SkippedSuspended a 60...600 ×10"])
    #expect(lines(machine.tick(at: at(660))) == ["start a 660"])
  }

  @Test func `a person may run a suspended job`() throws {
    var machine = try minutely { $0.suspension = Suspension() }
    #expect(lines(machine.dispatch(try order(at: 30), at: at(30))) == ["start a 30"])
  }
}

@Suite struct LeaseTests {
  @Test func `without a lease nothing fires, and it says so once`() throws {
    var machine = try minutely(lease: .seconds(100))
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
    var machine = try minutely(lease: .seconds(100))
    #expect(machine.heard(at: at(50)).isEmpty)
    #expect(lines(machine.tick(at: at(119))) == ["start a 60"])
    #expect(machine.lastHeard == at(50))
  }

  @Test func `what came due without a lease does not fire because contact was first to wake`() throws {
    var machine = try minutely(lease: .seconds(100))
    let actions = machine.heard(at: at(250))
    #expect(lines(actions).last == "MissedDeadline a 60...240 ×4")
    #expect(!lines(actions).contains { $0.hasPrefix("start") })
  }

  @Test func `a restart does not make a lease anew`() throws {
    var machine = FiringMachine(agent: host, lastHeard: at(0))
    _ = machine.install(
      [try firing(try sampleJob("a"), lease: .seconds(100))], cursors: [try name("a"): Cursor(at(60))], at: at(119))
    #expect(lines(machine.tick(at: at(120))).first?.hasPrefix("note: a does not fire") == true)
  }

  @Test func `a job that changes without a lease records what it missed`() throws {
    var machine = try minutely(lease: .seconds(100))
    _ = machine.tick(at: at(130))
    let actions = machine.install([try firing(try sampleJob("a"), version: "2")], at: at(200))
    #expect(lines(actions) == ["MissedDeadline a 60...180 ×3"])
  }
}
