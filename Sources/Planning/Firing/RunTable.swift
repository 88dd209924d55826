import Model

/// The runs that are not over, and the requests of persons' runs that are.
struct RunTable: Sendable {
  private(set) var all: [RunID: ActiveRun] = [:]
  private var byJob: [JobName: Set<RunID>] = [:]
  /// Runs of orders that were carried out or recorded, with the orders' start-by times: until then the same order
  /// could be taken for a new one.
  private var spent: [RunID: Timestamp] = [:]
  /// When `spent` is worth looking through again.
  private var sweepSize = 64

  func isKnown(_ id: RunID) -> Bool { all[id] != nil || spent[id] != nil }

  /// The run of the job that was started first; nil when none is going.
  func oldest(of job: JobName) -> ActiveRun? {
    byJob[job]?.compactMap { all[$0] }.min { ($0.started, $0.id) < ($1.started, $1.id) }
  }

  mutating func insert(_ run: ActiveRun) {
    all[run.id] = run
    byJob[run.occurrence.job, default: []].insert(run.id)
  }

  mutating func update(_ run: ActiveRun) { all[run.id] = run }

  mutating func remove(_ run: ActiveRun) {
    all[run.id] = nil
    byJob[run.occurrence.job]?.remove(run.id)
    if byJob[run.occurrence.job]?.isEmpty == true { byJob[run.occurrence.job] = nil }
  }

  /// Remembers that the order was answered. A day's grace, for clocks that are set back.
  mutating func spend(_ id: RunID, startBy: Timestamp, at now: Timestamp) {
    spent[id] = startBy
    guard spent.count > sweepSize else { return }
    spent = spent.filter { now < $0.value + .seconds(86_400) }
    sweepSize = max(64, 2 * spent.count)
  }
}
