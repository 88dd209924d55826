public import Model

/// What the overview says about jobs besides what the branch itself knows.
public struct Overview: Hashable, Sendable {
  /// What is to come for one job.
  public struct Outlook: Hashable, Sendable {
    /// The next nominal time; nil when there is none.
    public var next: Timestamp?
    /// One word in its place or beside it, such as `Suspended`.
    public var note: String?

    public init(next: Timestamp? = nil, note: String? = nil) {
      self.next = next
      self.note = note
    }
  }

  /// All jobs of the source.
  public var jobs: [JobName: Outlook]

  public init(jobs: [JobName: Outlook] = [:]) { self.jobs = jobs }
}

/// `README.md` at the branch's root.
enum OverviewPage {
  /// The page's Markdown. A job without a summary has not run.
  static func render(
    _ overview: Overview, summaries: [JobName: JobSummary], source: String, now: Timestamp
  ) -> [UInt8] {
    var page = intro + "Source: \(Markdown.code(source)). As of \(Timestamp(seconds: now.seconds).pageText) UTC.\n\n"
    page += "| Job | Last outcome | Due (UTC) | Streak | Next (UTC) |\n| --- | --- | --- | --- | --- |\n"
    for (job, outlook) in overview.jobs.sorted(by: { $0.key < $1.key }) {
      page += line(job, outlook, summaries[job]?.cells ?? [])
    }
    page += "\n[All jobs that ever ran](\(ResultsLayout.jobsFolder)) · [all receipts](\(ResultsLayout.runsFolder))\n"
    return Array(page.utf8)
  }

  /// What a new branch says.
  static func empty(source: String) -> [UInt8] {
    Array((intro + "Source: \(Markdown.code(source)). Nothing has run yet.\n").utf8)
  }

  private static let intro = """
    # Results

    Belfry writes this branch: each line of a file in `runs/` is what an agent signed about one run, and the same line
    of the `.sigs` file beside it is the signature. A receipt is never changed or removed.


    """

  private static func line(_ job: JobName, _ outlook: Overview.Outlook, _ cells: [String]) -> String {
    // A job that never ran has no page to link to.
    let name = cells.isEmpty ? "`\(job)`" : Markdown.link(code: job.text, to: ResultsLayout.jobPage(job))
    var next = outlook.next?.pageText ?? ""
    if let note = outlook.note, !note.isEmpty { next += (next.isEmpty ? "" : " ") + Markdown.code(note) }
    let middle = cells.isEmpty ? ["", "", ""] : cells
    return "| " + ([name] + middle + [next]).joined(separator: " | ") + " |\n"
  }

  /// The summaries that a page shows, for a writer that has just started and has not read the jobs' receipts yet. What
  /// somebody else put into the page is either shown again as it was, or left out when it does not look like ours.
  static func summaries(of page: [UInt8]) -> [JobName: JobSummary] {
    var result: [JobName: JobSummary] = [:]
    for range in RunFileLines.split(page) where range.count < 1_024 {
      let cells = String(decoding: page[range], as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false)
        .map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
      guard cells.count == 7, let job = linkedJob(cells[1]), let summary = JobSummary(cells: Array(cells[2...4]))
      else { continue }
      result[job] = summary
    }
    return result
  }

  private static func linkedJob(_ cell: String) -> JobName? {
    guard cell.hasPrefix("[`"), let end = cell.dropFirst(2).firstIndex(of: "`"),
      let job = try? JobName(String(cell.dropFirst(2)[..<end])),
      cell == Markdown.link(code: job.text, to: ResultsLayout.jobPage(job))
    else { return nil }
    return job
  }
}
