import Planning
import Platform
import Synchronization

/// Waits for the end of every attempt and puts it into the queue.
struct AttemptWatcher {
  let engine: Engine
  let runs: AsyncStream<ActiveRun>
  let ends: EndQueue

  func run() async {
    await withDiscardingTaskGroup { group in
      for await run in runs { group.addTask { await watch(run) } }
    }
  }

  private func watch(_ run: ActiveRun) async {
    ends.expect(1)
    defer { ends.expect(-1) }
    var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
    var isTroubled = false
    while !Task.isCancelled {
      do {
        ends.add([EndedAttempt(attempt: run.attemptID, outcome: try await engine.runner.end(of: run))])
        if isTroubled { await engine.solved("run \(run.id)") }
        return
      } catch is CancellationError {
        return
      } catch {
        // The records in the run's folder stay until somebody could read them.
        isTroubled = true
        await engine.troubled("run \(run.id)", error)
        try? await Task.sleep(for: backoff.pause(spread: Double.random(in: 0..<1)))
      }
    }
  }
}

/// Attempts that have ended and are not in the ledger yet. What is in it only here is in the run folders too, so it may
/// be lost with the process.
final class EndQueue: Sendable {
  private struct State {
    var ends: [EndedAttempt] = []
    /// How many attempts are watched.
    var expected = 0
  }

  private let state = Mutex(State())
  private let changed = Signal()

  func add(_ new: [EndedAttempt]) {
    state.withLock { $0.ends += new }
    changed.raise()
  }

  /// So many more attempts are watched; negative when it is fewer.
  func expect(_ more: Int) { state.withLock { $0.expected += more } }

  /// The oldest that are there, at least one and at most ``batch``; empty when the waiting task is cancelled.
  func take() async -> [EndedAttempt] {
    while !Task.isCancelled {
      if state.withLock({ !$0.ends.isEmpty }) {
        await gather()
        return state.withLock { state in
          let taken = Array(state.ends.prefix(Self.batch))
          state.ends.removeFirst(taken.count)
          return taken
        }
      }
      await changed.wait()
    }
    return []
  }

  /// While one batch is written down, and what follows it starts, nothing else is decided. With thousands of jobs that end
  /// all the time, one batch of all of them would keep each waiting for all others.
  private static let batch = 1_024
  /// From so many watched attempts on, ends are waited for a moment.
  private static let crowd = 8
  private static let quiet = Duration.milliseconds(10)
  private static let longest = 10

  /// Where many are going, waits until no end has come for a moment: what is due at the same instant starts first, and
  /// one transaction serves more of them. A single run is not kept waiting.
  private func gather() async {
    var (count, expected) = state.withLock { ($0.ends.count, $0.expected) }
    for _ in 0..<Self.longest where expected >= Self.crowd && count < Self.batch {
      try? await Task.sleep(for: Self.quiet)
      let before = count
      (count, expected) = state.withLock { ($0.ends.count, $0.expected) }
      if count == before { return }
    }
  }
}

/// Writes ends to the ledger, as many as there are in one transaction: one wait for the disk serves them all.
struct EndWriter {
  let engine: Engine
  let ends: EndQueue

  func run() async {
    var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let failed = await write(await ends.take())
        guard !failed.isEmpty else {
          backoff.reset()
          continue
        }
        // A full disk: they are told again until the ledger has them, and nobody waits for them meanwhile.
        let pause = backoff.pause(spread: Double.random(in: 0..<1))
        group.addTask {
          try? await Task.sleep(for: pause)
          ends.add(failed)
        }
      }
    }
  }

  /// Gives back those that could not be written.
  private func write(_ taken: [EndedAttempt]) async -> [EndedAttempt] {
    guard !taken.isEmpty else { return [] }
    do {
      try await engine.ended(taken)
      await engine.solved("ledger")
      return []
    } catch {
      guard taken.count > 1 else { return taken }
    }
    // One that cannot be written must not keep the others from it.
    var failed: [EndedAttempt] = []
    for end in taken {
      do { try await engine.ended([end]) } catch { failed.append(end) }
    }
    return failed
  }
}
