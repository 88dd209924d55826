import Model
import Schedule

/// Reasons in words.
enum FiringWords {
  static let removed = "the job was removed before it could start"
  static let lapsed = "the job was changed while its lease had run out"
  static let setBack = "the job was changed while the clock stood before what had been decided"
  static let changed = "the job was changed before it could start"
  static let clockBack = "the clock was set back before it could start"
  static let down = "missed while the agent was down or too busy, the host asleep or the clock ahead"

  static func overlap(_ run: ActiveRun, at now: Timestamp) -> String {
    let which = name(run)
    return switch run.phase {
    case .waiting(let until): "\(which) was still waiting for its attempt \(run.attempt) at \(until)"
    case .armed(let time) where now < time: "\(which) was about to start at \(time)"
    case .queued: "\(which) was still waiting for its turn"
    case .running, .armed: "\(which) was still going after \(about(now - run.started))"
    }
  }

  /// Of instants that came due while a run was going that has ended by now.
  static func overlap(_ run: ActiveRun, until end: Timestamp) -> String {
    "\(name(run)) was going until \(end), for \(about(end - run.started))"
  }

  static func full(_ waiting: Int, behind run: ActiveRun?) -> String {
    let runs = waiting == 1 ? "1 run was" : "\(waiting) runs were"
    return "\(runs) waiting already\(run.map { " behind \(name($0))" } ?? ""), and no more may"
  }

  static func replaced(by occurrence: Occurrence) -> String {
    switch occurrence.cause {
    case .schedule: "replaced by the occurrence of \(occurrence.nominal)"
    case .person: "replaced by a person's run of \(occurrence.nominal)"
    }
  }

  static func suspended(_ suspension: Suspension) -> String {
    "the job was suspended" + (suspension.reason.map { ": \($0)" } ?? "")
  }

  static func blackout(_ blackout: Blackout) -> String {
    let end = blackout.end < ScheduleRange.last ? " until \(blackout.end)" : ""
    return "the blackout '\(blackout.calendar)' was in force\(end)"
  }

  static func missed(_ missed: Missed) -> String {
    switch missed {
    case .latest: "\(down); only the latest is made up for"
    case .all(let limit): "\(down); cut off, as only the latest \(limit) are made up for"
    case .skip: "\(down); what this job missed is not made up for"
    }
  }

  static func tooLate(_ startBy: Duration, at now: Timestamp) -> String {
    "it may start at most \(startBy.manifestText) late, and it was later than that at \(now)"
  }

  static func tooLate(for startBy: Timestamp, at now: Timestamp) -> String {
    "it was to start by \(startBy), and its turn came at \(now)"
  }

  static func lease(since: Timestamp, _ lease: Duration) -> String {
    "no controller was heard since \(since), and the lease of \(lease.manifestText) had run out"
  }

  /// To the second; below that to the millisecond.
  static func about(_ duration: Duration) -> String {
    let milliseconds = max(0, duration.wholeMilliseconds)
    return Duration.milliseconds(milliseconds < 1000 ? milliseconds : milliseconds / 1000 * 1000).manifestText
  }

  private static func name(_ run: ActiveRun) -> String { "run \(run.id.text.prefix(8)) of \(run.occurrence.nominal)" }
}
