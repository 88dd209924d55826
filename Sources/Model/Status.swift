// The words of the design, each one enum case and one spelling everywhere: JSON, logs, command line, pages, metrics.

/// How the fleet compares with the source for one job.
public enum SyncStatus: String, Sendable, CaseIterable {
  /// Every agent that should hold the job holds the desired bundle.
  case synced = "Synced"
  /// Some agent holds another bundle than the desired one, or none.
  case outOfSync = "OutOfSync"
  /// The source cannot be read or the manifest is broken: what is desired is not known, the last good version stays.
  case unknown = "Unknown"
}

/// How a job is doing, judged from its last outcomes and its holders.
public enum Health: String, Sendable, CaseIterable {
  /// The last finished run succeeded, or none was due yet.
  case healthy = "Healthy"
  /// A new bundle is on its way to the agents.
  case progressing = "Progressing"
  /// The last finished run did not succeed, or no agent is eligible, or an agent refused the bundle.
  case degraded = "Degraded"
  /// `suspend` is in force.
  case suspended = "Suspended"
  /// Desired, but held by no agent.
  case missing = "Missing"
  /// Not known, because the source or all of the job's agents cannot be reached.
  case unknown = "Unknown"
}

/// Where a run stands. Pending and running are moved on by the agent that holds the run; the others are final.
public enum RunState: String, Sendable, CaseIterable {
  case pending = "Pending"
  case running = "Running"
  case succeeded = "Succeeded"
  case failed = "Failed"
  case timedOut = "TimedOut"
  case cancelled = "Cancelled"
  /// It was started and no record of its end exists (the host lost power, or the shim was killed).
  case lost = "Lost"

  public var isFinal: Bool { self != .pending && self != .running }
}

/// Why an occurrence did not run.
public enum SkipReason: String, Sendable, CaseIterable {
  case overlap = "SkippedOverlap"
  case blackout = "SkippedBlackout"
  case suspended = "SkippedSuspended"
  case missedDeadline = "MissedDeadline"
  case noEligibleAgent = "NoEligibleAgent"
  case refusedVerification = "RefusedVerification"
  case refusedPolicy = "RefusedPolicy"
  case abortedRollout = "AbortedRollout"
  /// The bundle's runs crashed the agent or their shims too often: it starts no more by itself until there is another
  /// version, or until somebody runs it.
  case quarantined = "Quarantined"
  /// The agent had no room for it: its disk or its ledger was full, or nearly.
  case noRoom = "NoRoom"
}

/// How an occurrence ended: a final run state, or a reason why it did not run.
public enum Outcome: Hashable, Sendable, CustomStringConvertible {
  case ran(RunState)
  case skipped(SkipReason)

  /// The one word of either kind.
  public init?(_ word: String) {
    if let state = RunState(rawValue: word), state.isFinal {
      self = .ran(state)
    } else if let reason = SkipReason(rawValue: word) {
      self = .skipped(reason)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .ran(let state): state.rawValue
    case .skipped(let reason): reason.rawValue
    }
  }

  public var isSuccess: Bool { self == .ran(.succeeded) }
}
