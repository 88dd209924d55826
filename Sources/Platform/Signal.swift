import Synchronization

/// Wakes one waiting loop. Raising it several times before the loop looks wakes the loop once: it recomputes
/// everything from the present state, so that no event can be missed and none has to be kept.
public final class Signal: Sendable {
  private struct State {
    var isRaised = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  public init() {}

  public func raise() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.isRaised = state.waiter == nil
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Returns once the signal has been raised since the last wait, or when the task is cancelled. One waiter at a time.
  public func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDone = state.withLock { state in
          guard !state.isRaised, !Task.isCancelled else {
            state.isRaised = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume()
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
