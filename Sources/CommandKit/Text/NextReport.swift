import Model
import Schedule
import ZoneInfo

/// When jobs are due.
struct NextReport {
  struct Due: Hashable {
    var time: Timestamp
    var zone: TimeZoneRules
    var trigger: String
  }

  struct Row: Hashable {
    var job: JobName
    var times: [Due]
    /// In force at the start.
    var suspension: Suspension?
  }

  private(set) var rows: [Row]

  /// The first `count` times of each job later than `from`; the job that is due first comes first.
  init(_ jobs: [Job], zones: ZoneDatabase, from: Timestamp, count: Int) throws(ScheduleError) {
    rows = []
    for job in jobs { rows.append(try Self.row(job, zones, from, count)) }
    rows.sort { a, b in
      let (left, right) = (a.times.first?.time ?? Self.never, b.times.first?.time ?? Self.never)
      return left == right ? a.job < b.job : left < right
    }
  }

  private static let never = Timestamp(microseconds: .max)

  private static func row(
    _ job: Job, _ zones: ZoneDatabase, _ from: Timestamp, _ count: Int
  ) throws(ScheduleError) -> Row {
    let suspension = job.suspension.flatMap { $0.isInForce(at: from) ? $0 : nil }
    var row = Row(job: job.name, times: [], suspension: suspension)
    if let suspension, suspension.until == nil { return row }
    let zone = { (name: String) throws(ScheduleError) in try zones.zone(named: name) }
    let all = try JobSchedule(job, zone: zone)
    var single: [(schedule: JobSchedule, zone: TimeZoneRules, text: String)] = []
    for trigger in job.triggers {
      single.append((try JobSchedule([trigger], of: job.name, zone: zone), try trigger.zone(zones), trigger.text))
    }
    // What is due at the very end of a suspension does fire.
    var last = suspension?.until.map { $0 - .microseconds(1) } ?? from
    while row.times.count < count, let time = all.next(after: last) {
      let just = time - .microseconds(1)
      if let source = single.first(where: { $0.schedule.next(after: just) == time }) {
        row.times.append(Due(time: time, zone: source.zone, trigger: source.text))
      }
      last = time
    }
    return row
  }

  func text(now: Timestamp) -> String {
    guard !rows.isEmpty else { return "There are no jobs here.\n" }
    var table = Table("JOB", "DUE", "", "TRIGGER", "NOTE")
    for row in rows {
      if row.times.isEmpty {
        table.add(row.job.text, row.suspension == nil ? "never" : "suspended", nil, nil, row.suspension?.reason)
      }
      for (index, due) in row.times.enumerated() {
        table.add(
          row.job.text, Humane.local(due.time, in: due.zone), Humane.relative(due.time, to: now), due.trigger,
          index == 0 ? row.suspension.map(Self.note) : nil)
      }
    }
    return table.text
  }

  private static func note(_ suspension: Suspension) -> String {
    let until = suspension.until.map { " until \($0)" } ?? ""
    return "suspended\(until)" + (suspension.reason.map { ": \($0)" } ?? "")
  }

  var json: JSONValue {
    .array(
      rows.map { row in
        .members([
          "job": .string(row.job.text),
          "due": .array(
            row.times.map {
              [
                "time": .timestamp($0.time), "local": .string(Humane.local($0.time, in: $0.zone)),
                "timezone": .string($0.zone.name), "trigger": .string($0.trigger),
              ]
            }),
          "suspended": row.suspension.map {
            .members(["reason": $0.reason.map(JSONValue.string), "until": $0.until.map(JSONValue.timestamp)])
          },
        ])
      })
  }
}

extension Trigger {
  /// As a manifest has it.
  var text: String {
    switch self {
    case .cron(let expression, let timezone, _, _): "cron \(expression)" + (timezone == "UTC" ? "" : " \(timezone)")
    case .every(let interval, _, _): "every \(interval.manifestText)"
    case .at: "at"
    }
  }

  /// The zone that a person thinks of this trigger's times in.
  fileprivate func zone(_ zones: ZoneDatabase) throws(ScheduleError) -> TimeZoneRules {
    guard case .cron(_, let timezone, _, _) = self else { return .utc }
    return try zones.zone(named: timezone)
  }
}
