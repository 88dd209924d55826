import Model

/// Reasons in words.
enum FiringWords {
  static func overlap(_ run: ActiveRun, at now: Timestamp) -> String {
    let which = "run \(run.id.text.prefix(8)) of \(run.occurrence.nominal)"
    guard case .waiting(let until) = run.phase else {
      return "\(which) was still going after \(about(now - run.started))"
    }
    return "\(which) was still waiting for its attempt \(run.attempt) at \(until)"
  }

  static func suspended(_ suspension: Suspension) -> String {
    "the job was suspended" + (suspension.reason.map { ": \($0)" } ?? "")
  }

  /// To the second; below that to the millisecond.
  static func about(_ duration: Duration) -> String {
    let milliseconds = max(0, duration.wholeMilliseconds)
    return Duration.milliseconds(milliseconds < 1000 ? milliseconds : milliseconds / 1000 * 1000).manifestText
  }
}
