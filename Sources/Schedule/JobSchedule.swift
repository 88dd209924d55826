public import Model

/// All triggers of a job, merged: where several coincide there is one due instant.
///
/// A nominal instant is one at which the triggers say that the job is due. On an agent it starts later by that agent's
/// share of the trigger's jitter, which is part of the schedule when it was made for an agent: ``nextDue(after:)`` and
/// its kin speak of both times, ``next(after:)`` and ``previous(before:)`` of nominal ones.
public struct JobSchedule: Hashable, Sendable {
  private let sources: [Source]
  /// As the job has them.
  private let triggers: [TriggerSource]
  /// Nominal instants lie later than `after` and not later than `through`.
  private var after: Timestamp
  private var through: Timestamp
  private let blackouts: [CompiledCalendar]

  private struct Source: Hashable, Sendable {
    var trigger: TriggerSource
    /// From the nominal instant to the start.
    var offset: Duration
  }

  /// `agent` nil leaves jitter out. `zone` gives the rules of a time zone by its IANA name. Throws for the first
  /// trigger or calendar that makes no schedule.
  public init(
    _ job: Job, agent: AgentID? = nil, zone: (String) throws(ScheduleError) -> TimeZoneRules
  ) throws(ScheduleError) {
    try self.init(
      job.triggers, of: job.name, agent: agent, starts: job.starts, expires: job.expires, blackout: job.blackout,
      zone: zone)
  }

  /// The triggers alone; `job` is what `H` in a cron expression and the jitter are hashed from.
  public init(
    _ triggers: [Trigger], of job: JobName? = nil, agent: AgentID? = nil, starts: Timestamp? = nil,
    expires: Timestamp? = nil, blackout: [Calendar] = [], zone: (String) throws(ScheduleError) -> TimeZoneRules
  ) throws(ScheduleError) {
    var sources: [Source] = []
    for (index, trigger) in triggers.enumerated() {
      do {
        var offset = Duration.zero
        if let job, let agent { offset = Trigger.offset(of: job, on: agent, jitter: trigger.jitter) }
        sources.append(Source(trigger: try TriggerSource(trigger, of: job, zone), offset: offset))
      } catch {
        var located = error
        located.trigger = index
        throw located
      }
    }
    self.triggers = sources.map(\.trigger)
    // What a shorter interval implies anyway need not be counted; exact counting rests on this.
    let intervals = sources.map { ($0.trigger.interval, $0.offset) }
    let needed = sources.filter { source in
      guard let interval = source.trigger.interval else { return true }
      return !intervals.contains { shorter, offset in
        guard let shorter, offset == source.offset else { return false }
        return shorter.length < interval.length && interval.length % shorter.length == 0 && shorter.covers(interval)
      }
    }
    // The least offset first: its instants are never another trigger's, so that the search for a trigger whose instants
    // all are has an end to look for.
    self.sources = Self.separated(needed.sorted { $0.offset < $1.offset })
    after = starts.map { $0 - .microseconds(1) } ?? Timestamp(microseconds: .min)
    through = expires.map { $0 - .microseconds(1) } ?? Timestamp(microseconds: .max)
    var calendars: [CompiledCalendar] = []
    for calendar in blackout { calendars.append(try CompiledCalendar(calendar, zone: zone)) }
    blackouts = calendars
  }

  /// Two nominal instants must not start in the same microsecond, where one would hide the other: each further offset is
  /// a microsecond more. Nominal instants and offsets are whole milliseconds, unless somebody writes other anchors.
  /// `sources` ascend by offset.
  private static func separated(_ sources: [Source]) -> [Source] {
    var (separated, shift, last) = (sources, 0, sources.first?.offset)
    for index in sources.indices {
      if sources[index].offset != last { shift += 1 }
      last = sources[index].offset
      separated[index].offset += .microseconds(shift)
    }
    return separated
  }

