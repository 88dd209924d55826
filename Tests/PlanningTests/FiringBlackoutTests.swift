import Model
import Planning
import Schedule
import Testing

/// A calendar that is in force in each of the times given, in seconds.
func calendar(_ name: String, _ spans: (Int64, Int64)...) -> Calendar {
  Calendar(name: name, windows: spans.map { .span(from: at($0.0), to: at($0.1)) })
}

@Suite struct BlackoutTests {
  @Test func `nothing fires in a blackout, and its end leaves one record`() throws {
    var machine = try minutely { $0.blackout = [calendar("freeze", (100, 400))] }
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
    _ = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(61))
    #expect(machine.nextWake == at(400))
    #expect(try machine.nextDue(name("a")) == at(420))
    #expect(machine.tick(at: at(200)).isEmpty)
    let actions = machine.tick(at: at(400))
    #expect(lines(actions) == ["SkippedBlackout a 120...360 ×5"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "the blackout 'freeze' was in force until 2026-11-20T00:06:40Z")
    #expect(lines(machine.tick(at: at(420))) == ["start a 420"])
  }

  @Test func `one after the other, each with its record`() throws {
    var machine = try minutely { $0.blackout = [calendar("a", (50, 130), (170, 190)), calendar("b", (130, 150))] }
    #expect(
      lines(machine.tick(at: at(360))) == [
        "SkippedBlackout a 60...120 ×2", "SkippedBlackout a 180 ×1", "MissedDeadline a 240...300 ×2", "start a 360",
      ])
  }

  @Test func `what was due before and is decided in it does not run`() throws {
    var machine = try minutely { $0.blackout = [calendar("freeze", (70, 200))] }
    #expect(lines(machine.tick(at: at(80))) == ["SkippedBlackout a 60 ×1"])
    #expect(machine.nextWake == at(200))
    #expect(lines(machine.tick(at: at(200))) == ["SkippedBlackout a 120...180 ×2"])
  }

  @Test func `what was missed before a blackout that was slept through is made up for`() throws {
    var machine = try minutely {
      $0.triggers = [.at(at(60))]
      $0.blackout = [calendar("freeze", (70, 200))]
    }
    #expect(lines(machine.tick(at: at(300))) == ["start a 60"])
  }

  @Test func `a person may run a blacked out job, and a queued run may not`() throws {
    var machine = try minutely {
      $0.blackout = [calendar("freeze", (130, 400))]
      $0.overlap = .queue(depth: 1)
    }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.tick(at: at(120))) == ["enqueue a 120"])
    let end = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(150))
    #expect(lines(end) == ["finish a 60 Succeeded", "finish a 120 SkippedBlackout"])
    guard case .finish(_, _, let reason)? = end.last else { return }
    #expect(reason == "the blackout 'freeze' was in force until 2026-11-20T00:06:40Z")
    #expect(lines(machine.dispatch(try order(at: 160), at: at(160))) == ["start a 160"])
  }

  @Test func `a change in a blackout does not wait for its end`() throws {
    var machine = try minutely { $0.blackout = [calendar("freeze", (50, 400))] }
    #expect(
      lines(machine.install([try firing(try sampleJob("a"), version: "2")], at: at(200))) == [
        "SkippedBlackout a 60...180 ×3"
      ])
    #expect(lines(machine.tick(at: at(240))) == ["start a 240"])
  }

  @Test func `more blackouts than can be told apart are one record`() throws {
    let windows = (0..<5_000).map { Calendar.Window.span(from: at($0 * 60 + 30), to: at($0 * 60 + 90 - 31)) }
    var machine = try minutely {
      $0.triggers = [.every(.seconds(20))]
      $0.blackout = [Calendar(name: "often", windows: windows)]
    }
    let actions = machine.tick(at: at(200_000))
    #expect(actions.count < 110)
    #expect(lines(actions).last?.hasPrefix("start") == true)
    let counted = actions.reduce(0) { sum, action in if case .skip(let skip) = action { sum + skip.count } else { sum }
    }
    #expect(counted == 200_000 / 20 - 1)
  }
}

@Suite struct JitterTests {
  /// By how much the sample job's start is put off.
  private func offset(_ jitter: Duration) throws -> Duration {
    Trigger.offset(of: try name("a"), on: host, jitter: jitter)
  }

  @Test func `a run starts later and is known by its nominal time`() throws {
    let offset = try offset(.seconds(50))
    #expect(offset > .zero)
    var machine = try minutely { $0.triggers = [.every(.seconds(60), jitter: .seconds(50))] }
    #expect(machine.nextWake == at(60) + offset)
    #expect(machine.tick(at: at(60)).isEmpty)
    #expect(lines(machine.tick(at: at(60) + offset)) == ["start a 60"])
    #expect(machine.cursors == [try name("a"): Cursor(decided: at(60) + offset, floor: at(0))])
  }

  @Test func `what waits for its jitter when the job changes starts then, in the old version`() throws {
    let offset = try offset(.seconds(50))
    var machine = try minutely { $0.triggers = [.every(.seconds(60), jitter: .seconds(50))] }
    let now = at(60) + .milliseconds(1)
    #expect(now < at(60) + offset)
    let actions = machine.install([try firing(try sampleJob("a", every: 10), version: "2")], at: now)
    #expect(lines(actions) == ["start a 60"])
    guard case .start(let run)? = actions.first else { return }
    #expect(try run.bundle == digest("a 1"))
    #expect(machine.cursors == [try name("a"): Cursor(now)])
    #expect(machine.nextWake == at(70))
  }

  @Test func `a version with another jitter repeats nothing`() throws {
    var machine = try minutely()
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
    _ = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(61))
    let later = try firing(
      try sampleJob("a", triggers: [.every(.seconds(60), jitter: .seconds(50))]), version: "2")
    #expect(machine.install([later], at: at(61)).isEmpty)
    #expect(machine.nextWake == at(120) + (try offset(.seconds(50))))
  }

  @Test func `what waits for its jitter when the job goes is recorded`() throws {
    var machine = try minutely { $0.triggers = [.every(.seconds(60), jitter: .seconds(50))] }
    #expect(lines(machine.install([], at: at(60) + .milliseconds(1))) == ["MissedDeadline a 60 ×1"])
  }

  @Test func `several that wait, with different jitters, are decided once each`() throws {
    var machine = try minutely {
      $0.triggers = [.every(.seconds(20)), .every(.seconds(30), jitter: .seconds(29))]
      $0.overlap = .allow
      $0.missed = .all(limit: 10)
    }
    var started: [String] = []
    for second in 1...59 { started += lines(machine.tick(at: at(Int64(second)))) }
    started += lines(machine.install([try firing(try sampleJob("a"), version: "2")], at: at(90)))
    #expect(Set(started) == ["start a 20", "start a 30", "start a 40", "start a 60", "start a 80", "start a 90"])
    #expect(started.count == 6)
  }
}
