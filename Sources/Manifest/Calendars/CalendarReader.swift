import Model
import Schedule
import ZoneInfo

/// Reads `calendars` of `belfry.yaml`.
struct CalendarReader {
  let sink: DiagnosticSink
  let zones: ZoneDatabase

  func read(_ value: ValueReader) -> CalendarDefinitions {
    let value = ValueReader(value.node, named: value.name, key: value.keyPlace, sink)
    guard let entries = value.entries(count: 1...1_000, of: "calendars") else {
      return CalendarDefinitions(isBroken: true, diagnostics: sink.diagnostics)
    }
    let list = entries.map(calendar)
    return CalendarDefinitions(list: list, diagnostics: sink.diagnostics)
  }

  private func calendar(_ entry: ValueReader) -> CalendarDefinition {
    let own = DiagnosticSink()
    let reader = CalendarReader(sink: own, zones: zones)
    var definition = CalendarDefinition(
      name: entry.name, place: entry.keyPlace, timezone: "UTC", windows: [], files: [], isBroken: false)
    if let problem = Calendar.problem(inName: entry.name) {
      own.error(at: entry.keyPlace, Legible.text(problem), suggestion: "such as 'public-holidays'")
    }
    reader.fill(&definition, from: ValueReader(entry.node, named: entry.name, key: entry.keyPlace, own))
    definition.isBroken = own.hasErrors
    sink.take(own)
    return definition
  }

  private func fill(_ definition: inout CalendarDefinition, from value: ValueReader) {
    guard let fields = value.fields(JobFields.calendar) else { return }
    var reader = fields
    if let timezone = reader.take("timezone").flatMap(timezone) { definition.timezone = timezone }
    var windows = CalendarWindows()
    let kinds = JobFields.calendar.fields.map(\.name).filter { $0 != "timezone" }
    for kind in kinds {
      guard let list = reader.take(kind) else { continue }
      switch kind {
      case "dates": windows.add(list.list(count: 1...Calendar.windowLimit, of: "dates", days) ?? [])
      case "weekly": windows.add(list.list(count: 1...1_000, of: "weekly windows", weekly) ?? [])
      case "cron": windows.add(list.list(count: 1...100, of: "cron windows", cron) ?? [])
      case "spans": windows.add(list.list(count: 1...Calendar.windowLimit, of: "spans", span) ?? [])
      default: definition.files = files(list)
      }
    }
    reader.finish()
    definition.windows = windows.all
    if value.node.entries?.contains(where: { kinds.contains($0.key) }) == false {
      value.sink.error(
        at: value.keyPlace, "the calendar \(Legible.quoted(value.name)) has no times",
        suggestion: "give it \(ValueReader.list(kinds))")
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

  private func files(_ value: ValueReader) -> [(path: String, place: SourcePlace)] {
    if value.node.scalar != nil { return file(value).map { [$0] } ?? [] }
    return value.list(count: 1...100, of: "paths", file) ?? []
  }

  private func file(_ value: ValueReader) -> (path: String, place: SourcePlace)? {
    guard let path = value.string(bytes: 1...4_096) else { return nil }
    if let problem = RepositoryPath.problem(in: path) {
      value.fail("\(Legible.quoted(path)): \(problem)")
      return nil
    }
    guard path.hasSuffix(CalendarFile.suffix) else {
      value.fail("\(Legible.quoted(path)) does not end in '\(CalendarFile.suffix)'", suggestion: "name the file so")
      return nil
    }
    return (path, value.node.place)
  }
}
