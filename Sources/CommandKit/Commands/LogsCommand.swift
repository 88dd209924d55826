import ArgumentParser
import Model
import Platform
import Results
import Trust

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print what a run wrote, from the results branch of any clone, or follow it.",
    discussion: """
      RUN is a run's id, or its first digits, as 'belfry history' shows it; or a job, for the last time that it ran. A \
      run that is still going is not on the branch: where the branch has nothing, the controller is asked, if there is \
      one, whether such a run is going. What the job wrote to standard error is printed with the rest, in the order in which it was read. On a terminal, \
      escape sequences and other characters that a terminal would obey are shown and not sent; --raw sends the very bytes.

      With --follow the running controller is asked, and output is printed as it is written, of all attempts, until the \
      run has ended; the exit code is 1 unless it succeeded. A broken connection is made again, without a gap and without \
      a repetition. RUN may also be a run that waits for its turn, or a job, for its run that is going. A run that has \
      ended already is printed as it is kept.

      Examples:
        belfry logs data/orders-backup
        belfry logs 5f1c09aa7b3e
        belfry logs 5f1c09aa7b3e --attempt 1
        belfry logs 5f1c09aa7b3e --stream err -t
        belfry logs 5f1c09aa7b3e > output.txt
        belfry logs -f data/orders-backup
      """)

  @Argument(help: "The run's id, or its first four digits or more; or a job.")
  var run: String

  @Option(help: ArgumentHelp("Which attempt; default: the last one.", valueName: "number"), transform: countArgument)
  var attempt: Int?

  @Flag(
    name: [.customShort("t"), .long], help: "Print each line with its time, stream, and F for full or P for a part.")
  var timestamps = false

  @Option(
    help: ArgumentHelp("Only this stream: out or err. Default: both.", valueName: "stream"), transform: streamArgument)
  var stream: LogSource?

  @Flag(help: "Print the very bytes, on a terminal too.")
  var raw = false

  @Flag(name: [.customShort("f"), .long], help: "Print what is written as it comes, until the run's end.")
  var follow = false

  @OptionGroup var results: ResultsOptions
  @OptionGroup var controller: ControllerOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    if format.isJSON, timestamps || raw || stream != nil {
      throw ValidationError("--format json prints all there is: it excludes --timestamps, --stream and --raw")
    }
    let isPlain = run.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }
    if follow, !isPlain || run.isEmpty || run.utf8.count > 200 {
      throw ValidationError("want a run's id, or its first digits, or a job")
    }
  }

  func run() async throws {
    if follow { return try await followRun() }
    try await printLog()
  }

  private func followRun() async throws {
    let surroundings = Surroundings.current
    var following = LogFollowing(
      run, from: LogPosition(attempt: attempt ?? 1), client: controller.client, surroundings: surroundings,
      printer: printer(surroundings), isJSON: format.isJSON)
    if try await !following.follow() { throw ExitStatus.bad }
  }

  private func printer(_ surroundings: Surroundings) -> LogPrinter {
    LogPrinter(hasTimes: timestamps, source: stream, isRaw: raw || !surroundings.isTerminal)
  }

  private func printLog() async throws {
    let surroundings = Surroundings.current
    let reader: ResultsReader
    let stored: StoredReceipt
    do {
      reader = try results.reader()
      stored = try RunSearch(reader).runOrLatest(run)
    } catch {
      // Where more than one is meant, a going run is no better answer.
      if !(error is AmbiguousRun), let going = try await goingRun() {
        throw going.error(at: surroundings.clock.now)
      }
      throw error
    }
    let number = try attempt(of: stored.receipt)
    if surroundings.isTerminal { surroundings.complain(Self.title(stored.receipt, number)) }
    guard let log = try reader.log(of: stored, attempt: number) else {
      return surroundings.complain(try Self.absence(stored.receipt, number))
    }
    if !reader.isLog(log, of: stored, attempt: number) {
      surroundings.warn("this is not the log that the agent signed: somebody changed it on the branch")
    }
    guard !format.isJSON else { return try printJSON(log, stored.receipt, number, surroundings) }
    try surroundings.output(printer(surroundings).print(log))
  }

  /// A run that is meant and is going, by the controller's word; nil when there is none, or no controller that was not asked for.
  private func goingRun() async throws -> GoingRun? {
    do {
      return GoingRun.find(run, in: try await controller.client().get("/v1/status"))
    } catch {
      if controller.isGiven { throw error }
      return nil
    }
  }

  /// One object a line, of the form that --follow gives.
  private func printJSON(_ log: [UInt8], _ receipt: Receipt, _ number: Int, _ surroundings: Surroundings) throws {
    var position = LogPosition(attempt: number)
    let events =
      [FollowEvent.run(receipt.run, job: receipt.occurrence.job, agent: receipt.agentName)]
      + position.take(attempt: number, LogText.chunks(of: log))
      + [.end(outcome: receipt.outcome.description, reason: receipt.reason)]
    for event in events { try surroundings.output(event.json(base64: { Base64.text($0) }).bytes + [0x0a]) }
  }

  private func attempt(of receipt: Receipt) throws(CommandError) -> Int {
    guard let last = receipt.attempts.last else {
      throw CommandError(.bad, "nothing ran: \(receipt.outcome)\(receipt.reason.map { ", \($0)" } ?? "")")
    }
    guard let attempt else { return last.number }
    guard receipt.attempts.contains(where: { $0.number == attempt }) else {
      let hint = "it had \(Humane.count(receipt.attempts.count, "attempt"))"
      throw CommandError(.bad, "the run has no attempt \(attempt)", hint: hint)
    }
    return attempt
  }

  private static func title(_ receipt: Receipt, _ attempt: Int) -> String {
    let took = receipt.duration.map { " in \(Humane.took($0))" } ?? ""
    return """
      \(receipt.occurrence.job), due \(receipt.occurrence.nominal), on \(receipt.agentName): \(receipt.outcome)\(took), \
      attempt \(attempt) of \(receipt.attempts.count)

      """
  }

  /// Why there is no log. Throws when there should be one.
  private static func absence(_ receipt: Receipt, _ number: Int) throws(CommandError) -> String {
    let log = receipt.attempts.first { $0.number == number }?.log
    guard let log, log.kept > 0 else { return "Attempt \(number) wrote nothing.\n" }
    throw CommandError(
      .bad, "the branch does not hold the log, although the receipt speaks of \(log.kept) bytes",
      hint: "it did not travel with the receipt, or somebody removed it")
  }
}

