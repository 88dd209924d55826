import Model
import Platform
import Synchronization
import Wire

/// Where an agent puts the parts of one run's output for one follower, one at a time.
///
/// An agent is not believed: what it sends is held to the order that it was given, and one that sends more than was asked
/// for loses its stream. So a slot holds one part, whatever happens.
final class LogSlot: Sendable {
  /// What the agent said: output, and where the run stands.
  struct Part: Hashable, Sendable {
    var attempt: Int
    var chunks: [LogChunk]
    var standing: FollowEvent.Standing
    /// No more will come.
    var isLast: Bool
  }

  private struct State {
    var attempt: Int
    var offset: Int64
    var part: Part?
    /// The agent may send the next part.
    var mayCome = true
    var isOver = false
  }

  let id: UInt64
  let session: FleetState.SessionID
  /// Raised when there is a part.
  let filled = Signal()
  private let state: Mutex<State>

  /// Bytes and pieces of a part at the most.
  static let bytes = 64 << 10
  static let pieces = 256

  init(id: UInt64, session: FleetState.SessionID, from position: LogPosition) {
    self.id = id
    self.session = session
    state = Mutex(State(attempt: position.attempt, offset: position.offset))
  }

  /// Takes what the agent sent; gives back why its stream is to be ended, nil when all is well.
  func put(_ part: Belfry_V1_LogPart) -> String? {
    let complaint: String? = state.withLock { state in
      guard state.mayCome, !state.isOver else { return "it sends more of a log than it was asked for" }
      let isLast = part.standing == .over
      guard part.pieces.count <= Self.pieces, part.pieces.reduce(0, { $0 + $1.data.count }) <= Self.bytes else {
        return "a part of a log is too large"
      }
      // The last one may be about a run that is not there, and then of no attempt.
      let attempt = isLast && part.pieces.isEmpty ? max(state.attempt, Int(part.attempt)) : Int(part.attempt)
      guard attempt >= state.attempt, attempt <= 1_000 else { return "a log of an attempt that nobody asked for" }
      var offset = attempt == state.attempt ? state.offset : 0
      var chunks: [LogChunk] = []
      for piece in part.pieces {
        guard piece.offset >= offset, piece.offset <= 1 << 53, !piece.data.isEmpty else {
          return "a log whose pieces do not follow each other"
        }
        chunks.append(
          LogChunk(
            source: piece.isError ? .err : .out, time: Timestamp(microseconds: piece.time), offset: piece.offset,
            bytes: Array(piece.data)))
        offset = piece.offset + Int64(piece.data.count)
      }
      guard let standing = FollowEvent.Standing(part.standing) else { return "a log of a run that stands nowhere" }
      (state.attempt, state.offset) = (attempt, offset)
      state.part = Part(attempt: attempt, chunks: chunks, standing: standing, isLast: isLast)
      state.mayCome = false
      state.isOver = isLast
      return nil
    }
    if complaint == nil { filled.raise() }
    return complaint
  }

  /// The part that waits, if there is one.
  func take() -> Part? {
    state.withLock { state in
      defer { state.part = nil }
      return state.part
    }
  }

  /// The agent is told that it may send the next part.
  func allow() { state.withLock { $0.mayCome = true } }
}

extension FollowEvent.Standing {
  fileprivate init?(_ wire: Belfry_V1_LogPart.Standing) {
    switch wire {
    case .queued: self = .queued
    case .running: self = .running
    case .waiting: self = .waiting
    case .over: self = .ending
    case .unspecified, .UNRECOGNIZED: return nil
    }
  }
}
