import Model
import Planning

extension SourceStatus {
  /// One word for programs.
  var word: String {
    switch self {
    case .known: "known"
    case .incomplete: "incomplete"
    case .unknown: "unknown"
    }
  }
}

extension Diagnostic {
  var json: JSONValue {
    .members([
      "file": .string(file), "line": .integer(Int64(line)), "column": .integer(Int64(column)),
      "severity": .string(severity.rawValue), "message": .string(message),
      "suggestion": suggestion.map(JSONValue.string), "rendered": .string(rendered),
    ])
  }
}

extension FleetState.Member {
  func json(_ verdict: AgentStatus?) -> JSONValue {
    .members([
      "id": .string(agent.id.text),
      "name": .string(agent.name.text),
      "connected": .bool(agent.connected),
      "sync": .string((verdict?.sync ?? .unknown).rawValue),
      "health": .string((verdict?.health ?? .unknown).rawValue),
      "reason": verdict?.reason.map(JSONValue.string),
      "labels": .sorted(agent.labels.mapValues(JSONValue.string)),
      "addresses": .strings(report?.addresses ?? []),
      "version": .string(version),
      "since": .timestamp(since),
      "lastHeard": .timestamp(lastHeard),
      "position": .string(agent.position.description),
      "jobs": .integer(Int64(agent.held.count)),
      "running": .array((report?.running ?? []).map(\.json)),
      "spooled": .integer(Int64(report?.spooled ?? 0)),
      "problems": .strings(report?.problems ?? []),
    ])
  }
}

extension LaterEpoch {
  var json: JSONValue {
    .members([
      "epoch": .integer(epoch), "agents": .strings(agents.map(\.text)), "line": line.map(JSONValue.string),
      "words": .string(words),
    ])
  }
}

extension AgentReport.Running {
  var json: JSONValue {
    [
      "run": .string(run.text), "job": .string(job.text), "nominal": .timestamp(nominal),
      "started": .timestamp(started), "attempt": .integer(Int64(attempt)),
    ]
  }
}

extension AgentState {
  var snapshotJSON: JSONValue {
    .members([
      "id": .string(id.text),
      "name": .string(name.text),
      "labels": .sorted(labels.mapValues(JSONValue.string)),
      "connected": .bool(connected),
      "position": position.json,
      "lastIssued": lastIssued.json,
      "expires": expires.map(JSONValue.timestamp),
      "held": .array(
        held.sorted { $0.key < $1.key }.map {
          [
            "job": .string($0.key.text), "bundle": .string($0.value.bundle.hex),
            "commit": .string($0.value.commit.text),
          ]
        }),
    ])
  }
}

extension Position {
  fileprivate var json: JSONValue { ["epoch": .integer(epoch), "sequence": .integer(sequence)] }
}

extension String {
  var firstLine: String { String(prefix { !$0.isNewline }) }
}
