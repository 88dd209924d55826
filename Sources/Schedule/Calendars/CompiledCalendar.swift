import Model

/// A calendar, ready to be asked.
struct CompiledCalendar: Hashable, Sendable {
  let name: String

  init(_ calendar: Calendar, zone: (String) throws(ScheduleError) -> TimeZoneRules) throws(ScheduleError) {
    name = calendar.name
  }

  /// The first instant after `instant` at which it is not in force any more; nil when it is not in force at `instant`.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? { nil }
}
