import Execution
import Model
import Planning

/// What the engine asks of whatever executes attempts. In a running agent it is ``ShimRunner``.
protocol AttemptRunner: Sendable {
  /// Verifies the bytes, and starts the attempt in its shim; an armed one's shim starts it at its instant. Blocks until
  /// the shim is started. `secrets` are those that the job needs.
  func launch(_ run: ActiveRun, with secrets: SecretValues) throws(LaunchProblem)
  /// Waits for the attempt's end, which may lie in the past. Also for attempts of a former life of the agent.
  ///
  /// Throws `CancellationError` when the waiting task is cancelled; the attempt goes on then.
  func end(of run: ActiveRun) async throws -> AttemptOutcome
  /// Asks the attempt to end; its end is reported like any other.
  func cancel(_ attempt: AttemptID)
  /// Asks an armed attempt not to start. One that has started goes on; the end that is reported says which it was.
  func disarm(_ attempt: AttemptID)
  /// Whether the attempt may ever have begun, so that starting it again could run it twice.
  ///
  /// `sameBoot` says that the machine has not been restarted since the ledger was told of the attempt. Otherwise what
  /// the attempt left may have been lost with the power, and its absence proves nothing.
  func hasBegun(_ attempt: AttemptID, sameBoot: Bool) -> Bool
  /// Names this run of the machine.
  var boot: String { get }
  /// Removes what an attempt whose end is in the ledger left behind.
  func discard(_ attempt: AttemptID)
  /// Removes the working folders of jobs that keep theirs, but for these jobs'. One that a run is at work in stays.
  func removeKeptFolders(but jobs: Set<JobName>)
  /// Finds what a loss of power has taken the names of these attempts from. Before anything is asked about them.
  func recover(_ attempts: Set<AttemptID>)
  /// Removes what was kept to be used again and was not needed for long.
  func tidy()
  /// Removes what all attempts left behind that belong to none of these runs.
  func discardAll(except runs: Set<RunID>)
}

/// One attempt of one run.
struct AttemptID: Hashable, Sendable {
  let run: RunID
  let number: Int
}

extension ActiveRun {
  var attemptID: AttemptID { AttemptID(run: id, number: attempt) }

  /// Whether it has started: neither waits for its turn nor for the instant that it is armed for.
  func isGoing(at now: Timestamp) -> Bool {
    switch phase {
    case .running, .waiting: true
    case .queued: false
    case .armed(let instant): instant <= now
    }
  }
}

/// Why an attempt was not started.
enum LaunchProblem: Error, Sendable {
  /// The bytes are not those of the bundle: nothing of it may run.
  case refused(String)
  /// It cannot be started: no interpreter, no memory.
  case failed(String)
  /// There is no room for it on the disk.
  case noRoom(String)
  /// It was started, but cannot be watched now; it is to be looked for as after a restart.
  case unwatched
}

/// An attempt and its end.
struct EndedAttempt: Sendable {
  let attempt: AttemptID
  let outcome: AttemptOutcome
}

/// How an attempt ended.
struct AttemptOutcome: Sendable {
  var record: Receipt.Attempt
  /// False when certainly nothing of it has run: it was dismissed before its instant, or its shim died before.
  var mayHaveRun = true
  /// Why its shim is a crash of the job's making, in words; nil when the shim did what it should.
  var crash: String?
  /// What is kept of its output.
  var log: [UInt8]
}
