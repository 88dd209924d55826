import Execution
import Platform
import Synchronization

/// Takes attempts' artifacts into the spool, on threads that give way to everybody else: hashing a gigabyte must not keep
/// anything from starting.
///
/// A few attempts at a time, and those with much wait on lanes of their own: the end of a run with a small file never stands
/// behind somebody else's gigabytes.
final class ArtifactCollector: Sendable {
  private let spool: ArtifactSpool
  private let quick: CollectorLanes
  let slow: CollectorLanes

  /// Bytes of an attempt from which on it goes to the slow lanes: about what a disk takes in a tenth of a second.
  static let much: Int64 = 16 << 20

  init(spool: ArtifactSpool, quick: Int = 2, slow: Int = 2) {
    self.spool = spool
    self.quick = CollectorLanes("quick", quick)
    self.slow = CollectorLanes("slow", slow)
  }

  func collect(_ folder: RunFolder, patterns: [String]) async throws -> CollectedArtifacts {
    let spool = spool
    let collected = try await quick.perform { () throws -> CollectedArtifacts? in
      // What the job goes on writing to may become more meanwhile; then a lane is slow for once.
      guard folder.sizeOfArtifacts(patterns: patterns) < Self.much else { return nil }
      return try folder.collectArtifacts(patterns: patterns, into: spool)
    }
    if let collected { return collected }
    return try await slow.perform { try folder.collectArtifacts(patterns: patterns, into: spool) }
  }
}

/// Threads that take what is to be done in turn.
final class CollectorLanes: Sendable {
  private actor Lane {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ label: String) { executor = BlockingExecutor(label: label, isBackground: true) }

    func perform<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value { try body() }
  }

  private struct State {
    var free: [Lane]
    var waiting: [CheckedContinuation<Lane, Never>] = []
  }

  private let state: Mutex<State>

  init(_ name: String, _ count: Int) {
    state = Mutex(State(free: (0..<count).map { Lane("belfry.artifacts.\(name).\($0)") }))
  }

  /// Runs `body` on the next lane that is free. It blocks the lane for as long as it takes.
  func perform<Value: Sendable>(_ body: @Sendable () throws -> Value) async throws -> Value {
    let lane = await take()
    defer { give(lane) }
    return try await lane.perform(body)
  }

  private func take() async -> Lane {
    await withCheckedContinuation { continuation in
      let lane = state.withLock { state -> Lane? in
        if let lane = state.free.popLast() { return lane }
        state.waiting.append(continuation)
        return nil
      }
      if let lane { continuation.resume(returning: lane) }
    }
  }

  private func give(_ lane: Lane) {
    let next = state.withLock { state -> CheckedContinuation<Lane, Never>? in
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      state.free.append(lane)
      return nil
    }
    next?.resume(returning: lane)
  }
}
