import Model
import ZoneInfo

/// The calendars of one commit, complete, and what is wrong with them.
final class ResolvedCalendars: Sendable {
  enum Outcome: Sendable {
    /// With about so many bytes in a bundle.
    case good(Calendar, bytes: Int)
    /// For a reason that was reported.
    case broken
  }

  /// One calendar, and what it was made from.
  struct Entry: Sendable {
    var files: [SourceText]
    var outcome: Outcome
    var diagnostics: [Diagnostic]
  }

  /// `belfry.yaml`, whose identity says whether ``entries`` can be used again.
  let root: SourceText?
  let entries: [String: Entry]
  /// Which calendars there are is not known.
  let isBroken: Bool

  init(root: SourceText?, entries: [String: Entry], isBroken: Bool) {
    self.root = root
    self.entries = entries
    self.isBroken = isBroken
  }

  subscript(name: String) -> Outcome? { entries[name]?.outcome ?? (isBroken ? .broken : nil) }
}

/// Puts calendars and their iCalendar files together.
struct CalendarResolver {
  let zones: ZoneDatabase
  let root: SourceText?
  let previous: ResolvedCalendars?

  /// Bytes of a calendar, and of all calendars of a job, in a bundle, which has at most 4 MiB.
  static let calendarBytes = 1 << 20
  static let jobBytes = 2 << 20

  /// `files` are those that the commit has, by path. Reports files that are not there to the resolver.
  func resolve(
    _ definitions: CalendarDefinitions, files: [String: ParsedFile], _ resolver: inout FileResolver
  ) -> ResolvedCalendars {
    var entries: [String: ResolvedCalendars.Entry] = [:]
    for definition in definitions.list {
      entries[definition.name] = entry(definition, files, &resolver)
    }
    return ResolvedCalendars(root: root, entries: entries, isBroken: definitions.isBroken)
  }

  private func entry(
    _ definition: CalendarDefinition, _ files: [String: ParsedFile], _ resolver: inout FileResolver
  ) -> ResolvedCalendars.Entry {
    var sources: [SourceText] = []
    let sink = DiagnosticSink()
    var isBroken = definition.isBroken
    for (path, place) in definition.files {
      if !resolver.hasFile(path, what: "calendar", at: place) {
        isBroken = true
      } else if let file = files[path] {
        sources.append(file.source)
        if !file.diagnostics.isEmpty {
          sink.take(file.diagnostics)
          isBroken = true
        }
      } else {
        sink.error(at: place, "the calendar \(Legible.quoted(path)) could not be read")
        isBroken = true
      }
    }
    guard !isBroken else { return .init(files: sources, outcome: .broken, diagnostics: sink.diagnostics) }
    let known = previous?.entries[definition.name]
    if let known, let root, previous?.root === root, known.files.elementsEqual(sources, by: { $0 === $1 }) {
      return known
    }
    return make(definition, sources, known)
  }

  private func make(
    _ definition: CalendarDefinition, _ sources: [SourceText], _ known: ResolvedCalendars.Entry?
  ) -> ResolvedCalendars.Entry {
    let sink = DiagnosticSink()
    var windows = CalendarWindows()
    windows.add(definition.windows)
    for source in sources {
      windows.add(CalendarFile(source, timezone: definition.timezone, zones: zones, sink: sink).windows())
    }
    var calendar = Calendar(name: definition.name, timezone: definition.timezone, windows: windows.all)
    // The same times keep the same storage, so that comparing the bundles of ten thousand jobs stays cheap.
    if case .good(let before, _)? = known?.outcome, before == calendar { calendar = before }
    let bytes = sink.hasErrors ? 0 : size(of: calendar, at: definition.place, sink)
    return .init(
      files: sources, outcome: sink.hasErrors ? .broken : .good(calendar, bytes: bytes), diagnostics: sink.diagnostics)
  }

  /// Reports what is too much.
  private func size(of calendar: Calendar, at place: SourcePlace, _ sink: DiagnosticSink) -> Int {
    let name = Legible.quoted(calendar.name)
    let recurring = calendar.recurrences.count
    let counted = calendar.recurrences.reduce(0) { $0 + ($1.count ?? 0) }
    if calendar.windows.count > Calendar.windowLimit {
      sink.error(
        at: place, "the calendar \(name) has \(calendar.windows.count) times, more than \(Calendar.windowLimit)")
    } else if recurring > Calendar.recurrenceLimit {
      sink.error(
        at: place, "the calendar \(name) has \(recurring) events that repeat, more than \(Calendar.recurrenceLimit)")
    } else if counted > Calendar.countedLimit {
      sink.error(
        at: place,
        "the events of the calendar \(name) have a COUNT of \(counted) together, more than \(Calendar.countedLimit)",
        suggestion: "end them with UNTIL")
    } else {
      let bytes = calendar.json.bytes.count
      if bytes > Self.calendarBytes {
        sink.error(
          at: place, "the calendar \(name) has \(bytes) bytes, more than \(Self.calendarBytes / 1_048_576) MiB",
          suggestion: "leave out what is over, or make two of it")
      }
      return bytes
    }
    return 0
  }
}

extension ResolvedCalendars {
  /// The calendars that a job names; nil when one cannot be used, which is reported to `sink` unless it was already.
  func calendars(_ claims: [CalendarClaim], _ sink: DiagnosticSink) -> [Calendar]? {
    var calendars: [Calendar] = []
    var (total, isGood) = (0, true)
    for claim in claims {
      switch self[claim.name] {
      case .good(let calendar, let bytes):
        calendars.append(calendar)
        total += bytes
      case .broken: isGood = false
      case nil:
        Self.reportUnknown(claim, among: entries.keys.sorted(), sink)
        isGood = false
      }
    }
    if total > CalendarResolver.jobBytes, let first = claims.first {
      sink.error(
        at: first.place, "the job's calendars have more than \(CalendarResolver.jobBytes / 1_048_576) MiB together")
      isGood = false
    }
    return isGood ? calendars : nil
  }

  static func reportUnknown(_ claim: CalendarClaim, among names: [String], _ sink: DiagnosticSink) {
    let near = Suggestion.nearest(to: claim.name, among: names)
    sink.error(
      at: claim.place, "there is no calendar \(Legible.quoted(claim.name)) in belfry.yaml",
      suggestion: near.map { "did you mean '\($0)'?" }
        ?? (names.isEmpty ? "belfry.yaml has no 'calendars' yet" : nil))
  }
}
