import Model

/// `jobs/<job>/README.md`.
enum JobPage {
  /// The page's Markdown. Everything in it that comes from agents is either of a strict grammar or a code span.
  static func render(_ record: JobRecord) -> [UInt8] {
    let root = String(repeating: "../", count: record.job.text.utf8.count { $0 == 0x2f } + 2)
    var page = "# `\(record.job)`\n\n"
    page += "The last \(record.rows.count) occurrences, newest first. Older ones stand in "
    page += "[`runs/`](\(root)\(ResultsLayout.runsFolder)/\(record.job)). [All jobs](\(root)\(ResultsLayout.overview))\n\n"
    page += "| Due (UTC) | Outcome | Agent | Took | Note | Log |\n| --- | --- | --- | --- | --- | --- |\n"
    for row in record.rows { page += line(row, job: record.job, root: root) }
    return Array(page.utf8)
  }

  private static func line(_ row: OccurrenceRow, job: JobName, root: String) -> String {
    let file = root + ResultsLayout.receipts(RunFile(job: job, nominal: row.key.nominal))
    var due = "[\(row.key.nominal.pageText)](\(file))"
    if !row.key.request.isEmpty { due += " by request \(Markdown.code(row.key.request))" }
    let took = row.started.map { shortText(row.ended - $0) } ?? ""
    let agent = row.runs == 1 ? "`\(row.spokesman.agentName)`" : "\(row.runs) agents"
    var note = Markdown.code(row.spokesman.note)
    if row.runs > 1, !note.isEmpty { note = "`\(row.spokesman.agentName)`: \(note)" }
    if row.folded > 1 {
      let since = row.firstNominal.map { " since \($0.pageText)" } ?? ""
      note = "\(row.folded) occurrences\(since)\(note.isEmpty ? "" : "; \(note)")"
    }
    var log = ""
    if let file = row.log(of: job) {
      log = "[log](\(root)\(ResultsLayout.log(file)))"
    } else if row.hasLogs {
      log = "[logs](\(root)\(ResultsLayout.logFolder(job, row.key.nominal)))"
    }
    return "| \(due) | \(outcome(row)) | \(agent) | \(took) | \(note) | \(log) |\n"
  }

  /// `Succeeded`, or with several runs `**1 Failed**, 3 Succeeded`.
  static func outcome(_ row: OccurrenceRow) -> String {
    let counts = row.counts
    let words = Outcome.inPageOrder.compactMap { outcome in
      counts[outcome].map { count in
        let word = row.runs == 1 ? outcome.description : "\(count) \(outcome)"
        return outcome.isSuccess ? word : "**\(word)**"
      }
    }
    return words.joined(separator: ", ")
  }
}
