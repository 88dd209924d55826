public import Model

/// What the firing machine decided. Whoever performs it writes it to the ledger first.
public enum FiringAction: Hashable, Sendable {
  /// A new run: write it, then start its first attempt.
  case start(ActiveRun)
  /// The run's next attempt, after a pause: write its number, then start it.
  case startAttempt(ActiveRun)
  /// An attempt ended and another follows at the time given: write both. Nothing is to be done until then.
  case retryLater(ActiveRun, at: Timestamp)
  /// The run is over: write it and make its receipt.
  case finish(ActiveRun, Outcome)
  /// Occurrences that do not run: write the record and make its receipt.
  case skip(SkippedOccurrences)
  /// The running attempt is to be ended. Its end is reported like any other.
  case cancel(ActiveRun)
  /// The order is not carried out and leaves no record here, because it names nothing that the agent holds: tell the
  /// controller.
  case refuse(Dispatch, reason: String)
  /// For the log: something that explains why nothing fires.
  case note(String)
}
