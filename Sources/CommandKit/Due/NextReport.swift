import Model
import Schedule
import ZoneInfo

/// When jobs are due: what will fire, with what keeps it from firing earlier.
struct NextReport {
  struct Query: Hashable {
    /// Only what is later.
    var from: Timestamp
    /// Only what is not later; nil means no limit.
    var until: Timestamp?
    /// Times of each job.
    var count: Int
    /// On this agent, with its share of the jitter.
    var agent: AgentID?

    init(from: Timestamp, until: Timestamp? = nil, count: Int, agent: AgentID? = nil) {
      self.from = from
      self.until = until
      self.count = count
      self.agent = agent
    }
  }

  struct Entry: Hashable {
    var due: Due
    /// Into which instants fell right before this one.
    var passed: [Blackout] = []
    /// In force for those agents whose share of the jitter leads into it.
    var partly: Blackout?
  }

  /// Why a job has no more times than those of its row.
  enum End: Hashable {
    /// There are more.
    case count
    case until
    /// Nothing is due any more.
    case never
    /// Nothing is due before somebody changes the manifest.
    case suspended
    /// Whatever was looked at lies in blackouts, up to here.
    case blackouts(through: Timestamp)
  }

  struct Row: Hashable {
    var job: JobName
    var times: [Entry] = []
    /// In force at the start.
    var suspension: Suspension?
    /// Later than the start.
    var starts: Timestamp?
    var expires: Timestamp?
    var end = End.count
  }

  private(set) var rows: [Row]
  private let query: Query

  /// The job that is due first comes first.
  init(_ jobs: [Job], zones: ZoneDatabase, _ query: Query) throws(ScheduleError) {
    self.query = query
    rows = []
    for job in jobs { rows.append(try Self.row(job, zones, query)) }
    rows.sort { a, b in
      let (left, right) = (a.times.first?.due.start ?? Self.never, b.times.first?.due.start ?? Self.never)
      return left == right ? a.job < b.job : left < right
    }
  }

  init(_ jobs: [Job], zones: ZoneDatabase, from: Timestamp, count: Int) throws(ScheduleError) {
    try self.init(jobs, zones: zones, Query(from: from, count: count))
  }

  private static let never = Timestamp(microseconds: .max)

  /// Blackouts that are passed over in one row at the most: a job whose every instant lies in one ends there.
  private static let blackoutLimit = 10_000

  private static func row(_ job: Job, _ zones: ZoneDatabase, _ query: Query) throws(ScheduleError) -> Row {
    let suspension = job.suspension.flatMap { $0.isInForce(at: query.from) ? $0 : nil }
    var row = Row(
      job: job.name, suspension: suspension, starts: job.starts.flatMap { $0 > query.from ? $0 : nil },
      expires: job.expires)
    if let suspension, suspension.until == nil {
      row.end = .suspended
      return row
    }
    let times = try DueTimes(job, agent: query.agent, zones: zones)
    // What is due at the very end of a suspension does fire.
    var at = suspension?.until.map { $0 - .microseconds(1) } ?? query.from
    var last = query.from
    var entry = Entry(due: Due(time: at, start: at, zone: .utc, trigger: ""))
    var skipped = 0
    while row.times.count < query.count {
      guard let instant = times.schedule.nextDue(after: at) else {
        row.end = .never
        return row
      }
      if let until = query.until, instant.due > until {
        row.end = .until
        return row
      }
      entry.due = times.due(instant, last: last)
      let jitter = query.agent == nil ? entry.due.jitter : .zero
      let first = times.schedule.blackout(at: instant.due)
      let latest = jitter > .zero ? times.schedule.blackout(at: instant.due + jitter - .milliseconds(1)) : first
      if let first, latest != nil {
        if entry.passed.last != first { entry.passed.append(first) }
        skipped += 1
        guard skipped < blackoutLimit else {
          row.end = .blackouts(through: instant.due)
          return row
        }
        // Right at the end it fires again, and with jitter some agents do already a little earlier.
        at = max(instant.due, first.end - jitter - .microseconds(1))
        continue
      }
      entry.partly = first ?? latest
      row.times.append(entry)
      entry.passed = []
      at = instant.due
      last = instant.nominal
    }
    return row
  }

