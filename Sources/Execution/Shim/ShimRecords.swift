public import Model

// The records in the status file; their layout stands in Sources/shim/status.h.

/// A record as it was found.
public enum Found<Record: Hashable & Sendable>: Hashable, Sendable {
  /// Never written.
  case absent
  /// Half written, or overwritten.
  case damaged
  case intact(Record)

  public var record: Record? { if case .intact(let record) = self { record } else { nil } }
}

/// What the shim writes when it starts the job.
public struct StartedRecord: Hashable, Sendable {
  /// False: it was about to start, and nobody knows whether the job ran.
  public var isRunning: Bool
  public var shim: Int32
  /// The job's first process; nil before ``isRunning``.
  public var job: Int32?
  /// CLOCK_REALTIME just before the gate was opened.
  public var started: Timestamp
}

/// What the shim writes when the job and everything that it started is gone.
public struct ExitRecord: Hashable, Sendable {
  public enum Ending: Hashable, Sendable {
    /// 0...255.
    case exited(Int)
    /// The signal's number.
    case signalled(Int)
    /// Its program was never reached; `error` is an errno(3).
    case neverBegan(Step, error: Int32)
    /// It could not be killed.
    case unknown
  }

  /// Where something failed before the job's first instruction.
  public enum Step: Int32, Hashable, Sendable {
    /// Cancelled or disarmed before it could start.
    case none = 0
    case spec, workFolder, prepare, fork, child, exec, user, limits, cgroup, mounts, writable, isolation
    case secrets = 16
  }

  public var ending: Ending
  /// The timeout expired while the job ran.
  public var timedOut: Bool
  /// It was cancelled while it ran, or before it could start.
  public var cancelled: Bool
  /// It was armed for an instant and did not start, because the clock was set or the instant was long past.
  public var disarmed: Bool
  /// Output could not be written to disk; nothing was kept from there on.
  public var outputFailed: Bool
  /// Processes survived KILL.
  public var unkillable: Bool
  /// Processes of it were killed because the memory that its cgroup may have was used up.
  public var outOfMemory: Bool
  /// Processes of it were killed because the host had no memory left.
  public var hostOutOfMemory: Bool
  /// Its working folder held more than it may.
  public var diskExceeded: Bool
  /// A file in its folders was as long as one may be: what was written behind that is lost, and the job may not have said so.
  public var fileLimitReached = false
  /// What it gave back could not be cleaned of secrets: it is lost, or must not be read.
  public var givenBackUnmasked = false
  /// Of the paths that the spec gives, from 1, the one that could not be given; nil when something else failed.
  public var failedPath: Int?
  /// errno(3) of a failed fsync: the record may not survive a loss of power.
  public var syncError: Int32?
  /// CLOCK_REALTIME just before the job's exec.
  public var started: Timestamp
  /// How long the job ran, by a clock that does not jump.
  public var elapsed: Duration
  /// CLOCK_REALTIME at the job's end; before `started` when the clock was set back.
  public var endedByWallClock: Timestamp
  /// Of the job and everything that it started.
  public var resources: Receipt.Resources
  /// Bytes of output.
  public var written: Int64
  /// Bytes that were to be kept of it; another number than ``written`` where a filter stands before the record.
  public var recorded: Int64
  /// Processes that outlived the job and were terminated.
  public var leftBehind: Int

  /// When it ended, as far from `started` as it really was.
  public var ended: Timestamp { started + elapsed }
}

extension StartedRecord {
  init?(_ sector: [UInt8]) {
    guard let stage = [1: false, 2: true][sector.number(at: 8, as: UInt32.self)] else { return nil }
    isRunning = stage
    shim = sector.number(at: 12)
    job = stage ? sector.number(at: 16) : nil
    started = Timestamp(microseconds: sector.number(at: 24))
  }
}

extension ExitRecord {
  init?(_ sector: [UInt8]) {
    let code: Int32 = sector.number(at: 12)
    switch sector.number(at: 8, as: UInt32.self) {
    case 1: ending = .exited(Int(code))
    case 2: ending = .signalled(Int(code))
    case 3:
      guard let step = Step(rawValue: sector.number(at: 20)) else { return nil }
      ending = .neverBegan(step, error: sector.number(at: 24))
    case 4: ending = .unknown
    default: return nil
    }
    let flags: UInt32 = sector.number(at: 16)
    timedOut = flags & 1 != 0
    cancelled = flags & 2 != 0
    disarmed = flags & 4 != 0
    outputFailed = flags & 8 != 0
    unkillable = flags & 16 != 0
    outOfMemory = flags & 32 != 0
    diskExceeded = flags & 64 != 0
    hostOutOfMemory = flags & 128 != 0
    fileLimitReached = flags & 256 != 0
    givenBackUnmasked = flags & 512 != 0
    let failure: Int32 = sector.number(at: 28)
    syncError = failure == 0 ? nil : failure
    started = Timestamp(microseconds: sector.number(at: 32))
    endedByWallClock = Timestamp(microseconds: sector.number(at: 40))
    elapsed = .microseconds(sector.number(at: 48, as: Int64.self))
    resources = Receipt.Resources(
      user: .microseconds(sector.number(at: 56, as: Int64.self)),
      system: .microseconds(sector.number(at: 64, as: Int64.self)), peakMemory: sector.number(at: 72))
    written = sector.number(at: 80)
    leftBehind = Int(sector.number(at: 88, as: UInt32.self))
    let path: UInt32 = sector.number(at: 92)
    failedPath = path == 0 ? nil : Int(path)
    recorded = sector.number(at: 96)
  }
}
