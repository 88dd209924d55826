import Model

/// A calendar, ready to be asked.
///
/// Times of day are wall times: at an instant a weekly window is in force when the zone's clock shows a time in it, so
/// that an hour that is shown twice counts twice and one that is left out is no part of any. Days last from the first
/// instant of the one to the first instant of what follows. Windows of cron expressions and of events begin at an
/// instant, as triggers do, and last for their length.
struct CompiledCalendar: Hashable, Sendable {
  let name: String
  /// Days and spans, put together.
  private let spans: SpanTable
  private let weekly: WeeklyTable?
  private let cron: [CronWindow]
  private let recurring: [RecurringWindow]

  /// Throws for a zone or an expression that makes no schedule; the message names the calendar.
  init(_ calendar: Calendar, zone: (String) throws(ScheduleError) -> TimeZoneRules) throws(ScheduleError) {
    name = calendar.name
    var (spans, weekly) = ([SpanTable.Span](), [WeeklyTable.Window]())
    var (cron, recurring) = ([CronWindow](), [RecurringWindow]())
    do {
      let rules = try zone(calendar.timezone)
      for window in calendar.windows {
        switch window {
        case .days(let first, let last):
          spans.append(.init(from: rules.beginning(ofDay: first.number), to: rules.beginning(ofDay: last.number + 1)))
        case .span(let from, let to): spans.append(.init(from: from, to: to))
        case .weekly(let days, let from, let to):
          weekly += days.map { .init(day: $0, from: from, to: to) }
        case .cron(let expression, let length): cron.append(try CronWindow(expression, length, in: rules))
        case .recurring(let recurrence):
          recurring.append(RecurringWindow(recurrence, in: try zone(recurrence.timezone)))
        }
      }
      self.weekly = weekly.isEmpty ? nil : WeeklyTable(weekly, in: rules)
    } catch {
      var named = error
      named.message = "calendar '\(calendar.name)': \(error.message)"
      throw named
    }
    self.spans = SpanTable(spans)
    self.cron = cron
    self.recurring = recurring
  }

  /// How many windows that follow each other without a pause are put together for one answer. What is joined further
  /// on is said by the next answer, for whoever asks again at the end that this one gave.
  private var joinLimit: Int { min(max(65_536 / (cron.count + recurring.count + 1), 64), 4_096) }

  /// The first instant after `instant` at which it is not in force any more; nil when it is not in force at `instant`.
  ///
  /// Windows that overlap or touch are one. The work is bounded: after ``joinLimit`` of them the answer is the end so
  /// far. At most the end of ``ScheduleRange``.
  func end(ifInForceAt instant: Timestamp) -> Timestamp? {
    guard var end = furthestEnd(at: instant) else { return nil }
    for _ in 0..<joinLimit where end < ScheduleRange.last {
      guard let further = furthestEnd(at: end) else { break }
      end = further
    }
    return min(end, ScheduleRange.last)
  }

  /// The first instant after `instant` at which it begins to be in force; when it is in force at `instant`, the one
  /// after that time's end. Nil when there is none within ``ScheduleRange``.
  ///
  /// Where ``end(ifInForceAt:)`` is cut short, what is in force from the end that it gives on is a time of its own, and
  /// begins there: so whoever goes from answer to answer passes over nothing.
  func nextStart(after instant: Timestamp) -> Timestamp? {
    let end = end(ifInForceAt: instant)
    if let end, furthestEnd(at: end) != nil { return end }
    let from = end ?? max(instant, Timestamp(seconds: -1))
    guard from < ScheduleRange.last else { return nil }
    var starts = cron.compactMap { $0.nextStart(after: from) } + recurring.compactMap { $0.nextStart(after: from) }
    if let start = spans.nextStart(after: from) { starts.append(start) }
    if let start = weekly?.nextStart(after: from) { starts.append(start) }
    return starts.min().flatMap { $0 <= ScheduleRange.last ? $0 : nil }
  }

  /// The latest end, later than `instant`, of any window that is in force at it.
  private func furthestEnd(at instant: Timestamp) -> Timestamp? {
    guard ScheduleRange.first <= instant, instant < ScheduleRange.last else { return nil }
    var furthest = spans.end(ifInForceAt: instant)
    func consider(_ end: Timestamp?) { if let end, end > furthest ?? instant { furthest = end } }
    consider(weekly?.end(ifInForceAt: instant))
    for window in cron { consider(window.end(ifInForceAt: instant)) }
    for window in recurring { consider(window.end(ifInForceAt: instant)) }
    return furthest
  }
}

extension TimeZoneRules {
  /// The first instant of a date, given as days since 1970-01-01: midnight, or where the clock leaves it out what
  /// follows. Where the clock goes back over midnight the day begins when it is there for the last time.
  func beginning(ofDay day: Int) -> Timestamp {
    let midnight = CivilTime(secondsSinceEpoch: Int64(day) * 86_400)
    switch instants(of: midnight) {
    case .one(let instant), .none(let instant): return instant
    case .two(let first, let second):
      // Havana shows 00:59 before the second midnight, which is in the same day; St. John's showed 23:59.
      let before = civil(at: second - .seconds(1))
      return before < midnight ? second : first
    }
  }
}
