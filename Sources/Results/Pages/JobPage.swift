import Model

/// `jobs/<job>/README.md`.
enum JobPage {
  /// The page's Markdown. Everything in it that comes from agents is either of a strict grammar or a code span.
  ///
  /// A batch renews up to a thousand of these, so the lines are put together from bytes.
  static func render(_ record: JobRecord) -> [UInt8] {
    let root = String(repeating: "../", count: record.job.text.utf8.count { $0 == 0x2f } + 2)
    var page: [UInt8] = []
    page.reserveCapacity(1_000 + record.rows.count * 260)
    page += "# `\(record.job)`\n\nThe last \(record.rows.count) occurrences, newest first. Older ones stand in ".utf8
    page += "[`runs/`](\(root)\(ResultsLayout.runsFolder)/\(record.job)). ".utf8
    page += "[All jobs](\(root)\(ResultsLayout.overview))\n\n".utf8
    page += "| Due (UTC) | Outcome | Agent | Took | Note | Log |\n| --- | --- | --- | --- | --- | --- |\n".utf8
    let lines = Lines(
      runs: Array("\(root)\(ResultsLayout.runsFolder)/\(record.job)/".utf8),
      logs: Array("\(root)\(ResultsLayout.logsFolder)/\(record.job)/".utf8), job: record.job)
    for row in record.rows { lines.write(row, to: &page) }
    return page
  }

  /// `Succeeded`, or with several runs `**1 Failed**, 3 Succeeded`.
  static func outcome(_ row: OccurrenceRow) -> String {
    if row.runs == 1 { return bold(row.outcome.description, row.outcome) }
    let counts = row.counts
    return Outcome.inPageOrder.compactMap { outcome in
      counts[outcome].map { bold("\($0) \(outcome)", outcome) }
    }.joined(separator: ", ")
  }

  private static func bold(_ text: String, _ outcome: Outcome) -> String { outcome.isSuccess ? text : "**\(text)**" }

  /// The table's lines.
  private struct Lines {
    /// Up to the job's folder.
    let runs: [UInt8]
    let logs: [UInt8]
    let job: JobName

    func write(_ row: OccurrenceRow, to page: inout [UInt8]) {
      let path = Instant.path(row.key.nominal)
      page += "| [".utf8
      page += Self.pageText(path)
      page += "](".utf8
      page += runs
      page += path
      page += ".ndjson)".utf8
      if !row.key.request.isEmpty { page += " by request \(Markdown.code(row.key.request))".utf8 }
      page += " | ".utf8
      page += JobPage.outcome(row).utf8
      page += " | ".utf8
      page += (row.runs == 1 ? "`\(row.spokesman.agentName)`" : "\(row.runs) agents").utf8
      page += " | ".utf8
      if let started = row.started { page += shortText(row.ended - started).utf8 }
      page += " | ".utf8
      page += note(row).utf8
      page += " | ".utf8
      if row.hasLogs {
        let file = row.log(of: job)
        page += (file == nil ? "[logs](" : "[log](").utf8
        page += logs
        page += path
        if let file { page += "/\(file.name)".utf8 }
        page += ")".utf8
      }
      page += " |\n".utf8
    }

    private func note(_ row: OccurrenceRow) -> String {
      var note = Markdown.code(row.spokesman.note)
      if row.runs > 1, !note.isEmpty { note = "`\(row.spokesman.agentName)`: \(note)" }
      guard row.folded > 1 else { return note }
      let since = row.firstNominal.map { " since \($0.pageText)" } ?? ""
      return "\(row.folded) occurrences\(since)\(note.isEmpty ? "" : "; \(note)")"
    }

    /// `2026-11-20 02:30:00` from `2026/11/20/02/3000Z`.
    private static func pageText(_ path: [UInt8]) -> [UInt8] {
      var text = Array(path.dropLast())
      text[4] = 0x2d
      text[7] = 0x2d
      text[10] = 0x20
      text[13] = 0x3a
      text.insert(0x3a, at: 16)
      return text
    }
  }
}
