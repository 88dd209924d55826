import Model
import Results

/// Receipts for people and for programs.
struct HistoryReport {
  struct Row: Hashable {
    var receipt: Receipt
    /// `path:line` on the branch.
    var place: String
    /// Nil when signatures were not looked at.
    var check: ReceiptVerification?
  }

  let rows: [Row]

  init(rows: [Row]) { self.rows = rows }

  /// `checks` are in the order of the receipts.
  init(_ receipts: [StoredReceipt], checks: [ReceiptVerification]?) {
    rows = receipts.enumerated().map { index, stored in
      Row(
        receipt: stored.receipt, place: "\(ResultsLayout.receipts(stored.file)):\(stored.line)",
        check: checks?[index])
    }
  }

  var hasBadSignature: Bool {
    rows.contains { if case .refused = $0.check { true } else { false } }
  }

  /// Newest first.
  var text: String {
    guard !rows.isEmpty else { return "Nothing to show.\n" }
    var table = Table("DUE", "JOB", "AGENT", "OUTCOME", "TOOK", "RUN", "SIGNATURE", "NOTE")
    for row in rows {
      let receipt = row.receipt
      table.add(
        receipt.occurrence.nominal.description, receipt.occurrence.job.text, receipt.agentName.text,
        receipt.outcome.description, receipt.duration.map(Humane.took), String(receipt.run.text.prefix(12)),
        Self.word(row.check), receipt.note)
    }
    return table.text
  }

  private static func word(_ check: ReceiptVerification?) -> String? {
    switch check {
    case .verified: "good"
    case .refused(let reason): "BAD: \(reason)"
    case nil: nil
    }
  }

  var json: JSONValue { .array(rows.map(\.json)) }
}

extension HistoryReport.Row {
  fileprivate var json: JSONValue {
    var signature: JSONValue?
    switch check {
    case .verified(let key): signature = ["valid": .bool(true), "keyid": .string(key.hex)]
    case .refused(let reason): signature = ["valid": .bool(false), "reason": .string(reason)]
    case nil: break
    }
    return .members(["receipt": receipt.json, "place": .string(place), "signature": signature])
  }
}

extension Receipt {
  /// What the outcome alone does not say.
  var note: String {
    var parts: [String] = []
    if case .person = occurrence.cause { parts.append("on request" + (person.map { " of \($0)" } ?? "")) }
    if attempts.count > 1 { parts.append("\(attempts.count) attempts") }
    if count > 1 { parts.append("\(count) occurrences" + (firstNominal.map { " since \($0)" } ?? "")) }
    let reason = reason ?? attempts.last?.reason
    if !outcome.isSuccess, let end = attempts.last?.endWords(unlessIn: reason) { parts.append(end) }
    if let reason { parts.append(reason) }
    if let outputs = attempts.last?.outputsText { parts.append(outputs) }
    if let count = attempts.last?.artifacts.count, count > 0 { parts.append(Humane.count(count, "artifact")) }
    return parts.joined(separator: ", ")
  }
}

extension Receipt.Attempt {
  /// How its process ended, in words; nil where the reason says it itself, and for a good exit code beside a reason, which says more.
  fileprivate func endWords(unlessIn reason: String?) -> String? {
    if let code = exitCode {
      guard code != 0 || reason == nil, reason?.contains("exit code \(code)") != true else { return nil }
      return "exit \(code)"
    }
    guard let signal, reason?.contains("signal \(signal)") != true else { return nil }
    return "signal \(signal)"
  }
}
