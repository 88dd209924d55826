import Model

/// One of `calendars` of `belfry.yaml`, before its iCalendar files are read.
struct CalendarDefinition: Sendable {
  var name: String
  /// Of its key.
  var place: SourcePlace
  var timezone: String
  /// Those that `belfry.yaml` itself lists.
  var windows: [Calendar.Window]
  var files: [(path: String, place: SourcePlace)]
  /// It has a mistake, which was reported.
  var isBroken: Bool
}

/// All of `calendars` of `belfry.yaml`.
struct CalendarDefinitions: Sendable {
  /// In the order of the file.
  var list: [CalendarDefinition] = []
  /// Which calendars there are is not known, which was reported.
  var isBroken = false
  /// What is wrong with them. It makes the jobs that name them broken and leaves all others alone.
  var diagnostics: [Diagnostic] = []

  /// The paths of all iCalendar files.
  var paths: Set<String> { Set(list.flatMap { $0.files.map(\.path) }) }

  /// The first reading of `belfry.yaml` may have been refused as a whole: nothing is known then.
  static let unknown = CalendarDefinitions(isBroken: true)
}

/// The name of a calendar, where a job's `blackout` or a default gives it.
struct CalendarClaim: Sendable {
  var name: String
  var place: SourcePlace
}
