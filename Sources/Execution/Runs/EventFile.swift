import Glibc
import Model

/// Why an attempt runs, as the job reads it: one JSON object, see docs/MANIFEST.md for its members. Pure.
enum EventFile {
  /// Rises when a member changes its meaning, not when one is added.
  static let version: Int64 = 1

  static func bytes(_ attempt: AttemptSpec) -> [UInt8] {
    var request: JSONValue?
    if case .person(let name) = attempt.occurrence.cause { request = .string(name) }
    let json = JSONValue.members([
      "version": .integer(version),
      "kind": .string(request == nil ? "schedule" : "person"),
      "nominal": .timestamp(attempt.occurrence.nominal),
      "triggers": request == nil ? .array(attempt.triggers.map(trigger)) : nil,
      "request": request,
      "person": request == nil ? nil : attempt.person.map(JSONValue.string),
      "job": .string(attempt.occurrence.job.text),
      "run": .string(attempt.run.text),
      "attempt": .integer(Int64(attempt.number)),
      "agent": .string(attempt.agent.text),
      "commit": .string(attempt.commit.text),
    ])
    // The parameters by hand: a decimal among them is a number, of which `JSONValue` has none.
    return Array(json.bytes.dropLast()) + ",\"params\":\(RunEnvironment.json(attempt.params))}\n".utf8
  }

  private static func trigger(_ trigger: Trigger) -> JSONValue {
    switch trigger {
    case .cron(let expression, let timezone, _, _):
      ["kind": "cron", "cron": .string(expression), "timezone": .string(timezone)]
    case .every(let interval, _, _): ["kind": "every", "everyMs": .milliseconds(interval)]
    case .at(let time): ["kind": "at", "at": .timestamp(time)]
    }
  }
}

extension RunFolder {
  /// The file that the job finds as `BELFRY_EVENT`.
  public var eventFile: String { path + "/event.json" }

  /// Writes it so that the job can read it and not change it; `group` is that of a job which runs as another user.
  func writeEvent(_ bytes: [UInt8], group: UInt32?) throws(ExecutionError) {
    let folder = try open()
    // That of an earlier attempt is closed even to its owner, unless he is root.
    if geteuid() != 0 { fchmodat(folder.number, "event.json", 0o600, 0) }
    let file = try folder.open("event.json", O_WRONLY | O_CREAT, mode: 0o600)
    try file.replace(with: bytes, name: "event.json")
    if let group, fchown(file.number, UInt32.max, group) != 0 {
      throw ExecutionError(errno: errno, "cannot give event.json to the job's group")
    }
    guard fchmod(file.number, group == nil ? 0o400 : 0o440) == 0 else {
      throw ExecutionError(errno: errno, "cannot close event.json")
    }
  }
}
