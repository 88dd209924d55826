import Model
import Results

/// How long jobs take, estimated from the results branch.
struct PastDurations {
  /// Half of a job's last runs took no longer, attempts and the pauses between them included.
  let medians: [JobName: Duration]
  /// For jobs that never ran.
  let assumed: Duration

  /// Runs of a job that are looked at, newest first; and files, of which some hold only records of what did not run.
  static let runs = 15
  private static let files = 60

  /// `reader` nil means that nothing is known.
  init(_ jobs: [JobName], _ reader: ResultsReader?, assumed: Duration) throws(ResultsError) {
    self.assumed = assumed
    var medians: [JobName: Duration] = [:]
    if let reader {
      for job in jobs {
        let query = HistoryQuery(job: job, limit: Self.runs, fileLimit: Self.files)
        let page = try reader.history(query) { $0.tellsDuration }
        let durations = page.receipts.compactMap(\.receipt.duration).sorted()
        if !durations.isEmpty { medians[job] = max(.zero, durations[(durations.count - 1) / 2]) }
      }
    }
    self.medians = medians
  }

  func of(_ job: JobName) -> Duration { medians[job] ?? assumed }
}

extension Receipt {
  /// A run that was cancelled or lost says nothing about how long the job takes.
  fileprivate var tellsDuration: Bool {
    switch outcome {
    case .ran(.succeeded), .ran(.failed), .ran(.timedOut): true
    case .ran, .skipped: false
    }
  }
}
