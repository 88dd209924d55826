/// Pauses between attempts: each twice the one before, up to a limit, then spread by up to a quarter, so that many
/// that failed together do not come back together.
public struct Backoff: Sendable {
  private let first: Duration
  private let limit: Duration
  private var failures = 0

  public init(first: Duration, limit: Duration) {
    self.first = first
    self.limit = limit
  }

  /// The next pause; `spread` is a random number in 0..<1.
  public mutating func pause(spread: Double) -> Duration {
    let plain = min(first * (1 << min(failures, 20)), limit)
    failures += 1
    return plain * (1 - min(max(spread, 0), 1) / 4)
  }

  public mutating func reset() { failures = 0 }
}
