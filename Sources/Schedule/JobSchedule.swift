public import Model

/// All triggers of a job, merged: where several coincide there is one due instant.
public struct JobSchedule: Hashable, Sendable {
  private let sources: [TriggerSource]

  /// `zone` gives the rules of a time zone by its IANA name. Throws for the first trigger that makes no schedule.
  public init(
    _ triggers: [Trigger], zone: (String) throws(ScheduleError) -> TimeZoneRules
  ) throws(ScheduleError) {
    var sources: [TriggerSource] = []
    for (index, trigger) in triggers.enumerated() {
      do {
        sources.append(try TriggerSource(trigger, zone))
      } catch {
        var located = error
        located.trigger = index
        throw located
      }
    }
    // What a shorter interval implies anyway need not be counted; exact counting rests on this.
    let intervals = Set(sources.compactMap(\.interval))
    self.sources = sources.filter { source in
      guard let interval = source.interval else { return true }
      return !intervals.contains { $0 < interval && interval % $0 == 0 }
    }
  }

  /// The least due instant that is greater than `instant`; nil when nothing is due any more.
  public func next(after instant: Timestamp) -> Timestamp? {
    sources.lazy.compactMap { $0.next(after: instant) }.min()
  }

  /// The greatest due instant that is less than `instant`; nil when nothing was due.
  public func previous(before instant: Timestamp) -> Timestamp? {
    sources.lazy.compactMap { $0.previous(before: instant) }.max()
  }

  /// What was due later than `after` and not later than `through`; nil when nothing was.
  ///
  /// The first and the last are always right. The count costs at most `limit` (from 1) steps: by arithmetic where
  /// only one interval makes instants, else one by one up to the limit; beyond it the count is what is known at
  /// least, and said to be inexact.
  public func latest(after: Timestamp, through: Timestamp, limit: Int) -> DueSummary? {
    guard let first = next(after: after), first <= through, let last = previous(before: through + .microseconds(1))
    else { return nil }
    if let count = countByArithmetic(after: after, through: through) {
      return DueSummary(first: first, last: last, count: count, isExact: true)
    }
    var count = 1
    var at = first
    while at < last {
      guard count < max(limit, 1), let following = next(after: at) else {
        let least = sources.compactMap { $0.count(after: after, through: through) }.max() ?? 1
        return DueSummary(first: first, last: last, count: max(count, least), isExact: false)
      }
      at = following
      count += 1
    }
    return DueSummary(first: first, last: last, count: count, isExact: true)
  }

  /// Nil unless all instants are those of at most one interval and of single points in time.
  private func countByArithmetic(after: Timestamp, through: Timestamp) -> Int? {
    let points = Set(sources.compactMap(\.instant)).filter { after < $0 && $0 <= through }
    let others = sources.filter { $0.instant == nil }
    guard others.count > 0 else { return points.count }
    guard Set(others).count == 1, let every = others.first, let count = every.count(after: after, through: through)
    else { return nil }
    return count + points.count { every.previous(before: $0 + .microseconds(1)) != $0 }
  }
}

/// What was due in a span of time.
public struct DueSummary: Hashable, Sendable {
  public var first: Timestamp
  public var last: Timestamp
  /// How many instants; at least so many when it is not exact.
  public var count: Int
  public var isExact: Bool

  public init(first: Timestamp, last: Timestamp, count: Int, isExact: Bool) {
    self.first = first
    self.last = last
    self.count = count
    self.isExact = isExact
  }
}
