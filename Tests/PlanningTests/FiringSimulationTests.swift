import Model
import Planning
import Schedule
import TestSupport
import Testing

/// What an agent's ledger would hold: all that survives the death of the process.
private struct Ledger {
  var installed: [FiringJob] = []
  var cursors: [JobName: Timestamp] = [:]
  var runs: [RunID: ActiveRun] = [:]
  var spent: [RunID: Timestamp] = [:]
  var lastHeard: Timestamp?
  /// Every run that ever started, and every record of a skip.
  var started: [RunID: ActiveRun] = [:]
  var skips: [SkippedOccurrences] = []
  var finished: Set<RunID> = []
}

/// A span of time in which one version of a job was installed.
private struct Span {
  var version: FiringJob
  /// Everything up to it belongs to earlier spans.
  var from: Timestamp
  var through: Timestamp?
}

/// Months of an agent's life with changing jobs, restarts, jumps of the clock, lost contact and orders. `now` is the
/// wall clock as the agent sees it.
private struct Simulation {
  var random: SeededGenerator
  var now = at(0) { didSet { latest = max(latest, now) } }
  var latest = at(0)
  var ledger = Ledger()
  var machine = FiringMachine(agent: host)
  var spans: [JobName: [Span]] = [:]
  var version = 0
  var requests = 0
  var starts = 0

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  /// Writes what was decided as one transaction, or dies before it could.
  mutating func commit(_ actions: [FiringAction]) throws {
    if chance(3) { return restart() }
    for action in actions { try write(action) }
    for (job, cursor) in machine.takeCursorMoves() { ledger.cursors[job] = cursor }
    ledger.lastHeard = machine.lastHeard
    if chance(2) { restart() }
  }

  mutating func restart() {
    machine = FiringMachine(agent: host, lastHeard: ledger.lastHeard)
    machine.restore(Array(ledger.runs.values), spent: ledger.spent, at: now)
    for action in machine.install(ledger.installed, cursors: ledger.cursors, at: now) {
      if case .note = action { continue }
      Issue.record("a restart decides nothing before the first tick: \(action)")
    }
  }

  private mutating func write(_ action: FiringAction) throws {
    switch action {
    case .start(let run):
      starts += 1
      #expect(ledger.started[run.id] == nil, "run \(run.id) twice")
      if run.job.overlap == .skip {
        #expect(!ledger.runs.values.contains { $0.occurrence.job == run.occurrence.job }, "overlap")
      }
      if run.occurrence.cause == .schedule { checkMayFire(run) }
      ledger.started[run.id] = run
      ledger.runs[run.id] = run
    case .startAttempt(let run), .retryLater(let run, _), .cancel(let run):
      #expect(ledger.runs[run.id] != nil)
      ledger.runs[run.id] = run
    case .finish(let run, let outcome):
      #expect(ledger.finished.insert(run.id).inserted, "finished twice")
      if case .ran(let state) = outcome { #expect(state.isFinal) }
      ledger.runs[run.id] = nil
    case .skip(let skip):
      #expect(ledger.started[skip.run] == nil, "a record for what has run")
      ledger.skips.append(skip)
    case .refuse, .note: break
    }
  }

  private func checkMayFire(_ run: ActiveRun) {
    let span = spans[run.occurrence.job]?.last
    #expect(span?.through == nil && span?.version.bundle == run.bundle, "only what is installed fires")
    #expect(run.occurrence.nominal <= now, "nothing fires early")
    #expect(run.job.suspension?.isInForce(at: run.occurrence.nominal) != true, "nothing suspended fires")
    if let lease = span?.version.lease, let heard = ledger.lastHeard { #expect(now < heard + lease, "without a lease") }
  }

  /// The instants that a version is due at, found the plain way.
  func instants(_ version: FiringJob, after: Timestamp, through: Timestamp) -> [Timestamp] {
    var found = Set<Timestamp>()
    for trigger in version.job.triggers {
      switch trigger {
      case .every(let interval, _, _):
        let step = interval.wholeMicroseconds
        var time = after.microseconds / step * step
        while time <= through.microseconds {
          if time > after.microseconds { found.insert(Timestamp(microseconds: time)) }
          time += step
        }
      case .at(let time): if time > after, time <= through { found.insert(time) }
      case .cron: break
      }
    }
    return found.sorted()
  }
}

extension Simulation {
  mutating func step() throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40: try wait()
    case 40..<60: try endSomething()
    case 60..<72: try commit(machine.heard(at: now))
    case 72..<82: try reinstall()
    case 82..<90: try order()
    case 90..<93:
      if let run = ledger.runs.keys.sorted().randomElement(using: &random) { try commit(machine.cancel(run, at: now)) }
    case 93..<96: now = now + .seconds(Int64.random(in: 600...7_200, using: &random))
    case 96..<98: now = now - .seconds(Int64.random(in: 1...3_600, using: &random))
    default: restart()
    }
  }

