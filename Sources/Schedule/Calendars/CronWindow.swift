import Model

/// From each due instant of a cron expression on, for so long.
struct CronWindow: Hashable, Sendable {
  private let cron: ZonedCron
  private let length: Duration

  init(_ text: String, _ length: Duration, in zone: TimeZoneRules) throws(ScheduleError) {
    do {
      cron = ZonedCron(try CronExpression(text), in: zone)
    } catch {
      throw ScheduleError(.expression(offset: error.offset), error.message, suggestion: error.suggestion)
    }
    self.length = length
  }

  /// Of the window that began last, which all that began earlier end before. Nil when it is over.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? {
    guard let start = cron.previous(before: instant + .microseconds(1)), start + length > instant else { return nil }
    return start + length
  }

  func nextStart(after instant: Timestamp) -> Timestamp? { length > .zero ? cron.next(after: instant) : nil }
}
