import ArgumentParser
import ControllerKit
import Model
import Planning
import Platform

struct NextCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "next",
    abstract: "Show when jobs are due.",
    discussion: """
      Times are in the time zone of the trigger that makes the job due, with the offset that holds then.

      Examples:
        belfry next
        belfry next data/orders-backup -n 10
        belfry next data/orders-backup --from 2027-03-27 --at origin/main
      """)

  @Argument(help: "The job; default: all jobs, the one that is due first at the top.", transform: { try JobName($0) })
  var job: JobName?

  @Option(
    name: .short,
    help: ArgumentHelp("How many times to show of each job; default 5 for one job, 1 for all.", valueName: "count"),
    transform: countArgument)
  var n: Int?

  @Option(
    help: ArgumentHelp("Show what is due after this time; default: now.", valueName: "time"), transform: timeArgument)
  var from: Timestamp?

  @Option(help: ArgumentHelp("A revision in place of the working tree.", valueName: "revision"))
  var at: String?

  @OptionGroup var repository: RepositoryOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    let surroundings = Surroundings.current
    let source = try SourceFolder.find(repository.path ?? ".")
    let loaded = try source.load(revision: at)
    let jobs = try job.map { [try loaded.job(named: $0).job] } ?? loaded.jobs.map(\.job)
    let now = surroundings.clock.now
    let report = try NextReport(jobs, zones: source.zones, from: from ?? now, count: n ?? (job == nil ? 1 : 5))
    if job == nil, loaded.errorCount > 0 {
      let errors = Humane.count(loaded.errorCount, "error")
      surroundings.warn("\(errors) in manifests, so jobs may be missing; 'belfry validate' shows them")
    }
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text(now: now))
  }
}
