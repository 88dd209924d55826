// The receipt as it stands in its statement's predicate.

extension Receipt {
  public var json: JSONValue {
    var request: JSONValue?
    if case .person(let text) = occurrence.cause { request = .string(text) }
    return .members([
      "run": .string(run.text),
      "job": .string(occurrence.job.text),
      "occurrence": .string(occurrence.id.text),
      "nominal": .timestamp(occurrence.nominal),
      "cause": .string(request == nil ? "schedule" : "person"),
      "request": request,
      "person": person.map(JSONValue.string),
      "agent": .string(agent.text),
      "agentName": .string(agentName.text),
      "bundle": .string(bundle.hex),
      "commit": .string(commit.text),
      "outcome": .string(outcome.description),
      "reason": reason.map(JSONValue.string),
      "started": started.map(JSONValue.timestamp),
      "ended": .timestamp(ended),
      "count": count == 1 ? nil : .integer(Int64(count)),
      "firstNominal": firstNominal.map(JSONValue.timestamp),
      "attempts": .array(attempts.map(\.json)),
    ])
  }

  /// Throws for unknown members, for an occurrence or run id that does not follow from the other fields, and for an
  /// outcome that contradicts the attempts.
  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "receipt")
    let cause: Cause
    let request = try fields.optional("request") { $0.stringValue.flatMap(Dispatch.requestName) }
    switch (try fields.string("cause"), request) {
    case ("schedule", nil): cause = .schedule
    case ("person", let request?): cause = .person(request: request)
    default: throw JSONError("receipt.cause: neither a schedule nor a person's request")
    }
    let occurrence = Occurrence(
      job: try fields.required("job") { try $0.stringValue.map { try JobName($0) } },
      nominal: try fields.timestamp("nominal"), cause: cause)
    let started = try fields.optional("started") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } }
    self.init(
      run: try fields.required("run") { try $0.stringValue.map { try RunID($0) } },
      occurrence: occurrence,
      agent: try fields.required("agent") { try $0.stringValue.map { try AgentID($0) } },
      agentName: try fields.required("agentName") { try $0.stringValue.map { try AgentName($0) } },
      bundle: try fields.required("bundle") { try $0.stringValue.map { try Digest(hex: $0) } },
      commit: try fields.required("commit") { try $0.stringValue.map { try CommitID($0) } },
      outcome: try fields.required("outcome") { $0.stringValue.flatMap { Outcome($0) } },
      reason: try fields.optional("reason", \.stringValue),
      started: started,
      ended: try fields.timestamp("ended"),
      attempts: try fields.list("attempts") { try Attempt(json: $0) },
      count: Int(try fields.optional("count") { $0.integerValue.flatMap { $0 > 1 ? $0 : nil } } ?? 1),
      firstNominal: try fields.optional("firstNominal") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } })
    person = try fields.optional("person") { $0.stringValue.flatMap(Dispatch.personName) }
    if person != nil, cause == .schedule { throw JSONError("receipt.person: a schedule is nobody's wish") }
    let claimed = try fields.string("occurrence")
    try fields.finish()
    guard claimed == occurrence.id.text, run == occurrence.run(on: agent) else {
      throw JSONError("receipt: the ids do not follow from job, nominal time and agent")
    }
    if case .ran = outcome, attempts.isEmpty { throw JSONError("receipt: a run without an attempt") }
  }
}

extension Receipt.Attempt {
  /// Also the form in which an attempt stands in an agent's ledger.
  public var json: JSONValue {
    .members([
      "number": .integer(Int64(number)),
      "started": .timestamp(started),
      "ended": .timestamp(ended),
      "state": .string(state.rawValue),
      "exitCode": exitCode.map { .integer(Int64($0)) },
      "signal": signal.map { .integer(Int64($0)) },
      "outOfMemory": outOfMemory ? .bool(true) : nil,
      "reason": reason.map(JSONValue.string),
      "log": .members([
        "sha256": log.digest.map { .string($0.hex) }, "written": .integer(log.written), "kept": .integer(log.kept),
      ]),
      "resources": [
        "userUs": .integer(resources.user.wholeMicroseconds), "systemUs": .integer(resources.system.wholeMicroseconds),
        "peakMemory": .integer(resources.peakMemory),
      ],
      "outputs": outputs.isEmpty ? nil : .sorted(outputs.mapValues(\.json)),
      "artifacts": artifacts.isEmpty ? nil : .array(artifacts.map(\.json)),
    ])
  }

  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "receipt.attempts")
    var log = try JSONFields(fields.take("log"), "receipt.attempts.log")
    var resources = try JSONFields(fields.take("resources"), "receipt.attempts.resources")
    self.init(
      number: Int(try fields.integer("number")),
      started: try fields.timestamp("started"),
      ended: try fields.timestamp("ended"),
      state: try fields.required("state") { value in
        value.stringValue.flatMap(RunState.init).flatMap { $0.isFinal ? $0 : nil }
      },
      exitCode: try fields.optional("exitCode", \.integerValue).map(Int.init),
      signal: try fields.optional("signal", \.integerValue).map(Int.init),
      outOfMemory: try fields.optional("outOfMemory") { $0 == .bool(true) ? true : nil } ?? false,
      reason: try fields.optional("reason", \.stringValue),
      log: Receipt.Log(
        digest: try log.optional("sha256") { try $0.stringValue.map { try Digest(hex: $0) } },
        written: try log.integer("written"), kept: try log.integer("kept")),
      resources: Receipt.Resources(
        user: .microseconds(try resources.integer("userUs")), system: .microseconds(try resources.integer("systemUs")),
        peakMemory: try resources.integer("peakMemory")))
    outputs = try fields.map("outputs") { try ParameterValue(json: $0) }
    guard outputs.count <= Job.outputLimit, outputs.keys.allSatisfy({ Job.problem(inOutput: $0) == nil }) else {
      throw JSONError("receipt.attempts.outputs: not what a job can declare")
    }
    artifacts = try fields.optional("artifacts", Artifact.list) ?? []
    try fields.finish()
    try log.finish()
    try resources.finish()
  }
}
