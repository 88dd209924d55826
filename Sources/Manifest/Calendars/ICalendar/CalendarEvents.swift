import Model

/// Puts the events of a file together: one that replaces a single start of another (RFC 5545 section 3.8.4.4) takes
/// that start's place.
struct CalendarEvents {
  private(set) var windows: [Calendar.Window] = []

  init(_ events: [RawEvent], _ reader: CalendarEventReader, _ sink: DiagnosticSink) {
    var singles: [RawEvent] = []
    var masters: [(uid: String?, recurrence: Recurrence)] = []
    var replacements: [RawEvent] = []
    for event in events {
      if event["RECURRENCE-ID"] != nil {
        replacements.append(event)
      } else if event.isCancelled {
        continue
      } else if event["RRULE"] != nil {
        if let recurrence = reader.recurrence(event) { masters.append((event["UID"]?.value, recurrence)) }
      } else {
        singles.append(event)
      }
    }
    windows = singles.compactMap(reader.window)
    var byID: [String: [Int]] = [:]
    for (index, master) in masters.enumerated() { if let uid = master.uid { byID[uid, default: []].append(index) } }
    for event in replacements {
      guard let line = event["RECURRENCE-ID"], let time = reader.replacedStart(line) else { continue }
      for index in event["UID"].flatMap({ byID[$0.value] }) ?? [] {
        masters[index].recurrence.excluded.append(reader.wallTime(time, in: masters[index].recurrence.timezone))
      }
      if !event.isCancelled, let window = reader.window(event) { windows.append(window) }
    }
    for (_, var recurrence) in masters {
      recurrence.excluded = Array(Set(recurrence.excluded)).sorted()
      if recurrence.excluded.count > Recurrence.excludedLimit, let place = events.first?.place {
        sink.error(
          at: place, "an event of the file leaves out more than \(Recurrence.excludedLimit) of its starts")
      }
      windows.append(.recurring(recurrence))
    }
  }
}
