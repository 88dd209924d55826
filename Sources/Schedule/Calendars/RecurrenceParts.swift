import Model

// What BYMONTHDAY and BYDAY say, each in a few words: a month costs the same, however long their lists are.

/// Days of a month, counted from its beginning or its end. No days stand for all.
struct MonthDays: Hashable, Sendable {
  /// Bit d: day d.
  private var fromBeginning: UInt32 = 0
  /// Bit n: the nth day from the end.
  private var fromEnd: UInt32 = 0
  private let isEmpty: Bool

  /// -31...31, without 0.
  init(_ days: [Int]) {
    isEmpty = days.isEmpty
    for day in days {
      if day > 0 { fromBeginning |= 1 << UInt32(day) } else { fromEnd |= 1 << UInt32(-day) }
    }
  }

  /// Bit d: day d of a month of so many days is one of them. Bits that are no days of the month mean nothing.
  func bits(length: Int) -> UInt32 {
    if isEmpty { return .max }
    guard fromEnd != 0 else { return fromBeginning }
    return (1...length).reduce(fromBeginning) { bits, number in
      fromEnd >> UInt32(number) & 1 == 1 ? bits | 1 << UInt32(length + 1 - number) : bits
    }
  }
}

/// Weekdays, all of them or the nth of a month or year.
struct Weekdays: Hashable, Sendable {
  /// Of one weekday.
  private struct Ordinals: Hashable, Sendable {
    var isEvery = false
    /// Bit n: the nth.
    var fromBeginning: UInt64 = 0
    /// Bit n: the nth from the end.
    var fromEnd: UInt64 = 0
  }

  /// From Sunday on.
  private var ordinals = Array(repeating: Ordinals(), count: 7)
  let isEmpty: Bool

  /// Ordinals are -53...53, days 0...6.
  init(_ weekdays: [Recurrence.Weekday]) {
    isEmpty = weekdays.isEmpty
    for weekday in weekdays where ordinals.indices.contains(weekday.day) {
      switch weekday.ordinal {
      case nil: ordinals[weekday.day].isEvery = true
      case let number? where number > 0: ordinals[weekday.day].fromBeginning |= 1 << UInt64(number)
      case let number?: ordinals[weekday.day].fromEnd |= 1 << UInt64(-number)
      }
    }
  }

  /// Bit d: day d is one of them, of a month that begins on the day `first`, since 1970-01-01, and has so many days.
  /// Ordinals count within `scope`, the days of the month or of its year.
  func bits(of first: Int, length: Int, within scope: Range<Int>) -> UInt32 {
    var bits: UInt32 = 0
    var weekday = CivilTime.weekday(ofDays: first)
    for day in first..<(first + length) {
      let those = ordinals[weekday]
      if those.isEvery
        || those.fromBeginning >> UInt64((day - scope.lowerBound) / 7 + 1) & 1 == 1
        || those.fromEnd >> UInt64((scope.upperBound - 1 - day) / 7 + 1) & 1 == 1
      {
        bits |= 1 << UInt32(day - first + 1)
      }
      weekday = weekday == 6 ? 0 : weekday + 1
    }
    return bits
  }
}
