import GRDB
import Model
import Planning

/// A run as the ledger keeps it while it is going.
struct LedgerRun: Sendable, Hashable {
  var run: ActiveRun
  /// The attempts that have ended.
  var attempts: [Receipt.Attempt] = []
  /// The run of the machine in which the present attempt was to start.
  var boot: String
}

extension LedgerRun {
  private static let limit = 8 * 1024 * 1024

  /// Throws when the row holds what this version would not have written.
  init(row: Row) throws {
    let request: String? = row["request"]
    let waitingUntil: Int64? = row["waiting_until"]
    let armedFor: Int64? = row["armed_for"]
    let isQueued: Bool = row["queued"]
    let phase: ActiveRun.Phase
    switch (waitingUntil, armedFor) {
    case (let until?, _): phase = .waiting(until: Timestamp(microseconds: until))
    case (nil, let instant?): phase = .armed(for: Timestamp(microseconds: instant))
    case (nil, nil): phase = isQueued ? .queued : .running
    }
    var fields = try JSONFields(
      [
        "job": try Self.value(row["job_json"]), "params": try Self.value(row["params"]),
        "attempts": try Self.value(row["attempts"]),
      ],
      "ledger")
    let job = try fields.required("job") { try Job(json: $0) }
    var run = ActiveRun(
      id: try RunID(row["id"]),
      occurrence: Occurrence(
        job: job.name, nominal: Timestamp(microseconds: row["nominal"]), cause: request.map(Cause.person) ?? .schedule),
      job: job,
      bundle: try Digest(hex: row["bundle"]),
      commit: try CommitID(row["commit_id"]),
      params: try fields.map("params") { try ParameterValue(json: $0) },
      attempt: row["attempt"],
      phase: phase,
      started: Timestamp(microseconds: row["started"]),
      cancelRequested: row["cancel_requested"],
      startBy: (row["turn_by"] as Int64?).map(Timestamp.init(microseconds:)))
    run.person = row["person"]
    self.init(
      run: run, attempts: try fields.list("attempts") { try Receipt.Attempt(json: $0) }, boot: row["boot"])
  }

  private static func value(_ text: String) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), limit: limit)
  }
}
