import Model
import Planning
import Schedule
import TestSupport
import Testing

/// An agent as the firing machine sees it: a ledger that survives the process, shims that survive it too, and a clock
/// that people set. What it is told to do it checks against rules that are written without the machine.
struct FiringWorld {
  /// All that survives the death of the process.
  struct Ledger {
    var installed: [FiringJob] = []
    var cursors: [JobName: Cursor] = [:]
    var runs: [RunID: ActiveRun] = [:]
    var spent: [RunID: Timestamp] = [:]
    var lastHeard: Timestamp?
    var quarantined: [Digest: String] = [:]
    /// Every run that is one, and every record of a skip with the time at which it was made.
    var started: [RunID: ActiveRun] = [:]
    var skips: [(record: SkippedOccurrences, at: Timestamp)] = []
    var finished: Set<RunID> = []
  }

  enum Shim: Equatable { case armed(Timestamp), began, dead }

  /// A span of nominal time in which one version of a job was installed.
  struct Span {
    var version: FiringJob
    var from: Timestamp
    var through: Timestamp?
  }

  var random: SeededGenerator
  var now = at(0) { didSet { latest = max(latest, now) } }
  var latest = at(0)
  var lead: Duration
  var ledger = Ledger()
  var machine: FiringMachine
  var shims: [RunID: Shim] = [:]
  /// Runs whose process existed. No run may have two.
  var executed: Set<RunID> = []
  var everArmed: Set<RunID> = []
  var spans: [JobName: [Span]] = [:]
  /// What happened how often, to see that a life was an interesting one.
  var counts: [String: Int] = [:]
  var version = 0
  var requests = 0

