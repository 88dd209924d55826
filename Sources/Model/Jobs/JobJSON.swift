// The job as it stands in a bundle's predicate. Reading what was printed gives the same job again.

extension Job {
  public var json: JSONValue {
    .members([
      "name": .string(name.text),
      "description": summary.map(JSONValue.string),
      "owner": owner.map(JSONValue.string),
      "labels": .sorted(labels.mapValues(JSONValue.string)),
      "suspend": suspension.map {
        .members(["reason": $0.reason.map(JSONValue.string), "until": $0.until.map(JSONValue.timestamp)])
      },
      "triggers": .array(triggers.map(\.json)),
      // Members of later versions are left out at their defaults, so that bundles made before keep their digests.
      "starts": starts.map(JSONValue.timestamp),
      "expires": expires.map(JSONValue.timestamp),
      "missed": missed == .latest ? nil : missed.json,
      "startByMs": startBy.map(JSONValue.milliseconds),
      "overlap": overlap.json,
      "blackout": blackout.isEmpty ? nil : .array(blackout.map(\.json)),
      "targets": targets.json,
      "run": run.json,
      "retry": retry.json,
      "outputs": outputs.isEmpty ? nil : .strings(outputs),
      "artifacts": artifacts.isEmpty ? nil : .strings(artifacts),
    ])
  }

  /// Throws a ``JSONError`` for anything that this version of Belfry would not have printed.
  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job")
    self.init(
      name: try fields.required("name") { try $0.stringValue.map { try JobName($0) } },
      summary: try fields.optional("description", \.stringValue),
      owner: try fields.optional("owner", \.stringValue),
      labels: try fields.stringMap("labels"),
      suspension: try fields.optional("suspend") { try Suspension(json: $0) },
      triggers: try fields.list("triggers") { try Trigger(json: $0) },
      starts: try fields.optional("starts") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } },
      expires: try fields.optional("expires") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } },
      missed: try fields.optional("missed", Missed.init(json:)) ?? .latest,
      startBy: try fields.optional("startByMs") { $0.integerValue.flatMap { $0 > 0 ? .milliseconds($0) : nil } },
      overlap: try fields.required("overlap", Overlap.init(json:)),
      blackout: try fields.list("blackout") { try Calendar(json: $0) },
      targets: try fields.required("targets") { try Targets(json: $0) },
      run: try fields.required("run") { try RunSpec(json: $0) },
      retry: try fields.required("retry") { try RetryPolicy(json: $0) })
    outputs = try fields.optional("outputs", Self.outputs) ?? []
    artifacts = try fields.optional("artifacts", Self.artifacts) ?? []
    try fields.finish()
    if triggers.isEmpty { throw JSONError("job.triggers: at least one is needed") }
    if let problem = workFolderProblem { throw JSONError("job.run.workdir: \(problem)") }
  }
}

extension Job {
  fileprivate static func outputs(_ json: JSONValue) -> [String]? {
    guard let names = JSONFields.strings(json), (1...outputLimit).contains(names.count),
      Set(names).count == names.count, names.allSatisfy({ problem(inOutput: $0) == nil })
    else { return nil }
    return names
  }
}

extension Job {
  fileprivate static func artifacts(_ json: JSONValue) -> [String]? {
    guard let patterns = JSONFields.strings(json), (1...artifactPatternLimit).contains(patterns.count),
      patterns.allSatisfy({ (try? Glob($0)) != nil })
    else { return nil }
    return patterns
  }
}

extension Suspension {
  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.suspend")
    self.init(
      reason: try fields.optional("reason", \.stringValue),
      until: try fields.optional("until") { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } })
    try fields.finish()
  }
}

extension Targets {
  fileprivate var json: JSONValue {
    .members([
      "match": .sorted(match.mapValues(JSONValue.strings)),
      "agents": agents.map { .strings($0.map(\.text)) },
    ])
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.targets")
    self.init(
      match: try fields.map("match", JSONFields.strings),
      agents: try fields.optional("agents") { try $0.arrayValue?.map { try AgentName($0.stringValue ?? "") } })
    try fields.finish()
  }
}