  /// Mostly as a good agent does: it sleeps until the machine wants to be woken, and a bit longer.
  private mutating func wait() throws {
    if chance(70), let wake = machine.nextWake, wake > now, wake < now + .seconds(3_600) {
      now = wake + .milliseconds(Int64.random(in: 0...20, using: &random))
    } else {
      now = now + .seconds(Int64.random(in: 0...90, using: &random))
    }
    try commit(machine.tick(at: now))
  }

  private mutating func endSomething() throws {
    let running = ledger.runs.values.filter { $0.phase == .running }.sorted { $0.id < $1.id }
    guard let run = running.randomElement(using: &random) else { return }
    let state = [RunState.succeeded, .succeeded, .failed, .timedOut, .lost].randomElement(using: &random) ?? .failed
    try commit(machine.attemptEnded(run.id, attempt: run.attempt, state, at: now))
  }

  private mutating func order() throws {
    guard let version = ledger.installed.randomElement(using: &random) else { return }
    requests += 1
    let order = Dispatch(
      agent: host, epoch: 1, nonce: "n", job: version.job.name, bundle: version.bundle, request: "r\(requests)",
      nominal: now, startBy: now + .seconds(60))
    for _ in 0..<(chance(30) ? 2 : 1) {
      let actions = machine.dispatch(order, at: now)
      // The order is part of the transaction, as it is for a real ledger.
      if !actions.isEmpty { ledger.spent[order.occurrence.run(on: host)] = order.startBy }
      for action in actions { try write(action) }
    }
    ledger.lastHeard = machine.lastHeard
  }

  /// Another set of jobs: some gone, some new, some changed. Here nothing dies in between.
  private mutating func reinstall() throws {
    var next: [FiringJob] = []
    for index in 0..<5 where !chance(15) {
      let job = try name("job-\(index)")
      let old = ledger.installed.first { $0.job.name == job }
      if let old, !chance(25) { next.append(old) } else { next.append(try makeVersion(job)) }
    }
    let before = ledger.installed
    for action in machine.install(next.shuffled(using: &random), at: now) { try write(action) }
    for (job, cursor) in machine.takeCursorMoves() { ledger.cursors[job] = cursor }
    ledger.installed = next
    for old in before where !next.contains(where: { $0.job.name == old.job.name && $0.bundle == old.bundle }) {
      close(old.job.name)
    }
    for new in next where !before.contains(where: { $0.job.name == new.job.name && $0.bundle == new.bundle }) {
      // After the clock was set back a cursor may be ahead of it: by a record, or by an earlier installation.
      let earlier = (spans[new.job.name] ?? []).flatMap { [$0.from] + covered(new.job.name, $0.version.bundle) }
      spans[new.job.name, default: []].append(Span(version: new, from: max(now, earlier.max() ?? now)))
    }
  }

  private mutating func close(_ job: JobName) {
    guard let last = spans[job]?.indices.last else { return }
    spans[job]?[last].through = now
  }