  init(seed: UInt64, lead: Duration) {
    random = SeededGenerator(seed: seed)
    self.lead = lead
    machine = FiringMachine(agent: host, lead: lead)
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  mutating func count(_ what: String) { counts[what, default: 0] += 1 }

  // MARK: The clock

  /// Time passes. Shims begin by themselves when theirs has come.
  mutating func pass(to time: Timestamp, isJump: Bool = false) {
    now = time
    for (id, shim) in shims.sorted(by: { $0.key < $1.key }) {
      guard case .armed(let begin) = shim else { continue }
      if isJump, chance(70) {
        shims[id] = .dead
        count("clock set under an armed run")
      } else if begin <= now {
        shims[id] = chance(95) ? .began : .dead
        if shims[id] == .began { execute(id) }
      }
    }
  }

  mutating func execute(_ id: RunID) {
    let isNew = executed.insert(id).inserted
    #expect(isNew, "run \(id) has two processes")
  }

  // MARK: The ledger

  /// Writes what was decided as one transaction and performs it, or dies before, or in between.
  mutating func commit(_ actions: [FiringAction], mayDie: Bool = true) {
    if mayDie, chance(3) { return restart() }
    for action in actions { write(action) }
    for (job, cursor) in machine.takeCursorMoves() { ledger.cursors[job] = cursor }
    ledger.lastHeard = machine.lastHeard
    ledger.quarantined = machine.quarantined
    if mayDie, chance(3) {
      // What was to be armed has no shim and never will; what was to be asked was not.
      for case .start(let run) in actions where shims[run.id] == nil && ledger.runs[run.id] != nil {
        if case .armed = run.phase { shims[run.id] = .dead } else { execute(run.id) }
      }
      return restart()
    }
    for action in actions { perform(action) }
  }

  mutating func restart() {
    count("restart")
    let wasHeld = machine.isHeld
    machine = FiringMachine(agent: host, lastHeard: ledger.lastHeard, lead: lead)
    machine.restoreQuarantine(ledger.quarantined)
    machine.restore(ledger.runs.values.shuffled(using: &random), spent: ledger.spent, at: now)
    for action in machine.install(ledger.installed, cursors: ledger.cursors, at: now) {
      if case .note = action { continue }
      Issue.record("a restart decides nothing before the first tick: \(action)")
    }
    // Whoever owns it looks again at once.
    if wasHeld { commit(machine.hold("full", at: now), mayDie: false) }
  }

  mutating func write(_ action: FiringAction) {
    switch action {
    case .start(let run):
      count(run.phase == .running ? "start" : "arm")
      if run.phase != .running { everArmed.insert(run.id) }
      checkAlone(run)
      insert(run)
    case .enqueue(let run):
      count("enqueue")
      #expect(run.phase == .queued && ledger.runs.values.contains { $0.occurrence.job == run.occurrence.job })
      insert(run)
    case .startAttempt(let run):
      if ledger.runs[run.id]?.phase == .queued { checkAlone(run) }
      update(run)
    case .retryLater(let run, _), .cancel(let run): update(run)
    case .disarm(let run):
      count("disarm")
      #expect(ledger.runs[run.id]?.phase == run.phase)
    case .finish(let run, let outcome, let reason):
      count("finish \(outcome)")
      let isNew = ledger.finished.insert(run.id).inserted
      #expect(isNew, "finished twice")
      if case .skipped(.refusedVerification) = outcome {} else if case .skipped = outcome { #expect(reason != nil) }
      ledger.runs[run.id] = nil
    case .forget(let run):
      count("forget")
      #expect(shims[run.id] == .dead && !executed.contains(run.id), "forgotten, and it ran")
      shims[run.id] = nil
      ledger.runs[run.id] = nil
      ledger.started[run.id] = nil
    case .skip(let skip):
      count(skip.reason.rawValue)
      #expect(ledger.started[skip.run] == nil, "a record for what has run")
      ledger.skips.append((skip, now))
    case .refuse, .note: break
    }
  }

  private mutating func perform(_ action: FiringAction) {
    switch action {
    case .start(let run), .startAttempt(let run):
      if case .armed(let time) = run.phase {
        shims[run.id] = .armed(time)
      } else if run.attempt == 1 {
        execute(run.id)
      }
    case .disarm(let run):
      guard case .armed? = shims[run.id] else { return }
      if chance(80) { shims[run.id] = .dead }
    case .cancel(let run):
      guard case .armed? = shims[run.id] else { return }
      if chance(80) { shims[run.id] = .dead }
    default: break
    }
  }

  private mutating func insert(_ run: ActiveRun) {
    #expect(ledger.started[run.id] == nil, "run \(run.id) twice")
    ledger.started[run.id] = run
    ledger.runs[run.id] = run
    if run.occurrence.cause == .schedule { checkMayFire(run) }
  }

  private mutating func update(_ run: ActiveRun) {
    #expect(ledger.runs[run.id] != nil)
    ledger.runs[run.id] = run
  }

  // MARK: Rules

  /// No run beside another, unless it is allowed.
  private func checkAlone(_ run: ActiveRun) {
    let job = run.occurrence.job
    let overlap = ledger.installed.first { $0.job.name == job }?.job.overlap ?? run.job.overlap
    if overlap == .allow || run.job.overlap == .allow { return }
    let others = ledger.runs.values.filter { $0.occurrence.job == job && $0.id != run.id && $0.phase != .queued }
    #expect(others.isEmpty, "\(run.occurrence) beside \(others.map(\.occurrence)), \(run.job.overlap)")
  }

  private func checkMayFire(_ run: ActiveRun) {
    guard let span = spans[run.occurrence.job]?.last(where: { $0.version.bundle == run.bundle }) else {
      Issue.record("only what is installed fires")
      return
    }
    let nominal = run.occurrence.nominal
    let due = Self.due(nominal, span.version)
    // What was armed by an earlier version and never began is made up for by the later one, which has it too.
    #expect(due != nil && (nominal > span.from || everArmed.contains(run.id)), "not an instant of the version")
    guard let due else { return }
    if case .armed(let time) = run.phase {
      #expect(time == due && time > now && time <= now + lead, "armed for another time")
      #expect(span.version.schedule.blackout(at: due) == nil)
      #expect(run.job.suspension?.isInForce(at: due) != true)
    } else {
      // At its job's change an occurrence does not wait for its jitter.
      #expect(nominal <= now, "nothing fires early")
      #expect(span.version.schedule.blackout(at: now) == nil && span.version.schedule.blackout(at: due) == nil)
      #expect(run.job.suspension?.isInForce(at: due) != true, "nothing suspended fires")
      if let startBy = run.job.startBy { #expect(now <= due + startBy, "too late") }
    }
    if let heard = ledger.lastHeard { #expect(now < heard + span.version.lease, "without a lease") }
  }

  // MARK: What is due, found the plain way

  /// When the nominal instant starts on the agent; nil when the version has no such instant.
  static func due(_ nominal: Timestamp, _ version: FiringJob) -> Timestamp? {
    func offset(_ trigger: Trigger) -> Duration {
      Trigger.offset(of: version.job.name, on: host, jitter: trigger.jitter)
    }
    // Each further offset is a microsecond more, so that no two instants start together.
    let offsets = Set(version.job.triggers.map(offset)).sorted()
    return version.job.triggers.compactMap { trigger -> Timestamp? in
      let place = offsets.firstIndex(of: offset(trigger)) ?? 0
      let offset = offset(trigger) + .microseconds(place)
      switch trigger {
      case .every(let interval, _, _):
        return nominal.microseconds % interval.wholeMicroseconds == 0 ? nominal + offset : nil
      case .at(let time): return time == nominal ? nominal : nil
      case .cron: return nil
      }
    }.min()
  }

  /// The nominal instants in (`after`, `through`].
  static func instants(_ version: FiringJob, after: Timestamp, through: Timestamp) -> [Timestamp] {
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
