import Logging
import Model
import Platform
import SwiftProtobuf
import Synchronization
import Wire

/// Fetches from one agent, over its stream, the artifacts that its receipts list: one file after the other, one piece at a
/// time. Whatever the agent sends beyond what it was asked for ends its stream.
final class ArtifactIntake: Sendable {
  private struct State {
    var runs: [ArtifactIndex] = []
    var known: Set<RunID> = []
    /// Of them: offered once more while they wait or are fetched.
    var again: Set<RunID> = []
    /// Of the piece that was asked for: what is still to come.
    var wanted: Piece?
    var chunks: [Belfry_V1_ArtifactChunk] = []
  }

  private struct Piece {
    var digest: String
    var offset: Int64
    var end: Int64
  }

  private let store: ArtifactStore
  /// After trouble with the disk.
  private let pause: Duration
  private let logger: Logger
  private let state = Mutex(State())
  private let changed = Signal()

  /// Runs that wait at most; what does not fit is offered again by the agent.
  private static let limit = 1_024

  init(store: ArtifactStore, pause: Duration = .seconds(30), logger: Logger) {
    self.store = store
    self.pause = pause
    self.logger = logger
  }

  /// Artifacts of a receipt that the controller has accepted.
  func add(_ receipt: Receipt) {
    guard let index = ArtifactIndex(receipt) else { return }
    let isNew = state.withLock { state in
      guard !state.known.contains(index.run) else {
        state.again.insert(index.run)
        return false
      }
      guard state.runs.count < Self.limit else { return false }
      state.known.insert(index.run)
      state.runs.append(index)
      return true
    }
    if isNew { changed.raise() }
  }

  /// Takes a chunk from the stream; false when nobody asked for it.
  func take(_ chunk: Belfry_V1_ArtifactChunk) -> Bool {
    let isWanted = state.withLock { state in
      guard let wanted = state.wanted, chunk.sha256 == wanted.digest, chunk.offset == wanted.offset else {
        return false
      }
      if chunk.problem.isEmpty, chunk.later.isEmpty {
        guard !chunk.data.isEmpty, wanted.offset + Int64(chunk.data.count) <= wanted.end else { return false }
        state.wanted?.offset += Int64(chunk.data.count)
      } else {
        state.wanted = nil
      }
      state.chunks.append(chunk)
      return true
    }
    if isWanted { changed.raise() }
    return isWanted
  }

  /// Runs until the task is cancelled. `send` puts a message on the stream.
  func run(agent: AgentID, send: @Sendable (Belfry_V1_FromController.OneOf_Message) -> Void) async {
    while !Task.isCancelled {
      guard let index = state.withLock({ $0.runs.first }) else {
        await changed.wait()
        continue
      }
      do {
        let known = try await store.register(index)
        state.withLock { _ = $0.again.remove(index.run) }
        // What was complete once is not fetched again, though it may have had to make room since.
        let refusals = known.isComplete ? known.refusals : try await fetch(known, agent, send)
        if let refusals {
          CrashPoint.reach("controller.artifactsStored")
          send(received(index.run, refusals))
        }
        state.withLock { state in
          state.runs.removeFirst()
          // What could not be read may be readable again by now: the agent has said so, and will not for a while.
          if state.again.remove(index.run) != nil, refusals == nil {
            state.runs.append(index)
          } else {
            state.known.remove(index.run)
          }
        }
      } catch is CancellationError {
        return
      } catch {
        // A full disk: the agent keeps them.
        logger.error("artifacts cannot be stored", metadata: ["run": "\(index.run)", "reason": "\(error)"])
        try? await Task.sleep(for: pause)
      }
    }
  }

  private func received(_ run: RunID, _ refusals: [Digest: String]) -> Belfry_V1_FromController.OneOf_Message {
    .artifactsReceived(
      .with { answer in
        answer.runID = run.text
        answer.refused = refusals.sorted { $0.key < $1.key }.map { digest, reason in
          .with {
            $0.sha256 = digest.hex
            $0.reason = reason
          }
        }
      })
  }

  /// What became of one artifact.
  private enum Fetched {
    case stored
    /// It cannot be had, and why.
    case refused(String)
    /// The agent cannot read it at present, and offers its run again.
    case later
  }

