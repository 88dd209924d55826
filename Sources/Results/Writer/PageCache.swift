import Git
import Model

/// What the pages are made from, kept from batch to batch so that a batch reads nothing that an earlier one knew.
/// All of it can be read from the branch again.
struct PageCache {
  /// Jobs whose last occurrences are kept.
  let recordLimit: Int
  private(set) var records: [JobName: JobRecord] = [:]
  /// Of all jobs that were read or that ran since the start.
  private(set) var summaries: [JobName: JobSummary] = [:]
  /// Of the overview as it stood at the start: for jobs that were not read yet.
  private var earlier: [JobName: JobSummary]?
  private var lastOverview: Timestamp?

  init(recordLimit: Int) { self.recordLimit = recordLimit }

  /// The overview is rendered for the first batch and then once in this time at the most.
  static let overviewInterval = Duration.seconds(60)

  func isOverviewDue(_ now: Timestamp) -> Bool {
    // A clock that was set back must not stop the overview for as long as it was wrong.
    guard let lastOverview, lastOverview <= now else { return true }
    return now - lastOverview >= Self.overviewInterval
  }

  /// Takes over what a batch changed, once it is committed.
  mutating func keep(_ changed: [JobName: JobRecord], overviewAt now: Timestamp?) {
    for (job, record) in changed {
      records[job] = record
      summaries[job] = record.summary
    }
    if records.count > recordLimit { records = changed }
    if let now { lastOverview = now }
  }

  /// Files that one rendering of the overview reads at the most, for jobs that have not run since the start.
  private static let readLimit = 2_000

  /// The summaries of the overview's jobs on top of what is cached: of those that are in no cache as many are read as
  /// the limit allows; the others' stand as on the page before, and their turn comes with the next overview.
  mutating func summaries(
    for overview: Overview, _ changed: [JobName: JobRecord], in tree: BranchTree?
  ) throws(GitError) -> [JobName: JobSummary] {
    if earlier == nil, let tree {
      let page = try tree.file(ResultsLayout.overview, limit: 16 << 20)
      earlier = page.map { OverviewPage.summaries(of: $0) } ?? [:]
    }
    var all = earlier ?? [:]
    var read = 0
    if let tree {
      for job in overview.jobs.keys.sorted() where summaries[job] == nil && changed[job] == nil {
        guard read < Self.readLimit else { break }
        read += 1
        summaries[job] = try tree.record(of: job, read: &read).summary
      }
    }
    all.merge(summaries) { $1 }
    all.merge(changed.mapValues(\.summary)) { $1 }
    return all
  }
}
