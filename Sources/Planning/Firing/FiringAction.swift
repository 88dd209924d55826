public import Model

/// What the firing machine decided. Whoever performs it writes it to the ledger first.
public enum FiringAction: Hashable, Sendable {
  /// A new run: write it, then start its first attempt. In phase `.armed(for: T)` its shim is started now and starts the
  /// attempt at T by itself.
  case start(ActiveRun)
  /// A new run in phase `.queued`: write it. Nothing is to be done until its turn comes.
  case enqueue(ActiveRun)
  /// The run's next attempt, after a pause, or the first one of a run that was queued: write its number and
  /// ``ActiveRun/started``, then start it.
  case startAttempt(ActiveRun)
  /// An attempt ended and another follows at the time given: write both. Nothing is to be done until then.
  case retryLater(ActiveRun, at: Timestamp)
  /// The run is over: write it and make its receipt. `reason` says why in words, for a run that was queued and never
  /// started, or that another one replaced.
  case finish(ActiveRun, Outcome, reason: String?)
  /// Occurrences that do not run: write the record and make its receipt.
  case skip(SkippedOccurrences)
  /// The running attempt is to be ended. Its end is reported like any other.
  case cancel(ActiveRun)
  /// The armed attempt is not to begin: ask its shim. ``FiringMachine/disarmed(_:at:)`` is the answer; when it was too
  /// late, the attempt's end.
  case disarm(ActiveRun)
  /// An armed run never began and is no run: take it out of the ledger again. The same run may be started later, also
  /// by an action that follows this one.
  case forget(ActiveRun)
  /// The order is not carried out and leaves no record here, because it names nothing that the agent holds: tell the
  /// controller.
  case refuse(Dispatch, reason: String)
  /// For the log: something that explains why nothing fires.
  case note(String)
}
