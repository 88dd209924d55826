import Model
import Schedule
import ZoneInfo

/// One cron expression: what it says, and when it is due next.
struct CronReport {
  let expression: CronExpression
  let zone: TimeZoneRules
  let times: [Due]
  private let query: NextReport.Query

  /// `job` is what `H` is hashed from. Throws a ``CommandError`` that shows the place of a mistake.
  init(_ text: String, timezone: String, job: JobName?, zones: ZoneDatabase, _ query: NextReport.Query)
    throws(CommandError)
  {
    self.query = query
    let due: DueTimes
    do {
      due = try DueTimes([.cron(expression: text, timezone: timezone)], of: job, zones: zones)
      zone = try zones.zone(named: timezone)
    } catch {
      throw Self.mistake(error, in: text, job: job)
    }
    guard let expression = CronWords.expression(text, hashing: job) else {
      throw CommandError(.bad, "'\(text)' is not a cron expression")
    }
    self.expression = expression
    var times: [Due] = []
    var last = query.from
    while times.count < query.count, let next = due.schedule.next(after: last), query.until.map({ next <= $0 }) ?? true
    {
      times.append(due.due(DueInstant(next), last: last))
      last = next
    }
    self.times = times
  }

  /// The expression with a mark under the place that is wrong.
  private static func mistake(_ error: ScheduleError, in text: String, job: JobName?) -> CommandError {
    guard case .expression(let offset) = error.part, text.count <= longestShown else {
      return CommandError(.bad, error.message, hint: error.suggestion)
    }
    // `H` is all that is wrong when it can be read for some job.
    let wantsJob = job == nil && CronWords.expression(text, hashing: try? JobName("any")) != nil
    let hint = wantsJob ? "name the job: belfry next JOB --cron …" : error.suggestion
    // What a terminal would not show as one column must not move the mark.
    let shown = String(text.map { $0.isASCII && !$0.isNewline && $0 >= " " ? $0 : "?" })
    let mark = String(repeating: " ", count: min(max(0, offset), shown.count)) + "^"
    return CommandError(.bad, "\(error.message)\n  \(shown)\n  \(mark)", hint: hint)
  }

  private static let longestShown = 100

  func text(now: Timestamp) -> String {
    let title = "\(expression.text): \(expression.words), \(zone.name)\n"
    guard !times.isEmpty else {
      let until = query.until.map { " and not later than \($0)" } ?? ""
      return TerminalText.neutralised(title, keepingLines: true) + "Nothing is due after \(query.from)\(until).\n"
    }
    var table = Table("DUE", "", "DAY", "NOTE")
    for due in times {
      table.add(due.local, Humane.relative(due.time, to: now), Self.day(due), due.clockNote)
    }
    return TerminalText.neutralised(title, keepingLines: true) + "\n" + table.text
  }

  private static func day(_ due: Due) -> String {
    ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][due.zone.civil(at: due.time).weekday]
  }

  var json: JSONValue {
    .members([
      "cron": .string(expression.text), "words": .string(expression.words),
      "timezone": .string(zone.name),
      "due": .array(
        times.map { due in
          .members([
            "time": .string(due.local), "utc": .timestamp(due.time), "clock": due.clockNote.map(JSONValue.string),
          ])
        }),
    ])
  }
}
