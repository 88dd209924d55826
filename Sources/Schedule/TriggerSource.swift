import Model

/// One trigger, ready to be asked for instants.
enum TriggerSource: Hashable, Sendable {
  case cron(ZonedCron)
  /// Microseconds between instants, which are whole multiples since the epoch.
  case every(Int64)
  case at(Timestamp)

  init(_ trigger: Trigger, _ zone: (String) throws(ScheduleError) -> TimeZoneRules) throws(ScheduleError) {
    switch trigger {
    case .cron(let text, let timezone):
      let expression: CronExpression
      do {
        expression = try CronExpression(text)
      } catch {
        throw ScheduleError(.expression(offset: error.offset), error.message, suggestion: error.suggestion)
      }
      self = .cron(ZonedCron(expression, in: try zone(timezone)))
    case .every(let interval):
      guard interval >= .seconds(1) else {
        throw ScheduleError(.interval, "the interval is \(interval.manifestText); want at least 1s")
      }
      self = .every(interval.wholeMicroseconds)
    case .at(let instant):
      guard (ScheduleRange.first...ScheduleRange.last).contains(instant) else {
        throw ScheduleError(.instant, "the instant is not within the years 1970 to 9999")
      }
      self = .at(instant)
    }
  }

  var interval: Int64? { if case .every(let interval) = self { interval } else { nil } }
  var instant: Timestamp? { if case .at(let instant) = self { instant } else { nil } }

  func next(after instant: Timestamp) -> Timestamp? {
    switch self {
    case .cron(let cron): return cron.next(after: instant)
    case .every(let interval):
      let after = max(instant.microseconds, -1)
      let (next, overflow) = ((after.flooredDivision(by: interval) + 1).multipliedReportingOverflow(by: interval))
      return overflow || next > ScheduleRange.last.microseconds ? nil : Timestamp(microseconds: next)
    case .at(let point): return point > instant ? point : nil
    }
  }

  func previous(before instant: Timestamp) -> Timestamp? {
    switch self {
    case .cron(let cron): return cron.previous(before: instant)
    case .every(let interval):
      guard instant > ScheduleRange.first else { return nil }
      let last = min(instant.microseconds - 1, ScheduleRange.last.microseconds)
      return Timestamp(microseconds: last / interval * interval)
    case .at(let point): return point < instant ? point : nil
    }
  }

  /// How many instants lie in (`after`, `through`], where arithmetic can tell.
  func count(after: Timestamp, through: Timestamp) -> Int? {
    switch self {
    case .cron: return nil
    case .every(let interval):
      let last = min(through.microseconds, ScheduleRange.last.microseconds).flooredDivision(by: interval)
      return Int(max(0, last - max(after.microseconds, -1).flooredDivision(by: interval)))
    case .at(let point): return after < point && point <= through ? 1 : 0
    }
  }
}
