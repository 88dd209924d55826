import Model
import Schedule
import ZoneInfo

// The triggers of a job.

extension JobReader {
  /// Intervals of `every`. The longest is a year: beyond it, a date is meant.
  private static let intervals: ClosedRange<Duration> = .seconds(1) ... .seconds(366 * 86_400)
  private static let jitters: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)

  /// At least one, or nil.
  func triggers(_ fields: inout FieldReader) -> [Trigger]? {
    guard let value = take("triggers", &fields) else { return nil }
    if value.node.entries != nil {
      value.fail("'triggers' wants a list, not a mapping", suggestion: "put '- ' before the trigger")
      return nil
    }
    if let scalar = value.node.scalar, scalar.resolved != .null {
      value.wants("a list of triggers", suggestion: triggerSuggestion(value.node))
      return nil
    }
    return value.list(count: 1...100, of: "triggers", trigger)
  }

  private func trigger(_ value: ValueReader) -> Trigger? {
    guard let kinds = value.node.entries?.map(\.key).filter({ ["cron", "every", "at"].contains($0) }) else {
      value.fail("a trigger is a mapping, not \(value.node.summary)", suggestion: triggerSuggestion(value.node))
      return nil
    }
    guard kinds.count <= 1 else {
      value.fail(
        "one trigger cannot have both '\(kinds[0])' and '\(kinds[1])'", suggestion: "make it two: each begins with '- '"
      )
      return nil
    }
    return switch kinds.first {
    case "cron": cron(value)
    case "every": every(value)
    case "at": at(value)
    default: otherTrigger(value)
    }
  }

  private func triggerSuggestion(_ node: YAMLNode) -> String? {
    guard let text = node.scalar?.text else { return nil }
    if (try? CronExpression(text, hashing: "any")) != nil { return "write '- cron: \"\(Legible.text(text))\"'" }
    if Duration(manifest: text) != nil { return "write '- every: \(text)'" }
    return "such as '- every: 10m'"
  }

  private func cron(_ value: ValueReader) -> Trigger? {
    guard var fields = value.fields(JobFields.cron) else { return nil }
    let expression = fields.take("cron").flatMap(expression)
    let timezone = fields.take("timezone").map(timezone) ?? "UTC"
    let dst = fields.take("dst")
    let change = dst.map(clockChange) ?? ClockChange()
    let jitter = fields.take("jitter")?.duration(in: Self.jitters)
    fields.finish()
    guard let expression, let timezone else { return nil }
    if let dst { warnIfIdle(dst, expression, in: timezone) }
    return .cron(expression: expression.text, timezone: timezone, clockChange: change, jitter: jitter ?? .zero)
  }

  /// A mistake in it is reported and gives the default.
  private func clockChange(_ value: ValueReader) -> ClockChange {
    if let text = value.node.scalar?.text {
      let key =
        ClockChange.Gap(rawValue: text) != nil ? "gap" : ClockChange.Repeat(rawValue: text).map { _ in "repeat" }
      value.wants("a mapping of gap and repeat", suggestion: key.map { "write {\($0): \(text)}" })
      return ClockChange()
    }
    if value.node.entries?.isEmpty == true { value.wants("a mapping of gap and repeat") }
    guard var fields = value.fields(JobFields.dst) else { return ClockChange() }
    let gap = fields.take("gap")?.choice(
      ["after": ClockChange.Gap.after, "skip": .skip],
      foreign: ["run": "after", "forward": "after", "none": "skip", "never": "skip"])
    let again = fields.take("repeat")?.choice(
      ["first": ClockChange.Repeat.first, "second": .second, "both": .both],
      foreign: ["once": "first", "earlier": "first", "last": "second", "later": "second", "twice": "both"])
    fields.finish()
    return ClockChange(gap: gap ?? .after, repeat: again ?? .first)
  }

  /// Says when `dst` has nothing to decide about.
  private func warnIfIdle(_ dst: ValueReader, _ expression: CronExpression, in timezone: String) {
    if expression.isEveryMinuteOrHour {
      sink.warning(
        at: dst.keyPlace, "'dst' changes nothing here: a pattern of every minute or every hour follows real time",
        suggestion: "leave it out")
    } else if (try? zones.zone(named: timezone)) == .utc {
      sink.warning(
        at: dst.keyPlace, "'dst' changes nothing here: the clock of UTC never changes",
        suggestion: "name a 'timezone', or leave it out")
    }
  }

  private func expression(_ value: ValueReader) -> CronExpression? {
    guard let text = value.string(bytes: 1...CronExpression.longestText) else { return nil }
    do {
      return try CronExpression(text, hashing: "any")
    } catch {
      sink.error(
        at: value.node.place(ofCharacter: error.offset), Legible.text(error.message),
        suggestion: error.suggestion.map { Legible.text($0) })
      return nil
    }
  }

  private func timezone(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...200) else { return nil }
    do {
      _ = try zones.zone(named: text)
      return text
    } catch {
      value.fail(Legible.text(error.message), suggestion: error.suggestion.map { Legible.text($0) })
      return nil
    }
  }

  private func every(_ value: ValueReader) -> Trigger? {
    guard var fields = value.fields(JobFields.every) else { return nil }
    let interval = fields.take("every")?.duration(in: Self.intervals)
    let from = fields.take("from").flatMap(instant)
    let spread = fields.take("jitter")
    let jitter = spread?.duration(in: Self.jitters)
    fields.finish()
    if let interval, let jitter, jitter >= interval {
      // Else an occurrence could start after the next one.
      spread?.fail(
        "'jitter' (\(jitter.manifestText)) is not less than the interval (\(interval.manifestText))")
    }
    return interval.map { .every($0, from: from, jitter: jitter ?? .zero) }
  }

  private func at(_ value: ValueReader) -> Trigger? {
    guard var fields = value.fields(JobFields.at) else { return nil }
    let time = fields.take("at").flatMap(instant)
    if let jitter = fields.take("jitter") {
      sink.error(
        at: jitter.keyPlace, "'jitter' does not go with 'at', which names the very instant for all agents",
        suggestion: "leave it out")
    }
    fields.finish()
    return time.map(Trigger.at)
  }

  /// An instant that a schedule can speak of: all that there is, but for the fraction after the last second.
  private func instant(_ value: ValueReader) -> Timestamp? {
    guard let time = value.timestamp() else { return nil }
    guard time <= ScheduleRange.last else {
      value.fail("'\(value.name)' is later than \(ScheduleRange.last)")
      return nil
    }
    return time
  }

  /// Always nil: reports the kinds that this version does not fire, unknown keys, or that there is no kind.
  private func otherTrigger(_ value: ValueReader) -> Trigger? {
    guard var fields = value.fields(JobFields.otherTrigger) else { return nil }
    let companions = ["timezone", "dst", "from", "jitter"]
    for key in companions { _ = fields.take(key) }
    if value.node.entries?.allSatisfy({ companions.contains($0.key) }) == true {
      value.fail("a trigger needs 'cron', 'every' or 'at'")
    }
    fields.finish()
    return nil
  }
}

extension YAMLNode {
  /// The place of a character of a scalar's text, where the text stands in the file as it is; else the place where
  /// the scalar begins (a block, several lines, escapes).
  func place(ofCharacter offset: Int) -> SourcePlace {
    guard let scalar, scalar.style != .block, offset > 0, let line = place.source.line(place.line) else { return place }
    let start = place.column - 1 + (scalar.style == .quoted ? 1 : 0)
    let shown = String(decoding: line, as: UTF8.self).unicodeScalars.dropFirst(start)
    guard shown.starts(with: scalar.text.unicodeScalars) else { return place }
    return SourcePlace(place.source, line: place.line, column: start + 1 + offset)
  }
}
