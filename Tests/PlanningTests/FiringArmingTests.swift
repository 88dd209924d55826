import Model
import Planning
import Testing

@Suite struct ArmingTests {
  /// A machine that arms two seconds ahead, with the job `a`, due every minute.
  private func early(_ edit: (inout Job) -> Void = { _ in }, lease: Duration = .seconds(86_400)) throws -> FiringMachine
  {
    var job = try sampleJob("a")
    edit(&job)
    var machine = FiringMachine(agent: host, lead: .seconds(2))
    #expect(machine.install([try firing(job, lease: lease)], at: at(0)).isEmpty)
    return machine
  }

  private func armed() throws -> FiringMachine {
    var machine = try early()
    #expect(lines(machine.tick(at: at(58))) == ["arm a 60 for 60"])
    return machine
  }

  @Test func `a run is armed ahead of its time and counts as going from then on`() throws {
    var machine = try early()
    #expect(machine.nextWake == at(58))
    #expect(machine.tick(at: at(57)).isEmpty)
    #expect(lines(machine.tick(at: at(58))) == ["arm a 60 for 60"])
    #expect(machine.cursors == [try name("a"): Cursor(decided: at(60), floor: at(0))])
    #expect(machine.nextWake == at(120))
    #expect(try machine.nextDue(name("a")) == at(60))
    #expect(lines(machine.tick(at: at(120))) == ["SkippedOverlap a 120 ×1"])
    let end = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(179))
    #expect(lines(end) == ["finish a 60 Succeeded", "arm a 180 for 180"], "its end comes within the lead")
  }

  @Test func `what is late is not armed but started`() throws {
    var machine = try early()
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
  }

  @Test func `nothing is armed that something may stand in the way of`() throws {
    var suspended = try early { $0.suspension = Suspension(until: at(61)) }
    #expect(suspended.tick(at: at(59)).isEmpty)
    var blackedOut = try early { $0.blackout = [calendar("freeze", (60, 61))] }
    #expect(blackedOut.tick(at: at(59)).isEmpty)
    var leased = try early(lease: .seconds(60))
    #expect(leased.tick(at: at(59)).isEmpty)
    var busy = try early()
    _ = busy.dispatch(try order(at: 5), at: at(5))
    #expect(busy.tick(at: at(59)).isEmpty)
  }

  @Test func `a set clock gives the run back, and it is started when it is due`() throws {
    var machine = try armed()
    #expect(lines(machine.disarmed(try run(60), at: at(30))) == ["forget a 60"])
    #expect(machine.nextWake == at(60))
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
    var late = try armed()
    #expect(lines(late.disarmed(try run(60), at: at(70))) == ["forget a 60", "start a 60"])
  }

  @Test func `one that never began is made up for also when later ones are decided`() throws {
    var machine = try armed()
    #expect(lines(machine.tick(at: at(120))) == ["SkippedOverlap a 120 ×1"])
    #expect(lines(machine.disarmed(try run(60), at: at(130))) == ["forget a 60", "start a 60"])
    var behind = try armed()
    _ = behind.tick(at: at(120))
    #expect(
      lines(behind.disarmed(try run(60), at: at(185))) == ["forget a 60", "MissedDeadline a 60 ×1", "start a 180"])
  }

  /// The job `a`, armed at 30 for 60, was changed at 31 to one that is due every `step` seconds.
  private func changed(every step: Int64) throws -> FiringMachine {
    var machine = FiringMachine(agent: host, lead: .seconds(30))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(0))
    #expect(lines(machine.tick(at: at(30))) == ["arm a 60 for 60"])
    let next = try firing(try sampleJob("a", every: step), version: "2")
    #expect(lines(machine.install([next], at: at(31))) == ["disarm a 60"])
    return machine
  }

  @Test func `a clock that is set back under what a change armed lets nothing start early`() throws {
    var machine = try changed(every: 10)
    let end = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(35))
    #expect(lines(end) == ["finish a 60 Succeeded", "MissedDeadline a 40...50 ×2"])
    #expect(try machine.cursors[name("a")]?.floor == at(60))
  }

  @Test func `what was taken for running stays decided when the clock is set back and the job changes again`() throws {
    var machine = try changed(every: 3_600)
    #expect(machine.tick(at: at(61)).isEmpty)
    #expect(try machine.cursors[name("a")] == Cursor(decided: at(31), floor: at(60)))
    _ = machine.install([try firing(try sampleJob("a", every: 20), version: "3")], at: at(35))
    #expect(try machine.cursors[name("a")] == Cursor(at(60)))
    var removed = try changed(every: 3_600)
    _ = removed.tick(at: at(61))
    _ = removed.install([], at: at(35))
    _ = removed.install([try firing(try sampleJob("a", every: 20), version: "3")], at: at(36))
    #expect(try removed.cursors[name("a")]?.floor == at(60))
  }

  @Test func `a changed job asks, decides nothing, and goes by its own schedule`() throws {
    var machine = try armed()
    let faster = try firing(try sampleJob("a", every: 20), version: "2")
    #expect(lines(machine.install([faster], at: at(59))) == ["disarm a 60"])
    #expect(lines(machine.disarmed(try run(60), at: at(59))).first == "forget a 60")
    let started = machine.tick(at: at(60))
    #expect(lines(started) == ["start a 60"] || lines(started) == ["arm a 60 for 60"] || started.isEmpty)
    #expect(try machine.activeRun(run(60))?.bundle == digest("a 2"))
  }

  @Test func `a changed job that asked too late does not run it again`() throws {
    var machine = try armed()
    _ = machine.install([try firing(try sampleJob("a", every: 20), version: "2")], at: at(59))
    #expect(machine.tick(at: at(60)).isEmpty)
    #expect(lines(machine.tick(at: at(80))) == ["SkippedOverlap a 80 ×1"])
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(90))) == ["finish a 60 Succeeded"])
    #expect(lines(machine.tick(at: at(98))) == ["arm a 100 for 100"])
  }

  @Test func `a changed job whose answer comes after the time runs it in the new version`() throws {
    var machine = try armed()
    _ = machine.install([try firing(try sampleJob("a", every: 20), version: "2")], at: at(59))
    _ = machine.tick(at: at(60))
    let actions = machine.disarmed(try run(60), at: at(61))
    #expect(lines(actions) == ["forget a 60", "start a 60"])
    guard case .start(let run)? = actions.last else { return }
    #expect(try run.bundle == digest("a 2"))
  }

  @Test func `a removed job's armed run is asked not to begin and leaves nothing`() throws {
    var machine = try armed()
    #expect(lines(machine.install([], at: at(59))) == ["disarm a 60"])
    #expect(lines(machine.disarmed(try run(60), at: at(59))) == ["forget a 60"])
    #expect(machine.activeRuns.isEmpty && machine.nextWake == nil)
  }

  @Test func `a nominal time that has passed is the old version's`() throws {
    let jitter = Duration.seconds(50)
    let offset = Trigger.offset(of: try name("a"), on: host, jitter: jitter)
    var machine = try early { $0.triggers = [.every(.seconds(60), jitter: jitter)] }
    _ = machine.tick(at: at(60) + offset - .seconds(2))
    let now = at(60) + offset - .seconds(1)
    #expect(machine.install([try firing(try sampleJob("a"), version: "2")], at: now).isEmpty)
    #expect(try machine.activeRun(run(60))?.bundle == digest("a 1"))
  }

  @Test func `a person's run goes before an armed one`() throws {
    var machine = try armed()
    #expect(lines(machine.dispatch(try order(at: 59), at: at(59))) == ["enqueue a 59", "disarm a 60"])
    #expect(
      lines(machine.disarmed(try run(60), at: at(59))) == ["forget a 60", "attempt 1 of a 59"])
    #expect(lines(machine.tick(at: at(60))) == ["SkippedOverlap a 60 ×1"])
  }

  @Test func `a person's run that came too late waits for the armed one`() throws {
    var machine = try armed()
    _ = machine.dispatch(try order(at: 59), at: at(59))
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(80))) == [
        "finish a 60 Succeeded", "attempt 1 of a 59",
      ])
  }

  @Test func `a cancelled one ends as cancelled, whether it began or not`() throws {
    var machine = try armed()
    #expect(lines(machine.cancel(try run(60), at: at(59))) == ["cancel a 60"])
    #expect(lines(machine.disarmed(try run(60), at: at(59))) == ["finish a 60 Cancelled"])
    #expect(machine.tick(at: at(60)).isEmpty)
  }

  @Test func `a restart asks again and starts nothing twice`() throws {
    var machine = try armed()
    let faster = try firing(try sampleJob("a", every: 20), version: "2")
    _ = machine.install([faster], at: at(59))
    var after = FiringMachine(agent: host, lead: .seconds(2))
    after.restore(machine.activeRuns, at: at(59))
    #expect(after.install([faster], cursors: machine.cursors, at: at(59)).isEmpty)
    #expect(lines(after.tick(at: at(59))) == ["disarm a 60"])
    #expect(after.tick(at: at(60)).isEmpty)
    #expect(after.activeRuns.count == 1)
  }

  @Test func `a shim that cannot be made ends the run before its time`() throws {
    var machine = try armed()
    #expect(lines(machine.refuse(try run(60), attempt: 1, at: at(59))) == ["finish a 60 RefusedVerification"])
    #expect(machine.tick(at: at(60)).isEmpty)
  }
}
