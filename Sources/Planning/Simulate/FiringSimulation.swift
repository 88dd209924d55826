public import Model
import Schedule

/// What would happen on one agent in a span of time, were its jobs to take as long as they did before.
///
/// The firing machine itself is driven through the span, so that skips, overlaps, queues and blackouts come out as an
/// agent would decide them. Every run succeeds at its first attempt, the agent is always up and a controller is always
/// heard: leases and retries play no part.
public struct FiringSimulation: Sendable {
  private let jobs: [FiringJob]
  private let schedules: [JobName: JobSchedule]
  private let from: Timestamp
  private let until: Timestamp
  private let limit: Int
  private let duration: @Sendable (JobName) -> Duration

  private var machine: FiringMachine
  /// The runs that are going, by their ends.
  private var ends: [SimulatedEnd] = []
  private var report = SimulationReport()
  /// Where each run stands in the report.
  private var places: [RunID: Int] = [:]

  /// `jobs` are those of one agent, with their schedules made for it. Instants that are due in [`from`, `until`) are
  /// simulated, but no more than `limit` (from 1) occurrences. `duration` is how long a run of a job takes, at least
  /// a microsecond.
  public init(
    jobs: [FiringJob], agent: AgentID, from: Timestamp, until: Timestamp, limit: Int = 100_000,
    duration: @escaping @Sendable (JobName) -> Duration
  ) {
    self.jobs = jobs.map { job in
      var job = job
      job.lease = .seconds(1_000_000_000_000)
      return job
    }
    schedules = Dictionary(jobs.map { ($0.job.name, $0.schedule) }, uniquingKeysWith: { $1 })
    self.from = from
    self.until = until
    self.limit = max(1, limit)
    self.duration = duration
    machine = FiringMachine(agent: agent, lastHeard: from)
  }

  /// Drives the machine from wake to wake. Costs time in proportion to the occurrences.
  public mutating func run() -> SimulationReport {
    // What is due at the first instant itself belongs to the span.
    let before = from - .microseconds(1)
    take(machine.install(jobs, at: before), at: before)
    while report.occurrences.count < limit {
      let wake = machine.nextWake.map { max($0, from) }
      if let end = ends.first?.time, end <= wake ?? end {
        guard end < until else { break }
        let run = removeFirstEnd()
        take(machine.attemptEnded(run, attempt: 1, .succeeded, ended: end, at: end), at: end)
      } else if let wake, wake < until {
        take(machine.tick(at: wake), at: wake)
      } else {
        break
      }
    }
    return finish()
  }

  private mutating func finish() -> SimulationReport {
    if report.occurrences.count >= limit {
      report.occurrences.removeLast(report.occurrences.count - limit)
      let next = [machine.nextWake, ends.first?.time].compactMap { $0 }.min()
      report.cutAt = next.flatMap { $0 < until ? max($0, from) : nil }
    } else {
      // What waits for the end of a run, a blackout or a suspension is on record at the end.
      let closing = machine.install([], at: until - .microseconds(1))
      take(closing, at: until, isClosing: true)
    }
    report.occurrences.sort { ($0.decided, $0.nominal, $0.job) < ($1.decided, $1.nominal, $1.job) }
    for occurrence in report.occurrences {
      guard let start = occurrence.start else { continue }
      report.startsPerMinute[Timestamp(seconds: start.seconds.flooredDivision(by: 60) * 60), default: 0] += 1
    }
    return report
  }

  private mutating func take(_ actions: [FiringAction], at now: Timestamp, isClosing: Bool = false) {
    for action in actions {
      switch action {
      case .start(let run), .startAttempt(let run):
        let end = now + max(duration(run.occurrence.job), .microseconds(1))
        insertEnd(SimulatedEnd(time: end, run: run.id))
        if let place = places[run.id] {
          report.occurrences[place].start = now
          report.occurrences[place].end = end
          report.occurrences[place].fate = .starts
        } else {
          add(run, .starts, start: now, end: end, at: now)
        }
      case .enqueue(let run): add(run, .waits, at: now)
      case .finish(let run, let outcome, let reason):
        finish(run, outcome, reason, at: now, isClosing: isClosing)
      case .cancel(let run):
        // It ends at once: how long it would take to obey is not known.
        ends.removeAll { $0.run == run.id }
        insertEnd(SimulatedEnd(time: now, run: run.id))
        if let place = places[run.id] { report.occurrences[place].end = now }
      case .skip(let skip): add(skip, at: now, isClosing: isClosing)
      case .retryLater, .disarm, .forget, .refuse, .note: break
      }
    }
  }

  private mutating func add(
    _ run: ActiveRun, _ fate: SimulatedOccurrence.Fate, start: Timestamp? = nil, end: Timestamp? = nil,
    at now: Timestamp
  ) {
    places[run.id] = report.occurrences.count
    report.occurrences.append(
      SimulatedOccurrence(
        job: run.occurrence.job, nominal: run.occurrence.nominal, decided: now, start: start, end: end, fate: fate,
        triggers: triggers(of: run.occurrence)))
  }

  private mutating func finish(
    _ run: ActiveRun, _ outcome: Outcome, _ reason: String?, at now: Timestamp, isClosing: Bool
  ) {
    guard let place = places.removeValue(forKey: run.id), case .skipped(let why) = outcome else { return }
    // A run that still waits when the span is over may start after it.
    if !isClosing { report.occurrences[place].fate = .skipped(why, words: reason ?? "", count: 1) }
  }

  private mutating func add(_ skip: SkippedOccurrences, at now: Timestamp, isClosing: Bool) {
    // Not removed, but waiting for something that lies behind the end of the span.
    let isOpen = isClosing && skip.words.hasPrefix(FiringWords.removed)
    let words = isOpen ? "undecided at the end of the span" : skip.words
    var occurrence = SimulatedOccurrence(
      job: skip.occurrence.job, nominal: skip.occurrence.nominal, decided: now,
      fate: .skipped(skip.reason, words: words, count: skip.count), triggers: triggers(of: skip.occurrence))
    if isOpen { occurrence.fate = .undecided(count: skip.count) }
    occurrence.firstNominal = skip.firstNominal
    report.occurrences.append(occurrence)
  }

  /// Which of the job's triggers have the instant, from 0.
  private func triggers(of occurrence: Occurrence) -> [Int] {
    schedules[occurrence.job]?.triggers(at: occurrence.nominal) ?? []
  }

  // MARK: Ends, ascending

  private mutating func insertEnd(_ end: SimulatedEnd) {
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] <= end { low = middle + 1 } else { high = middle }
    }
    ends.insert(end, at: low)
  }

  private mutating func removeFirstEnd() -> RunID { ends.removeFirst().run }
}

/// When a simulated run is over.
private struct SimulatedEnd: Comparable, Sendable {
  var time: Timestamp
  var run: RunID

  static func < (a: Self, b: Self) -> Bool { (a.time, a.run) < (b.time, b.run) }
}
