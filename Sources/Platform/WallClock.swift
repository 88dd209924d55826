import Glibc
public import Model

/// Where services get the time of day from. Tests pass one of their own.
public struct WallClock: Sendable {
  private let read: @Sendable () -> Timestamp

  public init(_ read: @escaping @Sendable () -> Timestamp) { self.read = read }

  public var now: Timestamp { read() }

  /// CLOCK_REALTIME, see clock_gettime(2).
  public static let system = WallClock {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }
}

/// Names that cannot be guessed, from the system's generator (getrandom(2)).
public enum RandomName {
  /// `bytes` random bytes in lower-case hexadecimal.
  public static func hex(bytes: Int) -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<bytes).map { _ in
      let byte = UInt8.random(in: 0...255, using: &generator)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  /// A new agent's identity.
  public static func agentID() -> AgentID {
    var generator = SystemRandomNumberGenerator()
    return AgentID(random: (generator.next(), generator.next()))
  }
}
