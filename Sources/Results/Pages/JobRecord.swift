import Model

/// The last occurrences of one job: what its page shows and what the overview is made from.
struct JobRecord: Hashable {
  static let limit = 50

  let job: JobName
  /// Newest first, at most ``limit``.
  private(set) var rows: [OccurrenceRow] = []
  /// Set when older occurrences exist than those in the rows. What is older than the last row then stays out, as only a
  /// part of its runs may be known.
  private(set) var isCut = false

  /// The newest nominal time for which a file exists on the branch, whatever is in it.
  private(set) var newestFile: Timestamp?

  init(_ job: JobName) { self.job = job }

  /// Says that a file exists for that time.
  mutating func saw(_ nominal: Timestamp) { newestFile = max(newestFile ?? nominal, nominal) }

  /// Adds a run that was not added before.
  mutating func add(_ receipt: Receipt, ownsPlainLogs: Bool) {
    let key = OccurrenceRow.Key(receipt)
    saw(key.nominal)
    let index = rows.partitioningIndex { $0.key >= key }
    if index < rows.count, rows[index].key == key {
      rows[index].add(receipt)
    } else if index == rows.count, isCut || rows.count == Self.limit {
      isCut = true
    } else {
      rows.insert(OccurrenceRow(receipt, ownsPlainLogs: ownsPlainLogs), at: index)
      if rows.count > Self.limit {
        rows.removeLast()
        isCut = true
      }
    }
  }

  /// Says that older occurrences exist, which were not read.
  mutating func cut() { isCut = true }

  /// The line of the overview.
  var summary: JobSummary { JobSummary(self) }

  /// The verdict that the newest runs share, and how many occurrences in a row; those that did not run are passed over.
  /// `isOpen` when it may go back further than the record does. Nil when nothing ran.
  var streak: (verdict: OccurrenceRow.Verdict, count: Int, isOpen: Bool)? {
    var shared: OccurrenceRow.Verdict?
    var count = 0
    for row in rows {
      let verdict = row.verdict
      guard verdict != .notRun else { continue }
      if let shared, verdict != shared { return (shared, count, false) }
      shared = verdict
      count += 1
    }
    return shared.map { ($0, count, isCut) }
  }
}

/// What the overview keeps of a job, long after its record has been dropped from memory.
struct JobSummary: Hashable {
  /// Cells of the overview: the last outcome, its nominal time, the streak.
  let cells: [String]

  init(_ record: JobRecord) {
    guard let last = record.rows.first else {
      cells = []
      return
    }
    let streak = record.streak.map { "\($0.count)\($0.isOpen ? "+" : "") \($0.verdict.rawValue)" }
    cells = [JobPage.outcome(last), last.key.nominal.pageText, streak ?? ""]
  }

  /// From a line of the overview as it stood before; nil unless the cells look as this type makes them.
  init?(cells: [String]) {
    let allowed = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || " *,:+-.".utf8.contains(byte)
    }
    guard cells.count == 3, cells.allSatisfy({ $0.utf8.count <= 400 && $0.utf8.allSatisfy(allowed) }), !cells[0].isEmpty
    else { return nil }
    self.cells = cells
  }
}

extension Array {
  /// The index of the first element for which the predicate holds, in an array where it holds for all after that one.
  func partitioningIndex(where holds: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
