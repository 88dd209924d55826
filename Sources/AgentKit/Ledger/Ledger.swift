import Foundation
import GRDB
import Model
import Planning
import Trust

/// What must survive a crash of the agent: a SQLite database in WAL mode with synchronous=FULL, so that a transaction
/// that was committed is on the disk.
///
/// Every method blocks; the engine calls them on its own executor. An error that says that the disk failed (not: is
/// full) means that what SQLite believes and what the disk holds may differ: the caller stops the process.
final class Ledger: Sendable {
  private let database: DatabaseQueue

  /// Opens the database, or makes it. Throws a GRDB `DatabaseError`.
  init(path: String) throws {
    // It holds what jobs are given and what they print. SQLite gives its other files the same mode.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if descriptor >= 0 { close(descriptor) }
    chmod(path, 0o600)
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(5)
    database = try DatabaseQueue(path: path, configuration: configuration)
    // Only now: with WAL mode GRDB sets NORMAL when it opens, whatever was set before, and then a commit is not on the disk.
    try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    try LedgerSchema.migrator.migrate(database)
  }

  /// Opens the database of an agent that may be at work, to be read only. Throws a GRDB `DatabaseError`.
  init(reading path: String) throws {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    database = try DatabaseQueue(path: path, configuration: configuration)
  }

