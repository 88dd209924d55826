public import Model

/// Where things stand on the results branch.
///
/// A job's name may have slashes and digits-only segments, so `runs/a/2026/11/…` alone could belong to the job `a` or
/// to the job `a/2026`. It does not: the last five components of a run's path are always its time, so paths are read
/// from the right; and from the left, a year has four digits while months, days and hours have two.
public enum ResultsLayout {
  public static let overview = "README.md"
  /// The public key of the controller that writes the branch: SubjectPublicKeyInfo in PEM.
  public static let controllerKey = "controller.pem"
  public static let agentsFolder = "agents"
  public static let jobsFolder = "jobs"
  public static let runsFolder = "runs"
  public static let logsFolder = "logs"
  static let jobPageName = "README.md"

  /// The public key of an agent, as it was when the controller first met it.
  public static func agentKey(_ agent: AgentID) -> String { "\(agentsFolder)/\(agent.text).pem" }

  /// The names of an agent, one a line: first the one that it has, then those that it had. Nobody else may use them.
  public static func agentNames(_ agent: AgentID) -> String { "\(agentsFolder)/\(agent.text).name" }

  /// The page with the job's last occurrences.
  public static func jobPage(_ job: JobName) -> String { "\(jobsFolder)/\(job.text)/\(jobPageName)" }

  /// One receipt a line.
  public static func receipts(_ file: RunFile) -> String {
    "\(runsFolder)/\(file.job)/\(Instant.folder(file.nominal))/\(file.stem).ndjson"
  }

  /// The signature of the receipt in the same line of ``receipts(_:)``.
  public static func signatures(_ file: RunFile) -> String {
    "\(runsFolder)/\(file.job)/\(Instant.folder(file.nominal))/\(file.stem).sigs"
  }

  /// The folder with the logs of all runs that were due at this time.
  public static func logFolder(_ job: JobName, _ nominal: Timestamp) -> String {
    "\(logsFolder)/\(job.text)/\(Instant.folder(nominal))/\(Instant.stem(nominal))"
  }

  /// What one attempt wrote: its head and tail.
  public static func log(_ log: LogFile) -> String { "\(logFolder(log.job, log.nominal))/\(log.name)" }

  /// Whether the branch has a place for an occurrence of that time.
  public static func canHold(_ nominal: Timestamp) -> Bool { Instant.range.contains(nominal) }

  /// Reads a path back; nil for a path that none of the functions above gives.
  public static func parse(_ path: String) -> ResultsPath? {
    // Swift's strings are equal when they look the same; paths are when their bytes are.
    guard let parsed = read(path), parsed.text.utf8.elementsEqual(path.utf8) else { return nil }
    return parsed
  }

  private static func read(_ path: String) -> ResultsPath? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case (overview[...], 1): return .overview
    case (controllerKey[...], 1): return .controllerKey
    case (agentsFolder[...], 2):
      guard let dot = parts[1].lastIndex(of: "."), let id = try? AgentID(String(parts[1][..<dot])) else { return nil }
      switch parts[1][dot...] {
      case ".pem": return .agentKey(id)
      case ".name": return .agentNames(id)
      default: return nil
      }
    case (jobsFolder[...], 3...):
      guard parts.last == jobPageName[...], let job = jobName(parts[1..<parts.count - 1]) else { return nil }
      return .jobPage(job)
    case (runsFolder[...], 7...): return runPath(parts)
    case (logsFolder[...], 8...): return logPath(parts)
    default: return nil
    }
  }

  private static func runPath(_ parts: [Substring]) -> ResultsPath? {
    let time = parts.count - 5
    guard let job = jobName(parts[1..<time]), let (name, kind) = RunFile.Kind.split(parts[time + 4]),
      let (stem, part) = RunFile.split(name),
      let nominal = Instant.time(folders: Array(parts[time..<time + 4]), stem: stem)
    else { return nil }
    let file = RunFile(job: job, nominal: nominal, part: part)
    return kind == .receipts ? .receipts(file) : .signatures(file)
  }

  private static func logPath(_ parts: [Substring]) -> ResultsPath? {
    let time = parts.count - 6
    guard let job = jobName(parts[1..<time]),
      let nominal = Instant.time(folders: Array(parts[time..<time + 4]), stem: parts[time + 4]),
      let log = LogFile(job: job, nominal: nominal, name: parts[time + 5])
    else { return nil }
    return .log(log)
  }

  private static func jobName(_ parts: ArraySlice<Substring>) -> JobName? {
    try? JobName(parts.joined(separator: "/"))
  }
}

/// What a path of the results branch is for.
public enum ResultsPath: Hashable, Sendable {
  case overview
  case controllerKey
  case agentKey(AgentID)
  case agentNames(AgentID)
  case jobPage(JobName)
  case receipts(RunFile)
  case signatures(RunFile)
  case log(LogFile)

  /// The path itself.
  public var text: String {
    switch self {
    case .overview: ResultsLayout.overview
    case .controllerKey: ResultsLayout.controllerKey
    case .agentKey(let id): ResultsLayout.agentKey(id)
    case .agentNames(let id): ResultsLayout.agentNames(id)
    case .jobPage(let job): ResultsLayout.jobPage(job)
    case .receipts(let file): ResultsLayout.receipts(file)
    case .signatures(let file): ResultsLayout.signatures(file)
    case .log(let log): ResultsLayout.log(log)
    }
  }
}
