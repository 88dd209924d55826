/// An instant: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
public struct Timestamp: Hashable, Sendable, Comparable {
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }
  /// Saturates at the ends of the range.
  public init(seconds: Int64) {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    self.microseconds = overflow ? (seconds < 0 ? .min : .max) : product
  }

  /// Whole seconds since the epoch, rounded towards the past.
  public var seconds: Int64 { microseconds.flooredDivision(by: 1_000_000) }

  /// The part after the whole second, 0..<1_000_000 µs.
  public var subsecond: Int64 {
    // Not by subtraction: whole seconds of the least value, back in microseconds, are out of range.
    let rest = microseconds % 1_000_000
    return rest < 0 ? rest + 1_000_000 : rest
  }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

  /// Saturates at the ends of the range, so that hostile far dates cannot trap.
  public static func + (a: Timestamp, d: Duration) -> Timestamp {
    let (sum, overflow) = a.microseconds.addingReportingOverflow(d.wholeMicroseconds)
    return Timestamp(microseconds: overflow ? (d < .zero ? .min : .max) : sum)
  }

  public static func - (a: Timestamp, d: Duration) -> Timestamp { a + .microseconds(-d.wholeMicroseconds) }

  public static func - (a: Timestamp, b: Timestamp) -> Duration {
    let (difference, overflow) = a.microseconds.subtractingReportingOverflow(b.microseconds)
    return .microseconds(overflow ? (a < b ? Int64.min + 1 : .max) : difference)
  }
}

extension Duration {
  /// Microseconds, rounded towards zero and saturated to the range of `Int64` (with `-x` always defined).
  public var wholeMicroseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflow else { return seconds < 0 ? Int64.min + 1 : .max }
    let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return carried ? (seconds < 0 ? Int64.min + 1 : .max) : max(sum, Int64.min + 1)
  }

  /// Milliseconds, rounded towards zero.
  public var wholeMilliseconds: Int64 { wholeMicroseconds / 1_000 }
}

extension FixedWidthInteger {
  /// The quotient rounded towards negative infinity; `divisor` is positive.
  public func flooredDivision(by divisor: Self) -> Self {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
