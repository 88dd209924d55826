import Model
import Schedule
import ZoneInfo

/// Triggers, ready to be asked, with what a person wants to know of each instant: which trigger it is, the wall clock's
/// time there, and what the clock or the jitter does to it.
struct DueTimes {
  /// All triggers, within the job's `starts` and `expires`, and on the agent where one is given.
  let schedule: JobSchedule
  private let single: [Single]

  /// One trigger by itself.
  private struct Single {
    var trigger: Trigger
    var schedule: JobSchedule
    var zone: TimeZoneRules
    /// Of a cron trigger.
    var expression: CronExpression?
    /// From the nominal instant to the start; zero without an agent.
    var offset: Duration
  }

  /// `agent` nil leaves jitter out. Throws for the first trigger or calendar that makes no schedule.
  init(_ job: Job, agent: AgentID? = nil, zones: ZoneDatabase) throws(ScheduleError) {
    let zone = { (name: String) throws(ScheduleError) in try zones.zone(named: name) }
    schedule = try JobSchedule(job, agent: agent, zone: zone)
    single = try Self.single(job.triggers, of: job.name, agent: agent, zones)
  }

  /// Triggers of no job in particular; `job` is what `H` is hashed from.
  init(_ triggers: [Trigger], of job: JobName?, zones: ZoneDatabase) throws(ScheduleError) {
    let zone = { (name: String) throws(ScheduleError) in try zones.zone(named: name) }
    schedule = try JobSchedule(triggers, of: job, zone: zone)
    single = try Self.single(triggers, of: job, agent: nil, zones)
  }

  private static func single(
    _ triggers: [Trigger], of job: JobName?, agent: AgentID?, _ zones: ZoneDatabase
  ) throws(ScheduleError) -> [Single] {
    let zone = { (name: String) throws(ScheduleError) in try zones.zone(named: name) }
    var all: [Single] = []
    for trigger in triggers {
      var offset = Duration.zero
      if let job, let agent { offset = Trigger.offset(of: job, on: agent, jitter: trigger.jitter) }
      all.append(
        Single(
          trigger: trigger, schedule: try JobSchedule([trigger], of: job, zone: zone), zone: try trigger.zone(zones),
          expression: trigger.expression(hashing: job), offset: offset))
    }
    return all
  }

  /// The zone that a person thinks of the job's times in: that of its first cron trigger, else UTC.
  var zone: TimeZoneRules { single.first { $0.expression != nil }?.zone ?? .utc }

  /// All triggers in words: `cron 30 2 * * * Europe/Berlin; every 10m`.
  var text: String { single.map(\.trigger.text).joined(separator: "; ") }

  /// Whether the triggers make the instant due, within the job's `starts` and `expires`.
  func isDue(at nominal: Timestamp) -> Bool { schedule.next(after: nominal - .microseconds(1)) == nominal }

  /// One instant of the schedule. `last` is the instant before it that was looked at, if any: times in between that the
  /// clock leaves out are noted.
  func due(_ instant: DueInstant, last: Timestamp? = nil) -> Due {
    let just = instant.nominal - .microseconds(1)
    // Of several triggers that coincide the one counts that starts first.
    let source = single.filter { $0.schedule.next(after: just) == instant.nominal }
      .min { ($0.offset, $0.trigger.jitter) < ($1.offset, $1.trigger.jitter) }
    guard let source else { return Due(time: instant.nominal, start: instant.due, zone: zone, trigger: "") }
    var due = Due(
      time: instant.nominal, start: instant.due, zone: source.zone, trigger: source.trigger.text,
      jitter: source.trigger.jitter)
    if let expression = source.expression {
      due.clockNote =
        ClockChangeNote.of(instant.nominal, expression, source.zone)
        ?? last.flatMap { ClockChangeNote.leftOut(after: $0, before: instant.nominal, expression, source.zone) }
    }
    return due
  }

  func due(_ nominal: Timestamp) -> Due { due(DueInstant(nominal)) }
}

/// An instant at which a job is due.
struct Due: Hashable {
  /// Nominal.
  var time: Timestamp
  /// When it starts: ``time``, on an agent with its share of the jitter.
  var start: Timestamp
  var zone: TimeZoneRules
  /// As a manifest has it; empty when no trigger makes this instant.
  var trigger: String
  /// The trigger's, whatever the agent.
  var jitter: Duration = .zero
  /// What a change of the clock has to do with it.
  var clockNote: String?

  /// RFC 3339 with the offset that the trigger's zone has then.
  var local: String { Humane.local(time, in: zone) }
}

extension Trigger {
  /// As a manifest has it, in a line.
  var text: String {
    switch self {
    case .cron(let expression, let timezone, _, _): "cron \(expression)" + (timezone == "UTC" ? "" : " \(timezone)")
    case .every(let interval, let from, _):
      "every \(interval.manifestText)" + (from.map { " from \($0)" } ?? "")
    case .at: "at"
    }
  }

  /// The zone that a person thinks of this trigger's times in.
  fileprivate func zone(_ zones: ZoneDatabase) throws(ScheduleError) -> TimeZoneRules {
    guard case .cron(_, let timezone, _, _) = self else { return .utc }
    return try zones.zone(named: timezone)
  }

  /// Nil for what is not cron, and for an expression that makes no schedule.
  fileprivate func expression(hashing job: JobName?) -> CronExpression? {
    guard case .cron(let text, _, _, _) = self else { return nil }
    return CronWords.expression(text, hashing: job)
  }
}
