import Model

/// Runs that a person asked for: accepted or refused, and how they ended.
struct RunReport: Hashable {
  struct Row: Hashable {
    var agent: String
    /// Nil when it was refused.
    var run: RunID?
    var refusal: String?
    /// `Pending`, `Running`, or how it ended.
    var state: String?
    var receipt: JSONValue?
    /// The commit of the results branch that holds it.
    var commit: String?
  }

  private(set) var rows: [Row]

  /// Reads the answer to `POST /v1/runs`. Throws a ``CommandError`` unless it speaks of runs.
  init(answer: ControllerClient.Answer) throws(CommandError) {
    guard let list = answer.body["runs"]?.arrayValue else {
      _ = try answer.value()
      throw CommandError(.unreachable, "the controller's answer says nothing of runs")
    }
    rows = list.map { run in
      Row(
        agent: run["agent"]?.stringValue ?? "", run: run["run"]?.stringValue.flatMap { try? RunID($0) },
        refusal: run["refusal"]?.stringValue)
    }
    if rows.isEmpty { throw CommandError(.bad, answer.body["error"]?.stringValue ?? "no agent holds the job") }
  }

  /// Accepted runs of which no end is known.
  var unfinished: [RunID] {
    rows.compactMap { row in
      guard row.refusal == nil, row.outcome == nil else { return nil }
      return row.run
    }
  }

  /// Takes in the answer to `GET /v1/runs/<id>`.
  mutating func update(_ run: RunID, with json: JSONValue) {
    for index in rows.indices where rows[index].run == run {
      rows[index].state = json["state"]?.stringValue
      rows[index].receipt = json["receipt"]
      rows[index].commit = json["commit"]?.stringValue
    }
  }

  func isFine(waited: Bool) -> Bool {
    rows.allSatisfy { $0.refusal == nil && $0.run != nil && (!waited || $0.outcome?.isSuccess == true) }
  }

  var text: String {
    var table = Table("AGENT", "RUN", "STATE", "TOOK", "NOTE")
    for row in rows {
      let receipt = row.receipt.flatMap { try? Receipt(json: $0) }
      let state = row.state ?? (row.refusal == nil ? "Accepted" : "Refused")
      table.add(
        row.agent, row.refusal == nil ? row.run?.text : nil, state, receipt?.duration.map(Humane.took),
        row.refusal ?? receipt?.note)
    }
    return table.text
  }

  var json: JSONValue {
    [
      "runs": .array(
        rows.map { row in
          .members([
            "agent": .string(row.agent), "run": row.run.map { .string($0.text) },
            "refusal": row.refusal.map(JSONValue.string), "state": row.state.map(JSONValue.string),
            "receipt": row.receipt, "commit": row.commit.map(JSONValue.string),
          ])
        })
    ]
  }
}

extension RunReport.Row {
  /// Nil until the run has ended.
  var outcome: Outcome? { state.flatMap { Outcome($0) } }
}