  /// Fetches what is missing of a run; gives back what cannot be had, and why. Nil when the agent has to offer it again.
  private func fetch(
    _ index: ArtifactIndex, _ agent: AgentID, _ send: @Sendable (Belfry_V1_FromController.OneOf_Message) -> Void
  ) async throws -> [Digest: String]? {
    var refusals: [Digest: String] = [:]
    var isWhole = true
    for artifact in index.contents {
      let fetched = try await store.transferring(artifact, of: agent) {
        try await fetch(artifact, of: index.run, agent, send)
      }
      switch fetched {
      case .stored: break
      case .refused(let reason): refusals[artifact.digest] = reason
      case .later: isWhole = false
      }
    }
    guard isWhole else { return nil }
    try await store.complete(index, refusals: refusals)
    return refusals
  }

  /// Fetches what is missing of one artifact.
  private func fetch(
    _ artifact: Artifact, of run: RunID, _ agent: AgentID,
    _ send: @Sendable (Belfry_V1_FromController.OneOf_Message) -> Void
  ) async throws -> Fetched {
    var isSecond = false
    while true {
      let start: Int64
      switch try await store.begin(artifact, of: agent) {
      case .stored: return .stored
      case .missing(let from): start = from
      case .refused(let reason): return .refused(reason)
      }
      switch try await transfer(artifact, from: start, agent, send) {
      case .complete: break
      case .partLost: continue
      case .problem(let problem):
        await store.discard(artifact, of: agent)
        return .refused(problem)
      case .later(let reason):
        // The agent says it where it can be mended; one that says it without end must not fill this log.
        logger.debug(
          "an agent cannot read an artifact at present",
          metadata: ["agent": "\(agent)", "run": "\(run)", "sha256": "\(artifact.digest)", "reason": "\(reason)"])
        return .later
      }
      if try await store.finish(artifact, of: agent) { return .stored }
      logger.error(
        "an artifact came with other bytes than its receipt names",
        metadata: ["agent": "\(agent)", "run": "\(run)", "sha256": "\(artifact.digest)"])
      // Once more from the beginning: it may have been this end's disk.
      if isSecond { return .refused("the bytes that came twice are not those that the receipt names") }
      isSecond = true
    }
  }

  private enum Transfer {
    /// All bytes have come.
    case complete
    /// What came before is not here any more, which is not the agent's fault.
    case partLost
    /// Why the agent cannot send them.
    case problem(String)
    /// Why it cannot send them now.
    case later(String)
  }

  /// Asks for one piece after the other.
  private func transfer(
    _ artifact: Artifact, from start: Int64, _ agent: AgentID,
    _ send: @Sendable (Belfry_V1_FromController.OneOf_Message) -> Void
  ) async throws -> Transfer {
    var offset = start
    while offset < artifact.size {
      let length = min(Int64(WireLimits.artifactWindow), artifact.size - offset)
      state.withLock { state in
        state.chunks = []
        state.wanted = Piece(digest: artifact.digest.hex, offset: offset, end: offset + length)
      }
      send(
        .artifactRequest(
          .with {
            $0.sha256 = artifact.digest.hex
            $0.offset = offset
            $0.length = length
          }))
      let end = offset + length
      var isLost = false
      while offset < end {
        let chunk = try await nextChunk()
        if !chunk.problem.isEmpty { return .problem("the agent: \(AgentWords.safe(chunk.problem, bytes: 300))") }
        if !chunk.later.isEmpty { return .later(AgentWords.safe(chunk.later, bytes: 300)) }
        // The rest of the piece is on its way and has to be taken before another can be asked for.
        if !isLost { isLost = try await !store.append(chunk.data, at: offset, of: artifact, agent: agent) }
        offset += Int64(chunk.data.count)
      }
      if isLost { return .partLost }
      CrashPoint.reach("controller.artifactPiece")
    }
    return .complete
  }

  private func nextChunk() async throws -> Belfry_V1_ArtifactChunk {
    while true {
      try Task.checkCancellation()
      if let chunk = state.withLock({ $0.chunks.isEmpty ? nil : $0.chunks.removeFirst() }) { return chunk }
      await changed.wait()
    }
  }
}
