import ArgumentParser
import Model

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a job now.",
    discussion: """
      Asks the running controller to run the job on every agent that holds it, or on those named. Parameters are given \
      in place of declared ones and must be of their kind. With --wait the exit code is 1 unless every run succeeded.

      --follow waits too, and prints what the runs write as it comes, as 'belfry logs -f' does: their output to standard \
      output, with the agent's name before each line when there is more than one; how they ended to standard error. \
      Interrupting the command does not end the runs.

      Examples:
        belfry run data/orders-backup
        belfry run data/orders-backup --follow
        belfry run data/orders-backup --agent db-1 --wait
        belfry run finance/monthly-totals --param month=2026-10 --wait
      """)

  @Argument(help: "The job.", transform: { try JobName($0) })
  var job: JobName

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("A parameter in place of the declared one; may be repeated.", valueName: "name=value"),
    transform: parameterArgument)
  var param: [(key: String, value: String)] = []

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("Only on this agent; may be repeated.", valueName: "name"), transform: { try AgentName($0) })
  var agent: [AgentName] = []

  @Flag(help: "Wait until all runs have ended.")
  var wait = false

  @Flag(name: [.customShort("f"), .long], help: "Wait, and print what the runs write as it comes.")
  var follow = false

  @OptionGroup var controller: ControllerOptions
  @OptionGroup var format: FormatOption

  private static let pause = Duration.milliseconds(300)

  func validate() throws {
    let keys = param.map(\.key)
    if let twice = keys.first(where: { key in keys.count { $0 == key } > 1 }) {
      throw ValidationError("--param \(twice) is given twice")
    }
    if follow, format.isJSON {
      throw ValidationError(
        "--follow prints what the runs write: use --wait with --format json, and 'belfry logs -f RUN --format json'")
    }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let client = try controller.client()
    let request = JSONValue.members([
      "job": .string(job.text),
      "params": .sorted(Dictionary(param.map { ($0.key, .string($0.value)) }, uniquingKeysWith: { $1 })),
      "agents": .strings(agent.map(\.text)),
      "person": surroundings.person.map(JSONValue.string),
    ])
    var report = try RunReport(answer: try await client.post("/v1/runs", request))
    if follow { await showOutput(of: report, surroundings) }
    if wait || follow { try await waitForEnds(&report, surroundings) }
    if follow {
      surroundings.complain(report.text)
    } else {
      try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text)
    }
    if !report.isFine(waited: wait || follow) { throw ExitStatus.bad }
  }

  /// Until all have ended. Output that cannot be had is no reason not to wait for the ends.
  private func showOutput(of report: RunReport, _ surroundings: Surroundings) async {
    let runs = report.rows.compactMap { row in row.refusal == nil ? row.run.map { (agent: row.agent, run: $0) } : nil }
    let controller = controller
    let printer = LogPrinter(isRaw: !surroundings.isTerminal)
    await withTaskGroup(of: Void.self) { group in
      for (agent, run) in runs {
        group.addTask {
          var following = LogFollowing(
            run.text, from: LogPosition(attempt: 1), client: { try controller.client() }, surroundings: surroundings,
            printer: printer, isJSON: false)
          if runs.count > 1 { following.labelled = LabelledLines(agent) }
          following.tellsEnd = false
          do { _ = try await following.follow() } catch {
            let words = (error as? CommandError)?.message ?? "\(error)"
            surroundings.warn("the output of run \(run) on \(agent) cannot be followed: \(words)")
          }
        }
      }
    }
  }

  /// A controller that goes away meanwhile is waited for, as it is by `logs --follow`.
  private func waitForEnds(_ report: inout RunReport, _ surroundings: Surroundings) async throws {
    var lost: ContinuousClock.Instant?
    while true {
      do {
        // Found anew each time: a controller that was started again has another token.
        let client = try controller.client()
        for run in report.unfinished {
          let answer = try await client.ask("/v1/runs/\(run)")
          // Accepted, and not reported yet.
          if answer.status != 404 { report.update(run, with: try answer.value()) }
        }
        lost = nil
      } catch let error as CommandError where error.status == .unreachable {
        let now = ContinuousClock.now
        if lost == nil { surroundings.complain("The connection is lost (\(error.message)); trying again.\n") }
        guard now - (lost ?? now) < LogFollowing.patience else { throw error }
        lost = lost ?? now
      }
      if report.unfinished.isEmpty { return }
      try await Task.sleep(for: lost == nil ? Self.pause : .seconds(1))
    }
  }
}
