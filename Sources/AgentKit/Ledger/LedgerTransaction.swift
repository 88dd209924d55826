import Foundation
import GRDB
import Model
import Planning
import Trust

/// The changes that can be made to the ledger, within one transaction.
struct LedgerTransaction {
  fileprivate let database: Database

  init(database: Database) { self.database = database }

  /// Puts an assignment in force.
  func accept(_ held: HeldAssignment) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO assignment VALUES (1, ?, ?, ?)",
      arguments: [held.position.epoch, held.position.sequence, held.digest?.hex])
  }

  func heard(at time: Timestamp) throws { try set("lastHeard", time.microseconds) }

  func move(_ job: JobName, to cursor: Planning.Cursor) throws {
    try execute(
      "INSERT INTO cursors VALUES (?1, ?2, ?3) ON CONFLICT (job) DO UPDATE SET instant = ?2, floor = ?3",
      [job.text, cursor.decided.microseconds, cursor.floor.microseconds])
  }

  func forgetCursor(of job: JobName) throws {
    try execute("DELETE FROM cursors WHERE job = ?", [job.text])
  }

  /// Writes a run down before it starts. Throws when the run is there already: it must not run twice.
  func begin(_ entry: LedgerRun, startBy: Timestamp? = nil) throws {
    let run = entry.run
    try execute(
      """
      INSERT INTO runs (id, job_json, nominal, request, bundle, commit_id, params, started, attempt, waiting_until,
        cancel_requested, attempts, start_by, boot, ended, queued, armed_for, turn_by, person)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
      """,
      [
        run.id.text, run.job.json.text, run.occurrence.nominal.microseconds, run.occurrence.request, run.bundle.hex,
        run.commit.text, JSONValue.sorted(run.params.mapValues(\.json)).text, run.started.microseconds, run.attempt,
        run.waitingUntil?.microseconds, run.cancelRequested, Self.text(entry.attempts), startBy?.microseconds,
        entry.boot, run.phase == .queued, run.armedFor?.microseconds, run.startBy?.microseconds,
        run.person,
      ])
  }

  /// Takes an armed run out again that never began and is no run.
  func forget(_ run: RunID) throws { try execute("DELETE FROM runs WHERE id = ?", [run.text]) }

  /// Writes down that an attempt ended, that the next one begins, or that somebody wants the run to end.
  func update(_ entry: LedgerRun) throws {
    let run = entry.run
    try execute(
      """
      UPDATE runs SET started = ?, attempt = ?, waiting_until = ?, queued = ?, armed_for = ?, cancel_requested = ?,
        attempts = ?, boot = ? WHERE id = ?
      """,
      [
        run.started.microseconds, run.attempt, run.waitingUntil?.microseconds, run.phase == .queued,
        run.armedFor?.microseconds, run.cancelRequested, Self.text(entry.attempts), entry.boot, run.id.text,
      ])
  }

  /// Keeps an attempt's output for the receipt.
  func keep(log data: [UInt8], of run: RunID, attempt: Int) throws {
    try execute("INSERT OR REPLACE INTO logs VALUES (?, ?, ?)", [run.text, attempt, Data(data)])
  }

  /// Ends a run with its attempts and puts its receipt into the spool, with the artifacts that it lists. For an occurrence
  /// that did not run there is no run to end.
  func finish(
    _ run: RunID, attempts: [Receipt.Attempt] = [], line: [UInt8], signature: [UInt8], artifacts: Set<Digest> = []
  ) throws {
    try execute("UPDATE runs SET ended = 1, attempts = ? WHERE id = ?", [Self.text(attempts), run.text])
    try execute(
      "INSERT OR IGNORE INTO spool (run, line, signature) VALUES (?, ?, ?)", [run.text, Data(line), Data(signature)])
    for digest in artifacts.sorted() {
      try execute("INSERT OR IGNORE INTO artifacts (run, digest) VALUES (?, ?)", [run.text, digest.hex])
    }
  }

  /// Drops receipts that are committed and pushed. One whose artifacts are still to be received stays, to offer them by.
  func acknowledged(_ runs: some Sequence<RunID>) throws {
    // Most agents have none, and acknowledge hundreds of receipts at once.
    let haveArtifacts = try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM artifacts)") ?? true
    for run in runs {
      if haveArtifacts {
        try execute("UPDATE spool SET committed = 1 WHERE run = ?", [run.text])
        try execute("DELETE FROM artifacts WHERE run = ? AND received = 1", [run.text])
        try execute(
          "DELETE FROM spool WHERE run = ?1 AND NOT EXISTS (SELECT 1 FROM artifacts WHERE run = ?1)", [run.text])
      } else {
        try execute("DELETE FROM spool WHERE run = ?", [run.text])
      }
      try execute("DELETE FROM logs WHERE run = ?", [run.text])
    }
  }

  /// The controller has the artifacts of a run, or never will. Until the receipt is acknowledged they are kept all the same:
  /// should the controller lose its disk, it gets both again.
  func received(artifactsOf run: RunID) throws {
    try execute("UPDATE artifacts SET received = 1 WHERE run = ?", [run.text])
    try execute(
      "DELETE FROM artifacts WHERE run = ?1 AND EXISTS (SELECT 1 FROM spool WHERE run = ?1 AND committed = 1)",
      [run.text])
    try execute("DELETE FROM spool WHERE run = ? AND committed = 1", [run.text])
  }

  /// Puts a receipt aside that the controller will never commit: kept for people with its logs for ``rejectedAge`` while there
  /// is room, not sent again. Nobody will ask for its artifacts.
  func rejected(_ run: RunID, reason: String, at time: Timestamp) throws {
    try execute("DELETE FROM artifacts WHERE run = ?", [run.text])
    try database.execute(
      sql: "UPDATE spool SET rejected = ?, rejected_at = ? WHERE run = ?",
      arguments: [reason, time.microseconds, run.text])
  }

  /// For how long a receipt is kept that was put aside.
  static let rejectedAge = Duration.seconds(30 * 86_400)

  /// Forgets receipts that were put aside before `limit`. Those of an agent that did not write down when count from now on.
  func forgetRejected(before limit: Timestamp, now: Timestamp) throws {
    try database.execute(
      sql: "UPDATE spool SET rejected_at = ? WHERE rejected IS NOT NULL AND rejected_at IS NULL",
      arguments: [now.microseconds])
    _ = try forget("SELECT number FROM spool WHERE rejected IS NOT NULL AND rejected_at < ?", [limit.microseconds])
  }

  /// Forgets receipts that `numbers` selects, and their logs, of which nobody else has a copy. How many.
  private func forget(_ numbers: String, _ arguments: StatementArguments) throws -> Int {
    try database.execute(
      sql: "DELETE FROM logs WHERE run IN (SELECT run FROM spool WHERE number IN (\(numbers)))", arguments: arguments)
    try database.execute(sql: "DELETE FROM spool WHERE number IN (\(numbers))", arguments: arguments)
    return database.changesCount
  }

  // MARK: - Quarantine

  /// Writes down that an attempt of the bundle crashed the agent or its shim.
  func crashed(_ bundle: Digest, at time: Timestamp, _ words: String) throws {
    try database.execute(
      sql: "INSERT INTO crashes VALUES (?, ?, ?)", arguments: [bundle.hex, time.microseconds, words])
  }

  func quarantine(_ bundle: Digest, _ words: String, since time: Timestamp) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)", arguments: [bundle.hex, time.microseconds, words])
  }

  /// Ends a quarantine; `kept` of the latest crashes still count.
  func release(_ bundle: Digest, keeping kept: Int) throws {
    try database.execute(sql: "DELETE FROM quarantine WHERE bundle = ?", arguments: [bundle.hex])
    try database.execute(
      sql: """
        DELETE FROM crashes WHERE bundle = ?1 AND rowid NOT IN
          (SELECT rowid FROM crashes WHERE bundle = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)
        """, arguments: [bundle.hex, kept])
  }

  /// Forgets crashes before the first time, and quarantines since before the second but for those of these bundles.
  func forgetCrashes(before crashes: Timestamp, quarantines: Timestamp, except bundles: Set<Digest>) throws {
    try database.execute(sql: "DELETE FROM crashes WHERE at < ?", arguments: [crashes.microseconds])
    for row in try Row.fetchAll(
      database, sql: "SELECT bundle FROM quarantine WHERE since < ?", arguments: [quarantines.microseconds])
    {
      let bundle: String = row["bundle"]
      if !bundles.contains(where: { $0.hex == bundle }) {
        try database.execute(sql: "DELETE FROM quarantine WHERE bundle = ?", arguments: [bundle])
      }
    }
  }

  // MARK: - Room

  /// Forgets the oldest ended runs whose receipts are gone, and when there are none, the oldest receipts that were put aside,
  /// at most so many; gives back how many there were. Orders that could still be repeated stay.
  func forgetOldest(_ count: Int, now: Timestamp) throws -> Int {
    try database.execute(
      sql: """
        DELETE FROM runs WHERE id IN (
          SELECT id FROM runs WHERE ended = 1 AND (start_by IS NULL OR start_by <= ?1)
            AND id NOT IN (SELECT run FROM spool) ORDER BY started LIMIT ?2)
        """, arguments: [now.microseconds, count])
    if database.changesCount > 0 { return database.changesCount }
    return try forget("SELECT number FROM spool WHERE rejected IS NOT NULL ORDER BY number LIMIT ?", [count])
  }

  /// Forgets ended runs that started before `limit` and whose receipts are gone.
  func forgetRuns(before limit: Timestamp) throws {
    try database.execute(
      sql: "DELETE FROM runs WHERE ended = 1 AND started < ? AND id NOT IN (SELECT run FROM spool)",
      arguments: [limit.microseconds])
  }

  private func set(_ name: String, _ value: Int64) throws {
    try database.execute(
      sql: "INSERT INTO numbers VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", arguments: [name, value])
  }

  /// A statement that is run often: compiled once.
  private func execute(_ sql: String, _ arguments: StatementArguments) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }

  private static func text(_ attempts: [Receipt.Attempt]) -> String { JSONValue.array(attempts.map(\.json)).text }
}

extension ActiveRun {
  fileprivate var waitingUntil: Timestamp? {
    if case .waiting(let until) = phase { until } else { nil }
  }

  fileprivate var armedFor: Timestamp? {
    if case .armed(let instant) = phase { instant } else { nil }
  }
}

extension Occurrence {
  /// The person's request; nil for a scheduled occurrence.
  fileprivate var request: String? {
    if case .person(let request) = cause { request } else { nil }
  }
}