/// Several runs are meant.
struct AmbiguousRun: Error {
  var digits: String
  var candidates: [StoredReceipt]

  var inWords: CommandError {
    CommandError(
      .bad, "several runs begin with \(digits):\n" + HistoryReport(candidates, checks: nil).text,
      hint: "give more digits")
  }
}

/// Finds one run by the digits that a person typed.
struct RunSearch {
  private let reader: ResultsReader

  /// Why what has just run may not be there.
  static let late = "its receipt may not be here yet: 'git fetch', or wait until the controller has pushed it"

  init(_ reader: ResultsReader) { self.reader = reader }

  /// The run, or the last one of a job that came to an attempt. A job's name goes before a run's first digits, which a
  /// run that is yet to come may share, and not before a whole id.
  ///
  /// Throws a ``CommandError`` when there is no such thing, and ``AmbiguousRun``.
  func runOrLatest(_ words: String) throws -> StoredReceipt {
    let mayBeRun = words.allSatisfy { $0.isHexDigit && $0.isASCII }
    if words.count == 20, mayBeRun, case .found(let stored)? = try? reader.run(words) { return stored }
    guard let job = try? JobName(words), try reader.jobs().contains(job) else {
      if mayBeRun { return try run(words) }
      let near = Suggestion.nearest(to: words, among: try reader.jobs().map(\.text))
      throw CommandError(
        .bad, "'\(words)' is neither the beginning of a run's id nor a job with a record on this branch",
        hint: near.map { "did you mean '\($0)'?" } ?? Self.late)
    }
    // What was skipped has nothing to show, and there may be much of it.
    let page = try reader.history(HistoryQuery(job: job, limit: 1)) { !$0.attempts.isEmpty }
    guard let latest = page.receipts.first else {
      throw CommandError(
        .bad, "'\(job)' has records, but none of a run that began", hint: "see 'belfry history \(job)'")
    }
    return latest
  }

  /// Throws a ``CommandError`` when no run begins so, ``AmbiguousRun`` when several do.
  func run(_ digits: String) throws -> StoredReceipt {
    switch try reader.run(digits) {
    case .found(let stored): return stored
    case .ambiguous(let candidates):
      throw AmbiguousRun(digits: digits, candidates: candidates)
    case .notFound(let searchedAll):
      let extent = searchedAll ? "" : ", as far back as was searched"
      throw CommandError(
        .bad, "no run that begins with \(digits) is on the branch\(extent)",
        hint: Self.late)
    }
  }
}
