public import Model

/// The instants at which a zone's clock shows a wall time.
public enum LocalInstants: Hashable, Sendable {
  case one(Timestamp)
  /// The clock leaves the time out; `after` is the first instant after the gap.
  case none(after: Timestamp)
  /// The clock shows the time twice.
  case two(first: Timestamp, second: Timestamp)
}

extension TimeZoneRules {
  /// No offset, and so no fold or gap, is larger than this (RFC 9636 section 3.2); in seconds.
  static let largestOffset: Int64 = 26 * 3_600

  /// When the zone's clock shows `time`. Of a time that is shown more than twice (no real zone has one) the first two.
  public func instants(of time: CivilTime) -> LocalInstants {
    let wallTime = time.secondsSinceEpoch
    var found: [Int64] = []
    var at = wallTime - Self.largestOffset
    while at <= wallTime + Self.largestOffset, found.count < 2 {
      let segment = segment(at: at)
      let instant = wallTime - segment.offset
      if instant >= max(at, segment.start), instant < segment.end { found.append(instant) }
      at = segment.end
    }
    switch found.count {
    case 0: return .none(after: Timestamp(seconds: firstInstant(reaching: wallTime)))
    case 1: return .one(Timestamp(seconds: found[0]))
    default: return .two(first: Timestamp(seconds: found[0]), second: Timestamp(seconds: found[1]))
    }
  }
}
