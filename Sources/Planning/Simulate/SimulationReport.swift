public import Model

/// What a ``FiringSimulation`` came to.
public struct SimulationReport: Hashable, Sendable {
  /// In the order in which they are decided; those decided together by nominal time and job.
  public var occurrences: [SimulatedOccurrence] = []
  /// How many runs start in each minute of UTC, by its beginning; minutes without one are left out.
  public var startsPerMinute: [Timestamp: Int] = [:]
  /// Where the limit of occurrences was reached and nothing later was simulated; nil when the whole span was.
  public var cutAt: Timestamp?

  public init() {}
}

/// One occurrence of a simulated span, or several that do not run for one reason.
public struct SimulatedOccurrence: Hashable, Sendable {
  public enum Fate: Hashable, Sendable {
    case starts
    /// It still waits for its turn at the end of the span.
    case waits
    /// `count` from 1; of more than one the occurrence is the last.
    case skipped(SkipReason, words: String, count: Int)
    /// What becomes of it depends on what ends after the span: a run, a blackout or a suspension.
    case undecided(count: Int)
  }

  public var job: JobName
  public var nominal: Timestamp
  /// Of several the first one's nominal time; nil when there is one.
  public var firstNominal: Timestamp?
  /// When the agent decides it.
  public var decided: Timestamp
  /// Nil when it does not run in the span.
  public var start: Timestamp?
  /// By the job's duration; may lie behind the span.
  public var end: Timestamp?
  public var fate: Fate
  /// Which of the job's triggers make it due, from 0.
  public var triggers: [Int]

  public init(
    job: JobName, nominal: Timestamp, firstNominal: Timestamp? = nil, decided: Timestamp, start: Timestamp? = nil,
    end: Timestamp? = nil, fate: Fate, triggers: [Int] = []
  ) {
    self.job = job
    self.nominal = nominal
    self.firstNominal = firstNominal
    self.decided = decided
    self.start = start
    self.end = end
    self.fate = fate
    self.triggers = triggers
  }
}
