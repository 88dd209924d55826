import Model
import Schedule

/// The answer for people and for programs.
struct WhyReport {
  let answer: WhyAnswer
  let now: Timestamp

  var text: String {
    let due = answer.due.map { ", due \($0.local)" } ?? ""
    var text = "\(answer.job)\(due): \(answer.headline)\n"
    text = TerminalText.neutralised(text, keepingLines: true)
    if !answer.rows.isEmpty { text += "\n" + table }
    guard !answer.evidence.isEmpty else { return text }
    let width = max(8, answer.evidence.map(\.label.count).max() ?? 0) + 2
    var last = ""
    text += "\n"
    for evidence in answer.evidence {
      let label = evidence.label == last ? "" : evidence.label
      last = evidence.label
      text +=
        label + String(repeating: " ", count: width - label.count) + TerminalText.neutralised(evidence.text) + "\n"
    }
    return text
  }

  private var table: String {
    var table = Table("AGENT", "OUTCOME", "STARTED", "LATE", "TOOK", "RUN", "NOTE")
    for row in answer.rows {
      let receipt = row.receipt
      let jitter = row.jitter > .zero ? "jitter \(row.jitter.manifestText)" : ""
      table.add(
        receipt.agentName.text, receipt.outcome.description,
        receipt.started.map { Humane.local($0, in: answer.zone) }, row.lateness.map(Humane.took),
        receipt.duration.map(Humane.took), String(receipt.run.text.prefix(12)),
        [jitter, receipt.note].filter { !$0.isEmpty }.joined(separator: ", "))
    }
    return table.text
  }

  var json: JSONValue {
    .members([
      "job": .string(answer.job.text), "asked": local(answer.asked), "verdict": .string(answer.verdict.rawValue),
      "summary": .string(answer.headline), "due": answer.due.map { .string($0.local) },
      "timezone": .string(answer.zone.name),
      "trigger": answer.due.flatMap { $0.trigger.isEmpty ? nil : .string($0.trigger) },
      "previous": answer.previous.map { .string($0.local) }, "next": answer.next.map { .string($0.local) },
      "commit": answer.commit.map { .string($0.text) }, "results": answer.results.map { .string($0.text) },
      "records": .array(answer.rows.map(json)),
      "evidence": .array(
        answer.evidence.map { ["label": .string($0.label), "text": .string($0.text)] }),
    ])
  }

  private func json(_ row: WhyAnswer.Row) -> JSONValue {
    .members([
      "agent": .string(row.receipt.agentName.text), "outcome": .string(row.receipt.outcome.description),
      "due": local(row.due), "started": row.receipt.started.map(local), "ended": local(row.receipt.ended),
      "lateMs": row.lateness.map(JSONValue.milliseconds), "commit": .string(row.receipt.commit.text),
      "place": .string(row.place), "receipt": row.receipt.json,
    ])
  }

  private func local(_ time: Timestamp) -> JSONValue { .string(Humane.local(time, in: answer.zone)) }
}
