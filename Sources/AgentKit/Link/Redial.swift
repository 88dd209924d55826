import Platform

/// How long to wait before the controller is dialled again.
struct Redial {
  /// How far a stream got.
  enum Ending: Sendable {
    /// Nobody answered, or nobody who could prove to be the controller.
    case notReached
    /// The controller had proven itself, and went.
    case established
    /// The controller said that it does not want this stream.
    case refused
  }

  private var backoff = Backoff(first: .milliseconds(250), limit: .seconds(30))

  /// `held` is how long the stream lasted, `spread` a random number in 0..<1.
  ///
  /// A controller that was found and went is looked for at once, however often it restarts: each time it has shown that
  /// it can be reached. One that refuses is pestered less and less, unless the stream had held for a while.
  mutating func pause(after ending: Ending, held: Duration, spread: Double) -> Duration {
    if ending == .established || ending == .refused && held > .seconds(30) { backoff.reset() }
    return backoff.pause(spread: spread)
  }
}
