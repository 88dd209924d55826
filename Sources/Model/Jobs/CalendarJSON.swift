// A calendar as it stands in a bundle's job.

extension Calendar {
  public var json: JSONValue {
    ["name": .string(name), "timezone": .string(timezone), "windows": .array(windows.map(\.json))]
  }

  init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.blackout")
    self.init(
      name: try fields.string("name"), timezone: try fields.string("timezone"),
      windows: try fields.list("windows") { try Window(json: $0) })
    try fields.finish()
    if let problem = Self.problem(inName: name) { throw JSONError("job.blackout: \(problem)") }
    let recurrences = recurrences
    guard windows.count <= Self.windowLimit, recurrences.count <= Self.recurrenceLimit,
      recurrences.reduce(0, { $0 + ($1.count ?? 0) }) <= Self.countedLimit
    else {
      throw JSONError("job.blackout: too many windows")
    }
  }
}

extension Calendar.Window {
  fileprivate var json: JSONValue {
    switch self {
    case .days(let first, let last): ["firstDay": .string(first.description), "lastDay": .string(last.description)]
    case .weekly(let days, let from, let to):
      [
        "weekdays": .array(days.map { .integer(Int64($0)) }), "fromMinute": .integer(Int64(from)),
        "toMinute": .integer(Int64(to)),
      ]
    case .cron(let expression, let length): ["cron": .string(expression), "lengthMs": .milliseconds(length)]
    case .span(let from, let to): ["from": .timestamp(from), "to": .timestamp(to)]
    case .recurring(let recurrence): ["recurrence": recurrence.json]
    }
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.blackout.windows")
    if let recurrence = try fields.optional("recurrence", { try Recurrence(json: $0) }) {
      self = .recurring(recurrence)
    } else if let expression = try fields.optional("cron", \.stringValue) {
      self = .cron(expression: expression, length: try fields.required("lengthMs") { $0.windowLength(from: 1) })
    } else if json["firstDay"] != nil {
      let first = try fields.required("firstDay") { $0.stringValue.flatMap { Calendar.Day($0) } }
      let last = try fields.required("lastDay") { $0.stringValue.flatMap { Calendar.Day($0) } }
      guard first <= last else { throw JSONError("job.blackout.windows: days run backwards") }
      self = .days(first: first, last: last)
    } else if json["weekdays"] != nil {
      self = .weekly(
        days: try fields.list("weekdays") { try $0.whole(in: 0...6) },
        from: try fields.required("fromMinute") { try $0.whole(in: 0...1_439) },
        to: try fields.required("toMinute") { try $0.whole(in: 1...1_440) })
    } else {
      let (from, to) = (try fields.timestamp("from"), try fields.timestamp("to"))
      guard from < to else { throw JSONError("job.blackout.windows: a span runs backwards") }
      self = .span(from: from, to: to)
    }
    try fields.finish()
  }
}

extension Recurrence {
  fileprivate var json: JSONValue {
    .members([
      "start": .string(start.text), "timezone": .string(timezone), "days": .integer(Int64(days)),
      "lengthMs": .milliseconds(length), "frequency": .string(frequency.rawValue),
      "interval": .integer(Int64(interval)), "count": count.map { .integer(Int64($0)) },
      "until": until.map(JSONValue.timestamp), "byMonth": Self.numbers(byMonth),
      "byMonthDay": Self.numbers(byMonthDay),
      "byDay": byDay.isEmpty
        ? nil
        : .array(
          byDay.map {
            .members(["day": .integer(Int64($0.day)), "ordinal": $0.ordinal.map { .integer(Int64($0)) }])
          }),
      "weekStart": .integer(Int64(weekStart)),
      "excluded": excluded.isEmpty ? nil : .strings(excluded.map(\.text)),
    ])
  }

  private static func numbers(_ list: [Int]) -> JSONValue? {
    list.isEmpty ? nil : .array(list.map { .integer(Int64($0)) })
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.blackout.recurrence")
    self.init(
      start: try fields.required("start") { $0.stringValue.flatMap(CivilTime.init(text:)) },
      timezone: try fields.string("timezone"),
      days: try fields.required("days") { try $0.whole(in: 0...366) },
      length: try fields.required("lengthMs") { $0.windowLength(from: 0) },
      frequency: try fields.required("frequency") { $0.stringValue.flatMap(Frequency.init) },
      interval: try fields.required("interval") { try $0.whole(in: 1...Self.intervalLimit) },
      count: try fields.optional("count") { try $0.whole(in: 1...Self.countLimit) },
      until: try fields.optional("until") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } },
      byMonth: try fields.list("byMonth") { try $0.whole(in: 1...12) },
      byMonthDay: try fields.list("byMonthDay") { try $0.whole(in: -31...31, not: 0) },
      byDay: try fields.list("byDay") { value in
        var day = try JSONFields(value, "job.blackout.recurrence.byDay")
        let weekday = Weekday(
          ordinal: try day.optional("ordinal") { try $0.whole(in: -53...53, not: 0) },
          day: try day.required("day") { try $0.whole(in: 0...6) })
        try day.finish()
        return weekday
      },
      weekStart: try fields.required("weekStart") { try $0.whole(in: 0...6) },
      excluded: try fields.list("excluded") { value in
        guard let time = value.stringValue.flatMap(CivilTime.init(text:)) else {
          throw JSONError("job.blackout.recurrence.excluded: not a wall time")
        }
        return time
      })
    try fields.finish()
    guard days > 0 || length > .zero else { throw JSONError("job.blackout.recurrence: it has no length") }
    guard max(byMonth.count, byMonthDay.count, byDay.count) <= 400, excluded.count <= Self.excludedLimit else {
      throw JSONError("job.blackout.recurrence: a list is too long")
    }
  }
}

extension JSONValue {
  fileprivate func whole(in range: ClosedRange<Int>, not excluded: Int? = nil) throws(JSONError) -> Int {
    guard let number = integerValue.flatMap({ Int(exactly: $0) }), range.contains(number), number != excluded else {
      throw JSONError("'\(text.prefix(40))' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Milliseconds, at least so many and at most ``Calendar/longestWindow``.
  fileprivate func windowLength(from least: Int64) -> Duration? {
    integerValue.flatMap { $0 >= least ? .milliseconds($0) : nil }.flatMap { $0 <= Calendar.longestWindow ? $0 : nil }
  }
}

extension CivilTime {
  /// `2026-11-20T02:30:00`; unlike an instant, from year 1 on.
  fileprivate var text: String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
  }

  fileprivate init?(text: String) {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, let day = Calendar.Day(String(parts[0])),
      let time = Timestamp(rfc3339: "1970-01-01T\(parts[1])Z"), time.subsecond == 0
    else { return nil }
    self.init(secondsSinceEpoch: Int64(day.number) * 86_400 + time.seconds)
    guard self.text == text else { return nil }
  }
}
