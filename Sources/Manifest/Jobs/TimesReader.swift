import Model
import Schedule
import ZoneInfo

// The fields of time that stand beside the triggers of a job.

extension JobReader {
  struct Times {
    var starts: Timestamp?
    var expires: Timestamp?
    var missed = Missed.latest
    var startBy: Duration?
    var overlap = Overlap.skip
  }

  /// How late a run may still start. Whoever means longer than a week means no limit, which is the default.
  private static let delays: ClosedRange<Duration> = .seconds(1) ... .seconds(7 * 86_400)

  /// `triggers` nil when they are missing or wrong; then what depends on them is not judged.
  func times(_ fields: inout FieldReader, of job: JobName?, _ triggers: [Trigger]?) -> Times {
    var times = Times()
    let starts = fields.take("starts")
    let expires = fields.take("expires")
    let missed = fields.take("missed")
    let startBy = fields.take("startBy")
    times.starts = starts?.timestamp()
    times.expires = expires?.timestamp()
    times.missed = missed.flatMap(self.missed) ?? .latest
    times.startBy = startBy?.duration(in: Self.delays)
    let overlap = fields.take("overlap")
    times.overlap = overlap.flatMap(self.overlap) ?? .skip
    if let value = own([expires, starts]) { checkLimits(times, reportedAt: value, of: job, triggers) }
    if let startBy, let value = own([startBy, fields.take("triggers")]) {
      checkStartBy(times, reportedAt: value, triggers)
    }
    if case .all(let limit) = times.missed, limit > 1, times.overlap == .allow, let value = own([missed, overlap]) {
      sink.warning(
        at: value.keyPlace, "'missed: all' with 'overlap: allow' starts up to \(limit) runs at once",
        suggestion: "with 'overlap: queue' they run one after the other")
    }
    return times
  }

  /// Where to report that values do not go together: at the first that the job itself says, because those of defaults
  /// suit other jobs; else at the first.
  private func own(_ values: [ValueReader?]) -> ValueReader? {
    let values = values.compactMap { $0 }
    return values.first { $0.keyPlace.source === source } ?? values.first
  }

  private func missed(_ value: ValueReader) -> Missed? {
    CountedWords(
      words: ["latest": Missed.latest, "skip": .skip, "all": .all(limit: Missed.standardLimit)], counted: "all",
      range: Missed.limits, value: { Missed.all(limit: $0) }, table: JobFields.missed,
      none: "to make up for none, write 'missed: skip'",
      foreign: Self.foreignMissed
    ).read(value)
  }

  private func overlap(_ value: ValueReader) -> Overlap? {
    CountedWords(
      words: ["skip": Overlap.skip, "allow": .allow, "queue": .queue(depth: 1), "replace": .replace], counted: "queue",
      range: Overlap.depths, value: { Overlap.queue(depth: $0) }, table: JobFields.overlap,
      none: "to let none wait, write 'overlap: skip'",
      foreign: Self.foreignOverlaps
    ).read(value)
  }

  /// What other schedulers and people call the words of `missed`.
  private static let foreignMissed = [
    "backfill": "all", "catch-up": "all", "catchup": "all", "every": "all", "coalesce": "latest", "last": "latest",
    "once": "latest", "one": "latest", "run": "latest", "true": "latest", "discard": "skip", "drop": "skip",
    "false": "skip", "ignore": "skip", "never": "skip", "none": "skip",
  ]

  /// What they call the words of `overlap`.
  private static let foreignOverlaps = [
    "concurrent": "allow", "parallel": "allow", "true": "allow", "drop": "skip", "false": "skip", "forbid": "skip",
    "never": "skip", "none": "skip", "single": "skip", "buffer": "queue", "enqueue": "queue", "serial": "queue",
    "wait": "queue", "cancel": "replace", "kill": "replace", "restart": "replace", "terminate": "replace",
  ]

  /// A job that has expired by now stays as it is; one that could never be due at all is a slip.
  private func checkLimits(
    _ times: Times, reportedAt value: ValueReader, of job: JobName?, _ triggers: [Trigger]?
  ) {
    if let starts = times.starts, let expires = times.expires, expires <= starts {
      value.fail("'expires' (\(expires)) is not later than 'starts' (\(starts))")
      return
    }
    guard times.starts != nil || times.expires != nil, let triggers,
      let limited = schedule(triggers, of: job, starts: times.starts, expires: times.expires),
      limited.next(after: Timestamp(microseconds: .min)) == nil
    else { return }
    let span =
      switch (times.starts, times.expires) {
      case (_?, _?): "between 'starts' and 'expires'"
      case (nil, _): "before 'expires'"
      case (_, nil): "after 'starts'"
      }
    value.fail("the job is never due \(span)", suggestion: nearestInstant(triggers, of: job, times))
  }

  /// When the triggers are due outside of the limits.
  private func nearestInstant(_ triggers: [Trigger], of job: JobName?, _ times: Times) -> String? {
    let open = schedule(triggers, of: job, starts: times.starts, expires: nil)
    if let first = open?.next(after: Timestamp(microseconds: .min)) { return "it is due next at \(first)" }
    let earlier = schedule(triggers, of: job, starts: nil, expires: times.starts)
    return earlier?.previous(before: Timestamp(microseconds: .max)).map { "it is due last at \($0)" }
  }

  private func schedule(
    _ triggers: [Trigger], of job: JobName?, starts: Timestamp?, expires: Timestamp?
  ) -> JobSchedule? {
    try? JobSchedule(triggers, of: job, starts: starts, expires: expires) { name throws(ScheduleError) in
      try zones.zone(named: name)
    }
  }

  private func checkStartBy(_ times: Times, reportedAt value: ValueReader, _ triggers: [Trigger]?) {
    guard let startBy = times.startBy, let jitter = triggers?.map(\.jitter).max(), startBy < jitter else { return }
    value.fail(
      "'startBy' (\(startBy.manifestText)) is shorter than the 'jitter' of a trigger (\(jitter.manifestText))",
      suggestion: "give 'startBy' at least \(jitter.manifestText)")
  }
}
