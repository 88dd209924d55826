public import Model

/// A run that is not over: what the ledger keeps of it, and what the machine is given back after a restart.
public struct ActiveRun: Hashable, Sendable {
  public enum Phase: Hashable, Sendable {
    /// Attempt number ``attempt`` was started. It ends with
    /// ``FiringMachine/attemptEnded(_:attempt:_:ended:at:)``.
    case running
    /// Attempt number ``attempt`` starts at the time given; the one before it has ended.
    case waiting(until: Timestamp)
    /// It starts when the runs of its job that are before it have ended.
    case queued
    /// The shim of the first attempt is there and begins at the time given by itself. From then on the run counts as
    /// running, and it stays in this phase until the attempt ends or is known never to have begun
    /// (``FiringMachine/disarmed(_:at:)``).
    case armed(for: Timestamp)
  }

  public var id: RunID
  public var occurrence: Occurrence
  /// As it was when the run started: a later version of the job does not change how its runs are retried.
  public var job: Job
  public var bundle: Digest
  public var commit: CommitID
  /// The declared parameters, with those that a person gave in their place.
  public var params: [String: ParameterValue]
  /// Who asked for it, where a person did and is known.
  public var person: String?
  /// From 1.
  public var attempt: Int
  public var phase: Phase
  /// When the first attempt was started; of an armed run when it is to begin, of a queued one when it was queued.
  public var started: Timestamp
  /// Later than this it does not start any more, should it have to wait for its turn; nil means however late.
  public var startBy: Timestamp?
  /// Somebody asked for its end: however the attempt ends, no other follows.
  public var cancelRequested: Bool

  public init(
    id: RunID, occurrence: Occurrence, job: Job, bundle: Digest, commit: CommitID, params: [String: ParameterValue],
    attempt: Int = 1, phase: Phase = .running, started: Timestamp, cancelRequested: Bool = false,
    startBy: Timestamp? = nil
  ) {
    self.id = id
    self.occurrence = occurrence
    self.job = job
    self.bundle = bundle
    self.commit = commit
    self.params = params
    self.attempt = attempt
    self.phase = phase
    self.started = started
    self.cancelRequested = cancelRequested
    self.startBy = startBy
  }

  var isQueued: Bool { phase == .queued }

  /// When its shim begins by itself; nil in other phases.
  var armedFor: Timestamp? { if case .armed(let time) = phase { time } else { nil } }
}

/// A record of occurrences that did not run.
public struct SkippedOccurrences: Hashable, Sendable {
  /// Of ``occurrence``.
  public var run: RunID
  /// The last one.
  public var occurrence: Occurrence
  public var bundle: Digest
  public var commit: CommitID
  public var reason: SkipReason
  /// The reason for people, with its circumstances.
  public var words: String
  /// How many, ``occurrence`` included; at least so many when ``isCountExact`` is false.
  public var count: Int
  public var isCountExact: Bool
  /// The nominal time of the first; nil when `count` is 1.
  public var firstNominal: Timestamp?

  public init(
    run: RunID, occurrence: Occurrence, bundle: Digest, commit: CommitID, reason: SkipReason, words: String,
    count: Int = 1, isCountExact: Bool = true, firstNominal: Timestamp? = nil
  ) {
    self.run = run
    self.occurrence = occurrence
    self.bundle = bundle
    self.commit = commit
    self.reason = reason
    self.words = words
    self.count = count
    self.isCountExact = isCountExact
    self.firstNominal = firstNominal
  }
}
