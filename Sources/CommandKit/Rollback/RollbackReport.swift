import Git
import Model

/// What a rollback is about to do, and what it did.
struct RollbackReport {
  /// As git words it, and this program too.
  static func isRevert(_ commit: CommitInfo) -> Bool { commit.summary.hasPrefix("Revert \"") }

  let reverted: CommitInfo
  let revert: CommitID
  let paths: [ChangedPath]
  let plan: RevisionPlan
  /// Nil when nothing is pushed.
  let push: Checkout.PushTarget?
  let now: Timestamp

  private static let shownPaths = 20

  var text: String {
    let age = Humane.relative(reverted.author.time, to: now)
    var lines = ["Reverting \(reverted.id.short) \"\(reverted.summary)\" by \(reverted.author.name), \(age)"]
    if Self.isRevert(reverted) {
      lines.append("note: that commit is a revert itself; reverting it brings back what it had undone")
    }
    for path in paths.prefix(Self.shownPaths) { lines.append("  \(Self.letter(path.change)) \(path.path)") }
    if paths.count > Self.shownPaths { lines.append("  and \(paths.count - Self.shownPaths) more") }
    if let others = push?.others, !others.isEmpty {
      lines.append("Pushed with it, because \(push?.remote ?? "") does not have them yet:")
      lines += others.map { "  \($0.id.short) \($0.summary)" }
    }
    let head = lines.map { TerminalText.neutralised($0) + "\n" }.joined()
    let report = plan.report
    let mistakes = report.errors == 0 ? "" : "After it there are \(report.summary):\n" + report.diagnosticsText
    return head + plan.text + mistakes
  }

  private static func letter(_ change: ChangedPath.Change) -> String {
    switch change {
    case .added: "+"
    case .modified: "~"
    case .removed: "-"
    }
  }

  /// Once it is done.
  var ending: String {
    guard let push else { return "Reverted in \(revert.short), and not pushed.\n" }
    return TerminalText.neutralised("Reverted in \(revert.short), and pushed to \(push.remote).") + "\n"
  }

  var json: JSONValue {
    [
      "reverted": .string(reverted.id.text), "revert": .string(revert.text),
      "pushed": push.map { .string($0.remote) } ?? .null, "paths": .strings(paths.map(\.path)), "plan": plan.json,
    ]
  }
}
