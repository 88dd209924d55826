import Foundation
import Model
import TestSupport

/// A job of the fault matrix: what it does, and what may become of its runs without anybody's fault.
struct FaultJob: Sendable {
  let name: String
  /// Seconds.
  var every: Int?
  var more = ""
  var run = ""
  var body = ""
  /// The only outcome of an undisturbed run.
  var outcome = "Succeeded"
  /// Whether its runs may lie side by side.
  var mayOverlap = false

  static let all = [
    FaultJob(name: "fault/tick", every: 1),
    FaultJob(
      name: "fault/again", every: 2, more: "retry: {attempts: 3, backoff: 100ms, on: [failed, timedOut, lost]}\n",
      body: "[ \"$BELFRY_ATTEMPT\" -ge 2 ] || exit 3"),
    FaultJob(name: "fault/slow", every: 3, more: "overlap: queue\n", body: "sleep 1"),
    FaultJob(name: "fault/beside", every: 2, more: "overlap: allow\n", body: "sleep 2.2", mayOverlap: true),
    FaultJob(name: "fault/newest", every: 2, more: "overlap: replace\n", body: "sleep 3", outcome: "Cancelled"),
    FaultJob(
      name: "fault/stubborn", every: 5, run: "  timeout: 1s\n  kill: {grace: 200ms}\n",
      body: "trap '' TERM HUP; (setsid sh -c 'trap \"\" TERM HUP; sleep 300' &); sleep 30; sleep 30",
      outcome: "TimedOut"),
    FaultJob(name: person, body: "sleep 0.3"),
  ]
  /// The one that only people start.
  static let person = "fault/person"

  /// The manifest and the script, which writes when it begins and when it ends to the witness.
  func files(witness: String) -> [String: String?] {
    let script = "scripts/\(name).sh"
    let line = "\"$BELFRY_JOB\" \"$BELFRY_RUN_ID\" \"$BELFRY_ATTEMPT\" \"$BELFRY_SCHEDULED_TIME\" >>\"$WITNESS\""
    return [
      "jobs/\(name).yaml": """
      job: \(name)
      triggers: [{every: \(every.map { "\($0)s" } ?? "300d")}]
      \(more)run:
        script: \(script)
        env: {WITNESS: \(witness)}
      \(run)
      """,
      script: """
      #!/bin/sh
      printf 'begin %s %s %s %s\\n' \(line)
      echo "$BELFRY_RUN_ID.$BELFRY_ATTEMPT"
      \(body)
      printf 'end %s %s %s %s\\n' \(line)

      """,
    ]
  }
}

/// A line of the witness: what a job itself says of an attempt, where nothing of Belfry's can touch it.
struct WitnessLine: Sendable {
  let isBegin: Bool
  let job: String
  let run: String
  let attempt: Int
  let nominal: Timestamp

  init?(_ line: Substring) {
    let words = line.split(separator: " ")
    guard words.count == 5, let attempt = Int(words[3]), let nominal = Timestamp(rfc3339: String(words[4])) else {
      return nil
    }
    isBegin = words[0] == "begin"
    job = String(words[1])
    run = String(words[2])
    self.attempt = attempt
    self.nominal = nominal
  }

  var name: String { "\(run).\(attempt)" }
}
