import Model
import Planning
import Schedule
import TestSupport
import Testing

// Months of an agent's life with changing jobs of every kind, restarts, a clock that is set, lost contact, orders, and
// shims that answer late.
extension FiringWorld {
  mutating func step() throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<38: wait()
    case 38..<58: endSomething()
    case 58..<66: answer()
    case 66..<74: commit(machine.heard(at: now))
    case 74..<81: try reinstall()
    case 81..<89: order()
    case 89..<90: commit(machine.isHeld ? machine.resume(at: now) : machine.hold("full", at: now))
    case 90..<91:
      guard chance(30), let version = ledger.installed.randomElement(using: &random) else { break }
      commit(machine.quarantine(version.bundle, "3 crashes", at: now))
    case 91..<92:
      if let run = ledger.runs.keys.sorted().randomElement(using: &random) { commit(machine.cancel(run, at: now)) }
    case 92..<94: pass(to: now + .seconds(Int64.random(in: 600...7_200, using: &random)), isJump: true)
    case 94..<95: pass(to: now + .seconds(Int64.random(in: 600...7_200, using: &random)))
    case 95..<97: pass(to: now - .seconds(Int64.random(in: 1...3_600, using: &random)), isJump: true)
    default: restart()
    }
    for job in ledger.installed.map(\.job.name) {
      let runs = ledger.runs.values.filter { $0.occurrence.job == job }
      // Or for the tick that is due: an agent that dies while it writes down that there is room again finds on its disk what
      // it held back.
      let isTickDue = machine.nextWake.map { $0 <= now } ?? false
      let isSound = machine.isHeld || isTickDue || runs.isEmpty || runs.contains { $0.phase != .queued }
      #expect(isSound, "what is queued waits for a run, seed \(testSeed)")
    }
  }

  /// Mostly as a good agent does: it sleeps until the machine wants to be woken, and a bit longer.
  private mutating func wait() {
    if chance(75), let wake = machine.nextWake, wake > now, wake < now + .seconds(3_600) {
      pass(to: wake + .milliseconds(Int64.random(in: 0...20, using: &random)))
    } else {
      pass(to: now + .seconds(Int64.random(in: 0...90, using: &random)))
    }
    let actions = machine.tick(at: now)
    if !machine.isHeld, let wake = machine.nextWake { #expect(wake > now, "a tick leaves nothing to do") }
    commit(actions)
  }

  private mutating func endSomething() {
    let running = ledger.runs.values.filter {
      $0.phase == .running || shims[$0.id] == .began && $0.phase != .queued
    }.sorted { $0.id < $1.id }
    guard let run = running.randomElement(using: &random) else { return }
    end(run)
  }

  mutating func end(_ run: ActiveRun) {
    let state = [RunState.succeeded, .succeeded, .failed, .timedOut, .lost].randomElement(using: &random) ?? .failed
    let first = min(run.started, now)
    let ended = chance(70) ? now : first + .seconds(Int64.random(in: 0...3_600, using: &random))
    commit(machine.attemptEnded(run.id, attempt: run.attempt, state, ended: ended, at: now))
  }

  /// Of shims that never began.
  private mutating func answer() {
    let dead = shims.filter { $0.value == .dead }.keys.sorted()
    guard let id = dead.randomElement(using: &random) else { return }
    commit(machine.disarmed(id, at: now))
    if ledger.runs[id] == nil { shims[id] = nil }
  }

  private mutating func order() {
    guard let version = ledger.installed.randomElement(using: &random) else { return }
    requests += 1
    let order = Dispatch(
      agent: host, epoch: 1, nonce: "n", job: version.job.name, bundle: version.bundle, request: "r\(requests)",
      nominal: now, startBy: now + .seconds(60))
    for _ in 0..<(chance(30) ? 2 : 1) {
      let actions = machine.dispatch(order, at: now)
      // The order is part of the transaction, as it is for a real ledger.
      if !actions.isEmpty { ledger.spent[order.occurrence.run(on: host)] = order.startBy }
      commit(actions, mayDie: false)
    }
  }

  /// Another set of jobs: some gone, some new, some changed.
  private mutating func reinstall() throws {
    var next: [FiringJob] = []
    for index in 0..<5 where !chance(10) {
      let job = try name("job-\(index)")
      let old = ledger.installed.first { $0.job.name == job }
      if let old, !chance(25) { next.append(old) } else { next.append(try makeVersion(job)) }
    }
    let before = ledger.installed
    let actions = machine.install(next.shuffled(using: &random), at: now)
    ledger.installed = next
    commit(actions, mayDie: false)
    for old in before where !next.contains(where: { $0.job.name == old.job.name && $0.bundle == old.bundle }) {
      guard let last = spans[old.job.name]?.indices.last else { continue }
      spans[old.job.name]?[last].through = ledger.cursors[old.job.name]?.floor
    }
    for new in next where !before.contains(where: { $0.job.name == new.job.name && $0.bundle == new.bundle }) {
      guard let floor = ledger.cursors[new.job.name]?.floor else { continue }
      // What was armed and then cancelled is decided, ahead of its time.
      #expect(floor >= now && (floor == now || floor <= latest + lead), "a version starts when it comes")
      spans[new.job.name, default: []].append(Span(version: new, from: floor))
    }
  }

  private mutating func makeVersion(_ job: JobName) throws -> FiringJob {
    version += 1
    let jitters = [Duration.zero, .zero, .seconds(9), .seconds(300)]
    func jitter() -> Duration { jitters.randomElement(using: &random) ?? .zero }
    var triggers = [Trigger.every(.seconds([10, 60, 90, 600].randomElement(using: &random) ?? 60), jitter: jitter())]
    if chance(30) { triggers.append(.every(.seconds(70), jitter: jitter())) }
    if chance(30) { triggers.append(.at(now + .seconds(Int64.random(in: -100...1_000, using: &random)))) }
    var made = Job(
      name: job, triggers: triggers, run: RunSpec(program: .command(["true"])),
      retry: RetryPolicy(attempts: Int.random(in: 1...3, using: &random), backoff: .seconds(20)))
    if chance(20) {
      made.suspension = Suspension(
        until: chance(50) ? now + .seconds(Int64.random(in: 1...1_000, using: &random)) : nil)
    }
    made.missed = [.latest, .latest, .skip, .all(limit: 3), .all(limit: 100)].randomElement(using: &random) ?? .latest
    made.startBy = [nil, nil, .seconds(5), .seconds(600)].randomElement(using: &random) ?? nil
    made.overlap =
      [.skip, .skip, .allow, .queue(depth: 1), .queue(depth: 3), .replace].randomElement(using: &random) ?? .skip
    for index in 0..<([0, 0, 1, 2].randomElement(using: &random) ?? 0) {
      made.blackout.append(try makeCalendar("calendar-\(index)"))
    }
    return FiringJob(
      job: made, bundle: try digest("\(job) \(version)"),
      commit: try CommitID(String(try digest("\(version)").hex.prefix(40))),
      lease: chance(20) ? .seconds(300) : .seconds(86_400 * 400),
      schedule: try JobSchedule(made, agent: host) { _ in TimeZoneRules.utc })
  }

  private mutating func makeCalendar(_ name: String) throws -> Calendar {
    var (windows, start) = ([Calendar.Window](), now + .seconds(Int64.random(in: -300...600, using: &random)))
    for _ in 0..<20 {
      let end = start + .seconds(Int64.random(in: 1...400, using: &random))
      windows.append(.span(from: start, to: end))
      start = end + .seconds(Int64.random(in: 0...900, using: &random))
    }
    return Calendar(name: name, windows: windows)
  }
}

