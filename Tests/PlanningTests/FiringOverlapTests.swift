import Model
import Planning
import Testing

@Suite struct OverlapTests {
  @Test func `every second beside a run of a day is two records`() throws {
    var machine = try minutely { $0.triggers = [.every(.seconds(1))] }
    _ = machine.tick(at: at(1))
    let first = machine.tick(at: at(2))
    #expect(lines(first) == ["SkippedOverlap a 2 ×1"])
    let decisions = machine.decisions
    #expect(machine.nextWake == nil)
    for second in stride(from: Int64(3), to: 86_400, by: 100) { #expect(machine.tick(at: at(second)).isEmpty) }
    #expect(machine.decisions == decisions, "nothing to look at while it runs")
    let end = machine.attemptEnded(
      try run(1), attempt: 1, .succeeded, ended: at(86_401), at: at(86_401) + .milliseconds(3))
    #expect(lines(end) == ["finish a 1 Succeeded", "SkippedOverlap a 3...86401 ×86399"])
    guard case .skip(let skip)? = end.last else { return }
    #expect(skip.words.hasSuffix("was going until 2026-11-21T00:00:01Z, for 1d"))
    #expect(lines(machine.tick(at: at(86_402))) == ["start a 86402"])
  }

  @Test func `a restart in between makes no third record`() throws {
    var machine = try minutely { $0.triggers = [.every(.seconds(1))] }
    _ = machine.tick(at: at(1))
    _ = machine.tick(at: at(2))
    var after = FiringMachine(agent: host)
    after.restore(machine.activeRuns, at: at(50))
    let version = try #require(machine.installed(try name("a")))
    _ = after.install([version], cursors: machine.cursors, at: at(50))
    #expect(after.tick(at: at(50)).isEmpty)
    #expect(
      lines(after.attemptEnded(try run(1), attempt: 1, .succeeded, at: at(60))) == [
        "finish a 1 Succeeded", "SkippedOverlap a 3...60 ×58",
      ])
  }

  @Test func `what came due after an end that is told late is not an overlap`() throws {
    var machine = try minutely { $0.missed = .latest }
    _ = machine.tick(at: at(60))
    let actions = machine.attemptEnded(try run(60), attempt: 1, .succeeded, ended: at(130), at: at(400))
    #expect(
      lines(actions) == [
        "finish a 60 Succeeded", "SkippedOverlap a 120 ×1", "MissedDeadline a 180...300 ×3", "start a 360",
      ])
  }

  @Test func `a queue holds its depth, starts one after the other, and folds what is too much`() throws {
    var machine = try minutely { $0.overlap = .queue(depth: 2) }
    #expect(lines(machine.tick(at: at(60))) == ["start a 60"])
    #expect(lines(machine.tick(at: at(120))) == ["enqueue a 120"])
    #expect(lines(machine.tick(at: at(180))) == ["enqueue a 180"])
    let full = machine.tick(at: at(240))
    #expect(lines(full) == ["SkippedOverlap a 240 ×1"])
    guard case .skip(let skip)? = full.first else { return }
    #expect(skip.words.hasPrefix("2 runs were waiting already behind run ") && skip.words.hasSuffix("no more may"))
    #expect(machine.nextWake == nil)
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(370))) == [
        "finish a 60 Succeeded", "SkippedOverlap a 300...360 ×2", "attempt 1 of a 120",
      ])
    #expect(lines(machine.tick(at: at(420))) == ["enqueue a 420"])
    let next = machine.attemptEnded(try run(120), attempt: 1, .succeeded, at: at(430))
    #expect(lines(next) == ["finish a 120 Succeeded", "attempt 1 of a 180"])
    guard case .startAttempt(let run)? = next.last else { return }
    #expect(run.phase == .running && run.started == at(430) && run.attempt == 1)
  }

  @Test func `a cancelled one makes place in the queue`() throws {
    var machine = try minutely { $0.overlap = .queue(depth: 1) }
    for minute in 1...4 { _ = machine.tick(at: at(Int64(minute) * 60)) }
    #expect(
      lines(machine.cancel(try run(120), at: at(250))) == ["finish a 120 Cancelled", "SkippedOverlap a 240 ×1"])
    #expect(lines(machine.tick(at: at(300))) == ["enqueue a 300"])
  }

  @Test func `a queued run whose turn comes too late, or in a suspension, does not start`() throws {
    var machine = try minutely {
      $0.overlap = .queue(depth: 1)
      $0.startBy = .seconds(100)
    }
    _ = machine.tick(at: at(60))
    _ = machine.tick(at: at(120))
    let late = machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(230))
    #expect(lines(late).contains("finish a 120 MissedDeadline"))
    var suspended = try minutely { $0.overlap = .queue(depth: 1) }
    _ = suspended.tick(at: at(60))
    _ = suspended.tick(at: at(120))
    var job = try sampleJob("a", suspension: Suspension(reason: "move"))
    job.overlap = .queue(depth: 1)
    _ = suspended.install([try firing(job, version: "2")], at: at(130))
    #expect(
      lines(suspended.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(140))) == [
        "finish a 60 Succeeded", "finish a 120 SkippedSuspended",
      ])
  }

  @Test func `queued runs of a removed job never start`() throws {
    var machine = try minutely { $0.overlap = .queue(depth: 1) }
    _ = machine.tick(at: at(60))
    _ = machine.tick(at: at(120))
    #expect(lines(machine.install([], at: at(130))) == ["finish a 120 MissedDeadline"])
    #expect(lines(machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(140))) == ["finish a 60 Failed"])
    #expect(machine.activeRuns.isEmpty)
  }

  @Test func `replace waits for the end and starts the latest`() throws {
    var machine = try minutely { $0.overlap = .replace }
    _ = machine.tick(at: at(60))
    #expect(lines(machine.tick(at: at(120))) == ["cancel a 60"])
    #expect(machine.nextWake == nil)
    #expect(machine.tick(at: at(180)).isEmpty)
    let end = machine.attemptEnded(try run(60), attempt: 1, .cancelled, at: at(250))
    #expect(lines(end) == ["finish a 60 Cancelled", "SkippedOverlap a 120...180 ×2", "start a 240"])
    guard case .skip(let skip) = end[1] else { return }
    #expect(skip.words == "replaced by the occurrence of 2026-11-20T00:04:00Z")
  }

  @Test func `a run that waits for its next attempt is replaced at once`() throws {
    var machine = try minutely {
      $0.overlap = .replace
      $0.retry = RetryPolicy(attempts: 2, backoff: .seconds(100))
    }
    _ = machine.tick(at: at(60))
    _ = machine.attemptEnded(try run(60), attempt: 1, .failed, at: at(70))
    #expect(lines(machine.tick(at: at(120))) == ["finish a 60 Cancelled", "start a 120"])
    #expect(machine.nextWake == at(180))
  }

  @Test func `the latest that waited for the end of a slow one is on time`() throws {
    var machine = try minutely {
      $0.triggers = [.at(at(60)), .at(at(120))]
      $0.overlap = .replace
      $0.missed = .skip
    }
    _ = machine.tick(at: at(60))
    _ = machine.tick(at: at(120))
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .cancelled, at: at(300))) == [
        "finish a 60 Cancelled", "start a 120",
      ])
  }

  @Test func `orders follow the same policy`() throws {
    struct Row { var overlap: Overlap, expected: [String], then: [String] }
    for row in [
      Row(overlap: .skip, expected: ["SkippedOverlap a 70 ×1"], then: []),
      Row(overlap: .allow, expected: ["start a 70"], then: []),
      Row(overlap: .queue(depth: 1), expected: ["enqueue a 70"], then: ["attempt 1 of a 70"]),
      Row(overlap: .replace, expected: ["cancel a 60", "enqueue a 70"], then: ["attempt 1 of a 70"]),
    ] {
      var machine = try minutely { $0.overlap = row.overlap }
      _ = machine.tick(at: at(60))
      #expect(lines(machine.dispatch(try order(at: 70), at: at(70))) == row.expected)
      #expect(
        lines(machine.attemptEnded(try run(60), attempt: 1, .succeeded, at: at(80)))
          == ["finish a 60 Succeeded"] + row.then)
    }
  }

  @Test func `an order that waits is replaced by what is due after it`() throws {
    var machine = try minutely { $0.overlap = .replace }
    _ = machine.tick(at: at(60))
    _ = machine.dispatch(try order(at: 70), at: at(70))
    #expect(lines(machine.tick(at: at(120))) == ["finish a 70 SkippedOverlap"])
    #expect(
      lines(machine.attemptEnded(try run(60), attempt: 1, .cancelled, at: at(121))) == [
        "finish a 60 Cancelled", "start a 120",
      ])
  }
}

