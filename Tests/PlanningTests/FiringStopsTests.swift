import Model
import Planning
import Testing

@Suite struct QuarantineTests {
  private func bundle(_ machine: FiringMachine) throws -> Digest { try #require(machine.installed(name("a"))).bundle }

  @Test func `each occurrence leaves its record, and nothing starts`() throws {
    var machine = try minutely()
    #expect(machine.quarantine(try bundle(machine), "3 crashes", at: at(30)).isEmpty)
    #expect(machine.quarantine(try bundle(machine), "again", at: at(31)).isEmpty)
    #expect(lines(machine.tick(at: at(60))) == ["Quarantined a 60 ×1"])
    let actions = machine.tick(at: at(240))
    #expect(lines(actions) == ["Quarantined a 120...240 ×3"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "3 crashes")
  }

  @Test func `another version is not in quarantine`() throws {
    var machine = try minutely()
    _ = machine.quarantine(try bundle(machine), "3 crashes", at: at(30))
    _ = machine.install([try firing(try sampleJob("a"), version: "2")], at: at(45))
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
  }

  @Test func `a person's run ends it`() throws {
    var machine = try minutely()
    _ = machine.quarantine(try bundle(machine), "3 crashes", at: at(30))
    #expect(lines(machine.dispatch(try order(at: 70), at: at(70))) == ["Quarantined a 60 ×1", "start a 70"])
    #expect(machine.quarantined.isEmpty)
  }

  @Test func `what is going is not tried again`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 3, on: [.lost]) }
    _ = machine.tick(at: at(60))
    _ = machine.quarantine(try bundle(machine), "3 crashes", at: at(61))
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .lost, at: at(62))) == ["finish a 60 Lost"])
  }

  @Test func `what waits for its next attempt or its turn ends`() throws {
    var machine = try minutely {
      $0.retry = RetryPolicy(attempts: 3, on: [.lost])
      $0.overlap = .queue(depth: 2)
    }
    _ = machine.tick(at: at(60))
    _ = machine.tick(at: at(120))
    _ = machine.attemptEnded(try run(60), attempt: 1, .lost, at: at(121))
    #expect(
      lines(machine.quarantine(try bundle(machine), "3 crashes", at: at(122))).sorted() == [
        "finish a 120 Quarantined", "finish a 60 Quarantined",
      ])
    #expect(machine.activeRuns.isEmpty)
  }

  @Test func `what is armed is disarmed and recorded when it is due`() throws {
    var machine = FiringMachine(agent: host, lead: .seconds(3))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(0))
    #expect(lines(machine.tick(at: at(57))) == ["arm a 60 for 60"])
    #expect(lines(machine.quarantine(try bundle(machine), "3 crashes", at: at(58))) == ["disarm a 60"])
    #expect(lines(machine.disarmed(try run(60), at: at(58))) == ["forget a 60"])
    #expect(lines(machine.tick(at: at(60))) == ["Quarantined a 60 ×1"])
  }

  @Test func `it comes back after a restart`() throws {
    let former = try minutely()
    var machine = FiringMachine(agent: host)
    machine.restoreQuarantine([try bundle(former): "3 crashes"])
    _ = machine.install([try firing(try sampleJob("a"))], at: at(0))
    #expect(lines(machine.tick(at: at(60))) == ["Quarantined a 60 ×1"])
  }
}

@Suite struct HoldTests {
  @Test func `nothing starts, and when there is room again missed decides`() throws {
    var machine = try minutely()
    #expect(machine.hold("full", at: at(50)).isEmpty)
    #expect(machine.tick(at: at(130)).isEmpty)
    #expect(machine.heard(at: at(140)).isEmpty)
    let actions = machine.resume(at: at(200))
    #expect(lines(actions) == ["NoRoom a 60...120 ×2", "start a 180"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "full; since 2026-11-20T00:03:20Z there is room again")
  }

  @Test func `a run that ends meanwhile lets nothing follow before there is room`() throws {
    var machine = try minutely { $0.overlap = .queue(depth: 2) }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.tick(at: at(120))) == ["enqueue a 120"])
    _ = machine.hold("full", at: at(130))
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(140))) == ["finish a 60 Succeeded"])
    #expect(machine.tick(at: at(190)).isEmpty)
    #expect(lines(machine.resume(at: at(200))) == ["attempt 1 of a 120", "enqueue a 180"])
  }

  @Test func `an attempt that waits goes on waiting`() throws {
    var machine = try minutely { $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(5)) }
    _ = machine.tick(at: at(60))
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(61))) == ["attempt 2 of a later at 66"])
    _ = machine.hold("full", at: at(62))
    #expect(machine.tick(at: at(70)).isEmpty)
    #expect(lines(machine.resume(at: at(80))) == ["attempt 2 of a 60"])
  }

  @Test func `what is armed is disarmed, and decided when there is room`() throws {
    var machine = FiringMachine(agent: host, lead: .seconds(3))
    _ = machine.install([try firing(try sampleJob("a"))], at: at(0))
    _ = machine.tick(at: at(57))
    #expect(lines(machine.hold("full", at: at(58))) == ["disarm a 60"])
    #expect(lines(machine.disarmed(try run(60), at: at(58))) == ["forget a 60"])
    #expect(lines(machine.resume(at: at(65))) == ["start a 60"])
  }

  @Test func `a person's order is refused with the reason`() throws {
    var machine = try minutely()
    _ = machine.hold("full", at: at(50))
    #expect(lines(machine.dispatch(try order(at: 51), at: at(51))) == ["refuse: full"])
    _ = machine.resume(at: at(52))
    #expect(lines(machine.dispatch(try order(at: 53), at: at(53))) == ["start a 53"])
  }

  @Test func `what an old version leaves is recorded when the job changes meanwhile`() throws {
    var machine = try minutely()
    _ = machine.hold("full", at: at(50))
    #expect(
      lines(machine.install([try firing(try sampleJob("a"), version: "2")], at: at(130))) == ["NoRoom a 60...120 ×2"])
    #expect(lines(machine.resume(at: at(180))) == ["start a 180"])
  }
}