// The reckoning.
extension FiringWorld {
  /// Lets everything come to its end.
  mutating func settle() {
    pass(to: max(now, latest) + .seconds(40_000))
    if machine.isHeld { commit(machine.resume(at: now), mayDie: false) }
    commit(machine.heard(at: now), mayDie: false)
    for _ in 0..<100_000 {
      if let id = shims.first(where: { $0.value == .dead })?.key {
        commit(machine.disarmed(id, at: now), mayDie: false)
        shims[id] = nil
      } else if let run = ledger.runs.values.first(where: { $0.phase != .queued && !isWaiting($0) }) {
        let actions = machine.attemptEnded(run.id, attempt: run.attempt, .succeeded, ended: now, at: now)
        #expect(!actions.isEmpty, "an end that leads to nothing")
        commit(actions, mayDie: false)
        shims[run.id] = nil
      } else if let run = ledger.runs.values.first(where: isWaiting) {
        commit(machine.cancel(run.id, at: now), mayDie: false)
      } else {
        break
      }
      commit(machine.tick(at: now), mayDie: false)
    }
    #expect(ledger.runs.isEmpty && machine.activeRuns.isEmpty, "seed \(testSeed)")
  }

  private func isWaiting(_ run: ActiveRun) -> Bool { if case .waiting = run.phase { true } else { false } }

