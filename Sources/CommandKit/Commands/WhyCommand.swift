import ArgumentParser
import Git
import Model
import Platform
import Results

struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Tell whether a job ran at a time, and if not, why.",
    discussion: """
      From the source's history and the results branch of any clone, without a controller: when, where, from which \
      commit, how late; or what kept it from running. 'git fetch' brings the newest of both branches.

      TIME is RFC 3339, or a wall time in the job's time zone: '2026-11-20 02:30', or 02:30 for the last time that it \
      was so. When nothing is due then, the nearest occurrence within 15 minutes is meant, which is said.

      The exit code is 0 when it ran and succeeded on every agent that recorded it, 1 when it did not (or is yet to \
      come), 3 when the branches cannot be read.

      Examples:
        belfry why data/orders-backup 02:30
        belfry why data/orders-backup 2026-11-20 02:30
        belfry why web/heartbeat 2026-11-20T02:30:00+01:00 --format json
        belfry why data/orders-backup 02:30 -C /srv/git/jobs.git --source main
      """)

  @Argument(help: "The job.", transform: { try JobName($0) })
  var job: JobName

  @Argument(help: ArgumentHelp("When it was due, or about when.", valueName: "time"))
  var time: [String]

  @Option(
    help: ArgumentHelp(
      "The source's branch or revision; default: what is checked out, as it was last fetched from 'origin'.",
      valueName: "revision"))
  var source: String?

  @OptionGroup var results: ResultsOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    do {
      _ = try MomentArgument(time.joined(separator: " "))
    } catch {
      throw ValidationError("the time '\(time.joined(separator: " "))': \(error)")
    }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let answer: WhyAnswer
    do {
      answer = try inquire(now: surroundings.clock.now)
    } catch let error as GitError {
      throw CommandError(.unreachable, error.message, hint: error.hint)
    } catch let error as ResultsError {
      throw CommandError(.unreachable, error.cause?.message ?? error.message, hint: error.cause?.hint)
    }
    let report = WhyReport(answer: answer, now: surroundings.clock.now)
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text)
    if answer.verdict == .noRecord, answer.results == nil { throw ExitStatus.unreachable }
    if !answer.verdict.isGood { throw ExitStatus.bad }
  }

  private func inquire(now: Timestamp) throws -> WhyAnswer {
    let location = try results.repository.location()
    let history = try SourceHistory(location, revision: source)
    var reader: ResultsReader?
    do {
      reader = try ResultsReader(repository: location.open(), branch: results.branch)
    } catch let error as ResultsError where error.code == .noBranch {
      // The source alone has answers too: that nothing was due, for instance.
      reader = nil
    }
    return try WhyInquiry(job: job, history: history, reader: reader, now: now)
      .answer(MomentArgument(time.joined(separator: " ")))
  }
}
