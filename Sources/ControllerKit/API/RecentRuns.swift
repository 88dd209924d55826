import Model

/// The receipts of the last while in memory, for questions about single runs and for judging jobs' health. A cache: at
/// start it is filled from the results branch.
struct RecentRuns: Sendable {
  /// One run as far as it is known.
  struct Known: Sendable {
    let receipt: Receipt
    /// The commit of the results branch that holds it; nil until it was pushed.
    var commit: CommitID?
  }

  private let capacity: Int
  private var runs: [RunID: Known] = [:]
  private var order: [RunID] = []
  /// For each job and agent the latest outcome of a run, by nominal time.
  private(set) var latest: [JobName: [AgentID: Receipt]] = [:]

  init(capacity: Int = 20_000) { self.capacity = capacity }

  subscript(run: RunID) -> Known? { runs[run] }

  /// Those whose ids are meant.
  func matching(_ isMeant: (RunID) -> Bool) -> [Receipt] { runs.filter { isMeant($0.key) }.map(\.value.receipt) }

  mutating func add(_ receipt: Receipt, commit: CommitID? = nil) {
    if runs[receipt.run] == nil { order.append(receipt.run) }
    runs[receipt.run] = Known(receipt: receipt, commit: commit ?? runs[receipt.run]?.commit)
    let job = receipt.occurrence.job
    if let known = latest[job]?[receipt.agent], known.occurrence.nominal > receipt.occurrence.nominal { return }
    latest[job, default: [:]][receipt.agent] = receipt
    guard order.count > capacity + capacity / 4 else { return }
    for old in order.prefix(order.count - capacity) { runs[old] = nil }
    order.removeFirst(order.count - capacity)
  }

  mutating func committed(_ ids: some Sequence<RunID>, in commit: CommitID) {
    for id in ids { runs[id]?.commit = commit }
  }
}
