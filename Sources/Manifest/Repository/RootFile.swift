import Model
import ZoneInfo

/// `belfry.yaml`, understood.
struct RootFile: Sendable {
  /// Which files hold jobs.
  var patterns: [Glob]
  var defaults: YAMLNode?
  var calendars = CalendarDefinitions.unknown
  /// False when which files hold jobs is not known for certain.
  var isUsable: Bool
  var diagnostics: [Diagnostic]

  /// The file's name, at the repository's root.
  static let path = "belfry.yaml"
  /// The name of a folder's defaults.
  static let defaultsName = "defaults.yaml"

  init(_ file: ParsedFile?, zones: ZoneDatabase) {
    patterns = Self.standardPatterns
    isUsable = false
    diagnostics =
      file?.diagnostics ?? [
        Diagnostic(
          file: Self.path, message: "the repository has no belfry.yaml",
          suggestion: "'belfry init' makes one; the least is the line 'belfry: 1'")
      ]
    guard let file else { return }
    let sink = DiagnosticSink()
    if let document = file.onlyDocument(sink), var fields = FieldReader(document, JobFields.root, sink) {
      if let value = fields.require("belfry"), value.node.scalar?.resolved != .integer(1) {
        value.wants("1, the version of the format that this program reads")
      }
      if let jobs = fields.take("jobs") {
        patterns = jobs.list(count: 1...100, of: "patterns", Self.pattern) ?? patterns
      }
      // A sink of its own: a mistake in a calendar leaves jobs alone that do not name it.
      let calendars = fields.take("calendars")
        .map { CalendarReader(sink: DiagnosticSink(), zones: zones).read($0) }
      self.calendars = calendars ?? CalendarDefinitions()
      let defaults = fields.take("defaults")
      fields.finish()
      isUsable = !sink.hasErrors
      self.defaults = defaults.flatMap { checkedDefaults($0, sink, zones) }
    }
    diagnostics += sink.diagnostics + calendars.diagnostics
  }

  private static let standardPatterns = [try? Glob("jobs/**/*.yaml")].compactMap { $0 }

  private static func pattern(_ value: ValueReader) -> Glob? {
    guard let text = value.string(bytes: 1...4_096) else { return nil }
    do {
      return try Glob(text)
    } catch {
      value.fail(error.message, suggestion: error.suggestion)
      return nil
    }
  }

  /// Reads the defaults as a job of which nothing is required, so that a mistake in them shows even without any job.
  private func checkedDefaults(_ value: ValueReader, _ sink: DiagnosticSink, _ zones: ZoneDatabase) -> YAMLNode? {
    guard value.node.entries != nil else {
      value.wants("a mapping of a job's keys")
      return nil
    }
    let draft = JobReader(sink: sink, zones: zones, isDefaults: true).read(value.node)
    let names = calendars.list.map(\.name)
    for claim in draft.needs.blackout where !calendars.isBroken && !names.contains(claim.name) {
      ResolvedCalendars.reportUnknown(claim, among: names.sorted(), sink)
    }
    return value.node
  }

  /// Whether the file holds jobs.
  func isJobFile(_ path: String) -> Bool {
    path != Self.path && !Self.isDefaultsName(path) && !path.hasSuffix(CalendarFile.suffix)
      && patterns.contains { $0.matches(path) }
  }

  /// Whether it is an iCalendar file that a calendar names.
  func isCalendarFile(_ path: String) -> Bool {
    path.hasSuffix(CalendarFile.suffix) && calendars.list.contains { $0.files.contains { $0.path == path } }
  }

  /// Whether the file holds defaults: by its name, in or below a folder that all matches of some pattern are in.
  func isDefaultsFile(_ path: String) -> Bool {
    Self.isDefaultsName(path) && patterns.contains { path.hasPrefix($0.folder) }
  }

  private static func isDefaultsName(_ path: String) -> Bool {
    path == defaultsName || path.hasSuffix("/" + defaultsName)
  }
}
