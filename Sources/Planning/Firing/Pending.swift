import Model
import Schedule

/// Instants that are to be decided: those of a schedule that start in (`after`, `through`]. Deciding moves `after`.
struct Pending: Sendable {
  let schedule: JobSchedule
  private(set) var after: Timestamp
  let through: Timestamp

  /// The instants of `schedule` that start later than `after`; of those that start later than `through` none.
  init(_ schedule: JobSchedule, after: Timestamp, through: Timestamp) {
    self.schedule = schedule
    self.after = after
    self.through = through
  }

  /// All instants of a schedule, in whatever time they start.
  init(_ schedule: JobSchedule) {
    self.init(schedule, after: Timestamp(microseconds: .min), through: Timestamp(microseconds: .max))
  }

  var first: DueInstant? { next(after: after) }
  var isEmpty: Bool { first == nil }

  func next(after instant: Timestamp) -> DueInstant? {
    guard instant < through, let next = schedule.nextDue(after: instant), next.due <= through else { return nil }
    return next
  }

  /// The last one that starts up to `limit`.
  func last(through limit: Timestamp) -> DueInstant? {
    let end = min(limit, through)
    guard after < end, let last = schedule.previousDue(before: end + .microseconds(1)), last.due > after else {
      return nil
    }
    return last
  }

  func summary(through limit: Timestamp, count: Int) -> DueSummary? {
    let end = min(limit, through)
    return after < end ? schedule.latest(after: after, through: end, limit: count) : nil
  }

  /// All up to `instant` are decided.
  mutating func pass(_ instant: Timestamp) { after = max(after, instant) }

  /// A time that begins with an instant and lies in one blackout, or in none.
  struct Stretch {
    var first: DueInstant
    /// Its end, included.
    var through: Timestamp
    /// Nil when it lies in none.
    var blackout: Blackout?
  }

  /// The first stretch; nil when nothing is pending. Steps over whole blackouts, however many instants they hold.
  var firstStretch: Stretch? {
    guard let first else { return nil }
    if let blackout = schedule.blackout(at: first.due) {
      return Stretch(first: first, through: min(through, blackout.end - .microseconds(1)), blackout: blackout)
    }
    guard let start = schedule.nextBlackout(after: first.due), start > first.due else {
      return Stretch(first: first, through: through)
    }
    return Stretch(first: first, through: min(through, start - .microseconds(1)))
  }

  /// At most so many stretches are told apart in one decision. What is beyond was missed long ago, and one record says
  /// so for all of it.
  static let stretchLimit = 100
}
