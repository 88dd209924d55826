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

  init(from old: LoadedSource, to new: LoadedSource) {
    let before = old.desired()
    let after = new.desired(after: before)
    changes = JobChange.between(before, after)
    report = ValidationReport(new)
    kept = new.broken.filter { name in before.jobs[name] != nil && !new.jobs.contains { $0.job.name == name } }.sorted()
    isIncomplete = !new.isComplete
  }

  var text: String {
    let lines = changes.flatMap(\.lines) + notes + [summary]
    return lines.map { TerminalText.neutralised($0) + "\n" }.joined()
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
      "changes": .array(changes.map(\.json)), "kept": .strings(kept.map(\.text)), "complete": .bool(!isIncomplete),
      "validation": report.json, "summary": .string(summary),
    ]
  }
}
