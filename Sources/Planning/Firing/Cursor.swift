public import Model

/// How far one job's schedule is decided on an agent: what the ledger keeps for each job.
///
/// Two times, because with jitter an instant starts later than its nominal time: an occurrence is known by the nominal
/// one, and what is decided goes by the other.
public struct Cursor: Hashable, Sendable {
  /// Every instant that starts (``Schedule/DueInstant/due``) up to it is decided.
  public var decided: Timestamp
  /// Nominal instants up to it belong to earlier versions of the job: this one never runs them.
  public var floor: Timestamp

  public init(decided: Timestamp, floor: Timestamp) {
    self.decided = decided
    self.floor = floor
  }

  /// Of a version that is new at `instant`.
  public init(_ instant: Timestamp) { self.init(decided: instant, floor: instant) }
}
