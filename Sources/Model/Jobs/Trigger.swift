/// What makes a job due.
public enum Trigger: Hashable, Sendable {
  /// The expression as written (the Schedule module reads it), the name of an IANA time zone, what happens when that
  /// zone's clock changes, and how far agents are spread.
  case cron(expression: String, timezone: String, clockChange: ClockChange = ClockChange(), jitter: Duration = .zero)
  /// Fires on whole multiples of the interval (at least one second) since `from`, and not before it; nil is the epoch.
  case every(Duration, from: Timestamp? = nil, jitter: Duration = .zero)
  /// Fires once.
  case at(Timestamp)

  /// Each agent starts later than the nominal time by an offset of its own, at least zero and less than this.
  public var jitter: Duration {
    switch self {
    case .cron(_, _, _, let jitter), .every(_, _, let jitter): jitter
    case .at: .zero
    }
  }

  /// The agent's offset for a job: the same at every occurrence, after every restart and on every machine, and spread
  /// evenly over `[0, jitter)` in whole milliseconds.
  public static func offset(of job: JobName, on agent: AgentID, jitter: Duration) -> Duration {
    let width = jitter.wholeMilliseconds
    guard width > 0 else { return .zero }
    var hash = StableHash()
    hash.combine("jitter/1")
    hash.combine(job.text)
    hash.combine(agent.text)
    return .milliseconds(Int64(hash.value.multipliedFullWidth(by: UInt64(width)).high))
  }
}

/// `dst`: what a cron trigger that does not mean every hour does when its zone's clock is changed.
public struct ClockChange: Hashable, Sendable {
  /// Of times that the clock leaves out.
  public enum Gap: String, Hashable, Sendable, CaseIterable {
    /// They are due together, right after the gap.
    case after
    /// They are not due at all.
    case skip
  }

  /// Of times that the clock shows twice.
  public enum Repeat: String, Hashable, Sendable, CaseIterable {
    case first
    case second
    case both
  }

  public var gap: Gap
  public var `repeat`: Repeat

  public init(gap: Gap = .after, repeat: Repeat = .first) {
    self.gap = gap
    self.repeat = `repeat`
  }
}

/// What becomes of instants at which the agent was down, the host asleep, or the clock jumped over them.
public enum Missed: Hashable, Sendable {
  /// The latest is made up for, earlier ones are recorded.
  case latest
  /// The latest of them, up to this number, are made up for one after the other, earlier ones are recorded.
  case all(limit: Int)
  /// None is made up for, all are recorded.
  case skip

  /// How many `all` makes up for when the manifest does not say.
  public static let standardLimit = 100
  public static let limits = 1...10_000
}

/// What happens to an occurrence that is due while a run of the same job is still going on the same agent.
public enum Overlap: Hashable, Sendable {
  /// It does not run.
  case skip
  /// It runs beside the other.
  case allow
  /// It waits for its turn, as one of at most `depth` that wait; when there are as many already, it does not run.
  case queue(depth: Int)
  /// The other is cancelled, and it starts when that has ended.
  case replace

  public static let depths = 1...100
}
