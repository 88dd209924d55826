import Model

/// The runs that are not over, and the requests of persons' runs that are.
struct RunTable: Sendable {
  private(set) var all: [RunID: ActiveRun] = [:]
  private var byJob: [JobName: JobRuns] = [:]
  /// Runs of orders that were carried out or recorded, with the orders' start-by times: until then the same order
  /// could be taken for a new one.
  private var spent: [RunID: Timestamp] = [:]
  /// When `spent` is worth looking through again.
  private var sweepSize = 64

  private struct JobRuns: Sendable {
    /// Those that stand in the way of others: running, armed or between two attempts.
    var going: Set<RunID> = []
    /// In the order in which they start.
    var queued: [RunID] = []
  }

  func isKnown(_ id: RunID) -> Bool { all[id] != nil || spent[id] != nil }

  /// Whether any run of the job is not over.
  func isActive(_ job: JobName) -> Bool { byJob[job] != nil }

  func hasGoing(_ job: JobName) -> Bool { byJob[job].map { !$0.going.isEmpty } ?? false }

  /// The runs of the job that are not queued, the one that was started first in front.
  func going(_ job: JobName) -> [ActiveRun] {
    (byJob[job]?.going ?? []).compactMap { all[$0] }.sorted { ($0.started, $0.id) < ($1.started, $1.id) }
  }

  func queueLength(_ job: JobName) -> Int { byJob[job]?.queued.count ?? 0 }
  func firstQueued(_ job: JobName) -> ActiveRun? { byJob[job]?.queued.first.flatMap { all[$0] } }
  func lastQueued(_ job: JobName) -> ActiveRun? { byJob[job]?.queued.last.flatMap { all[$0] } }
  func queued(_ job: JobName) -> [ActiveRun] { (byJob[job]?.queued ?? []).compactMap { all[$0] } }

  mutating func insert(_ run: ActiveRun) {
    all[run.id] = run
    let job = run.occurrence.job
    if run.isQueued { enqueue(run) } else { byJob[job, default: JobRuns()].going.insert(run.id) }
  }

  private mutating func enqueue(_ run: ActiveRun) {
    var runs = byJob[run.occurrence.job] ?? JobRuns()
    var place = runs.queued.count
    // Nearly always at the end; only what comes back after a restart comes in any order.
    while place > 0, let before = all[runs.queued[place - 1]], Self.precedes(run, before) { place -= 1 }
    runs.queued.insert(run.id, at: place)
    byJob[run.occurrence.job] = runs
  }

  private static func precedes(_ a: ActiveRun, _ b: ActiveRun) -> Bool {
    (a.started, a.occurrence.nominal, a.id) < (b.started, b.occurrence.nominal, b.id)
  }

  mutating func update(_ run: ActiveRun) {
    if all[run.id]?.isQueued != run.isQueued {
      remove(run)
      insert(run)
    } else {
      all[run.id] = run
    }
  }

  mutating func remove(_ run: ActiveRun) {
    let job = run.occurrence.job
    all[run.id] = nil
    byJob[job]?.going.remove(run.id)
    if let place = byJob[job]?.queued.firstIndex(of: run.id) { byJob[job]?.queued.remove(at: place) }
    if let runs = byJob[job], runs.going.isEmpty, runs.queued.isEmpty { byJob[job] = nil }
  }

  /// Remembers that the order was answered. A day's grace, for clocks that are set back.
  mutating func spend(_ id: RunID, startBy: Timestamp, at now: Timestamp) {
    spent[id] = startBy
    guard spent.count > sweepSize else { return }
    spent = spent.filter { now < $0.value + .seconds(86_400) }
    sweepSize = max(64, 2 * spent.count)
  }
}
