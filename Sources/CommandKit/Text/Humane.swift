import Model
import Schedule

/// Times and counts as people read them.
enum Humane {
  /// The two largest units: `350ms`, `12s`, `4m05s`, `3h12m`, `2d4h`.
  static func span(_ duration: Duration) -> String {
    let milliseconds = duration < .zero ? -duration.wholeMilliseconds : duration.wholeMilliseconds
    let seconds = milliseconds / 1_000
    switch seconds {
    case 0: return "\(milliseconds)ms"
    case ..<60: return "\(seconds)s"
    case ..<3_600: return "\(seconds / 60)m\(padded(Int(seconds % 60), 2))s"
    case ..<86_400: return "\(seconds / 3_600)h\(padded(Int(seconds / 60 % 60), 2))m"
    default: return "\(seconds / 86_400)d\(seconds / 3_600 % 24)h"
    }
  }

  /// How long a run took: to the tenth of a second below a minute.
  static func took(_ duration: Duration) -> String {
    let milliseconds = max(0, duration.wholeMilliseconds)
    guard (1_000..<60_000).contains(milliseconds), milliseconds % 1_000 >= 100 else { return span(duration) }
    return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100)s"
  }

  /// `in 3h12m`, `12s ago`, `now`.
  static func relative(_ time: Timestamp, to now: Timestamp) -> String {
    let difference = time - now
    if difference.wholeMilliseconds / 1_000 == 0 { return "now" }
    return difference < .zero ? "\(span(difference)) ago" : "in \(span(difference))"
  }

  /// RFC 3339 with the zone's offset: `2026-11-20T02:30:00+01:00`.
  static func local(_ time: Timestamp, in zone: TimeZoneRules) -> String {
    let offset = zone.offset(at: time)
    // RFC 3339 has whole minutes only; local mean time is shown in UTC, so that the instant stays exact.
    return time.rfc3339(offset: offset % 60 == 0 ? offset : 0)
  }

  /// `1 job`, `2 jobs`.
  static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }
}
