import Synchronization

/// Wakes waiting loops. Raising it several times before a loop looks wakes the loop once: it recomputes everything from
/// the present state, so that no event can be missed and none has to be kept.
public final class Signal: Sendable {
  private struct State {
    var isRaised = false
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var next: UInt64 = 0
  }

  private let state = Mutex(State())

  public init() {}

  /// Wakes all who wait; with nobody waiting, the next one to wait returns at once.
  public func raise() {
    let waiters = state.withLock { state in
      state.isRaised = state.waiters.isEmpty
      defer { state.waiters = [:] }
      return state.waiters.values
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns once the signal has been raised since the last wait, or when the task is cancelled.
  public func wait() async {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDone = state.withLock { state in
          guard !state.isRaised, !Task.isCancelled else {
            state.isRaised = false
            return true
          }
          state.waiters[id] = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  /// Like ``wait()``, but returns after `limit` in any case.
  public func wait(atMost limit: Duration, clock: any Clock<Duration> = ContinuousClock()) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { try? await clock.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }
}
