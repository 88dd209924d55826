public import Model

/// The file that holds the receipts of everything of one job that was due at one time.
public struct RunFile: Hashable, Sendable {
  public var job: JobName
  public var nominal: Timestamp
  /// From 1. Further parts exist only where a file has grown past ``partLimit``: `3000Z.2.ndjson`.
  public var part: Int

  public init(job: JobName, nominal: Timestamp, part: Int = 1) {
    self.job = job
    self.nominal = nominal
    self.part = part
  }

  /// Bytes after which a new part is begun, so that a batch never rewrites a file without bound, and one agent that
  /// sends many large receipts for one time cannot make the others' unwritable.
  static let partLimit = 8 << 20
  static let partsLimit = 9_999

  /// The file's name without its ending.
  var stem: String { Instant.stem(nominal) + (part == 1 ? "" : ".\(part)") }

  /// Takes `3000Z.2` apart.
  static func split(_ name: Substring) -> (stem: Substring, part: Int)? {
    guard let end = name.firstIndex(of: "Z").map(name.index(after:)) else { return nil }
    if end == name.endIndex { return (name, 1) }
    let digits = name[end...].dropFirst()
    guard name[end] == ".", let part = Int(digits), (2...partsLimit).contains(part), String(part) == digits
    else { return nil }
    return (name[..<end], part)
  }

  enum Kind {
    case receipts, signatures

    /// Takes the ending off a file's name.
    static func split(_ name: Substring) -> (Substring, Kind)? {
      if name.hasSuffix(".ndjson") { return (name.dropLast(7), .receipts) }
      if name.hasSuffix(".sigs") { return (name.dropLast(5), .signatures) }
      return nil
    }
  }
}

/// The file with what one attempt of a run wrote.
public struct LogFile: Hashable, Sendable {
  public var job: JobName
  public var nominal: Timestamp
  public var agent: AgentName
  /// Set when the agent's name alone would not do, because another run of an agent with that name stands before this
  /// one in the file of receipts: names are for people and need not be unique, and one agent must not be able
  /// to write over another's logs.
  public var run: RunID?
  /// 1...``attemptLimit``
  public var attempt: Int

  public init(job: JobName, nominal: Timestamp, agent: AgentName, run: RunID? = nil, attempt: Int) {
    self.job = job
    self.nominal = nominal
    self.agent = agent
    self.run = run
    self.attempt = attempt
  }

  /// Attempts with a higher number have no log on the branch.
  public static let attemptLimit = 9_999

  /// `db-1.1.log`, or `db-1@0123456789abcdef0123.1.log`: neither `@` nor a second reading from the right can be part of
  /// an agent's name.
  public var name: String { agent.text + (run.map { "@\($0.text)" } ?? "") + ".\(attempt).log" }

  init?(job: JobName, nominal: Timestamp, name: Substring) {
    guard name.hasSuffix(".log") else { return nil }
    let front = name.dropLast(4)
    guard let dot = front.lastIndex(of: "."), let attempt = Int(front[front.index(after: dot)...]),
      (1...Self.attemptLimit).contains(attempt)
    else { return nil }
    let owner = front[..<dot].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard let agent = try? AgentName(String(owner[0])) else { return nil }
    self.init(job: job, nominal: nominal, agent: agent, attempt: attempt)
    if owner.count == 2 {
      guard let run = try? RunID(String(owner[1])) else { return nil }
      self.run = run
    }
  }
}