  private mutating func makeVersion(_ job: JobName) throws -> FiringJob {
    version += 1
    var triggers = [Trigger.every(.seconds([10, 60, 90, 600].randomElement(using: &random) ?? 60))]
    if chance(30) { triggers.append(.every(.seconds(70))) }
    if chance(30) { triggers.append(.at(now + .seconds(Int64.random(in: -100...1_000, using: &random)))) }
    var suspension: Suspension?
    if chance(20) {
      suspension = Suspension(until: chance(50) ? now + .seconds(Int64.random(in: 1...1_000, using: &random)) : nil)
    }
    return try firing(
      Job(
        name: job, suspension: suspension, triggers: triggers, overlap: chance(60) ? .skip : .allow,
        run: RunSpec(program: .command(["true"])),
        retry: RetryPolicy(attempts: Int.random(in: 1...3, using: &random), backoff: .seconds(20))),
      version: "\(version)", lease: chance(20) ? .seconds(300) : .seconds(86_400 * 400))
  }

  /// The scheduled instants of one version that have a record, once for each record.
  private func covered(_ job: JobName, _ bundle: Digest) -> [Timestamp] {
    var times = ledger.started.values.filter {
      $0.occurrence.job == job && $0.bundle == bundle && $0.occurrence.cause == .schedule
    }.map(\.occurrence.nominal)
    for skip in ledger.skips
    where skip.occurrence.job == job && skip.bundle == bundle && skip.occurrence.cause == .schedule {
      guard let version = spans[job]?.first(where: { $0.version.bundle == bundle })?.version else { continue }
      let first = skip.firstNominal ?? skip.occurrence.nominal
      let folded = instants(version, after: first - .microseconds(1), through: skip.occurrence.nominal)
      #expect(folded.count == skip.count && folded.first == first && folded.last == skip.occurrence.nominal)
      times += folded
    }
    return times
  }

  /// Each due instant of each version that was installed ended in exactly one run or record.
  mutating func check() throws {
    for action in machine.heard(at: now) + machine.tick(at: now) { try write(action) }
    for (job, list) in spans {
      var all: [Timestamp] = []
      for span in list {
        let records = covered(job, span.version.bundle)
        let allowed = Set(instants(span.version, after: span.from, through: latest))
        #expect(Set(records).subtracting(allowed).min() == nil, "\(job): a record of what was never due")
        let suspended = span.version.job.suspension
        let due = instants(span.version, after: span.from, through: span.through ?? now)
          .filter {
            span.through != nil || suspended?.isInForce(at: now) != true || suspended?.isInForce(at: $0) != true
          }
        #expect(Set(due).subtracting(records).min() == nil, "\(job): dropped, seed \(testSeed)")
        all += records
      }
      let distinct = Set(all).count
      #expect(all.count == distinct, "\(job): an occurrence with two records, seed \(testSeed)")
    }
  }
}

@Suite struct FiringSimulationTests {
  @Test(arguments: 0..<12)
  func `each due instant ends in exactly one of run or record, and no run id comes twice`(_ round: UInt64) throws {
    var simulation = Simulation(seed: testSeed &+ round)
    for _ in 0..<600 { try simulation.step() }
    try simulation.check()
    #expect(simulation.starts > 20, "seed \(testSeed) round \(round)")
    if !simulation.ledger.runs.isEmpty { #expect(simulation.machine.activeRuns.count == simulation.ledger.runs.count) }
  }

  @Test func `equal lives are equal`() throws {
    var (one, two) = (Simulation(seed: testSeed), Simulation(seed: testSeed))
    for _ in 0..<500 {
      try one.step()
      try two.step()
    }
    #expect(one.ledger.skips == two.ledger.skips, "seed \(testSeed)")
    #expect(one.ledger.started == two.ledger.started, "seed \(testSeed)")
    #expect(one.machine.nextWake == two.machine.nextWake, "seed \(testSeed)")
  }
}
