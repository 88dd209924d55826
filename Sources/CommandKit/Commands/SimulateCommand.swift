import ArgumentParser
import ControllerKit
import Model
import Planning
import Platform
import Results
import Schedule
import ZoneInfo

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Show what would start in a span of time, and what would not.",
    discussion: """
      Plays the span through with the rules that agents fire by: suspensions, blackouts, overlap, jitter. How long runs \
      take is the median of the last ones on the results branch, shown as ~2m; where there are none it is assumed, \
      shown as 1m?. Lists what comes first, then draws how many start in each minute of all the span, which shows \
      pile-ups. Nothing is run, and no controller is asked.

      Without --agents there is one agent that takes every job. With it jobs go where their targets say, and each agent \
      has its own share of the jitter. FILE is a list in YAML or JSON, or what 'belfry status --format json' prints:

        - name: db-1
          id: 6f1c1d7a-3b52-4c1f-9a0e-2f7d4b8c9e11    # default: one made of the name
          labels: {role: db}

      A span with more than \(FleetSimulation.limit) records is cut, which is said.

      Examples:
        belfry simulate
        belfry simulate --from 2026-12-24 --until 2026-12-27 --timezone Europe/Berlin
        belfry simulate --at origin/main --agents agents.yaml --summary
        belfry simulate data/orders-backup web/heartbeat --assume 30s --format json
      """)

  @Argument(help: "The jobs; default: all.", transform: { try JobName($0) })
  var jobs: [JobName] = []

  @Option(help: ArgumentHelp("Where the span begins; default: now.", valueName: "time"), transform: timeArgument)
  var from: Timestamp?

  @Option(help: ArgumentHelp("Where it ends; default: a day later.", valueName: "time"), transform: timeArgument)
  var until: Timestamp?

  @Option(help: ArgumentHelp("A revision in place of the working tree.", valueName: "revision"))
  var at: String?

  @Option(help: ArgumentHelp("The agents; default: one that takes every job.", valueName: "file"), completion: .file())
  var agents: String?

  @Option(help: ArgumentHelp("How long jobs without past runs take.", valueName: "duration"))
  var assume = "1m"

  @Option(help: ArgumentHelp("The time zone in which times are shown.", valueName: "zone"))
  var timezone = "UTC"

  @Option(
    name: .short, help: ArgumentHelp("Lines of the list at the most; JSON has all.", valueName: "count"),
    transform: countArgument)
  var n = 100

  @Flag(help: "Leave the list out.")
  var summary = false

  @OptionGroup var results: ResultsOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    if Duration(manifest: assume) == nil { throw ValidationError("--assume takes a duration such as 30s or 5m") }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let from = from ?? surroundings.clock.now
    let until = until ?? from + .seconds(86_400)
    guard from < until else {
      throw CommandError(.usage, "--until \(until) is not later than \(self.from == nil ? "now" : "--from")")
    }
    let source = try SourceFolder.find(results.repository.path ?? ".")
    let zone = try source.zones.zone(named: timezone)
    let loaded = try source.load(revision: at)
    let chosen = try jobs.isEmpty ? loaded.jobs : Set(jobs).map { try loaded.job(named: $0) }
    let described = try agents.map { try AgentsFile.read($0, surroundings) }
    let durations = try PastDurations(
      chosen.map(\.job.name), try reader(source), assumed: Duration(manifest: assume) ?? .seconds(60))
    let simulation = FleetSimulation(
      chosen, on: described ?? [SimulatedAgent.nominal].compactMap(\.self), from: from, until: until,
      zones: source.zones, durations: durations)
    if jobs.isEmpty, loaded.errorCount > 0 {
      let errors = Humane.count(loaded.errorCount, "error")
      surroundings.warn("\(errors) in manifests, so jobs may be missing; 'belfry validate' shows them")
    }
    let report = SimulateReport(
      simulation, from: from, until: until, zone: zone, durations: durations, agents: described?.count)
    try format.isJSON
      ? surroundings.print(report.json(list: !summary))
      : surroundings.print(report.text(columns: surroundings.columns, lines: summary ? 0 : n))
  }

  /// Nil where there is no results branch: then nothing is known of past runs.
  private func reader(_ source: SourceFolder) throws -> ResultsReader? {
    guard let repository = source.repository else { return nil }
    do throws(ResultsError) {
      return try ResultsReader(repository: repository, branch: results.branch)
    } catch {
      guard error.code == .noBranch, results.branch == ResultsReader.defaultBranch else { throw error }
      return nil
    }
  }
}
