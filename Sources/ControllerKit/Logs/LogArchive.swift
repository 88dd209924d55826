import Git
import Model
import Platform
import Results

/// Logs of runs that have ended: those of the last while in memory, the others from the results branch.
actor LogArchive {
  private let executor = BlockingExecutor(label: "belfry.archive")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let folder: String

  /// `folder` is the controller's own clone of the results branch.
  init(folder: String) { self.folder = folder }

  /// The log of an attempt as the commit holds it; nil when it does not.
  func log(of receipt: Receipt, attempt: Int, in commit: CommitID) -> [UInt8]? {
    guard let repository = try? Repository.open(at: folder) else { return nil }
    let reader = ResultsReader(repository: repository, commit: commit)
    let nominal = receipt.occurrence.nominal
    let query = HistoryQuery(job: receipt.occurrence.job, since: nominal, until: nominal)
    guard let page = try? reader.history(query),
      let stored = page.receipts.first(where: { $0.receipt.run == receipt.run })
    else { return nil }
    return try? reader.log(of: stored, attempt: attempt)
  }
}

/// Logs that came with the last receipts, until they are pushed and for a while after. The oldest go first.
struct RecentLogs: Sendable {
  private let capacity: Int
  private var logs: [RunID: [Int: [UInt8]]] = [:]
  private var order: [RunID] = []
  private var bytes = 0

  /// `capacity` is in bytes.
  init(capacity: Int = 16 << 20) { self.capacity = capacity }

  subscript(run: RunID, attempt: Int) -> [UInt8]? { logs[run]?[attempt] }

  mutating func add(_ new: [Int: [UInt8]], of run: RunID) {
    guard !new.isEmpty, logs[run] == nil else { return }
    logs[run] = new
    order.append(run)
    bytes += Self.size(new)
    var gone = 0
    while bytes > capacity, gone < order.count {
      bytes -= Self.size(logs.removeValue(forKey: order[gone]) ?? [:])
      gone += 1
    }
    order.removeFirst(gone)
  }

  private static func size(_ logs: [Int: [UInt8]]) -> Int { logs.values.reduce(200) { $0 + $1.count } }
}
