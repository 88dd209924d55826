import Model
import Schedule
import ZoneInfo

/// Reads what one event says of its times.
struct CalendarEventReader {
  /// Of dates and of times without a zone.
  let timezone: String
  let zones: ZoneDatabase
  let sink: DiagnosticSink
  let zoneNames = CalendarZoneNames()

  /// From the start on: whole days by the calendar, and then an exact time.
  struct Extent {
    var days: Int
    var length: Duration
  }

  /// The window of an event that does not repeat; nil for none, which need not be a mistake.
  func window(_ event: RawEvent) -> Calendar.Window? {
    guard !refusesUnsupported(event), let (start, extent) = extent(of: event) else { return nil }
    if start.isDate {
      let first = Calendar.Day(number: Int(start.civil.secondsSinceEpoch / 86_400))
      let last = Calendar.Day(number: first.number + max(extent.days, 1) - 1)
      return .days(first: first, last: min(last, Calendar.Day.last))
    }
    let from = max(instant(of: start), ScheduleRange.first)
    var end = start
    end.civil = CivilTime(secondsSinceEpoch: start.civil.secondsSinceEpoch + Int64(extent.days) * 86_400)
    let to = min(instant(of: end) + extent.length, ScheduleRange.last)
    // What was over in 1970 cannot be said in a bundle, and never matters.
    return from < to ? .span(from: from, to: to) : nil
  }

  /// An event that repeats.
  struct Series {
    var recurrence: Recurrence
    /// Its starts are dates rather than times.
    var isOfDates: Bool
    var uid: String?
    var place: SourcePlace
  }

  /// The event with its rule, without what others replace.
  func series(_ event: RawEvent) -> Series? {
    guard !refusesUnsupported(event), let line = event["RRULE"], let (start, extent) = extent(of: event),
      let rule = RecurrenceRule(line, start: start, self)
    else { return nil }
    var recurrence = Recurrence(
      start: start.civil, timezone: start.timezone, days: extent.days, length: extent.length, frequency: rule.frequency)
    rule.fill(&recurrence)
    guard extent.days <= 366, extent.length <= Calendar.longestWindow else {
      sink.error(at: event.place, "an event that repeats and lasts longer than 366 days")
      return nil
    }
    guard recurrence.count == 1 || recurrence.until.map({ $0 <= instant(of: start) }) == true || recurrence.repeats
    else {
      sink.error(at: line.valuePlace, "the rule gives no day but the first", suggestion: "check BYMONTH and BYMONTHDAY")
      return nil
    }
    for line in event.all("EXDATE") {
      guard let times = times(line) else { return nil }
      guard times.allSatisfy({ $0.isDate == start.isDate }) else {
        refuse(line, ofDates: start.isDate)
        return nil
      }
      recurrence.excluded += times.compactMap { excludedTime($0, in: start.timezone) }
    }
    return Series(recurrence: recurrence, isOfDates: start.isDate, uid: event["UID"]?.value, place: event.place)
  }

  /// Reports that EXDATE or RECURRENCE-ID names a start in another form than the series has.
  func refuse(_ line: ContentLine, ofDates isOfDates: Bool) {
    sink.error(
      at: line.place,
      "\(line.name) has \(isOfDates ? "times" : "dates") where DTSTART has a \(isOfDates ? "date" : "time")",
      suggestion: "\(line.name == "EXDATE" ? "leave out" : "name") starts as DTSTART gives them")
  }

  /// The start that an event replaces.
  func replacedStart(_ line: ContentLine) -> CalendarTime? {
    if line[parameter: "RANGE"] != nil {
      sink.error(
        at: line.place, "RECURRENCE-ID with RANGE is not supported",
        suggestion: "end the rule with UNTIL and begin another")
      return nil
    }
    return time(line)
  }

  /// What would change the times and is not read.
  private func refusesUnsupported(_ event: RawEvent) -> Bool {
    var isRefused = false
    for name in ["RDATE", "EXRULE"] {
      guard let line = event[name] else { continue }
      let suggestion = name == "RDATE" ? "make each of its dates an event of its own" : "name the days in EXDATE"
      sink.error(at: line.place, "\(name) is not supported", suggestion: suggestion)
      isRefused = true
    }
    for name in ["DTSTART", "DTEND", "DURATION", "RRULE"] {
      guard let second = event.all(name).dropFirst().first else { continue }
      sink.error(at: second.place, "a second \(name) in one event")
      isRefused = true
    }
    return isRefused
  }

