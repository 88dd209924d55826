/// The record of a run, or of occurrences that did not run, made and signed by the agent.
public struct Receipt: Hashable, Sendable {
  public var run: RunID
  public var occurrence: Occurrence
  /// Who asked for a person's run, as the one who asked has said; nil when that is not known.
  public var person: String?
  public var agent: AgentID
  public var agentName: AgentName
  public var bundle: Digest
  /// A commit at which the source held exactly this bundle.
  public var commit: CommitID
  public var outcome: Outcome
  /// In words, where the outcome alone does not say it all.
  public var reason: String?
  /// When the first attempt started; nil when nothing ran.
  public var started: Timestamp?
  /// When the last attempt ended, or when it was decided that nothing runs.
  public var ended: Timestamp
  /// In order; empty when nothing ran.
  public var attempts: [Attempt]
  /// For several missed occurrences folded into one record: how many, this one included. 1 otherwise.
  public var count: Int
  /// The nominal time of the first of the folded occurrences; nil when `count` is 1. `occurrence` is the last one.
  public var firstNominal: Timestamp?

  /// One execution of the job's program.
  public struct Attempt: Hashable, Sendable {
    /// From 1.
    public var number: Int
    public var started: Timestamp
    public var ended: Timestamp
    /// A final state.
    public var state: RunState
    /// 0...255; nil when a signal ended it or it never began.
    public var exitCode: Int?
    /// The number of the signal that ended it.
    public var signal: Int?
    /// The kernel killed processes of it because there was no memory left: within its own limit, or on the host.
    public var outOfMemory: Bool
    public var reason: String?
    public var log: Log
    public var resources: Resources
    /// What it gave back under declared names.
    public var outputs: [String: ParameterValue] = [:]
    /// The files that it gave back, by ascending name; at most ``Artifact/countLimit``.
    public var artifacts: [Artifact] = []

    public init(
      number: Int, started: Timestamp, ended: Timestamp, state: RunState, exitCode: Int? = nil, signal: Int? = nil,
      outOfMemory: Bool = false, reason: String? = nil, log: Log = Log(), resources: Resources = Resources()
    ) {
      self.number = number
      self.started = started
      self.ended = ended
      self.state = state
      self.exitCode = exitCode
      self.signal = signal
      self.outOfMemory = outOfMemory
      self.reason = reason
      self.log = log
      self.resources = resources
    }
  }

  /// What is known of an attempt's output.
  public struct Log: Hashable, Sendable {
    /// Of the bytes that are kept, which travel beside the receipt; nil when there was no output.
    public var digest: Digest?
    /// Bytes that the run wrote in all.
    public var written: Int64
    /// Bytes that are kept: head and tail.
    public var kept: Int64

    public init(digest: Digest? = nil, written: Int64 = 0, kept: Int64 = 0) {
      self.digest = digest
      self.written = written
      self.kept = kept
    }
  }

  /// From `wait4`'s rusage; the peak from the attempt's cgroup where the agent has the memory controller.
  public struct Resources: Hashable, Sendable {
    public var user: Duration
    public var system: Duration
    /// Bytes: the most that all its processes and what the kernel cached for them took together, as its cgroup says; else
    /// what its largest process had resident.
    public var peakMemory: Int64

    public init(user: Duration = .zero, system: Duration = .zero, peakMemory: Int64 = 0) {
      self.user = user
      self.system = system
      self.peakMemory = peakMemory
    }
  }

  public init(
    run: RunID, occurrence: Occurrence, agent: AgentID, agentName: AgentName, bundle: Digest, commit: CommitID,
    outcome: Outcome, reason: String? = nil, started: Timestamp? = nil, ended: Timestamp, attempts: [Attempt] = [],
    count: Int = 1, firstNominal: Timestamp? = nil
  ) {
    self.run = run
    self.occurrence = occurrence
    self.agent = agent
    self.agentName = agentName
    self.bundle = bundle
    self.commit = commit
    self.outcome = outcome
    self.reason = reason
    self.started = started
    self.ended = ended
    self.attempts = attempts
    self.count = count
    self.firstNominal = firstNominal
  }

  /// From the first attempt's start to the last one's end; nil when nothing ran.
  public var duration: Duration? { started.map { ended - $0 } }
}
