import Model
import Schedule
import ZoneInfo

/// A DATE or DATE-TIME of an iCalendar file (RFC 5545 sections 3.3.4 and 3.3.5).
struct CalendarTime {
  /// Midnight for a date.
  var civil: CivilTime
  var isDate: Bool
  /// An IANA name.
  var timezone: String
  var place: SourcePlace
}

extension CalendarEventReader {
  /// The one time that a property has.
  func time(_ line: ContentLine) -> CalendarTime? {
    guard let zone = zone(of: line) else { return nil }
    return time(line.value, line, at: 0, zone)
  }

  /// The times that a property lists.
  func times(_ line: ContentLine) -> [CalendarTime]? {
    guard let zone = zone(of: line) else { return nil }
    var offset = 0
    var times: [CalendarTime] = []
    for text in line.value.split(separator: ",", omittingEmptySubsequences: false) {
      guard let time = time(String(text), line, at: offset, zone) else { return nil }
      times.append(time)
      offset += text.utf8.count + 1
    }
    return times
  }

  private func time(_ text: String, _ line: ContentLine, at offset: Int, _ zone: String) -> CalendarTime? {
    let place = line.place(ofValueAt: offset)
    guard let (civil, isDate, isUTC) = Self.parse(text) else {
      sink.error(
        at: place,
        "\(line.name) wants a date such as 20261224 or a time such as 20261224T120000, not \(Legible.quoted(text))")
      return nil
    }
    let form = line[parameter: "VALUE"]?.uppercased() ?? (isDate ? "DATE" : "DATE-TIME")
    guard form == "DATE" || form == "DATE-TIME" else {
      sink.error(at: line.place, "\(line.name) with VALUE=\(Legible.text(String(form.prefix(40)))) is not supported")
      return nil
    }
    guard isDate == (form == "DATE") else {
      sink.error(
        at: place, "\(line.name) is said to be a \(form) and is none",
        suggestion: isDate ? "write ';VALUE=DATE' after \(line.name)" : "leave the time of day out")
      return nil
    }
    return CalendarTime(civil: civil, isDate: isDate, timezone: isUTC ? "UTC" : zone, place: place)
  }

  /// A time within another value, `UNTIL` for instance; nil, not reported, when it is none.
  func time(_ text: String, at place: SourcePlace, in zone: String) -> CalendarTime? {
    guard let (civil, isDate, isUTC) = Self.parse(text) else { return nil }
    return CalendarTime(civil: civil, isDate: isDate, timezone: isUTC ? "UTC" : zone, place: place)
  }

  /// `YYYYMMDD`, with `THHMMSS` and `Z` where they are there. A leap second is the second before it.
  private static func parse(_ text: String) -> (civil: CivilTime, isDate: Bool, isUTC: Bool)? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int? {
      bytes[range].allSatisfy(isDigit) ? bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } : nil
    }
    guard bytes.count >= 8, let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
      Calendar.Day(year: year, month: month, day: day) != nil
    else { return nil }
    let date = CivilTime(year: year, month: month, day: day)
    if bytes.count == 8 { return (date, true, false) }
    let isUTC = bytes.count == 16 && bytes[15] == UInt8(ascii: "Z")
    guard bytes.count == 15 || isUTC, bytes[8] == UInt8(ascii: "T"), let hour = number(9..<11),
      let minute = number(11..<13), let second = number(13..<15), hour < 24, minute < 60, second <= 60
    else { return nil }
    var time = date
    (time.hour, time.minute, time.second) = (hour, minute, min(second, 59))
    return (time, false, isUTC)
  }

  /// The zone of a property's times that do not end in `Z`; nil, reported, when it is not known.
  private func zone(of line: ContentLine) -> String? {
    guard let parameter = line.parameters.first(where: { $0.name == "TZID" }) else { return timezone }
    switch zoneNames.meaning(of: parameter.value, in: zones) {
    case .zone(let name): return name
    case .unknown(let suggestion):
      sink.error(
        at: parameter.place, "TZID \(Legible.quoted(parameter.value)) is no IANA time zone",
        suggestion: suggestion.map { Legible.text($0) } ?? "want a name such as 'Europe/Berlin'")
    case .tooMany:
      sink.error(
        at: parameter.place, "more than \(CalendarZoneNames.unknownLimit) unknown time zones: others are not looked for"
      )
    }
    return nil
  }

  /// Right for a zone that ``zone(of:)`` gave, and for the calendar's own.
  func instant(of time: CalendarTime) -> Timestamp {
    let rules = try? zones.zone(named: time.timezone)
    return rules?.instant(ofEvent: time.civil) ?? Timestamp(seconds: time.civil.secondsSinceEpoch)
  }

  /// The same instant on the clock of another zone; a date stays the date.
  func wallTime(_ time: CalendarTime, in timezone: String) -> CivilTime {
    guard !time.isDate, time.timezone != timezone, let rules = try? zones.zone(named: timezone) else {
      return time.civil
    }
    return rules.civil(at: instant(of: time))
  }

  /// A start that is left out, as a bundle can say it: nil where the other zone's clock shows a year before 1 or after
  /// 9999, in which no start lies.
  func excludedTime(_ time: CalendarTime, in timezone: String) -> CivilTime? {
    let civil = wallTime(time, in: timezone)
    return (1...9_999).contains(civil.year) ? civil : nil
  }
}
