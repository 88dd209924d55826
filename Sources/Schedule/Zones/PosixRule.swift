import Model

/// A POSIX time zone rule, as it stands in a TZif footer: `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX.1 section 8.3 with the
/// extension of RFC 9636 section 3.3.1 to times of -167 to 167 hours).
struct PosixRule: Hashable, Sendable {
  /// Seconds east of UT.
  var standardOffset: Int
  /// Nil when the clock never changes.
  var daylight: Daylight?

  /// Daylight saving time; its offset may be less than the standard one (Dublin).
  struct Daylight: Hashable, Sendable {
    /// Seconds east of UT.
    var offset: Int
    var start: Date
    var end: Date
  }

  /// A day of each year and a time on it.
  struct Date: Hashable, Sendable {
    var day: Day
    /// Seconds after 00:00, by the offset that is in force just before.
    var time: Int

    func secondsSinceEpoch(in year: Int) -> Int64 { Int64(day.days(in: year)) * 86_400 + Int64(time) }
  }

  enum Day: Hashable, Sendable {
    /// `Jn`: 1...365, 29 February is never counted.
    case julian(Int)
    /// `n`: 0...365, 29 February is counted.
    case zeroBased(Int)
    /// `Mm.w.d`: week 1...5, where 5 means the last one; weekday 0 (Sunday)...6.
    case weekday(month: Int, week: Int, weekday: Int)

    /// Days from 1970-01-01.
    func days(in year: Int) -> Int {
      let newYear = CivilTime.days(year: year, month: 1, day: 1)
      switch self {
      case .julian(let day): return newYear + day - 1 + (day >= 60 && CivilTime.isLeap(year) ? 1 : 0)
      case .zeroBased(let day): return newYear + day
      case .weekday(let month, let week, let weekday):
        let first = CivilTime.days(year: year, month: month, day: 1)
        let toFirst = (weekday - CivilTime.weekday(ofDays: first) + 7) % 7
        let day = toFirst + 7 * (week - 1)
        return first + (day < CivilTime.daysInMonth(month, of: year) ? day : day - 7)
      }
    }
  }

  /// The changes of the offset in the years, in ascending order, each instant once.
  func changes(in years: ClosedRange<Int>) -> [TZifReader.Change] {
    guard let daylight else { return [] }
    var changes: [(start: Int64, offset: Int, rank: Int)] = []
    for year in years {
      // Each of the two is told by the clock that it replaces.
      changes.append((daylight.start.secondsSinceEpoch(in: year) - Int64(standardOffset), daylight.offset, 1))
      changes.append((daylight.end.secondsSinceEpoch(in: year) - Int64(daylight.offset), standardOffset, 0))
    }
    // An end that meets the next year's start (`XXX3EDT4,0/0,J365/23`) means daylight saving time all year.
    changes.sort { ($0.start, $0.rank) < ($1.start, $1.rank) }
    var merged: [TZifReader.Change] = []
    for change in changes {
      if merged.last?.start == change.start { merged.removeLast() }
      merged.append(.init(start: change.start, offset: change.offset))
    }
    return merged
  }
}
