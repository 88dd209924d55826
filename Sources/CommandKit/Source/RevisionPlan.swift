import ControllerKit
import Model
import Planning

/// What going from one state of the source to another would change, whatever agents there are.
struct RevisionPlan: Hashable {
  var changes: [JobChange]
  /// What is wrong with the newer state.
  var report: ValidationReport
  /// Broken jobs that stay in their version of the older state.
  var kept: [JobName]
  /// Nothing is removed, because which jobs the newer state holds is not known.
  var isIncomplete: Bool

  init(from before: DesiredState, to new: LoadedSource) {
    let after = new.desired(after: before)
    changes = JobChange.between(before, after)
    report = ValidationReport(new)
    kept = new.broken.filter { name in before.jobs[name] != nil && !new.jobs.contains { $0.job.name == name } }.sorted()
    isIncomplete = !new.isComplete
  }

  var text: String {
    let lines = changes.flatMap(lines) + notes + [summary]
    return lines.map { TerminalText.neutralised($0) + "\n" }.joined()
  }

  /// Without bundles' names: those depend on the URL by which a controller knows the source.
  private func lines(_ change: JobChange) -> [String] {
    switch change.kind {
    case .remove: ["- remove \(change.job)"]
    case .add: ["+ add \(change.job)"]
    case .change(_, _, let differences): ["~ change \(change.job)"] + differences.map { "    \($0.line)" }
    }
  }

  private func json(_ change: JobChange) -> JSONValue {
    let job = JSONValue.string(change.job.text)
    return switch change.kind {
    case .remove: ["change": .string("remove"), "job": job]
    case .add: ["change": .string("add"), "job": job]
    case .change(_, _, let differences):
      ["change": .string("change"), "job": job, "differences": .array(differences.map(\.json))]
    }
  }

  private var notes: [String] {
    var notes = kept.map { "! \($0) has mistakes and stays as it is" }
    if isIncomplete { notes.append("! the source is not completely known, so nothing is removed") }
    return notes
  }

  var summary: String {
    guard !changes.isEmpty else { return "Plan: nothing changes" }
    var (added, changed, removed) = (0, 0, 0)
    for change in changes {
      switch change.kind {
      case .add: added += 1
      case .change: changed += 1
      case .remove: removed += 1
      }
    }
    return "Plan: \(added) to add, \(changed) to change, \(removed) to remove"
  }

  var json: JSONValue {
    [
      "changes": .array(changes.map(json)), "kept": .strings(kept.map(\.text)), "complete": .bool(!isIncomplete),
      "validation": report.json, "summary": .string(summary),
    ]
  }
}
