import Execution
import Glibc
public import Model
import Planning
import Platform
import Trust
import ZoneInfo

/// `belfry-agent debug`: what is left of a run, put together so that a person can repeat it by hand.
public struct DebugCopy: Sendable {
  /// The agent's state folder.
  public var state: String
  /// The agent's name; nil: the one that it had when it was last started.
  public var name: AgentName?
  /// The agent's folders of plug-ins.
  public var plugIns: [String]?
  /// Whether the agent lets requests ask link-local addresses.
  public var allowsLinkLocal: Bool

  public init(state: String, name: AgentName? = nil, plugIns: [String]? = nil, allowsLinkLocal: Bool = false) {
    self.state = state
    self.name = name
    self.plugIns = plugIns
    self.allowsLinkLocal = allowsLinkLocal
  }

  /// What was made.
  public struct Made: Sendable {
    public let path: String
    /// In what a repetition is another thing than the run was.
    public let differences: [String]
  }

  /// Why there is no copy, with what to do.
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  /// Makes the folder for the run whose id begins with `text`. Works beside a running agent. `folder` nil: a new one in the
  /// working folder.
  public func write(_ text: String, to folder: String?) throws -> Made {
    guard access(state + "/ledger.sqlite", F_OK) == 0 else {
      throw Problem(description: "there is no ledger in \(state); --state FOLDER says where the agent's state is")
    }
    let ledger = try Ledger(reading: state + "/ledger.sqlite")
    let found = try ledger.runs(beginningWith: text)
    guard let entry = found.first else {
      throw Problem(
        description:
          "run \(text) is not in this agent's ledger, which keeps the runs of 7 days, as far as its limit allows; "
          + "'belfry logs \(text)' shows what it printed, and its receipt names the agent that had it")
    }
    guard found.count == 1 else {
      throw Problem(
        description: "\(found.count) runs begin with \(text): \(found.map(\.run.id.text).joined(separator: ", "))")
    }
    let run = entry.run
    let path = folder ?? "belfry-debug-\(run.id.text)"
    guard access(path, F_OK) != 0 else {
      throw Problem(description: "\(path) exists already; -o FOLDER says another place")
    }
    let store = try BundleStore(reading: state + "/store")
    let bundle: Bundle
    let copy: RunCopy
    do throws(ExecutionError) {
      let envelope = try store.bundle(run.bundle)
      guard let parsed = Self.bundle(envelope) else {
        throw ExecutionError(.corrupted, "the bundle \(run.bundle.short) cannot be read")
      }
      bundle = parsed
      guard let agent = name ?? AgentIdentity.lastName(folder: state) ?? (try? AgentName(AgentIdentity.hostName()))
      else {
        throw ExecutionError(.refused, "this host has no name that an agent could have: give --name")
      }
      var executors = Executors(plugIns: plugIns ?? Executors.usualPlugIns)
      executors.allowsLinkLocal = allowsLinkLocal
      copy = RunCopy(
        AttemptSpec(
          run: run.id, number: max(1, entry.attempts.last?.number ?? run.attempt), occurrence: run.occurrence,
          agent: agent, commit: run.commit, bundle: bundle, params: run.params,
          triggers: run.dueTriggers(ZoneDatabase()),
          person: run.person, host: HostEnvironment(agentUser: agentUser)),
        executors: executors, keptFolders: state + "/work")
      try copy.write(to: path, from: store)
    } catch {
      guard [.missing, .corrupted].contains(error.code) else { throw Problem(description: error.message) }
      throw Problem(
        description: "\(error.message): the agent does not hold this version any more. Its files are in the source: "
          + "git show \(run.commit.text)")
    }
    try add("job.json", run.job.json.text + "\n", to: path)
    try add("params.json", JSONValue.sorted(run.params.mapValues(\.json)).text + "\n", to: path)
    for log in try ledger.logs(of: run.id) {
      try DurableFile.write(log.data, to: "\(path)/log.\(log.attempt)", mode: 0o600)
    }
    try add("README.md", readme(entry, bundle, copy.differences), to: path)
    return Made(path: path, differences: copy.differences)
  }

  /// Who may not be the one that makes the copy.
  private var agentUser: UInt32 {
    var found = stat()
    return stat(state + "/ledger.sqlite", &found) == 0 ? found.st_uid : geteuid()
  }

  private func add(_ name: String, _ text: String, to path: String) throws {
    try DurableFile.write(Array(text.utf8), to: "\(path)/\(name)", mode: 0o600)
  }

  /// Its digest was looked at when it was read; whom it is from was looked at before it ran.
  private static func bundle(_ envelope: [UInt8]) -> Bundle? {
    guard let parsed = try? Envelope.parse(envelope, limit: Bundle.payloadLimit),
      let json = try? JSONValue(parsing: parsed.payload, limit: Bundle.payloadLimit), let predicate = json["predicate"]
    else { return nil }
    var digests: [String: Digest] = [:]
    for subject in json["subject"]?.arrayValue ?? [] {
      guard let name = subject["name"]?.stringValue, let hex = subject["digest"]?["sha256"]?.stringValue else {
        continue
      }
      digests[name] = try? Digest(hex: hex)
    }
    // The subject of a job without files is the job itself.
    let paths = Set((predicate["files"]?.arrayValue ?? []).compactMap { $0["path"]?.stringValue })
    return try? Bundle(predicateJSON: predicate, digests: digests.filter { paths.contains($0.key) })
  }

  private func readme(_ entry: LedgerRun, _ bundle: Bundle, _ differences: [String]) -> String {
    let run = entry.run
    var lines = [
      "# Run \(run.id.text) of \(run.occurrence.job.text)", "",
      "| what | value |", "| --- | --- |",
      "| due | \(run.occurrence.nominal) |",
      "| asked for by | \(run.occurrence.cause == .schedule ? "its schedule" : "a person") |",
      "| bundle | \(run.bundle.hex) |", "| commit | \(run.commit.text) |",
      "| source | \(bundle.source.repository), branch \(bundle.source.branch), \(bundle.source.path) |",
    ]
    for attempt in entry.attempts {
      // A reason says it itself, most of the time.
      let ends = [attempt.exitCode.map { "exit code \($0)" }, attempt.signal.map { "signal \($0)" }].compactMap(\.self)
      let words = ends.filter { attempt.reason?.contains($0) != true } + [attempt.reason].compactMap(\.self)
      let detail = words.joined(separator: "; ")
      lines.append(
        "| attempt \(attempt.number) | \(attempt.state.rawValue), \(attempt.started) to \(attempt.ended)"
          + (detail.isEmpty ? "" : ": \(TerminalText.neutralised(detail))") + " |")
    }
    lines += [
      "",
      "`./run.sh` repeats it: in `work/`, with the variables of `environment` and nothing else, and with `stdin` as its input. It "
        + "is a real run of the job's program: what the job changes, it changes.",
      "",
      "- `bundle/`: the files that travelled with the job, each with the SHA-256 that was signed. They may be changed here.",
      "- `job.json`, `params.json`: the job with its defaults, and the parameters of this run.",
      "- `log.N`: what attempt N printed, as long as no controller has taken it; later `belfry logs \(run.id.text)` shows it.",
      "- What it hands back lies in `outputs` and `artifacts/`, an executor's answer in `answer`.",
      "",
      "It differs from the real run:", "",
    ]
    lines += differences.map { "- " + TerminalText.neutralised($0) } + [""]
    return lines.joined(separator: "\n")
  }
}
