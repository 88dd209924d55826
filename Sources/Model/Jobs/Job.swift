/// One job: what to run, when, where, and what to do when it goes wrong. Complete: defaults are already filled in.
public struct Job: Hashable, Sendable {
  public var name: JobName
  /// Free text for people.
  public var summary: String?
  /// Whom to ask, free text.
  public var owner: String?
  public var labels: [String: String]
  public var suspension: Suspension?
  /// At least one.
  public var triggers: [Trigger]
  /// Nothing is due before; nil means no limit.
  public var starts: Timestamp?
  /// Nothing is due from then on; nil means no limit. Later than `starts`.
  public var expires: Timestamp?
  /// What becomes of instants that were missed.
  public var missed: Missed
  /// How late a run may still start, from 1 s; nil means however late.
  public var startBy: Duration?
  public var overlap: Overlap
  /// While one of them is in force the job does not fire by itself. Complete, so that an agent needs nothing else.
  public var blackout: [Calendar]
  public var targets: Targets
  public var run: RunSpec
  public var retry: RetryPolicy
  /// Names of the values that a run gives back through `BELFRY_OUTPUT`; at most ``outputLimit``, each once.
  public var outputs: [String] = []
  /// Patterns of files below the working folder that are sent back after each attempt; at most ``artifactPatternLimit``.
  public var artifacts: [String] = []

  public init(
    name: JobName, summary: String? = nil, owner: String? = nil, labels: [String: String] = [:],
    suspension: Suspension? = nil, triggers: [Trigger], starts: Timestamp? = nil, expires: Timestamp? = nil,
    missed: Missed = .latest, startBy: Duration? = nil, overlap: Overlap = .skip, blackout: [Calendar] = [],
    targets: Targets = Targets(), run: RunSpec, retry: RetryPolicy = RetryPolicy()
  ) {
    self.name = name
    self.summary = summary
    self.owner = owner
    self.labels = labels
    self.suspension = suspension
    self.triggers = triggers
    self.starts = starts
    self.expires = expires
    self.missed = missed
    self.startBy = startBy
    self.overlap = overlap
    self.blackout = blackout
    self.targets = targets
    self.run = run
    self.retry = retry
  }
}

/// `suspend`: the job stays installed and does not fire by itself; a person may still run it.
public struct Suspension: Hashable, Sendable {
  public var reason: String?
  /// When it ends by itself; nil means until somebody changes the manifest.
  public var until: Timestamp?

  public init(reason: String? = nil, until: Timestamp? = nil) {
    self.reason = reason
    self.until = until
  }

  public func isInForce(at now: Timestamp) -> Bool { until.map { now < $0 } ?? true }
}

/// Which agents hold the job. All conditions must hold; no condition at all means every agent.
public struct Targets: Hashable, Sendable {
  /// For each label any of the listed values.
  public var match: [String: [String]]
  /// Nil means any name.
  public var agents: [AgentName]?

  public init(match: [String: [String]] = [:], agents: [AgentName]? = nil) {
    self.match = match
    self.agents = agents
  }

  public func include(agent name: AgentName, labels: [String: String]) -> Bool {
    if let agents, !agents.contains(name) { return false }
    return match.allSatisfy { key, values in labels[key].map(values.contains) ?? false }
  }
}

/// What a run executes and in which surroundings.
public struct RunSpec: Hashable, Sendable {
  public enum Program: Hashable, Sendable {
    /// A file of the repository, by its path from the root.
    case script(String)
    /// A program on the host and its arguments, without a shell. At least one element.
    case command([String])
    /// An executor of the agent's plug-ins.
    case plugIn(PlugInCall)
    /// A request, by the executor that comes with the agent.
    case http(HTTPRequest)
  }