  /// Runs, ended ones too, whose ids begin with the text; at most ten of them.
  func runs(beginningWith text: String) throws -> [LedgerRun] {
    // Ids are hexadecimal digits; anything else could be a pattern.
    guard text.utf8.count >= 4, text.allSatisfy(\.isHexDigit) else { return [] }
    return try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM runs WHERE id LIKE ? || '%' ORDER BY id LIMIT 10", arguments: [text.lowercased()]
      ).map { try LedgerRun(row: $0) }
    }
  }

  /// What is kept of a run's output, by attempt.
  func logs(of run: RunID) throws -> [(attempt: Int, data: [UInt8])] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT attempt, data FROM logs WHERE run = ? ORDER BY attempt", arguments: [run.text])
        .map { ($0["attempt"], Array($0["data"] as Data)) }
    }
  }

  /// Runs all changes of `body` as one transaction with one fsync.
  func write(_ body: (LedgerTransaction) throws -> Void) throws {
    try database.write { try body(LedgerTransaction(database: $0)) }
  }

  /// The assignment in force: the highest that was ever accepted.
  func accepted() throws -> HeldAssignment {
    try database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT epoch, sequence, digest FROM assignment") else { return .none }
      return HeldAssignment(
        position: Position(epoch: row["epoch"], sequence: row["sequence"]), digest: try Digest(hex: row["digest"]))
    }
  }

  /// When a controller was last heard; nil when none ever was.
  func lastHeard() throws -> Timestamp? {
    try database.read { db in
      try Int64.fetchOne(db, sql: "SELECT value FROM numbers WHERE name = 'lastHeard'").map(
        Timestamp.init(microseconds:))
    }
  }

  /// For each job how far its schedule has been decided.
  func cursors() throws -> [JobName: Planning.Cursor] {
    try database.read { db in
      var cursors: [JobName: Planning.Cursor] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT job, instant, floor FROM cursors") {
        cursors[try JobName(row["job"])] = Planning.Cursor(
          decided: Timestamp(microseconds: row["instant"]), floor: Timestamp(microseconds: row["floor"]))
      }
      return cursors
    }
  }

  /// The runs that have begun and not ended, oldest first.
  func activeRuns() throws -> [LedgerRun] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM runs WHERE ended = 0 ORDER BY started, id").map {
        try LedgerRun(row: $0)
      }
    }
  }

  /// Orders that are over and could still be repeated, each with the time by which it was to start.
  func spentOrders(after now: Timestamp) throws -> [RunID: Timestamp] {
    try database.read { db in
      var spent: [RunID: Timestamp] = [:]
      for row in try Row.fetchAll(
        db, sql: "SELECT id, start_by FROM runs WHERE ended = 1 AND start_by > ?", arguments: [now.microseconds])
      {
        spent[try RunID(row["id"])] = Timestamp(microseconds: row["start_by"])
      }
      return spent
    }
  }

  /// Receipts that wait for their acknowledgement, oldest first, from the given number on.
  func spooled(after number: Int64, limit: Int) throws -> [SpooledReceipt] {
    try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM spool WHERE number > ? AND rejected IS NULL AND committed = 0 ORDER BY number LIMIT ?",
        arguments: [number, limit]
      ).map { row in
        let run: String = row["run"]
        let logs = try Row.fetchAll(
          db, sql: "SELECT attempt, data FROM logs WHERE run = ? ORDER BY attempt", arguments: [run])
        return SpooledReceipt(
          number: row["number"], run: try RunID(run), line: Array(row["line"] as Data),
          signature: Array(row["signature"] as Data),
          logs: logs.map { ($0["attempt"], Array($0["data"] as Data)) })
      }
    }
  }

  /// What is kept of an attempt's output until its run's receipt is acknowledged; nil when there is none.
  func log(of attempt: AttemptID) throws -> [UInt8]? {
    try database.read { db in
      try Data.fetchOne(
        db, sql: "SELECT data FROM logs WHERE run = ? AND attempt = ?", arguments: [attempt.run.text, attempt.number]
      ).map { Array($0) }
    }
  }

  /// For each bundle when its runs crashed something, after the time given.
  func crashes(after time: Timestamp) throws -> [Digest: [Timestamp]] {
    try database.read { db in
      var crashes: [Digest: [Timestamp]] = [:]
      for row in try Row.fetchAll(
        db, sql: "SELECT bundle, at FROM crashes WHERE at > ? ORDER BY at", arguments: [time.microseconds])
      {
        crashes[try Digest(hex: row["bundle"]), default: []].append(Timestamp(microseconds: row["at"]))
      }
      return crashes
    }
  }

  /// The bundles in quarantine, and why.
  func quarantined() throws -> [Digest: String] {
    try database.read { db in
      var quarantined: [Digest: String] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT bundle, words FROM quarantine") {
        quarantined[try Digest(hex: row["bundle"])] = row["words"]
      }
      return quarantined
    }
  }

  /// Bytes of the database that hold something.
  func usedBytes() throws -> Int64 {
    try database.read { db in
      let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      let free = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
      return (pages - free) * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4096)
    }
  }

  /// How far a commit has come when it returns: 2 says that it is on the disk (SQLite's `PRAGMA synchronous`).
  var synchronous: Int {
    get throws { try database.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? 0 } }
  }

  /// Committed receipts whose artifacts are still to be received, oldest first, but for these runs'.
  func artifactOffers(except runs: Set<RunID>, limit: Int) throws -> [SpooledReceipt] {
    try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM spool WHERE committed = 1 ORDER BY number LIMIT ?", arguments: [limit + runs.count]
      ).map { row in
        SpooledReceipt(
          number: row["number"], run: try RunID(row["run"]), line: Array(row["line"] as Data),
          signature: Array(row["signature"] as Data), logs: [])
      }.filter { !runs.contains($0.run) }.prefix(limit).map { $0 }
    }
  }

  /// Whether some run's artifact with this digest is still to be received.
  func owesArtifact(_ digest: Digest) throws -> Bool {
    try database.read {
      try Bool.fetchOne(
        $0, sql: "SELECT EXISTS (SELECT 1 FROM artifacts WHERE digest = ?)", arguments: [digest.hex]) ?? false
    }
  }

  /// The runs whose artifact with this digest is still to be received.
  func runs(owing digest: Digest) throws -> Set<RunID> {
    try database.read { db in
      Set(
        try String.fetchAll(db, sql: "SELECT run FROM artifacts WHERE digest = ?", arguments: [digest.hex])
          .map { try RunID($0) })
    }
  }

  /// All artifacts that are still to be received.
  func owedArtifacts() throws -> Set<Digest> {
    try database.read { db in
      Set(try String.fetchAll(db, sql: "SELECT DISTINCT digest FROM artifacts").map { try Digest(hex: $0) })
    }
  }

  /// Those of these runs. Costs one look where no run has any.
  func owedArtifacts(of runs: [RunID]) throws -> Set<Digest> {
    try database.read { db in
      guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM artifacts)") ?? true else { return [] }
      let statement = try db.cachedStatement(sql: "SELECT digest FROM artifacts WHERE run = ?")
      var owed: Set<Digest> = []
      for run in runs {
        for text in try String.fetchAll(statement, arguments: [run.text]) { owed.insert(try Digest(hex: text)) }
      }
      return owed
    }
  }

  /// How many receipts were put aside.
  func rejectedCount() throws -> Int {
    try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM spool WHERE rejected IS NOT NULL") ?? 0 }
  }

  /// How many receipts wait, those put aside not counted.
  func spoolCount() throws -> Int {
    try database.read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM spool WHERE rejected IS NULL AND committed = 0") ?? 0
    }
  }
}

/// A receipt in the spool.
struct SpooledReceipt: Sendable {
  /// Rises with each receipt, never used twice.
  let number: Int64
  let run: RunID
  let line: [UInt8]
  let signature: [UInt8]
  let logs: [(attempt: Int, data: [UInt8])]
}
