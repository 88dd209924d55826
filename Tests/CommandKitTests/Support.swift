import Foundation
import Git
import Model
import Platform
import Results
import Schedule
import Synchronization
import TestSupport
import Trust
import ZoneInfo

@testable import CommandKit

/// What a command left.
struct Ran: Sendable {
  let status: ExitStatus
  let output: String
  let errors: String

  /// Standard output as JSON.
  var json: JSONValue? { try? JSONValue(parsing: Array(output.utf8), limit: 1 << 24) }
}

/// Surroundings of a test: everything is captured, git's own configuration is silenced, the time stands still.
struct Stage {
  static let now = time("2026-11-20T12:00:00Z")

  var folder: String
  var environment: [String: String] = [:]
  var isTerminal = false
  var answer: String?
  var now = Stage.now

  func run(_ arguments: String...) async -> Ran { await run(arguments) }

  func run(_ arguments: [String]) async -> Ran {
    let output = Captured()
    let errors = Captured()
    let answer = answer
    let now = now
    let surroundings = Surroundings(
      environment: ProcessInfo.processInfo.environment.filter { ["PATH", "LD_LIBRARY_PATH"].contains($0.key) }
        .merging(quietGit) { $1 }.merging(["HOME": folder]) { $1 }.merging(environment) { $1 },
      folder: folder, clock: WallClock { now }, isTerminal: isTerminal, output: { output.append($0) },
      errors: { errors.append($0) }, answer: { answer })
    let status = await Surroundings.$current.withValue(surroundings) { await BelfryProgram.run(arguments) }
    return Ran(status: status, output: output.text, errors: errors.text)
  }
}

private final class Captured: Sendable {
  private let bytes = Mutex<[UInt8]>([])
  func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }
  var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
}

func time(_ text: String) -> Timestamp { Timestamp(rfc3339: text) ?? Timestamp(seconds: 0) }

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8), limit: 1 << 20) }

/// A repository with a work tree that two jobs live in, and a bare one that it pushes to.
struct Clone {
  let folder: TemporaryFolder
  var work: String { folder.path("work") }
  var bare: String { folder.path("origin.git") }
  var stage: Stage { Stage(folder: work) }

  init() throws {
    folder = try TemporaryFolder("command-kit")
    try git("init", "-q", "--bare", "-b", "main", bare, in: folder.path)
    try git("clone", "-q", bare, work, in: folder.path)
    try git("checkout", "-q", "-b", "main", in: work)
    try write("belfry.yaml", "belfry: 1\n")
    try write("jobs/backup.yaml", Self.backup(timeout: "5m"))
    try write("jobs/report.yaml", "job: report\ntriggers: [{every: 10m}]\nrun: {command: [df, -h]}\n")
    try write("scripts/backup.sh", "#!/bin/sh\necho one\n", executable: true)
    try commit("Start")
  }

  static func backup(timeout: String) -> String {
    """
    job: data/backup
    triggers:
      - cron: "30 2 * * *"
    run:
      script: scripts/backup.sh
      timeout: \(timeout)

    """
  }

  func write(_ path: String, _ text: String, executable: Bool = false) throws {
    try folder.write("work/" + path, text, executable: executable)
  }

  /// Commits everything and pushes it; gives the commit's id.
  @discardableResult
  func commit(_ message: String) throws -> String {
    try git("add", "-A", in: work)
    try git("commit", "-q", "-m", message, in: work)
    try git("push", "-q", "-u", "origin", "main", in: work)
    return try head()
  }

