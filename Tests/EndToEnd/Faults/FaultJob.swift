import Foundation
import Model
import TestSupport
import Trust

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
  /// The values that an attempt of that name (`RUN.NUMBER`) gives back.
  var outputs: @Sendable (String) -> JSONValue? = { _ in nil }
  /// The bytes of the files that it leaves, by name.
  var artifacts: @Sendable (String) -> [String: [UInt8]] = { _ in [:] }

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
    // A file of more than one piece, and a small one.
    FaultJob(
      name: "fault/files", every: 3, more: "outputs: [name, number, half]\nartifacts: [\"out/*\"]\n",
      body: """
        printf 'name=run-%s\\nnumber=42\\nhalf=0.50\\n' "$name" >>"$BELFRY_OUTPUT"
        printf '%s\\n' "$name" >"$BELFRY_ARTIFACTS/note"
        mkdir out; yes "$name" | head -c 700000 >out/data
        """,
      outputs: { ["half": ["decimal": "0.50"], "name": .string("run-" + $0), "number": .integer(42)] },
      artifacts: { name in
        let line = Array((name + "\n").utf8)
        return ["note": line, "out/data": (0..<700_000).map { line[$0 % line.count] }]
      }),
    // Copied and not moved.
    FaultJob(
      name: "fault/kept", every: 4, more: "artifacts: [state]\n", run: "  workdir: keep\n",
      body: "echo \"$name\" >state", artifacts: { ["state": Array(($0 + "\n").utf8)] }),
    // It prints what must not be seen, and goes on for a while with the files of its secrets there.
    FaultJob(
      name: "fault/secret", every: 2, more: "outputs: [told]\noverlap: allow\n", run: "  secrets: {TOKEN: token}\n",
      body: """
        [ "$(cat "$BELFRY_SECRETS/token")" = "$TOKEN" ] || exit 9
        printf '%s\\n' "$TOKEN"; printf '%s' "$TOKEN" | base64; printf '%.9s' "$TOKEN"; sleep 0.3; printf '%s\\n' "$TOKEN" | cut -c10-
        echo "told=$TOKEN" >>"$BELFRY_OUTPUT"
        sleep 0.5
        """, mayOverlap: true, outputs: { _ in ["told": "***"] }),
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
      name="$BELFRY_RUN_ID.$BELFRY_ATTEMPT"
      echo "$name"
      \(body)
      printf 'end %s %s %s %s\\n' \(line)

      """,
    ]
  }
}

extension FaultJob {
  /// What is wrong with the record of an attempt that succeeded: it has given back just what it meant to. Where calls fail
  /// (`mayMiss`) values may be missing, if the record says so.
  func problems(of attempt: JSONValue, run: String, mayMiss: Bool) -> [String] {
    let name = "\(run).\(attempt["number"]?.integerValue ?? 0)"
    var problems: [String] = []
    let isSaid = attempt["outputs"] == nil && attempt["reason"]?.stringValue?.contains("outputs") == true
    if attempt["outputs"] != outputs(name), !(mayMiss && isSaid) {
      problems.append("the values of \(name) are not what it gave back: \(attempt.text)")
    }
    let artifacts = artifacts(name).sorted { $0.key < $1.key }.map { file, bytes -> JSONValue in
      ["name": .string(file), "size": .integer(Int64(bytes.count)), "sha256": .string(Self.digest(bytes))]
    }
    if attempt["artifacts"] != (artifacts.isEmpty ? nil : .array(artifacts)) {
      problems.append("the files of \(name) are not those that it left: \(attempt.text)")
    }
    return problems
  }

  static func digest(_ bytes: some Sequence<UInt8>) -> String { SHA256.hash(Array(bytes)).hex }
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
