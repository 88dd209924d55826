import Model

/// Puts the events of a file together: one that replaces a single start of another (RFC 5545 section 3.8.4.4) takes
/// that start's place.
///
/// The work is bounded by the file's length, although each of many series of one UID leaves out each start that any of
/// many events of that UID replaces.
struct CalendarEvents {
  private(set) var windows: [Calendar.Window] = []

  /// Starts that the series of one file leave out, together. More would be too much for a bundle, where each takes 22
  /// bytes of ``CalendarResolver/calendarBytes``.
  static let excludedLimit = 50_000

  /// What tells one replaced start from another.
  private struct StartKey: Hashable {
    var civil: CivilTime
    var timezone: String

    init(_ time: CalendarTime) { (civil, timezone) = (time.civil, time.timezone) }
  }

  /// The starts of one UID that events with a RECURRENCE-ID replace, each once, and at most one more than any series may
  /// leave out.
  private typealias ReplacedStarts = [StartKey: CalendarTime]

  private let reader: CalendarEventReader
  private let sink: DiagnosticSink
  private var series: [CalendarEventReader.Series] = []
  /// The UIDs of all events with a rule, also of those that are cancelled or wrong.
  private var repeating: Set<String> = []
  private var replacements: [RawEvent] = []

  init(_ events: [RawEvent], _ reader: CalendarEventReader, _ sink: DiagnosticSink) {
    (self.reader, self.sink) = (reader, sink)
    guard sort(events) else { return }
    leaveOut(replacedStarts())
  }

  /// Tells them apart; false, reported, for too many that repeat.
  private mutating func sort(_ events: [RawEvent]) -> Bool {
    for event in events {
      if event["RECURRENCE-ID"] != nil {
        replacements.append(event)
        continue
      }
      let isRepeating = event["RRULE"] != nil
      if isRepeating, let uid = event["UID"] { repeating.insert(uid.value) }
      if event.isCancelled { continue }
      guard isRepeating else {
        if let window = reader.window(event) { windows.append(window) }
        continue
      }
      guard series.count < Calendar.recurrenceLimit else {
        sink.error(
          at: event.place, "more than \(Calendar.recurrenceLimit) events that repeat",
          suggestion: "leave out those that are over")
        return false
      }
      if let one = reader.series(event) { series.append(one) }
    }
    return true
  }

  /// By UID. What takes their place becomes a window.
  private mutating func replacedStarts() -> [String: ReplacedStarts] {
    var starts: [String: ReplacedStarts] = [:]
    /// Of each UID, whether its series have dates or times, which is one thing as a rule.
    var forms: [String: Set<Bool>] = [:]
    for one in series { if let uid = one.uid { forms[uid, default: []].insert(one.isOfDates) } }
    for event in replacements {
      guard let line = event["RECURRENCE-ID"], let time = reader.replacedStart(line) else { continue }
      if let uid = event["UID"]?.value, repeating.contains(uid) {
        if let form = forms[uid]?.first(where: { $0 != time.isDate }) {
          reader.refuse(line, ofDates: form)
          continue
        }
        if starts[uid]?.count ?? 0 <= Recurrence.excludedLimit { starts[uid, default: [:]][StartKey(time)] = time }
      } else {
        sink.warning(
          at: line.place, "no event that repeats has the UID of this RECURRENCE-ID",
          suggestion: "is the event with the RRULE in another file?")
      }
      if !event.isCancelled, let window = reader.window(event) { windows.append(window) }
    }
    return starts
  }

  private mutating func leaveOut(_ replaced: [String: ReplacedStarts]) {
    var total = 0
    for one in series {
      var recurrence = one.recurrence
      var excluded = Set(recurrence.excluded)
      for time in (one.uid.flatMap { replaced[$0] } ?? [:]).values {
        if let start = reader.excludedTime(time, in: recurrence.timezone) { excluded.insert(start) }
      }
      if excluded.count > Recurrence.excludedLimit {
        sink.error(at: one.place, "an event leaves out more than \(Recurrence.excludedLimit) of its starts")
      }
      total += excluded.count
      guard total <= Self.excludedLimit else {
        sink.error(at: one.place, "the events of the file leave out more than \(Self.excludedLimit) starts together")
        return
      }
      recurrence.excluded = excluded.sorted()
      windows.append(.recurring(recurrence))
    }
  }
}
