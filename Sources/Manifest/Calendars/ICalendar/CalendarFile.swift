import Model
import ZoneInfo

/// An iCalendar file (RFC 5545) as the times at which something is.
///
/// Read are the events: DTSTART, DTEND or DURATION, RRULE, EXDATE, STATUS and RECURRENCE-ID. What they are about does
/// not matter, nor who is busy then (TRANSP), since calendars of holidays mark themselves as free time. Whatever would
/// change an event's times and is not understood is refused; all else is passed over, whatever its encoding.
struct CalendarFile {
  static let suffix = ".ics"
  /// Bytes of one file.
  static let longestFile = 1 << 20
  /// Components within each other, `VCALENDAR` included.
  static let levels = 8

  private let source: SourceText
  private let sink: DiagnosticSink
  private let reader: CalendarEventReader

  /// `timezone` is what dates and times without a zone are meant in; `zones` must know it.
  init(_ source: SourceText, timezone: String, zones: ZoneDatabase, sink: DiagnosticSink) {
    self.source = source
    self.sink = sink
    reader = CalendarEventReader(timezone: timezone, zones: zones, sink: sink)
  }

  /// In the order of the file. When something is wrong, which is reported, they are not all there.
  func windows() -> [Calendar.Window] {
    guard source.bytes.count <= Self.longestFile else {
      sink.error(
        at: SourcePlace(source, line: 0, column: 0), "the file has more than \(Self.longestFile / 1_048_576) MiB",
        suggestion: "leave out what is over, or make several files of it")
      return []
    }
    return CalendarEvents(events(), reader, sink).windows
  }

  /// The lines of each event that are of interest.
  private func events() -> [RawEvent] {
    var lines = ContentLines(source, sink)
    var open: [(name: String, place: SourcePlace)] = []
    var events: [RawEvent] = []
    var isCalendar = false
    while let line = lines.next() {
      switch line.name {
      case "BEGIN":
        let name = line.value.uppercased()
        guard begins(name, line, within: open.map(\.name), events.count) else { return [] }
        isCalendar = true
        open.append((name, line.place))
        if name == RawEvent.component { events.append(RawEvent(place: line.place)) }
      case "END":
        guard let last = open.popLast(), last.name == line.value.uppercased() else {
          sink.error(at: line.place, "\(Legible.quoted("END:" + line.value)) without its BEGIN")
          return []
        }
      default:
        guard !open.isEmpty else {
          sink.error(at: line.place, Self.wantsCalendar, suggestion: "is it an iCalendar file?")
          return []
        }
        if open.last?.name == RawEvent.component { events[events.count - 1].take(line) }
      }
    }
    if let last = open.last {
      sink.error(
        at: last.place, "\(Legible.quoted("BEGIN:" + last.name)) without its END", suggestion: "is the file cut short?")
      return []
    }
    if !isCalendar, !sink.hasErrors { sink.error(at: SourcePlace(source, line: 0, column: 0), Self.wantsCalendar) }
    return events
  }

  private static let wantsCalendar = "the file does not begin with 'BEGIN:VCALENDAR'"

  /// Whether a component may begin here; reports why not.
  private func begins(_ name: String, _ line: ContentLine, within open: [String], _ count: Int) -> Bool {
    if open.isEmpty != (name == "VCALENDAR") {
      sink.error(at: line.place, open.isEmpty ? Self.wantsCalendar : "a VCALENDAR within another component")
    } else if open.count >= Self.levels {
      sink.error(at: line.place, "more than \(Self.levels) components within each other")
    } else if name == RawEvent.component, open != ["VCALENDAR"] {
      sink.error(at: line.place, "a VEVENT within a \(Legible.text(open.last ?? ""))")
    } else if name == RawEvent.component, count >= Calendar.windowLimit {
      sink.error(
        at: line.place, "more than \(Calendar.windowLimit) events", suggestion: "leave out those that are over")
    } else {
      return true
    }
    return false
  }
}

/// A VEVENT as the lines that say when it is.
struct RawEvent {
  static let component = "VEVENT"
  var place: SourcePlace
  private(set) var lines: [ContentLine] = []

  init(place: SourcePlace) { self.place = place }

  private static let names: Set<String> = [
    "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID", "STATUS", "UID",
  ]

  mutating func take(_ line: ContentLine) { if Self.names.contains(line.name) { lines.append(line) } }

  subscript(name: String) -> ContentLine? { lines.first { $0.name == name } }
  func all(_ name: String) -> [ContentLine] { lines.filter { $0.name == name } }

  /// RFC 5545 section 3.8.1.11: it does not take place.
  var isCancelled: Bool { self["STATUS"]?.value.uppercased() == "CANCELLED" }
}
