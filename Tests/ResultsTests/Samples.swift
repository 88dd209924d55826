import Git
import Model
import Results
import TestSupport
import Trust

/// Receipts for tests: of plausible content, each part replaceable.
struct Sample {
  static let key = try? SigningKey.generate()
  static let start = Timestamp(rfc3339: "2026-11-20T02:30:00Z") ?? Timestamp(seconds: 0)

  var job = "orders/backup"
  var nominal = Sample.start
  var request: String?
  /// Makes the agent's id.
  var agent = 1
  var agentName: String?
  var outcome = Outcome.ran(.succeeded)
  var reason: String?
  var seconds = 1
  /// The log of each attempt; a run has at least one attempt.
  var logs: [String] = []
  var count = 1

  static func agentID(_ number: Int) -> AgentID { AgentID(random: (UInt64(number) << 32, UInt64(number))) }

  func receipt() throws -> Receipt {
    let cause: Cause = request.map { .person(request: $0) } ?? .schedule
    let occurrence = Occurrence(job: try JobName(job), nominal: nominal, cause: cause)
    let id = Self.agentID(agent)
    var attempts: [Receipt.Attempt] = []
    if case .ran(let state) = outcome {
      for (index, text) in (logs.isEmpty ? [""] : logs).enumerated() {
        let bytes = Array(text.utf8)
        let isLast = index == max(0, logs.count - 1)
        attempts.append(
          Receipt.Attempt(
            number: index + 1, started: nominal, ended: nominal + .seconds(seconds), state: isLast ? state : .failed,
            exitCode: isLast && state == .succeeded ? 0 : 1,
            log: bytes.isEmpty
              ? Receipt.Log()
              : Receipt.Log(digest: SHA256.hash(bytes), written: Int64(bytes.count), kept: Int64(bytes.count))))
      }
    }
    return Receipt(
      run: occurrence.run(on: id), occurrence: occurrence, agent: id,
      agentName: try AgentName(agentName ?? "db-\(agent)"),
      bundle: try Digest(hex: String(repeating: "ab", count: 32)),
      commit: try CommitID(String(repeating: "c0", count: 20)), outcome: outcome, reason: reason,
      started: attempts.first?.started, ended: nominal + .seconds(seconds), attempts: attempts, count: count,
      firstNominal: count > 1 ? nominal - .seconds(60 * (count - 1)) : nil)
  }

  func delivery(key: SigningKey? = nil) throws -> ReceiptDelivery {
    let signed = try (key ?? Self.shared()).sign(receipt())
    var bytes: [Int: [UInt8]] = [:]
    for (index, text) in logs.enumerated() where !text.isEmpty { bytes[index + 1] = Array(text.utf8) }
    return ReceiptDelivery(signed: signed, logs: bytes)
  }

  /// One key for all agents of a test, unless it needs several.
  static func shared() throws -> SigningKey {
    if let key { return key }
    return try SigningKey.generate()
  }
}

/// A bare repository as the remote, and writers that work on their own caches.
struct Remotes {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder("results")
    path = folder.path("remote.git")
    try TestSupport.git("init", "-q", "--bare", path, in: folder.path)
  }

  func writer(_ name: String = "one", key: SigningKey? = nil, recordLimit: Int = 10_000) throws -> ResultsWriter {
    let repository = try Repository.openOrCreateBare(at: folder.path("cache-\(name).git"))
    return ResultsWriter(
      repository: repository, remote: Remote(url: path),
      identity: .init(writer: name, source: "https://example.com/jobs.git main", key: try key ?? Sample.shared()),
      recordLimit: recordLimit)
  }

  /// A writer that has claimed the branch.
  func claimedWriter(_ name: String = "one", key: SigningKey? = nil) throws -> ResultsWriter {
    let writer = try writer(name, key: key)
    _ = try writer.claimEpoch(now: Sample.start)
    return writer
  }

  /// The content of a file at the remote's tip.
  func show(_ file: String) throws -> String { try TestSupport.git("show", "belfry/results:\(file)", in: path) }

  func files() throws -> [String] {
    try TestSupport.git("ls-tree", "-r", "--name-only", "belfry/results", in: path).split(separator: "\n").map(
      String.init)
  }

  /// A commit that a person makes on the branch.
  func foreignCommit(_ file: String, _ text: String) throws {
    let clone = folder.path("person")
    try command(["rm", "-rf", clone])
    try TestSupport.git("clone", "-q", "-b", "belfry/results", path, clone, in: folder.path)
    try folder.write("person/\(file)", text)
    try TestSupport.git("add", "-A", in: clone)
    try TestSupport.git("commit", "-q", "-m", "A person's edit", in: clone)
    try TestSupport.git("push", "-q", "origin", "belfry/results", in: clone)
  }

  /// A commit with which a person takes a file away.
  func foreignRemoval(_ file: String) throws {
    let clone = folder.path("person")
    try command(["rm", "-rf", clone])
    try TestSupport.git("clone", "-q", "-b", "belfry/results", path, clone, in: folder.path)
    try TestSupport.git("rm", "-q", file, in: clone)
    try TestSupport.git("commit", "-q", "-m", "A person's removal", in: clone)
    try TestSupport.git("push", "-q", "origin", "belfry/results", in: clone)
  }

  func reader() throws -> ResultsReader { try ResultsReader(repository: Repository.open(at: path)) }
}

extension ResultsWriter {
  /// Pushes, and gives back the runs that the push makes certain.
  func pushed() throws -> Set<RunID> {
    guard case .pushed(let report) = try push() else { return [] }
    return report.runs
  }
}
