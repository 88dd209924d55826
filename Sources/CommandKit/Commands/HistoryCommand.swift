import ArgumentParser
import Model
import Results

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show what ran, from the results branch of any clone.",
    discussion: """
      Needs no controller. 'git fetch' brings the newest results from the remote.

      Examples:
        belfry history
        belfry history data/orders-backup -n 50
        belfry history --failed --since 2026-11-20 --format json
        belfry history -C /srv/git/jobs.git --verify
      """)

  @Argument(help: "The job; default: all jobs.", transform: { try JobName($0) })
  var job: JobName?

  @Option(name: .short, help: ArgumentHelp("How many records to show.", valueName: "count"), transform: countArgument)
  var n = 20

  @Option(help: ArgumentHelp("Only what was due at this time or later.", valueName: "time"), transform: timeArgument)
  var since: Timestamp?

  @Option(help: ArgumentHelp("Only what was due at this time or earlier.", valueName: "time"), transform: timeArgument)
  var until: Timestamp?

  @Flag(help: "Only what did not succeed.")
  var failed = false

  @Flag(help: "Check each record's signature with the agents' keys on the branch; the exit code is 1 if one is bad.")
  var verify = false

  @OptionGroup var results: ResultsOptions
  @OptionGroup var format: FormatOption

  func run() async throws {
    let surroundings = Surroundings.current
    let reader = try results.reader()
    let page = try reader.history(HistoryQuery(job: job, limit: n, since: since, until: until)) { receipt in
      !failed || !receipt.outcome.isSuccess
    }
    let receipts = page.receipts.prefix(n)
    let checks = verify ? try receipts.map { try reader.verify($0) } : nil
    let report = HistoryReport(Array(receipts), checks: checks)
    if report.rows.isEmpty, let job, try !reader.jobs().contains(job) { throw try unknown(job, reader) }
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text)
    for problem in page.problems { surroundings.warn(problem.description) }
    if report.hasBadSignature { throw ExitStatus.bad }
  }

  private func unknown(_ job: JobName, _ reader: ResultsReader) throws -> CommandError {
    let near = Suggestion.nearest(to: job.text, among: try reader.jobs().map(\.text))
    return CommandError(
      .bad, "'\(job)' has no record on this branch", hint: near.map { "did you mean '\($0)'?" } ?? RunSearch.late)
  }
}
