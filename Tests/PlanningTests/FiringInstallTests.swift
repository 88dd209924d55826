import Model
import Planning
import Testing

@Suite struct InstallTests {
  @Test func `a changed job starts at now and what was due before is decided in its old version`() throws {
    var machine = try minutely()
    let faster = try firing(try sampleJob("a", every: 10), version: "2")
    let actions = machine.install([faster], at: at(65))
    #expect(lines(actions) == ["start a 60"])
    guard case .start(let run)? = actions.first else { return }
    #expect(try run.bundle == digest("a 1"))
    #expect(machine.cursors == [try name("a"): Cursor(at(65))])
    #expect(machine.nextWake == at(70))
  }

  @Test func `the same bundle goes on under another commit`() throws {
    var machine = try minutely()
    var same = try firing(try sampleJob("a"))
    same.commit = try commit("later")
    #expect(machine.install([same], at: at(59)).isEmpty)
    guard case .start(let run)? = machine.tick(at: at(60)).first else { return }
    #expect(try run.commit == commit("later"))
  }

  @Test func `a removed job fires no more and its run goes on to be retried`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(10)) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.install([], at: at(125))) == ["MissedDeadline a 120 ×1"])
    #expect(machine.tick(at: at(180)).isEmpty)
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(190))) == ["attempt 2 of a later at 200"])
    #expect(lines(machine.tick(at: at(200))) == ["attempt 2 of a 60"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 2, .succeeded, at: at(201))) == ["finish a 60 Succeeded"])
    #expect(machine.nextWake == nil)
  }

  @Test func `a job that comes back starts then`() throws {
    var machine = try minutely()
    _ = machine.install([], at: at(10))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(130))
    #expect(machine.tick(at: at(179)).isEmpty)
    #expect(lines(machine.tick(at: at(180))) == ["start a 180"])
  }

  @Test func `a job that comes back after the clock was set back repeats nothing`() throws {
    var machine = try minutely()
    _ = machine.tick(at: at(300))
    _ = machine.attemptEnded(try run(300), attempt: 1, .succeeded, at: at(301))
    _ = machine.install([], at: at(302))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(100))
    #expect(machine.nextWake == at(360))
  }

  @Test func `a restart makes up for the latest missed instant only`() throws {
    var machine = FiringMachine(agent: host, lastHeard: at(60))
    #expect(
      machine.install([try firing(try sampleJob("a"))], cursors: [try name("a"): Cursor(at(60))], at: at(400)).isEmpty)
    #expect(lines(machine.tick(at: at(400))) == ["MissedDeadline a 120...300 ×4", "start a 360"])
  }

  @Test func `moved cursors are handed out once`() throws {
    var machine = try minutely()
    let job = try name("a")
    #expect(machine.takeCursorMoves() == [job: Cursor(at(0))])
    #expect(machine.takeCursorMoves().isEmpty)
    _ = machine.tick(at: at(61))
    #expect(machine.takeCursorMoves() == [job: Cursor(decided: at(60), floor: at(0))])
    _ = machine.install([], at: at(62))
    #expect(machine.takeCursorMoves() == [job: Cursor(at(62))])
    _ = machine.install([], at: at(62 + 8 * 86_400))
    #expect(machine.takeCursorMoves() == [job: nil])
  }
}