  /// The same with the date that the commit claims.
  @discardableResult
  func commit(_ message: String, at date: String) throws -> String {
    try git("add", "-A", in: work)
    try git(
      "commit", "-q", "-m", message, in: work, environment: ["GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date])
    try git("push", "-q", "-u", "origin", "main", in: work)
    return try head()
  }

  func head(_ revision: String = "HEAD") throws -> String { try git("rev-parse", revision, in: work) }
  func remoteHead() throws -> String { try git("rev-parse", "main", in: bare) }
}

/// Signed receipts, with one key for the agent and one for the controller.
struct Signers {
  let agent: SigningKey
  let controller: SigningKey
  let agentID: AgentID
  let agentName: String

  init(agentID: AgentID = AgentID(random: (1 << 32, 1)), name: String = "db-1") throws {
    agent = try SigningKey.generate()
    controller = try SigningKey.generate()
    self.agentID = agentID
    agentName = name
  }

  /// The record of an occurrence of `data/backup` that took 1.25 s, or of several that did not run, the first of which
  /// was due at `first`.
  func record(
    _ nominal: String, job: String = "data/backup", from commit: String? = nil, _ outcome: Outcome = .ran(.succeeded),
    late: Duration = .zero, took: Duration = .milliseconds(1_250), reason: String? = nil, first: String? = nil,
    count: Int = 1, request: String? = nil
  ) throws -> ReceiptDelivery {
    let due = time(nominal)
    let occurrence = Occurrence(
      job: try JobName(job), nominal: due, cause: request.map { .person(request: $0) } ?? .schedule)
    var receipt = Receipt(
      run: occurrence.run(on: agentID), occurrence: occurrence, agent: agentID, agentName: try AgentName(agentName),
      bundle: try Digest(hex: String(repeating: "ab", count: 32)),
      commit: try CommitID(commit ?? String(repeating: "c0", count: 20)), outcome: outcome, reason: reason,
      ended: due + late, count: count, firstNominal: first.map(time))
    if case .ran(let state) = outcome {
      receipt.started = due + late
      receipt.ended = due + late + took
      receipt.attempts = [
        Receipt.Attempt(
          number: 1, started: due + late, ended: receipt.ended, state: state,
          exitCode: state == .succeeded ? 0 : state == .failed ? 3 : nil)
      ]
    }
    return ReceiptDelivery(signed: try agent.sign(receipt), logs: [:])
  }

  func receipt(
    job: String = "data/backup", nominal: String = "2026-11-20T02:30:00Z", state: RunState = .succeeded,
    log: String = "done\n", reason: String? = nil
  ) throws -> ReceiptDelivery {
    let start = time(nominal)
    let occurrence = Occurrence(job: try JobName(job), nominal: start)
    let chunk = LogChunk(source: .out, time: Timestamp(seconds: 1_795_000_000), offset: 0, bytes: Array(log.utf8))
    var bytes: [UInt8] = []
    for line in LogLine.lines(of: [chunk]) { line.print(to: &bytes) }
    let attempt = Receipt.Attempt(
      number: 1, started: start, ended: start + .milliseconds(1_250), state: state,
      exitCode: state == .succeeded ? 0 : 3, reason: reason,
      log: bytes.isEmpty
        ? Receipt.Log() : Receipt.Log(digest: SHA256.hash(bytes), written: Int64(bytes.count), kept: Int64(bytes.count))
    )
    let receipt = Receipt(
      run: occurrence.run(on: agentID), occurrence: occurrence, agent: agentID, agentName: try AgentName(agentName),
      bundle: try Digest(hex: String(repeating: "ab", count: 32)),
      commit: try CommitID(String(repeating: "c0", count: 20)), outcome: .ran(state), started: start,
      ended: start + .milliseconds(1_250), attempts: [attempt])
    return ReceiptDelivery(signed: try agent.sign(receipt), logs: bytes.isEmpty ? [:] : [1: bytes])
  }

  /// Writes receipts to the results branch of a bare repository, as a controller does.
  func publish(_ deliveries: [ReceiptDelivery], to bare: String, cache: String) throws {
    let writer = ResultsWriter(
      repository: try Repository.openOrCreateBare(at: cache), remote: Remote(url: bare),
      identity: .init(writer: "test", source: "jobs.git main", key: controller))
    _ = try writer.claimEpoch(now: Stage.now)
    _ = try writer.append(
      deliveries, newAgentKeys: [agentID: agent.publicKey], newAgentNames: [agentID: AgentName(agentName)],
      now: Stage.now)
    _ = try writer.push()
  }
}

/// Of this machine's time zone files.
func zone(_ name: String) throws -> TimeZoneRules { try ZoneDatabase().zone(named: name) }