  /// Nil when it has none, or for a mistake.
  private func extent(of event: RawEvent) -> (start: CalendarTime, extent: Extent)? {
    guard let startLine = event["DTSTART"] else {
      sink.error(at: event.place, "the event has no DTSTART")
      return nil
    }
    guard let start = time(startLine) else { return nil }
    if let line = event["DTEND"] {
      if let other = event["DURATION"] {
        sink.error(at: other.place, "an event has DTEND or DURATION, not both")
        return nil
      }
      return time(line).flatMap { extent(from: start, to: $0) }.map { (start, $0) }
    }
    if let line = event["DURATION"] { return duration(line, start).map { (start, $0) } }
    guard !start.isDate else { return (start, Extent(days: 1, length: .zero)) }
    // RFC 5545 section 3.6.1: it ends when it begins.
    sink.warning(at: startLine.place, "the event has no length, so it is never in force", suggestion: "add a DTEND")
    return nil
  }

  private func extent(from start: CalendarTime, to end: CalendarTime) -> Extent? {
    guard start.isDate == end.isDate else {
      sink.error(at: end.place, "DTSTART is a \(start.isDate ? "date" : "time") and DTEND is none")
      return nil
    }
    if start.isDate {
      let days = Int((end.civil.secondsSinceEpoch - start.civil.secondsSinceEpoch) / 86_400)
      if days > 0 { return Extent(days: days, length: .zero) }
      sink.error(
        at: end.place, days == 0 ? "DTEND is the day of DTSTART" : "DTEND is before DTSTART",
        suggestion: "DTEND is the day after the last; leave it out for one day")
      return nil
    }
    let length = instant(of: end) - instant(of: start)
    if length > .zero { return Extent(days: 0, length: length) }
    sink.error(at: end.place, "DTEND is not later than DTSTART")
    return nil
  }

  /// RFC 5545 section 3.3.6: weeks and days are nominal, the rest is exact.
  private func duration(_ line: ContentLine, _ start: CalendarTime) -> Extent? {
    guard let extent = Self.extent(line.value), extent.days > 0 || extent.length > .zero else {
      sink.error(
        at: line.valuePlace, "DURATION wants a length such as P1D or PT1H30M, not \(Legible.quoted(line.value))")
      return nil
    }
    if start.isDate, extent.length != .zero {
      sink.error(at: line.valuePlace, "an event of whole days lasts whole days", suggestion: "such as P1D")
      return nil
    }
    return extent
  }

  /// Nil for what is none, for negative ones and for more than a hundred years.
  private static func extent(_ text: String) -> Extent? {
    var bytes = Array(text.utf8)[...]
    if bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
    guard bytes.popFirst() == UInt8(ascii: "P"), !bytes.isEmpty else { return nil }
    var extent = Extent(days: 0, length: .zero)
    var units = Array("WD".utf8)[...]
    while !bytes.isEmpty {
      if bytes.first == UInt8(ascii: "T") {
        guard units != Array("HMS".utf8)[...], bytes.count > 1 else { return nil }
        units = Array("HMS".utf8)[...]
        bytes.removeFirst()
      }
      let digits = bytes.prefix(while: isDigit)
      guard (1...9).contains(digits.count), let unit = bytes.dropFirst(digits.count).first,
        let index = units.firstIndex(of: unit)
      else { return nil }
      let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      bytes = bytes.dropFirst(digits.count + 1)
      units = units[(index + 1)...]
      switch unit {
      case UInt8(ascii: "W"): extent.days += number * 7
      case UInt8(ascii: "D"): extent.days += number
      case UInt8(ascii: "H"): extent.length += .seconds(number * 3_600)
      case UInt8(ascii: "M"): extent.length += .seconds(number * 60)
      default: extent.length += .seconds(number)
      }
    }
    return extent.days <= 36_525 && extent.length <= .seconds(36_525 * 86_400) ? extent : nil
  }
}
