public import Model

/// An event that repeats, in its time zone: from each start for its length.
///
/// A start or an end at a wall time that the clock leaves out is as much after the gap as the time is after its
/// beginning, and one that is shown twice is the first of the two (RFC 5545 section 3.3.5).
struct RecurringWindow: Hashable, Sendable {
  private let days: RecurrenceDays
  private let zone: TimeZoneRules
  /// Seconds since midnight.
  private let timeOfDay: Int64
  private let nominalDays: Int
  private let length: Duration
  /// No start is on a later day.
  private let last: Int
  /// The days of the starts that are left out.
  private let excluded: Set<Int>
  /// From the day of a start that is left out to that of the last one before it that is not, unless that one is over
  /// by then anyway. A question would else go through a year of left-out starts, and be asked ten thousand times.
  private let before: [Int: Int]
  /// A window that is in force at a time began at most so many days earlier, a day more on either side for changes of
  /// the clock.
  private let reach: Int

  init(_ recurrence: Recurrence, in zone: TimeZoneRules) {
    self.zone = zone
    days = RecurrenceDays(recurrence)
    let time = recurrence.start.secondsSinceEpoch - Int64(days.first) * 86_400
    timeOfDay = time
    nominalDays = recurrence.days
    length = recurrence.length
    reach = recurrence.days + Int(recurrence.length.wholeMicroseconds / 86_400_000_000) + 2
    let excluded = Set(
      recurrence.excluded.compactMap {
        let seconds = $0.secondsSinceEpoch
        let day = seconds.flooredDivision(by: 86_400)
        return seconds - day * 86_400 == time ? Int(day) : nil
      })
    self.excluded = excluded
    var before: [Int: Int] = [:]
    for day in excluded.sorted() {
      // As of tomorrow, from which a question begins.
      guard let earlier = days.last(through: day - 1, notBefore: day - 1 - reach) else { continue }
      before[day] = excluded.contains(earlier) ? before[earlier] : earlier
    }
    self.before = before
    var last = Int.max
    if let count = recurrence.count { last = days.day(ofStart: count) }
    if let until = recurrence.until {
      let day = Int((until.seconds + Int64(zone.offset(at: until))).flooredDivision(by: 86_400))
      let isOver = zone.instant(of: Int64(day) * 86_400 + time) > until
      last = min(last, isOver ? day - 1 : day)
    }
    self.last = last
  }

  /// Of the last start at or before `instant`, which all earlier ones end before. Nil when it is over.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? {
    let today = wallDay(of: instant)
    var through = min(today + 1, last)
    // At most the starts of three days: those of tomorrow and today may be later than the instant.
    while let found = days.last(through: through, notBefore: today - reach) {
      guard let day = excluded.contains(found) ? before[found] : found, day >= today - reach else { return nil }
      through = day - 1
      guard start(on: day) <= instant else { continue }
      let end = zone.instant(of: wallTime(of: day + nominalDays)) + length
      return end > instant ? end : nil
    }
    return nil
  }

  func nextStart(after instant: Timestamp) -> Timestamp? {
    var day = wallDay(of: instant) - 2
    while let following = days.next(after: day, through: last) {
      day = following
      if !excluded.contains(day), start(on: day) > instant { return start(on: day) }
    }
    return nil
  }

  private func start(on day: Int) -> Timestamp { zone.instant(of: wallTime(of: day)) }
  private func wallTime(of day: Int) -> Int64 { Int64(day) * 86_400 + timeOfDay }
  private func wallDay(of instant: Timestamp) -> Int {
    Int((instant.seconds + Int64(zone.offset(at: instant))).flooredDivision(by: 86_400))
  }
}

extension TimeZoneRules {
  /// The instant that RFC 5545 section 3.3.5 means by a wall time, in seconds since 1970-01-01 00:00.
  fileprivate func instant(of wallTime: Int64) -> Timestamp { instant(ofEvent: CivilTime(secondsSinceEpoch: wallTime)) }

  /// The instant that an iCalendar file means by a wall time of this zone (RFC 5545 section 3.3.5): of one that is
  /// shown twice the first, and one that is left out as if the clock had not been changed yet.
  public func instant(ofEvent time: CivilTime) -> Timestamp {
    switch instants(of: time) {
    case .one(let instant), .two(let instant, _): return instant
    case .none(let after):
      let before = after - .seconds(1)
      return Timestamp(seconds: time.secondsSinceEpoch - Int64(offset(at: before)))
    }
  }
}

extension Recurrence {
  /// Whether there is any start but the first, left-out ones included.
  public var repeats: Bool {
    let days = RecurrenceDays(self)
    return days.next(after: days.first) != nil
  }
}
