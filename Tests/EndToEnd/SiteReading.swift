import Foundation
import Model
import TestSupport

/// A receipt as anybody reads it with git and a JSON parser.
struct SeenReceipt: Sendable, Hashable {
  let json: JSONValue

  private func text(_ key: String) -> String { json[key]?.stringValue ?? "" }

  var run: String { text("run") }
  var nominal: Timestamp { Timestamp(rfc3339: text("nominal")) ?? Timestamp(seconds: 0) }
  var outcome: String { text("outcome") }
  var reason: String { text("reason") }
  var bundle: String { text("bundle") }
  var agent: String { text("agentName") }
  var attempts: [JSONValue] { json["attempts"]?.arrayValue ?? [] }
  var exitCode: Int64? { attempts.last?["exitCode"]?.integerValue }

  /// The seconds that it speaks for: those of a folded record too.
  var seconds: ClosedRange<Int64> {
    let first = Timestamp(rfc3339: text("firstNominal")) ?? nominal
    return first.seconds...nominal.seconds
  }
}

/// A line that a job's script wrote outside of Belfry's sight.
struct Sighting: Hashable, Sendable {
  let run: String
  let attempt: String
  let nominal: Timestamp
}

extension Site {
  // MARK: - The results branch, with plain git

  /// All receipts of a job on the results branch, by nominal time.
  func receipts(_ job: String) throws -> [SeenReceipt] {
    let found = try command(
      ["git", "grep", "-h", "-e", "^", Self.branch, "--", "runs/\(job)/**.ndjson"], in: results)
    guard found.status == 0 else { return [] }
    return try found.output.split(separator: "\n").map { line in
      let statement = try JSONValue(parsing: Array(line.utf8), limit: 1 << 20)
      guard let predicate = statement["predicate"] else { throw CommandFailure(description: "no predicate: \(line)") }
      return SeenReceipt(json: predicate)
    }.sorted { $0.nominal < $1.nominal }
  }

  /// Waits for a receipt of the job that fits.
  @discardableResult
  func receipt(
    _ job: String, _ what: String, within limit: Duration = .seconds(30),
    where fits: (SeenReceipt) -> Bool = { _ in true }
  ) async throws -> SeenReceipt {
    try await eventually("a receipt of \(job): \(what)", within: limit) { try self.receipts(job).last(where: fits) }
  }

  /// The paths of the results branch below a folder.
  func paths(_ folder: String) throws -> [String] {
    let found = try command(["git", "ls-tree", "-r", "--name-only", Self.branch, folder + "/"], in: results)
    return found.output.split(separator: "\n").map(String.init)
  }

  /// A file of the results branch; nil when there is none.
  func file(_ path: String) throws -> String? {
    let shown = try command(["git", "show", "\(Self.branch):\(path)"], in: results)
    return shown.status == 0 ? shown.output : nil
  }

  /// What an attempt of a run wrote, by the log on the branch.
  func log(_ job: String, of receipt: SeenReceipt, attempt: Int = 1) throws -> String? {
    try logFile(job, of: receipt, attempt: attempt).map { log in
      String(decoding: LogPrinter(isRaw: true).print(Array(log.utf8)), as: UTF8.self)
    }
  }

  /// The log of an attempt of a run, as it stands on the branch.
  func logFile(_ job: String, of receipt: SeenReceipt, attempt: Int = 1) throws -> String? {
    let path = try paths("logs/\(job)").first { path in
      path.hasSuffix("/\(receipt.agent).\(attempt).log") && path.contains(Self.stem(receipt.nominal))
    }
    return try path.flatMap(file)
  }

  /// `02/3000Z` of 02:30:00.
  private static func stem(_ time: Timestamp) -> String {
    let text = time.description
    let clock = text.split(separator: "T").last ?? ""
    return clock.prefix(2) + "/" + clock.dropFirst(3).filter { $0 != ":" }
  }

  // MARK: - The witness

  func witness(_ job: String) -> String { folder.path("witness-" + job.replacing("/", with: "-")) }

  /// What the job's script did, seen from outside.
  func sightings(_ job: String) throws -> [Sighting] {
    let bytes = FileManager.default.contents(atPath: witness(job)) ?? Data()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 3, let nominal = Timestamp(rfc3339: words[2]) else { return nil }
      return Sighting(run: words[0], attempt: words[1], nominal: nominal)
    }
  }

  // MARK: - The controller's word

  /// The status; nil while no controller answers.
  func status(_ controller: String = "controller") throws -> JSONValue? {
    let answer = try belfry("status", "--config", configuration(controller), "--format", "json")
    return answer.status == 0 ? try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20) : nil
  }

  /// Waits until the status is as wanted.
  @discardableResult
  func status(
    _ what: String, of controller: String = "controller", within limit: Duration = .seconds(30),
    where fits: (JSONValue) -> Bool
  ) async throws -> JSONValue {
    try await eventually("status: \(what)", within: limit) {
      try self.status(controller).flatMap { fits($0) ? $0 : nil }
    }
  }

  /// Waits until the source is at the commit and every connected agent holds what it should.
  func synced(_ commit: String, job: String) async throws -> JSONValue {
    let status = try await status("\(job) is synced at \(commit)") { status in
      status["source"]?["commit"]?.stringValue == commit && status.job(job)?["sync"]?.stringValue == "Synced"
    }
    return status.job(job) ?? .null
  }
}

extension JSONValue {
  /// In a status: the job of that name.
  func job(_ name: String) -> JSONValue? {
    self["jobs"]?.arrayValue?.first { $0["job"]?.stringValue == name }
  }

  /// In a status: the agent of that name.
  func agent(_ name: String) -> JSONValue? {
    self["agents"]?["list"]?.arrayValue?.first { $0["name"]?.stringValue == name }
  }
}

/// The files below the folder in which a text stands, by grep(1) with these options. Throws when they were not searched: only
/// that one has gone meanwhile is no reason.
func files(holding text: String, below folder: String, _ options: String...) throws -> [String] {
  let found = try command(["grep", "-rlaF"] + options + ["-e", text, folder])
  let isSearched =
    found.status < 2
    || found.status == 2 && access(folder, F_OK) == 0
      && found.errors.split(separator: "\n").allSatisfy { $0.hasSuffix(": No such file or directory") }
  guard isSearched else { throw CommandFailure(description: "\(folder) cannot be searched: \(found)") }
  return found.output.split(separator: "\n").map(String.init)
}
