import Model
import Platform
import SwiftProtobuf
import Synchronization
import Wire

/// What waits to be sent on one agent's stream. Bounded, whatever the agent asks for and however slowly it reads: what
/// is asked for twice waits once, and an agent for which too much waits loses its stream.
///
/// Any number of tasks put, one takes.
final class Outbox: Sendable {
  /// What waits. Content is read only when its turn comes, so that a large transfer costs a chunk of memory and not its
  /// size.
  enum Item: Sendable {
    case message(Belfry_V1_FromController)
    case content(Content)
    /// Ends the stream, with the reason as the last message.
    case refuse(String)
  }

  /// A bundle's envelope or a file.
  struct Content: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case bundle, blob }
    var kind: Kind
    var digest: Digest
  }

  struct Limits: Sendable {
    var content = WireLimits.outstandingContent
    var messages = WireLimits.outstandingMessages
    var bytes = WireLimits.outstandingBytes
  }

  private struct State {
    var waiting: [Item] = []
    /// Of the next item in `waiting`.
    var next = 0
    var requested: Set<Content> = []
    var messages = 0
    var bytes = 0
    /// Why the stream ends, and since when it should.
    var refusal: String?
    var refused: ContinuousClock.Instant?
    var isFinished = false
    /// When something was last written, and whether something is being written now.
    var progress = ContinuousClock.now
    var isWriting = false

    var isOpen: Bool { refusal == nil && !isFinished }
  }

  private let limits: Limits
  private let state = Mutex(State())
  private let filled = Signal()

  init(limits: Limits = Limits()) { self.limits = limits }

  /// How many items wait.
  var count: Int { state.withLock { $0.waiting.count - $0.next } }

  /// Adds a message that is to be sent.
  func put(_ message: Belfry_V1_FromController) {
    let size = Self.size(message)
    state.withLock { state in
      guard state.isOpen else { return }
      state.messages += 1
      state.bytes += size
      guard state.messages <= limits.messages, state.bytes <= limits.bytes else {
        return overflow(&state, "it does not read what it is sent")
      }
      state.waiting.append(.message(message))
    }
    filled.raise()
  }

  /// Adds content that is to be sent, in order. What waits already is not added again.
  func put(_ contents: some Sequence<Content>) {
    state.withLock { state in
      guard state.isOpen else { return }
      for content in contents where state.requested.insert(content).inserted {
        guard state.requested.count <= limits.content else {
          return overflow(&state, "it asked for more than \(limits.content) bundles and files at once")
        }
        state.waiting.append(.content(content))
      }
    }
    filled.raise()
  }

  /// Ends the stream once what waits is sent.
  func refuse(_ reason: String) {
    state.withLock { state in
      guard state.isOpen else { return }
      state.refusal = reason
      state.refused = .now
      state.waiting.append(.refuse(reason))
    }
    filled.raise()
  }

  /// No more will be sent.
  func finish() {
    state.withLock { state in
      state.isFinished = true
      clear(&state)
    }
    filled.raise()
  }

  /// The next item, once there is one; nil when the stream is over. The one before counts as written.
  func next() async -> Item? {
    while !Task.isCancelled {
      let (item, isFinished) = state.withLock { state in
        wrote(&state)
        state.isWriting = false
        return (take(&state), state.isFinished)
      }
      if let item { return item }
      if isFinished { return nil }
      await filled.wait()
    }
    return nil
  }

  /// A part of the present item was written.
  func wrote() { state.withLock { wrote(&$0) } }

  /// Why the stream is to be ended; nil when all is well. `patience` is how long one write may take.
  func trouble(patience: Duration) -> String? {
    state.withLock { state in
      if let refused = state.refused, .now - refused >= min(patience, Self.farewell) { return state.refusal }
      guard state.isWriting, .now - state.progress > patience else { return nil }
      return "it has read nothing for \(patience.manifestText)"
    }
  }

  /// How long the last message may take.
  private static let farewell = Duration.seconds(10)

  // MARK: - Under the lock

  private func take(_ state: inout State) -> Item? {
    guard state.next < state.waiting.count else { return nil }
    let item = state.waiting[state.next]
    state.next += 1
    // Not one by one, or each would move all that wait behind it.
    if state.next > 512, state.next * 2 > state.waiting.count {
      state.waiting.removeFirst(state.next)
      state.next = 0
    }
    switch item {
    case .content(let content): state.requested.remove(content)
    case .message(let message):
      state.messages -= 1
      state.bytes -= Self.size(message)
    case .refuse: break
    }
    state.isWriting = true
    return item
  }

  private func wrote(_ state: inout State) { state.progress = .now }

  private func clear(_ state: inout State) {
    state.waiting = []
    state.next = 0
    state.requested = []
    state.messages = 0
    state.bytes = 0
  }

  /// From now on only the reason is sent, if the agent still reads.
  private func overflow(_ state: inout State, _ reason: String) {
    clear(&state)
    state.waiting = [.refuse(reason)]
    state.refusal = reason
    // It has had its time.
    state.refused = .now - Self.farewell
  }

  private static func size(_ message: Belfry_V1_FromController) -> Int {
    switch message.message {
    case .assignment(let assignment): assignment.envelope.count
    case .dispatch(let dispatch): dispatch.envelope.count
    case .receiptAck(let ack):
      ack.committed.count * 20 + ack.rejected.reduce(0) { $0 + 20 + $1.reason.utf8.count }
    case .contentChunk(let chunk): chunk.data.count
    case .artifactsReceived(let answer): answer.refused.reduce(64) { $0 + 64 + $1.reason.utf8.count }
    case .artifactRequest: 128
    case .welcome, .refusal, .heartbeatAck, .logOrder, .logAck, nil: 64
    }
  }
}