extension RunSpec {
  fileprivate var json: JSONValue {
    var script: JSONValue?
    var command: JSONValue?
    var plugIn: JSONValue?
    var http: JSONValue?
    switch program {
    case .script(let path): script = .string(path)
    case .command(let words): command = .strings(words)
    case .plugIn(let call): plugIn = call.json
    case .http(let request): http = request.json
    }
    return .members([
      "script": script,
      "command": command,
      "plugin": plugIn,
      "http": http,
      "interpreter": interpreter.map(JSONValue.strings),
      "args": .strings(args),
      "files": .strings(files),
      "params": .sorted(params.mapValues(\.json)),
      "env": .sorted(env.mapValues(JSONValue.string)),
      "timeoutMs": .milliseconds(timeout),
      "success": .array(success.map { .integer(Int64($0)) }),
      // Of a later version, see above.
      "user": user.map(JSONValue.string),
      "stdin": input.map(JSONValue.string),
      "secrets": secrets.map(\.json),
      "kill": kill == Kill() ? nil : kill.json,
      "limits": limits == Limits() ? nil : limits.json,
      "workdir": workFolder == .fresh ? nil : .string(workFolder.rawValue),
      "isolate": isolation == .none ? nil : .string(isolation.rawValue),
      "write": write.isEmpty ? nil : .strings(write),
    ])
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.run")
    let program: Program
    if let path = try fields.optional("script", \.stringValue) {
      program = .script(path)
    } else if let call = try fields.optional("plugin", { try PlugInCall(json: $0) }) {
      program = .plugIn(call)
    } else if let request = try fields.optional("http", { try HTTPRequest(json: $0) }) {
      program = .http(request)
    } else {
      let words = try fields.strings("command")
      guard !words.isEmpty else { throw JSONError("job.run: none of script, command, plugin and http") }
      program = .command(words)
    }
    self.init(
      program: program,
      interpreter: try fields.optional("interpreter", JSONFields.strings),
      args: try fields.strings("args"),
      files: try fields.strings("files"),
      params: try fields.map("params") { try ParameterValue(json: $0) },
      env: try fields.stringMap("env"),
      timeout: try fields.milliseconds("timeoutMs"),
      success: try fields.list("success") { try Self.exitCode($0) })
    user = try fields.optional("user") { $0.stringValue.flatMap { Self.problem(inUser: $0) == nil ? $0 : nil } }
    input = try fields.optional("stdin") { $0.stringValue.flatMap { $0.utf8.count <= Self.inputLimit ? $0 : nil } }
    secrets = try fields.optional("secrets") { try Secrets(json: $0) }
    guard secretNames.count <= Secrets.limit else { throw JSONError("job.run: more than \(Secrets.limit) secrets") }
    kill = try fields.optional("kill") { try Kill(json: $0) } ?? Kill()
    limits = try fields.optional("limits") { try Limits(json: $0) } ?? Limits()
    workFolder = try fields.optional("workdir") { $0.stringValue.flatMap(WorkFolder.init) } ?? .fresh
    isolation = try fields.optional("isolate") { $0.stringValue.flatMap(Isolation.init) } ?? .none
    write = try fields.strings("write")
    guard write.count <= Self.writeLimit, write.allSatisfy({ Self.problem(inWritten: $0) == nil }) else {
      throw JSONError("job.run.write: not at most \(Self.writeLimit) absolute paths")
    }
    try fields.finish()
  }
}

extension RunSpec.Kill {
  fileprivate var json: JSONValue { ["signal": .string(signal.rawValue), "graceMs": .milliseconds(grace)] }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.run.kill")
    self.init(
      signal: try fields.required("signal") { $0.stringValue.flatMap(Signal.init) },
      grace: try fields.required("graceMs") {
        $0.integerValue.flatMap { (0...RunSpec.longestGrace.wholeMilliseconds).contains($0) ? .milliseconds($0) : nil }
      })
    try fields.finish()
  }
}

extension RunSpec.Limits {
  fileprivate var json: JSONValue {
    func number(_ value: Int?) -> JSONValue? { value.map { .integer(Int64($0)) } }
    return .members([
      "files": number(files), "nice": number(nice), "memory": number(memory),
      "cpusThousandths": number(cpusThousandths), "processes": number(processes), "disk": number(disk),
      "output": number(output),
    ])
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.run.limits")
    func number(_ name: String, in range: ClosedRange<Int>) throws(JSONError) -> Int? {
      try fields.optional(name) {
        $0.integerValue.flatMap { Int(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
      }
    }
    self.init(
      files: try number("files", in: Self.filesRange), nice: try number("nice", in: Self.niceRange),
      memory: try number("memory", in: Self.memoryRange),
      cpusThousandths: try number("cpusThousandths", in: Self.cpusThousandthsRange),
      processes: try number("processes", in: Self.processesRange), disk: try number("disk", in: Self.diskRange),
      output: try number("output", in: Self.outputRange))
    try fields.finish()
  }
}

extension RunSpec {
  private static func exitCode(_ value: JSONValue) throws(JSONError) -> Int {
    guard let code = value.integerValue, (0...255).contains(code) else {
      throw JSONError("job.run.success: '\(value.text.prefix(40))' is not an exit code")
    }
    return Int(code)
  }
}

extension ParameterValue {
  /// Strings, integers and booleans as themselves; a decimal as `{"decimal":"0.25"}`.
  public var json: JSONValue {
    switch self {
    case .string(let text): .string(text)
    case .integer(let number): .integer(number)
    case .boolean(let flag): .bool(flag)
    case .decimal(let text): ["decimal": .string(text)]
    }
  }

  public init(json: JSONValue) throws(JSONError) {
    switch json {
    case .string(let text): self = .string(text)
    case .integer(let number): self = .integer(number)
    case .bool(let flag): self = .boolean(flag)
    default:
      guard let text = json["decimal"]?.stringValue, Self.isDecimal(text) else {
        throw JSONError("a parameter is a string, an integer, a boolean or a decimal")
      }
      self = .decimal(text)
    }
  }

  /// The value as plain JSON text, for `BELFRY_PARAMS`, where a decimal is a number.
  public var plainJSONText: String {
    if case .decimal(let text) = self { text } else { json.text }
  }
}

extension RetryPolicy {
  fileprivate var json: JSONValue {
    .members([
      "attempts": .integer(Int64(attempts)),
      "backoffMs": .milliseconds(backoff),
      "factorThousandths": .integer(Int64(factorThousandths)),
      "maxMs": .milliseconds(max),
      "on": .strings(on.map(\.rawValue).sorted()),
    ])
  }

  fileprivate init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.retry")
    self.init(
      attempts: Int(try fields.required("attempts") { $0.integerValue.flatMap { (1...100).contains($0) ? $0 : nil } }),
      backoff: try fields.milliseconds("backoffMs"),
      factorThousandths: Int(
        try fields.required("factorThousandths") { value in
          value.integerValue.flatMap { (1000...100_000).contains($0) ? $0 : nil }
        }),
      max: try fields.milliseconds("maxMs"),
      on: Set(try fields.list("on") { try Self.state($0) }))
    try fields.finish()
  }

  private static func state(_ value: JSONValue) throws(JSONError) -> RunState {
    guard let state = value.stringValue.flatMap(RunState.init), state.isFinal else {
      throw JSONError("job.retry.on: '\(value.text.prefix(40))' is not a final run state")
    }
    return state
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}
