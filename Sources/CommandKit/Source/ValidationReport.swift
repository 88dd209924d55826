import ControllerKit
import Model

/// What is wrong with the manifests of a repository.
struct ValidationReport: Hashable {
  /// Jobs that can be used.
  var jobs: Int
  var diagnostics: [Diagnostic]

  init(jobs: Int, diagnostics: [Diagnostic]) {
    self.jobs = jobs
    self.diagnostics = diagnostics.sorted()
  }

  init(_ loaded: LoadedSource) { self.init(jobs: loaded.jobs.count, diagnostics: loaded.diagnostics) }

  var errors: Int { diagnostics.count { $0.severity == .error } }
  var warnings: Int { diagnostics.count { $0.severity == .warning } }

  /// All diagnostics, and a line that sums up.
  var text: String { diagnosticsText + summary + "\n" }

  var diagnosticsText: String {
    diagnostics.map { TerminalText.neutralised($0.rendered, keepingLines: true) + "\n" }.joined()
  }

  var summary: String {
    let counts = "\(Humane.count(jobs, "job")), \(Humane.count(errors, "error"))"
    return warnings == 0 ? counts : counts + ", \(Humane.count(warnings, "warning"))"
  }

  var json: JSONValue {
    [
      "jobs": .integer(Int64(jobs)), "errors": .integer(Int64(errors)), "warnings": .integer(Int64(warnings)),
      "diagnostics": .array(diagnostics.map(\.json)),
    ]
  }
}

extension Diagnostic {
  var json: JSONValue {
    .members([
      "file": .string(file), "line": .integer(Int64(line)), "column": .integer(Int64(column)),
      "severity": .string(severity.rawValue), "message": .string(message),
      "suggestion": suggestion.map(JSONValue.string), "rendered": .string(rendered),
    ])
  }
}
