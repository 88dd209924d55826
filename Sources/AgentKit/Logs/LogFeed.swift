import Model

/// Decides what one follower of a run is sent next: pure. It holds one part at a time: until that was taken, nothing is
/// read, so a follower that does not keep up costs the agent nothing, and its run nothing either.
struct LogFeed: Sendable {
  /// Where a run stands, as far as its log is concerned.
  enum Standing: Hashable, Sendable {
    /// It waits for its turn, or for its instant.
    case queued
    case running(attempt: Int)
    /// The attempt has ended, and another one will follow.
    case waiting(after: Int)
    /// It has ended, or it is not this agent's.
    case over

    /// Whether the attempt writes no more.
    func hasEnded(_ attempt: Int) -> Bool {
      switch self {
      case .queued: false
      case .running(let current): current > attempt
      case .waiting(let last): last >= attempt
      case .over: true
      }
    }
  }

  enum Step: Hashable, Sendable {
    /// There is nothing to say now.
    case nothing
    /// Output of this attempt, or a change of where the run stands.
    case part(attempt: Int, [LogChunk], Standing)
    /// The last one.
    case end(attempt: Int)
  }

  let run: RunID
  /// The attempt that is read, from 1, and how far.
  private(set) var attempt: Int
  private(set) var offset: Int64
  /// A part is on its way.
  private(set) var isInFlight = false
  private var told: Standing?

  /// Bytes of output in one part, about, and pieces.
  static let partBytes = 32 << 10
  static let partPieces = 256
  static let attempts = 1...1_000

  /// Nil when it makes no sense.
  init?(run: RunID, attempt: Int, offset: Int64) {
    guard Self.attempts.contains(attempt), offset >= 0 else { return nil }
    self.run = run
    self.attempt = attempt
    self.offset = offset
  }

  /// The part was taken.
  mutating func taken() { isInFlight = false }

  /// `standing` was asked for before `chunks` were read, from `attempt` and `offset` on: what has ended writes no more.
  mutating func step(_ standing: Standing, _ chunks: [LogChunk]) -> Step {
    let chunks = chunks.prefix(Self.partPieces)
    if let last = chunks.last {
      offset = last.end
      isInFlight = true
      // Where it stands comes alone, once all of this was taken: the end of an attempt is told behind its output, and nobody
      // waits for more, or acknowledges, after that of the run.
      return .part(attempt: attempt, Array(chunks), .running(attempt: attempt))
    }
    switch standing {
    case .running(let current) where current > attempt, .waiting(let current) where current > attempt:
      // An attempt that nobody could open: it wrote nothing, or is gone.
      attempt += 1
      offset = 0
      return .nothing
    case .waiting(let current) where current == attempt:
      attempt += 1
      offset = 0
    case .over:
      isInFlight = true
      return .end(attempt: attempt)
    case .queued, .running, .waiting: break
    }
    guard standing != told else { return .nothing }
    told = standing
    isInFlight = true
    return .part(attempt: attempt, [], standing)
  }
}
