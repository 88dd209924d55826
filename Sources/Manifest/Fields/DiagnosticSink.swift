public import Model

/// Gathers what is wrong with one document; whoever finds a mistake reports it here and goes on reading.
///
/// Confined to the task that reads the document.
public final class DiagnosticSink {
  /// In the order in which they were found.
  public private(set) var diagnostics: [Diagnostic] = []
  /// Whether there was an error; warnings do not count.
  public private(set) var hasErrors = false
  /// Past this many the rest is only counted, so that a hostile file cannot make a huge report.
  private let limit: Int

  public init(limit: Int = ManifestLimits.mistakesPerDocument) { self.limit = limit }

  /// Reports an error at a place, with the line of source text there.
  public func error(
    at place: SourcePlace, _ message: @autoclosure () -> String, suggestion: @autoclosure () -> String? = nil
  ) {
    hasErrors = true
    add(.error, place, message, suggestion)
  }

  /// Reports something that is allowed and most likely not meant.
  public func warning(
    at place: SourcePlace, _ message: @autoclosure () -> String, suggestion: @autoclosure () -> String? = nil
  ) {
    add(.warning, place, message, suggestion)
  }

  // Texts come as closures: suggestions are searched for, which past the limit would be wasted work.
  private func add(
    _ severity: Diagnostic.Severity, _ place: SourcePlace, _ message: () -> String, _ suggestion: () -> String?
  ) {
    guard hasRoom(for: Legible.text(place.source.path)) else { return }
    diagnostics.append(
      Diagnostic(
        file: Legible.text(place.source.path), line: place.line, column: place.column, severity: severity,
        message: message(), suggestion: suggestion(),
        source: place.line > 0 ? place.source.line(place.line).flatMap { Legible.line($0, column: place.column) } : nil)
    )
  }

  private func hasRoom(for file: String) -> Bool {
    guard diagnostics.count >= limit else { return true }
    if diagnostics.count == limit {
      diagnostics.append(Diagnostic(file: file, message: "too many mistakes to show all"))
    }
    return false
  }

  /// Takes over what another one gathered.
  func take(_ other: DiagnosticSink) { take(other.diagnostics) }

  func take(_ others: [Diagnostic]) {
    for diagnostic in others where hasRoom(for: diagnostic.file) { diagnostics.append(diagnostic) }
    hasErrors = hasErrors || others.contains { $0.severity == .error }
  }
}
