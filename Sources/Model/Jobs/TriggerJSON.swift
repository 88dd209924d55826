// Triggers, and what goes with them, as they stand in a bundle's job.

extension Trigger {
  public var json: JSONValue {
    switch self {
    case .cron(let expression, let timezone, let change, let jitter):
      .members([
        "cron": .string(expression), "timezone": .string(timezone),
        "gap": change.gap == .after ? nil : .string(change.gap.rawValue),
        "repeat": change.repeat == .first ? nil : .string(change.repeat.rawValue),
        "jitterMs": jitter == .zero ? nil : .milliseconds(jitter),
      ])
    case .every(let interval, let from, let jitter):
      .members([
        "everyMs": .milliseconds(interval), "from": from.map(JSONValue.timestamp),
        "jitterMs": jitter == .zero ? nil : .milliseconds(jitter),
      ])
    case .at(let time): ["at": .timestamp(time)]
    }
  }

  init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.triggers")
    if let expression = try fields.optional("cron", \.stringValue) {
      self = .cron(
        expression: expression, timezone: try fields.string("timezone"),
        clockChange: ClockChange(
          gap: try fields.optional("gap") { $0.stringValue.flatMap(ClockChange.Gap.init) } ?? .after,
          repeat: try fields.optional("repeat") { $0.stringValue.flatMap(ClockChange.Repeat.init) } ?? .first),
        jitter: try Self.jitter(&fields))
    } else if json["everyMs"] != nil {
      self = .every(
        try fields.milliseconds("everyMs"),
        from: try fields.optional("from") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } },
        jitter: try Self.jitter(&fields))
    } else {
      self = .at(try fields.timestamp("at"))
    }
    try fields.finish()
  }

  private static func jitter(_ fields: inout JSONFields) throws(JSONError) -> Duration {
    try fields.optional("jitterMs") { $0.integerValue.flatMap { $0 > 0 ? .milliseconds($0) : nil } } ?? .zero
  }
}

extension Missed {
  /// `"latest"`, `"skip"`, or `{"all": limit}`.
  var json: JSONValue {
    switch self {
    case .latest: "latest"
    case .skip: "skip"
    case .all(let limit): ["all": .integer(Int64(limit))]
    }
  }

  init?(json: JSONValue) {
    switch json.stringValue {
    case "latest": self = .latest
    case "skip": self = .skip
    default:
      guard case .object(let members) = json, members.count == 1, let limit = json["all"]?.integerValue,
        let limit = Int(exactly: limit), Self.limits.contains(limit)
      else { return nil }
      self = .all(limit: limit)
    }
  }
}

extension Overlap {
  /// `"skip"`, `"allow"`, `"replace"`, or `{"queue": depth}`.
  var json: JSONValue {
    switch self {
    case .skip: "skip"
    case .allow: "allow"
    case .replace: "replace"
    case .queue(let depth): ["queue": .integer(Int64(depth))]
    }
  }

  init?(json: JSONValue) {
    switch json.stringValue {
    case "skip": self = .skip
    case "allow": self = .allow
    case "replace": self = .replace
    default:
      guard case .object(let members) = json, members.count == 1, let depth = json["queue"]?.integerValue,
        let depth = Int(exactly: depth), Self.depths.contains(depth)
      else { return nil }
      self = .queue(depth: depth)
    }
  }
}