  /// Each instant of each version that was installed ended in exactly one run or record.
  func check() {
    for (job, list) in spans {
      var records: [Timestamp: Int] = [:]
      for run in ledger.started.values where run.occurrence.job == job && run.occurrence.cause == .schedule {
        records[run.occurrence.nominal, default: 0] += 1
      }
      let skips = ledger.skips.filter { $0.record.occurrence.job == job && $0.record.occurrence.cause == .schedule }
      // Those of one instant first: that of a shim that answers late lies in a span that is folded already.
      for (skip, time) in skips.filter({ $0.record.count == 1 }) + skips.filter({ $0.record.count > 1 }) {
        for nominal in folded(skip, at: time, records) { records[nominal, default: 0] += 1 }
      }
      for (nominal, count) in records where count != 1 {
        Issue.record("\(job) \(nominal): \(count) records, seed \(testSeed)")
      }
      for span in list {
        let isSuspended = span.through == nil && span.version.job.suspension?.isInForce(at: now) == true
        for nominal in Self.instants(span.version, after: span.from, through: span.through ?? now) where !isSuspended {
          guard let due = Self.due(nominal, span.version), span.through != nil || due <= now else { continue }
          if span.through == nil, span.version.schedule.blackout(at: due).map({ now < $0.end }) == true { continue }
          #expect(records[nominal] == 1, "\(job) \(nominal) was dropped, \(span.version.job), seed \(testSeed)")
        }
      }
    }
  }

  /// The nominal instants of a record. It speaks of instants that start one after the other, and whether those count
  /// that are not due yet follows from what led to it; its number says which it is.
  private func folded(
    _ skip: SkippedOccurrences, at time: Timestamp, _ records: [Timestamp: Int]
  ) -> [Timestamp] {
    let last = skip.occurrence.nominal
    guard skip.count > 1, let first = skip.firstNominal else { return [last] }
    guard let span = spans[skip.occurrence.job]?.first(where: { $0.version.bundle == skip.bundle }),
      let from = Self.due(first, span.version), let to = Self.due(last, span.version)
    else {
      Issue.record("a record of what was never due: \(skip)")
      return []
    }
    let all = Self.instants(
      span.version, after: max(span.from, from - .seconds(400)), through: to
    ).filter { nominal in
      guard let due = Self.due(nominal, span.version), records[nominal] == nil else { return false }
      return from <= due && due <= to
    }
    // Those due by then, or a stretch of nominal time: up to the change, or to what an armed run began for, or from
    // then on. The nearest to the beginning first.
    let stretches = (0...max(0, all.count - skip.count)).map { Array(all.dropFirst($0).prefix(skip.count)) }
    let choices = [all.filter { Self.due($0, span.version).map { $0 <= time } ?? false }] + stretches
    guard let fitting = choices.first(where: { $0.count == skip.count && $0.contains(first) && $0.contains(last) })
    else {
      Issue.record("a wrong count: \(skip) at \(time) of \(all), \(span.version.job.triggers), seed \(testSeed)")
      return all
    }
    return fitting
  }
}

@Suite struct FiringSimulationTests {
  @Test(arguments: 0..<12)
  func `each due instant ends in exactly one of run or record, and no run happens twice`(_ round: UInt64) throws {
    var world = FiringWorld(seed: testSeed &+ round, lead: round % 3 == 0 ? .zero : .seconds(Int64(round % 3) * 3))
    for _ in 0..<700 { try world.step() }
    world.settle()
    world.check()
  }

  @Test func `a few lives hold everything that can happen`() throws {
    var seen: [String: Int] = [:]
    for round in 0..<6 {
      var world = FiringWorld(seed: UInt64(round), lead: .seconds(6))
      for _ in 0..<700 { try world.step() }
      seen.merge(world.counts) { $0 + $1 }
    }
    let expected = [
      "start", "arm", "enqueue", "disarm", "forget", "restart", "clock set under an armed run", "SkippedOverlap",
      "SkippedBlackout", "SkippedSuspended", "MissedDeadline", "finish Cancelled", "finish SkippedOverlap",
      "finish MissedDeadline", "Quarantined", "finish Quarantined", "NoRoom",
    ]
    #expect(Set(expected).subtracting(seen.keys).isEmpty)
    // Of these seeds and not of any: a life may by chance be held for most of its time, and start hardly anything.
    #expect(seen["start", default: 0] + seen["arm", default: 0] > 200)
  }

  @Test func `equal lives are equal`() throws {
    var (one, two) = (
      FiringWorld(seed: testSeed, lead: .seconds(2)), FiringWorld(seed: testSeed, lead: .seconds(2))
    )
    for _ in 0..<500 {
      try one.step()
      try two.step()
    }
    #expect(one.ledger.skips.map(\.record) == two.ledger.skips.map(\.record), "seed \(testSeed)")
    #expect(one.ledger.started == two.ledger.started, "seed \(testSeed)")
    #expect(one.machine.nextWake == two.machine.nextWake, "seed \(testSeed)")
  }
}
