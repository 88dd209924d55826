import Glibc
import Model
import Platform
import Trust

/// Follows a run through the controller and shows what comes, over broken connections, until the run's end.
struct LogFollowing {
  /// Finds the controller: one that was started anew has another token, and perhaps another port.
  let client: () throws -> ControllerClient
  let surroundings: Surroundings
  var printer: LogPrinter
  let isJSON: Bool
  /// Where several runs are shown at once; nil: output comes as it is.
  var labelled: LabelledLines?
  /// Whether the outcome is said at the end.
  var tellsEnd = true

  /// What is asked for: as it was given, and from the first answer on the run's id, so that a job's next run is not taken
  /// for it.
  private var words: String
  private var position: LogPosition
  private var isFound = false
  /// Something was heard since the connection was lost.
  private var hasHeard = false
  private var end: (outcome: String, reason: String?)?

  /// For so long a controller that was there is looked for.
  static let patience = Duration.seconds(300)

  init(
    _ words: String, from position: LogPosition, client: @escaping () throws -> ControllerClient,
    surroundings: Surroundings,
    printer: LogPrinter, isJSON: Bool
  ) {
    self.words = words
    self.position = position
    self.client = client
    self.surroundings = surroundings
    self.printer = printer
    self.isJSON = isJSON
  }

  /// Whether the run succeeded.
  ///
  /// Throws a ``CommandError``: `bad` when there is no such run, `unreachable` when the controller is not to be found,
  /// or for too long no more.
  mutating func follow() async throws -> Bool {
    do {
      return try await followOverBreaks()
    } catch {
      // What has come is shown, whatever it was that ended it.
      try? endOutput()
      throw error
    }
  }

  private mutating func followOverBreaks() async throws -> Bool {
    var lost: ContinuousClock.Instant?
    var pause = Duration.milliseconds(250)
    while true {
      do {
        try await client().lines(path) { try hear($0) }
        if let end { return try finish(end) }
        throw CommandError(.unreachable, "the controller ended the answer")
      } catch {
        let known = error as? CommandError
        // What was never found is not looked for; what an answer says for certain is not asked again.
        guard isFound, !(error is CancellationError), known?.hint != Self.final, known?.status != .usage else {
          throw error
        }
        let now = ContinuousClock.now
        // Something was heard since the last time: it is lost anew.
        if hasHeard { (lost, pause, hasHeard) = (nil, .milliseconds(250), false) }
        if lost == nil {
          say("The connection is lost (\(known?.message ?? "\(error)")); trying again.")
        }
        guard now - (lost ?? now) < Self.patience else { throw error }
        lost = lost ?? now
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(5))
      }
    }
  }

  private static let final = "follow it again, or read its log from the results branch: 'belfry logs RUN'"

  private var path: String { "/v1/logs?run=\(words)&attempt=\(position.attempt)&offset=\(position.offset)" }

  /// One line of the answer. False: it was the last one.
  private mutating func hear(_ json: JSONValue) throws -> Bool {
    guard let event = FollowEvent(json: json, base64: { Base64.decode(Array($0.utf8)) }) else {
      throw CommandError(.unreachable, "the controller's answer is not a log", hint: Self.final)
    }
    if case .alive = event {} else { try show(event, json) }
    switch event {
    case .run(let run, _, _):
      words = run.text
      (isFound, hasHeard) = (true, true)
    case .output(let attempt, let chunk): position = LogPosition(attempt: attempt, offset: chunk.end)
    case .cut(let attempt, let offset, let bytes):
      position = LogPosition(attempt: attempt, offset: offset + bytes)
    case .standing, .alive: break
    case .end(let outcome, let reason):
      end = (outcome, reason)
      return false
    case .failed(let words): throw CommandError(.unreachable, words, hint: Self.final)
    }
    return true
  }

  private mutating func show(_ event: FollowEvent, _ json: JSONValue) throws {
    if isJSON {
      // After a broken connection it is said again.
      if case .run = event, isFound { return }
      return try surroundings.output(json.bytes + [0x0a])
    }
    var bytes: [UInt8] = []
    switch event {
    case .run(let run, let job, let agent):
      if surroundings.isTerminal, !isFound { surroundings.complain("\(job), run \(run), on \(agent)\n") }
    case .output(let attempt, let chunk):
      try begin(attempt)
      for line in LogLine.lines(of: [chunk]) { printer.print(line, to: &bytes) }
    case .cut(let attempt, _, let count):
      try begin(attempt)
      printer.print(.cut(count, at: surroundings.clock.now), to: &bytes)
    case .standing(let standing, let attempt):
      if let words = Self.words(standing, attempt) { say(words) }
    case .alive, .end, .failed: break
    }
    try put(bytes)
  }

  private func say(_ words: String) {
    surroundings.complain((labelled.map { $0.label + ": " } ?? "") + words + "\n")
  }

  /// Prints output; at its end a line that has no end yet as well.
  private mutating func put(_ bytes: [UInt8], isEnd: Bool = false) throws {
    var text = bytes
    if labelled != nil {
      text = labelled?.add(bytes) ?? []
      if isEnd { text += labelled?.end() ?? [] }
    }
    if !text.isEmpty { try surroundings.output(text) }
  }

  /// An attempt's output begins on a line of its own.
  private mutating func begin(_ attempt: Int) throws {
    guard attempt > position.attempt else { return }
    try endOutput()
    say("Attempt \(attempt)")
  }

  private static func words(_ standing: FollowEvent.Standing, _ attempt: Int) -> String? {
    switch standing {
    case .queued: "It waits for its turn."
    case .waiting: "Attempt \(attempt - 1) has ended; attempt \(attempt) will follow."
    case .away: "Its agent is not connected; waiting."
    case .running, .ending: nil
    }
  }

  private mutating func endOutput() throws {
    var bytes: [UInt8] = []
    if !isJSON { printer.finish(to: &bytes) }
    try put(bytes, isEnd: true)
  }

  private mutating func finish(_ end: (outcome: String, reason: String?)) throws -> Bool {
    try endOutput()
    if !isJSON, tellsEnd {
      let reason = end.reason.map { ": \($0)" } ?? ""
      surroundings.complain(TerminalText.neutralised("\(end.outcome)\(reason)") + "\n")
    }
    return end.outcome == RunState.succeeded.rawValue
  }
}