  // MARK: For people

  func text(now: Timestamp) -> String {
    guard !rows.isEmpty else { return "There are no jobs here.\n" }
    var table = Table("JOB", "DUE", "", "STARTS", "TRIGGER", "NOTE")
    for row in rows {
      for (index, entry) in row.times.enumerated() {
        table.add(
          row.job.text, entry.due.local, Humane.relative(entry.due.start, to: now),
          entry.due.start == entry.due.time ? nil : Humane.local(entry.due.start, in: entry.due.zone),
          entry.due.trigger, notes(row, index).joined(separator: ", "))
      }
      if let (word, note) = ending(row) { table.add(row.job.text, word, nil, nil, nil, note) }
    }
    return table.text
  }

  private func notes(_ row: Row, _ index: Int) -> [String] {
    let entry = row.times[index]
    var notes: [String] = []
    if index == 0, let suspension = row.suspension { notes.append(Self.note(suspension)) }
    if index == 0, let starts = row.starts { notes.append("starts \(starts)") }
    if let blackout = entry.passed.first {
      let more = entry.passed.count > 1 ? " and \(entry.passed.count - 1) more" : ""
      notes.append("after blackout \(blackout.calendar) until \(Humane.local(blackout.end, in: entry.due.zone))\(more)")
    }
    if let note = entry.due.clockNote { notes.append(note) }
    if query.agent == nil, entry.due.jitter > .zero { notes.append("+0–\(entry.due.jitter.manifestText) by agent") }
    if let blackout = entry.partly { notes.append("not on agents that start in blackout \(blackout.calendar)") }
    return notes
  }

  /// A line of its own below the times: what there is to say of those that are not shown.
  private func ending(_ row: Row) -> (String, String?)? {
    switch row.end {
    case .count: return query.until == nil ? nil : ("and more", nil)
    case .until: return row.times.isEmpty ? ("not until then", row.suspension.map(Self.note)) : nil
    case .suspended: return ("suspended", row.suspension?.reason)
    case .blackouts(let time): return ("not until \(time)", "all in blackouts")
    case .never:
      if let expires = row.expires {
        return row.times.isEmpty ? ("never", "expired \(expires)") : ("no more", "expires \(expires)")
      }
      return row.times.isEmpty ? ("never", nil) : nil
    }
  }

  private static func note(_ suspension: Suspension) -> String {
    let until = suspension.until.map { " until \($0)" } ?? ""
    return "suspended\(until)" + (suspension.reason.map { ": \($0)" } ?? "")
  }

  // MARK: For programs

  var json: JSONValue {
    .array(
      rows.map { row in
        .members([
          "job": .string(row.job.text), "due": .array(row.times.map { json($0) }), "more": .bool(row.end == .count),
          "suspended": row.suspension.map {
            .members(["reason": $0.reason.map(JSONValue.string), "until": $0.until.map(JSONValue.timestamp)])
          },
          "starts": row.starts.map(JSONValue.timestamp), "expires": row.expires.map(JSONValue.timestamp),
        ])
      })
  }

  private func json(_ entry: Entry) -> JSONValue {
    .members([
      "time": .string(entry.due.local), "utc": .timestamp(entry.due.time), "timezone": .string(entry.due.zone.name),
      "trigger": .string(entry.due.trigger),
      "start": query.agent.map { _ in .string(Humane.local(entry.due.start, in: entry.due.zone)) },
      "jitterMs": entry.due.jitter > .zero ? .milliseconds(entry.due.jitter) : nil,
      "clock": entry.due.clockNote.map(JSONValue.string),
      "after": entry.passed.isEmpty ? nil : .array(entry.passed.map { $0.json(in: entry.due.zone) }),
      "partly": entry.partly.map { $0.json(in: entry.due.zone) },
    ])
  }
}

extension Blackout {
  /// With the offset that the zone has at the end.
  func json(in zone: TimeZoneRules) -> JSONValue {
    ["calendar": .string(calendar), "until": .string(Humane.local(end, in: zone))]
  }
}
