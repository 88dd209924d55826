import Logging
import Model
import Planning
import Platform

// What is blamed on a job: crashes of the agent and of shims.
extension Engine {
  /// Runs `body` with the mark set that these attempts are in the agent's hands.
  @discardableResult
  func handling<Value, Failure: Error>(
    _ runs: [ActiveRun], _ doing: String, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard let mark = guards.handling, !runs.isEmpty else { return try body() }
    return try mark.during(runs.map { .init(bundle: $0.bundle, job: $0.job.name, doing: doing) }, body)
  }

  /// The former life of the agent died with this in its hands.
  func crashed(_ entry: HandlingMark.Entry) throws {
    let now = clock.now
    logger.error("the agent crashed", metadata: ["job": "\(entry.job)", "when": "\(entry.doing)"])
    var counted = crashes
    let isTooMany = counted.add(entry.bundle, at: now)
    let words = counted.words(entry.job, last: entry.doing)
    try change(also: { try $0.crashed(entry.bundle, at: now, entry.doing) }) {
      isTooMany ? $0.quarantine(entry.bundle, words, at: now) : []
    }
    crashes = counted
  }

  /// Bundles that start no more by themselves, and why.
  var quarantined: [Digest: String] { machine.quarantined }

  func recordQuarantine(_ next: [Digest: String], in transaction: LedgerTransaction) throws {
    guard next != machine.quarantined else { return }
    for (bundle, words) in next where machine.quarantined[bundle] == nil {
      try transaction.quarantine(bundle, words, since: clock.now)
    }
    for bundle in machine.quarantined.keys where next[bundle] == nil {
      try transaction.release(bundle, keeping: max(0, guards.quarantine.crashes - 1))
    }
  }
}