  /// The same schedule without the nominal instants up to `instant`, which belong to an earlier version of the job.
  public func only(after instant: Timestamp) -> JobSchedule {
    var schedule = self
    schedule.after = max(after, instant)
    return schedule
  }

  /// The same schedule without the nominal instants later than `instant`.
  public func only(through instant: Timestamp) -> JobSchedule {
    var schedule = self
    schedule.through = min(through, instant)
    return schedule
  }

  // MARK: Nominal instants

  /// The least nominal instant that is greater than `instant`; nil when there is none any more.
  public func next(after instant: Timestamp) -> Timestamp? {
    let first = sources.lazy.compactMap { $0.trigger.next(after: max(instant, after)) }.min()
    return first.flatMap { $0 <= through ? $0 : nil }
  }

  /// The greatest nominal instant that is less than `instant`; nil when there was none.
  public func previous(before instant: Timestamp) -> Timestamp? {
    let end = min(instant, through + .microseconds(1))
    let last = sources.lazy.compactMap { $0.trigger.previous(before: end) }.max()
    return last.flatMap { $0 > after ? $0 : nil }
  }

  /// Which of the job's triggers, counted from 0, say that it is due at a nominal instant.
  public func triggers(at nominal: Timestamp) -> [Int] {
    triggers.indices.filter { triggers[$0].previous(before: nominal + .microseconds(1)) == nominal }
  }

  // MARK: On the agent

  /// The first to start later than `instant`; nil when there is none any more.
  public func nextDue(after instant: Timestamp) -> DueInstant? {
    var best: DueInstant?
    for source in sources {
      var at = instant
      while let due = next(source, after: at), best.map({ due < $0 }) ?? true {
        if !comesEarlier(due, than: source) {
          best = due
          break
        }
        at = due.due
      }
    }
    return best
  }

  /// The last to start earlier than `instant`; nil when there was none.
  public func previousDue(before instant: Timestamp) -> DueInstant? {
    var best: DueInstant?
    for source in sources {
      var at = instant
      while let due = previous(source, before: at), best.map({ due > $0 }) ?? true {
        if !comesEarlier(due, than: source) {
          best = due
          break
        }
        at = due.due
      }
    }
    return best
  }

  private func next(_ source: Source, after instant: Timestamp) -> DueInstant? {
    guard let nominal = source.trigger.next(after: max(instant - source.offset, after)), nominal <= through else {
      return nil
    }
    return DueInstant(nominal: nominal, due: nominal + source.offset)
  }

  private func previous(_ source: Source, before instant: Timestamp) -> DueInstant? {
    let end = min(instant - source.offset, through + .microseconds(1))
    guard let nominal = source.trigger.previous(before: end), nominal > after else { return nil }
    return DueInstant(nominal: nominal, due: nominal + source.offset)
  }

  /// Whether another trigger makes the same nominal instant start earlier: then it is that one's.
  private func comesEarlier(_ due: DueInstant, than source: Source) -> Bool {
    sources.contains { other in
      other.offset < source.offset && other.trigger.previous(before: due.nominal + .microseconds(1)) == due.nominal
    }
  }

  /// What was to start later than `after` and not later than `through`; nil when nothing was.
  ///
  /// The first and the last are always right. The count costs at most `limit` (from 1) steps: by arithmetic where
  /// only one interval makes instants, else one by one up to the limit; beyond it the count is what is known at
  /// least, and said to be inexact.
  public func latest(after: Timestamp, through: Timestamp, limit: Int) -> DueSummary? {
    guard let first = nextDue(after: after), first.due <= through,
      let last = previousDue(before: through + .microseconds(1))
    else { return nil }
    if let count = countByArithmetic(after: after, through: through) {
      return DueSummary(first: first, last: last, count: count, isExact: true)
    }
    var count = 1
    var at = first
    while at < last {
      guard count < max(limit, 1), let following = nextDue(after: at.due) else {
        let least = sources.compactMap { self.count($0, after: after, through: through) }.max() ?? 1
        return DueSummary(first: first, last: last, count: max(count, least), isExact: false)
      }
      at = following
      count += 1
    }
    return DueSummary(first: first, last: last, count: count, isExact: true)
  }

