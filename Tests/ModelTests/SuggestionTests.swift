import Model
import Testing

@Suite struct SuggestionTests {
  struct Row: Sendable {
    var word: String
    var candidates: [String]
    var nearest: String?
  }

  @Test(arguments: [
    Row(word: "timout", candidates: ["timeout", "targets"], nearest: "timeout"),
    Row(word: "tiemout", candidates: ["timeout", "targets"], nearest: "timeout"),
    Row(word: "TIMEOUT", candidates: ["timeout"], nearest: "timeout"),
    Row(word: "crn", candidates: ["run", "cron"], nearest: "cron"),
    Row(word: "rum", candidates: ["run", "ram"], nearest: "run"),
    Row(word: "completely", candidates: ["different"], nearest: nil),
    Row(word: "", candidates: ["a", "ab"], nearest: "a"),
    Row(word: "x", candidates: [], nearest: nil),
    Row(word: "at", candidates: ["targets"], nearest: nil),
    Row(word: String(repeating: "a", count: 65), candidates: [String(repeating: "a", count: 65)], nearest: nil),
    Row(word: String(repeating: "a", count: 64), candidates: [String(repeating: "a", count: 68)], nearest: nil),
  ])
  func nearest(_ row: Row) {
    #expect(Suggestion.nearest(to: row.word, among: row.candidates) == row.nearest)
  }

  @Test func diagnosticsPointAtTheirPlace() {
    let diagnostic = Diagnostic(
      file: "jobs/a.yaml", line: 7, column: 3, message: "unknown key 'timout' in run",
      suggestion: "did you mean 'timeout'?", source: "  timout: 5s")
    #expect(
      diagnostic.rendered == """
        jobs/a.yaml:7:3: error: unknown key 'timout' in run; did you mean 'timeout'?
            timout: 5s
            ^
        """)
    #expect(Diagnostic(file: "a.yaml", severity: .warning, message: "empty").rendered == "a.yaml: warning: empty")
    let later = Diagnostic(file: "a.yaml", line: 2, message: "a")
    #expect(Diagnostic(file: "a.yaml", line: 1, message: "b") < later)
    #expect(later < Diagnostic(file: "b.yaml", line: 1, message: "a"))
  }
}