@Suite struct MissedTests {
  @Test func `all are made up for one after the other, oldest first, up to the limit`() throws {
    var machine = try minutely { $0.missed = .all(limit: 3) }
    let actions = machine.tick(at: at(400))
    #expect(
      lines(actions) == ["MissedDeadline a 60...180 ×3", "start a 240", "enqueue a 300", "enqueue a 360"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words.hasSuffix("cut off, as only the latest 3 are made up for"))
    #expect(
      lines(machine.attemptEnded(try run(240), attempt: 1, .succeeded, at: at(401))) == [
        "finish a 240 Succeeded", "attempt 1 of a 300",
      ])
  }

  @Test func `of all those too late are not made up for`() throws {
    var machine = try minutely {
      $0.missed = .all(limit: 100)
      $0.startBy = .seconds(120)
    }
    let actions = machine.tick(at: at(400))
    #expect(lines(actions) == ["MissedDeadline a 60...240 ×4", "start a 300", "enqueue a 360"])
    guard case .skip(let skip)? = actions.first else { return }
    #expect(skip.words == "it may start at most 2m late, and it was later than that at 2026-11-20T00:06:40Z")
  }

  @Test func `skip makes up for nothing that is late`() throws {
    var machine = try minutely { $0.missed = .skip }
    #expect(lines(machine.tick(at: at(120) + .seconds(60))) == ["MissedDeadline a 60...120 ×2", "start a 180"])
    _ = machine.attemptEnded(try run(180), attempt: 1, .succeeded, at: at(185))
    var rare = try minutely {
      $0.missed = .skip
      $0.triggers = [.at(at(60))]
    }
    #expect(lines(rare.tick(at: at(60) + FiringMachine.punctuality)) == ["start a 60"])
    rare = try minutely {
      $0.missed = .skip
      $0.triggers = [.at(at(60))]
    }
    #expect(lines(rare.tick(at: at(60) + FiringMachine.punctuality + .microseconds(1))) == ["MissedDeadline a 60 ×1"])
  }
}