  /// How many instants of one trigger start in (`after`, `through`], where arithmetic can tell.
  private func count(_ source: Source, after: Timestamp, through: Timestamp) -> Int? {
    source.trigger.count(
      after: max(after - source.offset, self.after), through: min(through - source.offset, self.through))
  }

  /// Nil unless all instants are those of at most one interval and of single points in time, with one offset.
  private func countByArithmetic(after: Timestamp, through: Timestamp) -> Int? {
    guard let offset = sources.first?.offset, sources.allSatisfy({ $0.offset == offset }) else { return nil }
    let points = Set(sources.compactMap(\.trigger.instant)).filter {
      max(after - offset, self.after) < $0 && $0 <= min(through - offset, self.through)
    }
    let others = sources.filter { $0.trigger.instant == nil }
    guard others.count > 0 else { return points.count }
    guard Set(others).count == 1, let every = others.first,
      let count = self.count(every, after: after, through: through)
    else { return nil }
    return count + points.count { every.trigger.previous(before: $0 + .microseconds(1)) != $0 }
  }

  // MARK: Blackouts

  /// The blackout that is in force at `instant`, with the instant at which it ends; of several the one that ends last.
  /// Nil when none is.
  public func blackout(at instant: Timestamp) -> Blackout? {
    blackouts.compactMap { calendar in
      calendar.end(ifInForceAt: instant).map { Blackout(calendar: calendar.name, end: $0) }
    }.max { ($0.end, $0.calendar) < ($1.end, $1.calendar) }
  }

  /// The first to start later than `instant` outside of all blackouts; nil when there is none any more, or none within so
  /// many blackouts that nobody waits for their end.
  public func nextDueOutsideBlackouts(after instant: Timestamp) -> DueInstant? {
    var after = instant
    for _ in 0..<100 {
      guard let next = nextDue(after: after) else { return nil }
      guard let blackout = blackout(at: next.due) else { return next }
      after = blackout.end - .microseconds(1)
    }
    return nil
  }

  /// The first instant after `instant` at which one of the calendars begins to be in force, whatever the others are;
  /// ``blackout(at:)`` says which and until when. Nil when none begins any more.
  public func nextBlackout(after instant: Timestamp) -> Timestamp? {
    blackouts.compactMap { $0.nextStart(after: instant) }.min()
  }
}

/// One occurrence of a schedule on one agent. Ordered by when it starts there.
public struct DueInstant: Hashable, Sendable, Comparable {
  /// When the triggers say that the job is due: what the occurrence is known by.
  public var nominal: Timestamp
  /// When it is to start on this agent: ``nominal`` and the agent's share of the jitter.
  public var due: Timestamp

  public init(nominal: Timestamp, due: Timestamp) {
    self.nominal = nominal
    self.due = due
  }

  public init(_ instant: Timestamp) { self.init(nominal: instant, due: instant) }

  public static func < (a: DueInstant, b: DueInstant) -> Bool { (a.due, a.nominal) < (b.due, b.nominal) }
}

/// What was due in a span of time.
public struct DueSummary: Hashable, Sendable {
  public var first: DueInstant
  public var last: DueInstant
  /// How many instants; at least so many when it is not exact.
  public var count: Int
  public var isExact: Bool

  public init(first: DueInstant, last: DueInstant, count: Int, isExact: Bool) {
    self.first = first
    self.last = last
    self.count = count
    self.isExact = isExact
  }
}

/// A time at which a job does not fire by itself.
public struct Blackout: Hashable, Sendable {
  /// The calendar's name.
  public var calendar: String
  /// The first instant that is not in it any more; the end of ``ScheduleRange`` when there is none.
  public var end: Timestamp

  public init(calendar: String, end: Timestamp) {
    self.calendar = calendar
    self.end = end
  }
}
