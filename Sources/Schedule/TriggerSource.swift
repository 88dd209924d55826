import Model

/// One trigger, ready to be asked for instants.
enum TriggerSource: Hashable, Sendable {
  case cron(ZonedCron)
  case every(Interval)
  case at(Timestamp)

  /// Instants that lie whole multiples of a length from an anchor on, both in microseconds.
  struct Interval: Hashable, Sendable {
    var length: Int64
    /// Within ``ScheduleRange``.
    var anchor: Int64 = 0

    /// Whether each instant of `other`, whose length is a multiple of this one's, is one of these too.
    func covers(_ other: Interval) -> Bool { anchor <= other.anchor && (other.anchor - anchor) % length == 0 }

    /// How many instants lie at or before `instant`.
    func count(through instant: Int64) -> Int64 { instant < anchor ? 0 : (instant - anchor) / length + 1 }
  }

  /// `job` is what `H` is hashed from.
  init(_ trigger: Trigger, of job: JobName?, _ zone: (String) throws(ScheduleError) -> TimeZoneRules)
    throws(ScheduleError)
  {
    switch trigger {
    case .cron(let text, let timezone, let clockChange, _):
      let expression: CronExpression
      do {
        expression = try CronExpression(text, hashing: job?.text)
      } catch {
        throw ScheduleError(.expression(offset: error.offset), error.message, suggestion: error.suggestion)
      }
      self = .cron(ZonedCron(expression, in: try zone(timezone), clockChange: clockChange))
    case .every(let interval, let from, _):
      guard interval >= .seconds(1) else {
        throw ScheduleError(.interval, "the interval is \(interval.manifestText); want at least 1s")
      }
      let anchor = from ?? ScheduleRange.first
      guard (ScheduleRange.first...ScheduleRange.last).contains(anchor) else {
        throw ScheduleError(.instant, "'from' is not within the years 1970 to 9999")
      }
      self = .every(Interval(length: interval.wholeMicroseconds, anchor: anchor.microseconds))
    case .at(let instant):
      guard (ScheduleRange.first...ScheduleRange.last).contains(instant) else {
        throw ScheduleError(.instant, "the instant is not within the years 1970 to 9999")
      }
      self = .at(instant)
    }
  }

  var interval: Interval? { if case .every(let interval) = self { interval } else { nil } }
  var instant: Timestamp? { if case .at(let instant) = self { instant } else { nil } }

  func next(after instant: Timestamp) -> Timestamp? {
    switch self {
    case .cron(let cron): return cron.next(after: instant)
    case .every(let interval):
      let (distance, overflow) = interval.count(through: instant.microseconds)
        .multipliedReportingOverflow(by: interval.length)
      let last = ScheduleRange.last.microseconds
      return overflow || distance > last - interval.anchor
        ? nil : Timestamp(microseconds: interval.anchor + distance)
    case .at(let point): return point > instant ? point : nil
    }
  }

  func previous(before instant: Timestamp) -> Timestamp? {
    switch self {
    case .cron(let cron): return cron.previous(before: instant)
    case .every(let interval):
      guard instant > ScheduleRange.first else { return nil }
      let count = interval.count(through: min(instant.microseconds - 1, ScheduleRange.last.microseconds))
      return count == 0 ? nil : Timestamp(microseconds: interval.anchor + (count - 1) * interval.length)
    case .at(let point): return point < instant ? point : nil
    }
  }

  /// How many instants lie in (`after`, `through`], where arithmetic can tell.
  func count(after: Timestamp, through: Timestamp) -> Int? {
    switch self {
    case .cron: return nil
    case .every(let interval):
      let last = min(through.microseconds, ScheduleRange.last.microseconds)
      return Int(max(0, interval.count(through: last) - interval.count(through: after.microseconds)))
    case .at(let point): return after < point && point <= through ? 1 : 0
    }
  }
}