  public var program: Program
  /// Used in place of the script's `#!` line; nil means that the line decides.
  public var interpreter: [String]?
  public var args: [String]
  /// Patterns of further files of the repository that travel with the job.
  public var files: [String]
  public var params: [String: ParameterValue]
  public var env: [String: String]
  /// Of each attempt; from 1 s.
  public var timeout: Duration
  /// Exit codes 0...255 that mean success.
  public var success: [Int]
  /// Whom it runs as, by the name that each host knows; nil is the agent's own user.
  public var user: String?
  /// Standard input; nil is an empty one.
  public var input: String?
  /// Secrets of the agent that it gets; nil is none.
  public var secrets: Secrets?
  public var kill = Kill()
  public var limits = Limits()
  public var workFolder = WorkFolder.fresh
  public var isolation = Isolation.none
  /// Paths of the host that it may write to although it is isolated: absolute, at most ``writeLimit``.
  public var write: [String] = []

  public init(
    program: Program, interpreter: [String]? = nil, args: [String] = [], files: [String] = [],
    params: [String: ParameterValue] = [:], env: [String: String] = [:], timeout: Duration = .seconds(3600),
    success: [Int] = [0]
  ) {
    self.program = program
    self.interpreter = interpreter
    self.args = args
    self.files = files
    self.params = params
    self.env = env
    self.timeout = timeout
    self.success = success
  }
}

/// A typed parameter: what the manifest declares, and what a person may give in its place, of the same kind.
public enum ParameterValue: Hashable, Sendable {
  case string(String)
  case integer(Int64)
  case boolean(Bool)
  /// A decimal number kept as its text, such as `0.25`, because signed objects hold no floats.
  case decimal(String)

  /// As the run sees it in `BELFRY_PARAM_<NAME>`.
  public var text: String {
    switch self {
    case .string(let text), .decimal(let text): text
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    }
  }

  /// The kind in words, for messages.
  public var kind: String {
    switch self {
    case .string: "a string"
    case .integer: "an integer"
    case .boolean: "true or false"
    case .decimal: "a decimal number"
    }
  }

  /// `text` read as a value of the same kind as this one; nil when it does not fit.
  public func reading(_ text: String) -> ParameterValue? {
    switch self {
    case .string: .string(text)
    case .integer: Int64(text).map(ParameterValue.integer)
    case .boolean: text == "true" ? .boolean(true) : text == "false" ? .boolean(false) : nil
    case .decimal: Self.isDecimal(text) ? .decimal(text) : nil
    }
  }

  /// `-?digits[.digits]`, at most 40 characters: what is also a valid JSON number.
  public static func isDecimal(_ text: String) -> Bool {
    guard text.utf8.count <= 40 else { return false }
    let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count),
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { return false }
    return parts[0].utf8.count == 1 || !parts[0].hasPrefix("0")
  }
}

/// `retry`: how often and when a failed attempt is repeated within the same run.
public struct RetryPolicy: Hashable, Sendable {
  /// In all, the first one included: 1...100.
  public var attempts: Int
  /// Before the second attempt.
  public var backoff: Duration
  /// Each further pause is this many times the one before, in thousandths: 2000 means twice.
  public var factorThousandths: Int
  /// No pause is longer.
  public var max: Duration
  /// Which ends of an attempt are worth another.
  public var on: Set<RunState>

  public init(
    attempts: Int = 1, backoff: Duration = .seconds(10), factorThousandths: Int = 2000, max: Duration = .seconds(300),
    on: Set<RunState> = [.failed, .timedOut]
  ) {
    self.attempts = attempts
    self.backoff = backoff
    self.factorThousandths = factorThousandths
    self.max = max
    self.on = on
  }

  /// The pause after attempt number `attempt` (from 1) ended in `state`; nil when the run is over.
  public func pause(after attempt: Int, endedIn state: RunState) -> Duration? {
    guard attempt < attempts, on.contains(state) else { return nil }
    var pause = backoff.wholeMilliseconds
    for _ in 1..<Swift.max(attempt, 1) {
      let (product, overflow) = pause.multipliedReportingOverflow(by: Int64(factorThousandths))
      pause = overflow ? max.wholeMilliseconds : product / 1000
      if pause >= max.wholeMilliseconds { break }
    }
    return Swift.min(.milliseconds(pause), max)
  }
}
