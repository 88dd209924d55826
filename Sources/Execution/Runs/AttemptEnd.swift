public import Model

/// How an attempt ended, as far as anybody can know.
public struct AttemptEnd: Hashable, Sendable {
  public enum Ending: Hashable, Sendable {
    case finished(ExitRecord)
    case lost(LostReason)
  }

  public var ending: Ending
  /// Files of the bundle that somebody changed after they had been hashed, at most 10 of them.
  public var changedFiles: [String]

  public init(_ ending: Ending, changedFiles: [String] = []) {
    self.ending = ending
    self.changedFiles = changedFiles
  }
}

extension AttemptEnd {
  /// False when certainly nothing of the job has run and it may be tried again as if it had never been: it was dismissed
  /// at the gate, it could not get that far, or its shim died before. A spec or a program that cannot be executed is no
  /// better the next time.
  public var mayHaveRun: Bool {
    switch ending {
    case .lost(let reason): reason.mayHaveRun
    case .finished(let record):
      switch record.ending {
      case .neverBegan(let step, _): step == .spec || step == .exec
      case .exited, .signalled, .unknown: true
      }
    }
  }
}

/// Why there is no exit record.
public enum LostReason: String, Hashable, Sendable, CaseIterable {
  /// The shim died, or never came up, before it could run anything; it will not any more.
  case neverStarted
  /// The shim was killed while the job may have been running; what it left running has been killed.
  case shimDied
  /// The machine stopped while the job may have been running.
  case hostRestarted
  /// The shim died while it wrote the exit record, or somebody else wrote to it.
  case damagedRecord
  /// The run folder is gone.
  case noFolder
  /// The run folder is not whole. While the machine has not been restarted it means that no shim was started in it.
  case notMade

  /// Whether the job may have run, in whole or in part. False only when it certainly did not.
  public var mayHaveRun: Bool { self != .neverStarted }

  /// Whether the shim itself died, or wrote nonsense, on a machine that went on.
  public var isCrash: Bool { self == .shimDied || self == .neverStarted || self == .damagedRecord }

  /// In words, for a receipt.
  public var words: String {
    switch self {
    case .neverStarted: "it was never started: the shim ended before it ran anything"
    case .shimDied: "the shim was killed while the job may have been running"
    case .hostRestarted: "the host stopped while the job may have been running"
    case .damagedRecord: "the record of its end is damaged"
    case .noFolder: "the run folder is gone"
    case .notMade: "the run folder is not whole, as after a loss of power"
    }
  }
}

/// What an attempt means, in the words of a receipt.
public struct Judgement: Hashable, Sendable {
  /// A final state.
  public var state: RunState
  /// In words, where the state alone does not say it all.
  public var reason: String?
  public var exitCode: Int?
  public var signal: Int?
}
