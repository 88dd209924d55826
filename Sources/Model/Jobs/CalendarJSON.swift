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
    guard windows.count <= Self.windowLimit else { throw JSONError("job.blackout: too many windows") }
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
      self = .cron(expression: expression, length: try fields.milliseconds("lengthMs"))
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
      length: try fields.milliseconds("lengthMs"),
      frequency: try fields.required("frequency") { $0.stringValue.flatMap(Frequency.init) },
      interval: try fields.required("interval") { try $0.whole(in: 1...10_000) },
      count: try fields.optional("count") { try $0.whole(in: 1...1_000_000) },
      until: try fields.optional("until") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } },
      byMonth: try fields.list("byMonth") { try $0.whole(in: 1...12) },
      byMonthDay: try fields.list("byMonthDay") { try $0.whole(in: -31...31) },
      byDay: try fields.list("byDay") { value in
        var day = try JSONFields(value, "job.blackout.recurrence.byDay")
        let weekday = Weekday(
          ordinal: try day.optional("ordinal") { try $0.whole(in: -53...53) },
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
  }
}

extension JSONValue {
  fileprivate func whole(in range: ClosedRange<Int>) throws(JSONError) -> Int {
    guard let number = integerValue.flatMap({ Int(exactly: $0) }), range.contains(number) else {
      throw JSONError("'\(text.prefix(40))' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

extension CivilTime {
  /// `2026-11-20T02:30:00`.
  fileprivate var text: String { String(Timestamp(seconds: secondsSinceEpoch).description.dropLast()) }

  fileprivate init?(text: String) {
    guard let time = Timestamp(rfc3339: text + "Z"), time.microseconds % 1_000_000 == 0 else { return nil }
    self.init(secondsSinceEpoch: time.seconds)
  }
}
