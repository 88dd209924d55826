import ArgumentParser
import ControllerKit
import Model
import Planning
import Platform
import ZoneInfo

struct NextCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "next",
    abstract: "Show when jobs are due, or when a cron expression is.",
    discussion: """
      Times are in the time zone of the trigger that makes the job due, with the offset that holds then. What falls into \
      a suspension or a blackout does not fire and is passed over, with a note. With jitter each agent starts a little \
      later; --agent shows when exactly.

      With --cron nothing is read: JOB is then only what H is hashed from. The exit code is 1 when the expression or the \
      manifests have mistakes that keep the answer from being given.

      Examples:
        belfry next
        belfry next data/orders-backup -n 10
        belfry next data/orders-backup --from 2027-03-27 --at origin/main
        belfry next --from 2026-12-24 --until 2026-12-27
        belfry next --cron "30 2 * * MON-FRI" --timezone Europe/Berlin -n 3
      """)

  @Argument(help: "The job; default: all jobs, the one that is due first at the top.", transform: { try JobName($0) })
  var job: JobName?

  @Option(
    name: .short,
    help: ArgumentHelp(
      """
      How many times to show of each job; default 5 for one job, 1 for all, and with --until whatever there is, up to \
      \(Self.untilLimit).
      """, valueName: "count"),
    transform: countArgument)
  var n: Int?

  @Option(
    help: ArgumentHelp("Show what is due after this time; default: now.", valueName: "time"), transform: timeArgument)
  var from: Timestamp?

  @Option(
    help: ArgumentHelp("Show what is due at this time or earlier.", valueName: "time"), transform: timeArgument)
  var until: Timestamp?

  @Option(help: ArgumentHelp("A revision in place of the working tree.", valueName: "revision"))
  var at: String?

  @Option(
    help: ArgumentHelp(
      "Show when this agent starts, with its share of the jitter: its name on the results branch, or its id.",
      valueName: "agent"),
    transform: { try AgentArgument($0) })
  var agent: AgentArgument?

  @Option(help: ArgumentHelp("A cron expression in place of a repository's jobs.", valueName: "expression"))
  var cron: String?

  @Option(help: ArgumentHelp("The time zone of --cron; default UTC.", valueName: "zone"))
  var timezone: String?

  @OptionGroup var repository: RepositoryOption
  @OptionGroup var format: FormatOption

  /// Times of one job that --until shows at the most.
  private static let untilLimit = 1_000

  func validate() throws {
    if cron != nil, at != nil || repository.path != nil || agent != nil {
      throw ValidationError("--cron reads no repository: leave out --at, --agent and -C")
    }
    if cron == nil, timezone != nil { throw ValidationError("--timezone is that of --cron; jobs have their own") }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let now = surroundings.clock.now
    let count = n ?? (until != nil ? Self.untilLimit : job != nil || cron != nil ? 5 : 1)
    var query = NextReport.Query(from: from ?? now, until: until, count: count)
    if let until, until <= query.from {
      throw CommandError(
        .usage, "--until \(until) is not later than \(from == nil ? "now" : "--from \(query.from)")",
        hint: from == nil ? "give --from as well, to look at the past" : nil)
    }
    if let cron {
      let report = try CronReport(cron, timezone: timezone ?? "UTC", job: job, zones: ZoneDatabase(), query)
      return try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text(now: now))
    }
    query.agent = try agent.map { try $0.id(in: repository) }
    let source = try SourceFolder.find(repository.path ?? ".")
    let loaded = try source.load(revision: at)
    let jobs = try job.map { [try loaded.job(named: $0).job] } ?? loaded.jobs.map(\.job)
    let report = try NextReport(jobs, zones: source.zones, query)
    if job == nil, loaded.errorCount > 0 {
      let errors = Humane.count(loaded.errorCount, "error")
      surroundings.warn("\(errors) in manifests, so jobs may be missing; 'belfry validate' shows them")
    }
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text(now: now))
  }
}
