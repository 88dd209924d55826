import Model

// `run` of a job.

extension JobReader {
  struct Run {
    /// Nil when it is not known what is executed.
    var spec: RunSpec?
    var needs: FileNeeds
    /// The value of `workdir`, for a mistake that shows only beside the job's other keys.
    var workFolder: ValueReader?
  }

  /// The keys that say what is executed.
  static let programKeys = ["script", "command", "http", "plugin"]

  func run(_ value: ValueReader) -> Run? {
    guard var fields = value.fields(JobFields.run) else { return nil }
    var needs = FileNeeds()
    let program = program(&fields, &needs)
    var spec = RunSpec(program: program?.program ?? .command([]))
    if case .script(let path)? = program?.program, let value = program?.value {
      needs.script = (path, value.node.place)
    }
    let kind = program.map(\.value.name)
    if let interpreter = fields.take("interpreter"), belongs(interpreter, to: kind) {
      spec.interpreter = self.interpreter(interpreter)
      needs.hasInterpreter = true
    }
    if let args = fields.take("args"), belongs(args, to: kind) {
      spec.args = args.list(count: 0...1_000, of: "words") { $0.string(bytes: 0...ManifestLimits.stringBytes) } ?? []
    }
    if let files = fields.take("files") {
      let patterns = files.list(count: 0...100, of: "patterns", pattern) ?? []
      needs.patterns += patterns
      spec.files = patterns.map(\.glob.text)
    }
    spec.params = fields.take("params").map(params) ?? [:]
    spec.env = fields.take("env").map(env) ?? [:]
    spec.timeout = fields.take("timeout")?.duration(in: .seconds(1) ... .seconds(7 * 86_400)) ?? .seconds(3600)
    if let codes = fields.take("success"), belongs(codes, to: kind, alsoWith: ["command", "plugin"]) {
      spec.success = success(codes) ?? [0]
    }
    spec.user = fields.take("user").flatMap(user)
    if let input = fields.take("stdin"), belongs(input, to: kind, alsoWith: ["command"]) {
      spec.input = input.string(bytes: 0...RunSpec.inputLimit)
    }
    spec.secrets = fields.take("secrets").flatMap { secrets($0, beside: spec.env) }
    spec.kill = fields.take("kill").flatMap(kill) ?? RunSpec.Kill()
    spec.limits = fields.take("limits").flatMap(limits) ?? RunSpec.Limits()
    let workFolder = fields.take("workdir")
    spec.workFolder = workFolder?.choice(["fresh": .fresh, "keep": .keep]) ?? .fresh
    let isolate = fields.take("isolate")
    spec.isolation =
      isolate?.choice(["none": .none, "files": .files, "full": .full], foreign: Self.foreignIsolation) ?? .none
    if let write = fields.take("write") {
      spec.write = write.list(count: 1...RunSpec.writeLimit, of: "absolute paths", written) ?? []
      if Set(spec.write).count < spec.write.count { write.fail("'write' names a path twice") }
      if spec.isolation == .none, isolate == nil || isolate?.node.scalar?.text == "none", !isDefaults, !isPartial {
        write.fail("without 'isolate' a job may write wherever its user may", suggestion: "add 'isolate: files'")
      }
    }
    fields.finish()
    if case .http(let request)? = program?.program, let value = program?.value {
      checkParameters(of: request, declared: spec.params, at: value)
      let secrets = spec.secretNames.count
      if program != nil, !request.secretNames.isEmpty, secrets > RunSpec.Secrets.limit {
        sink.error(
          at: value.keyPlace,
          "the request and 'secrets' name \(secrets) secrets, and a run has at most \(RunSpec.Secrets.limit)")
      }
    }
    return Run(spec: program == nil ? nil : spec, needs: needs, workFolder: workFolder)
  }

  private func user(_ value: ValueReader) -> String? {
    // 1000 would be a number, which is another user on another host.
    guard let text = value.string(bytes: 1...256) else { return nil }
    if let problem = RunSpec.problem(inUser: text) { value.fail(problem) }
    return text
  }

  private static let foreignIsolation = [
    "strict": "files", "read-only": "files", "sandbox": "full", "container": "full",
  ]

  private func written(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...1_024) else { return nil }
    guard let problem = RunSpec.problem(inWritten: text) else { return text }
    let mended = "/" + text.split(separator: "/").joined(separator: "/")
    let isBetter = text.hasPrefix("/") && RunSpec.problem(inWritten: mended) == nil
    value.fail(problem, suggestion: isBetter ? "did you mean \(Legible.quoted(mended))?" : nil)
    return nil
  }

  private static let foreignSignals = Dictionary(
    uniqueKeysWithValues: RunSpec.Kill.Signal.allCases.flatMap { signal in
      [(signal.rawValue.lowercased(), signal.rawValue), ("sig" + signal.rawValue.lowercased(), signal.rawValue)]
    })

  private func kill(_ value: ValueReader) -> RunSpec.Kill? {
    guard var fields = value.fields(JobFields.kill) else { return nil }
    var kill = RunSpec.Kill()
    if let signal = fields.take("signal") {
      kill.signal =
        signal.choice(
          ["TERM": .term, "INT": .int, "HUP": .hup, "QUIT": .quit, "USR1": .usr1, "USR2": .usr2],
          foreign: Self.foreignSignals) ?? kill.signal
    }
    if let grace = fields.take("grace")?.duration(in: .zero...RunSpec.longestGrace) { kill.grace = grace }
    fields.finish()
    return kill
  }

  private func limits(_ value: ValueReader) -> RunSpec.Limits? {
    guard var fields = value.fields(JobFields.limits) else { return nil }
    let limits = RunSpec.Limits(
      files: fields.take("files")?.integer(in: RunSpec.Limits.filesRange),
      nice: fields.take("nice")?.integer(in: RunSpec.Limits.niceRange),
      memory: fields.take("memory")?.size(in: RunSpec.Limits.memoryRange),
      cpusThousandths: fields.take("cpus").flatMap(cpus),
      processes: fields.take("processes")?.integer(in: RunSpec.Limits.processesRange),
      disk: fields.take("disk")?.size(in: RunSpec.Limits.diskRange),
      output: fields.take("output")?.size(in: RunSpec.Limits.outputRange))
    fields.finish()
    return limits
  }

  private func cpus(_ value: ValueReader) -> Int? {
    if let thousandths = value.thousandths(in: RunSpec.Limits.cpusThousandthsRange) { return thousandths }
    value.wants("a number from 0.01 to 1024 with at most 3 decimals, such as 1.5")
    return nil
  }

  private func program(
    _ fields: inout FieldReader, _ needs: inout FileNeeds
  ) -> (program: RunSpec.Program, value: ValueReader)? {
    var given: [ValueReader] = []
    for key in Self.programKeys { if let value = fields.take(key) { given.append(value) } }
    if given.count > 1 {
      let later = given.max { ($0.keyPlace.line, $0.keyPlace.column) < ($1.keyPlace.line, $1.keyPlace.column) }
      sink.error(
        at: later?.keyPlace ?? fields.place,
        "\(ValueReader.list(given.map { "'\($0.name)'" }).replacing(" or ", with: " and ")) exclude each other",
        suggestion: "keep one of them")
    }
    guard let value = given.first else {
      if !isDefaults, !isPartial {
        sink.error(at: fields.place, "'run' needs 'script', 'command', 'http' or 'plugin'")
      }
      return nil
    }
    let program: RunSpec.Program? =
      switch value.name {
      case "script": script(value).map { .script($0) }
      case "command": command(value).map { .command($0) }
      case "http": request(value, &needs).map { .http($0) }
      default: plugIn(value).map { .plugIn($0) }
      }
    return program.map { ($0, value) }
  }

  private func script(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...4_096) else { return nil }
    guard let problem = RepositoryPath.problem(in: text) else { return text }
    var suggestion: String?
    if text.hasPrefix("./"), RepositoryPath.problem(in: String(text.dropFirst(2))) == nil {
      suggestion = "did you mean \(Legible.quoted(String(text.dropFirst(2))))?"
    } else if text.hasPrefix("/") {
      suggestion = "for a program on the host, write 'command'"
    }
    value.fail(problem, suggestion: suggestion)
    return nil
  }

  private func command(_ value: ValueReader) -> [String]? {
    let words = value.list(count: 1...1_000, of: "words") { $0.string(bytes: 0...ManifestLimits.stringBytes) }
    guard let words, let program = words.first, let first = value.node.elements?.first else { return nil }
    if program.isEmpty {
      sink.error(at: first.place, "the program's name is empty")
      return nil
    }
    if program.utf8.contains(UInt8(ascii: "/")), !program.hasPrefix("/") {
      sink.error(
        at: first.place, "the program \(Legible.quoted(program)) is neither an absolute path nor a name on PATH",
        suggestion: "for a file of the repository, write 'script'")
      return nil
    }
    return words
  }

  /// Whether the key applies to what is run, `kind`, as it does to scripts. Otherwise: an error where the job itself says
  /// both, and nothing where the key comes from defaults, which are for all kinds alike.
  private func belongs(_ value: ValueReader, to kind: String?, alsoWith others: [String] = []) -> Bool {
    guard let kind, kind != "script", !others.contains(kind) else { return true }
    if isDefaults || value.keyPlace.source === source {
      sink.error(
        at: value.keyPlace,
        "'\(value.name)' goes with \(ValueReader.list((["script"] + others).map { "'\($0)'" })), not with '\(kind)'",
        suggestion: kind == "command" ? "write all words into 'command'" : Self.instead[value.name])
    }
    return false
  }

  private static let instead = [
    "stdin": "an executor gets the run there", "success": "'expect' of 'http' says which answers are good",
  ]

  private func interpreter(_ value: ValueReader) -> [String]? {
    let words = value.list(count: 1...100, of: "words") { $0.string() }
    guard let words, let program = words.first, let first = value.node.elements?.first else { return nil }
    guard program.hasPrefix("/") else {
      sink.error(
        at: first.place, "the interpreter \(Legible.quoted(program)) is not an absolute path",
        suggestion: "such as [/bin/bash, -eu] or [/usr/bin/env, python3]")
      return nil
    }
    return words
  }

  private func pattern(_ value: ValueReader) -> (glob: Glob, place: SourcePlace)? {
    guard let text = value.string(bytes: 1...4_096) else { return nil }
    do {
      return (try Glob(text), value.node.place)
    } catch {
      value.fail(error.message, suggestion: error.suggestion)
      return nil
    }
  }

  private func success(_ value: ValueReader) -> [Int]? {
    guard let codes = value.list(count: 1...256, of: "exit codes", { $0.integer(in: 0...255) }) else { return nil }
    if Set(codes).count < codes.count { value.fail("'success' names an exit code twice") }
    return codes
  }

  private func env(_ value: ValueReader) -> [String: String] {
    var variables: [String: String] = [:]
    for entry in value.entries(count: 0...1_000, of: "variables") ?? [] {
      if let problem = EnvironmentRules.problem(in: entry.name) { sink.error(at: entry.keyPlace, problem) }
      variables[entry.name] = entry.string(bytes: 0...ManifestLimits.stringBytes)
    }
    return variables
  }

  private func params(_ value: ValueReader) -> [String: ParameterValue] {
    var params: [String: ParameterValue] = [:]
    var variables: [String: String] = [:]
    for entry in value.entries(count: 0...200, of: "parameters") ?? [] {
      if !EnvironmentRules.isIdentifier(entry.name) {
        sink.error(
          at: entry.keyPlace,
          "\(Legible.quoted(entry.name)) is not a parameter's name: letters, digits and '_', not beginning with a digit"
        )
      } else if let other = variables.updateValue(entry.name, forKey: entry.name.uppercased()) {
        sink.error(
          at: entry.keyPlace, "'\(entry.name)' and '\(other)' would both be BELFRY_PARAM_\(entry.name.uppercased())")
      }
      params[entry.name] = parameter(entry)
    }
    return params
  }

  private func parameter(_ value: ValueReader) -> ParameterValue? {
    switch value.node.scalar?.resolved {
    case .string: return value.string(bytes: 0...ManifestLimits.stringBytes).map(ParameterValue.string)
    case .integer(let number): return .integer(number)
    case .boolean(let flag): return .boolean(flag)
    case .float:
      let text = value.node.scalar?.text ?? ""
      if ParameterValue.isDecimal(text) { return .decimal(text) }
      value.wants("a decimal number such as 0.25", suggestion: "put it in quotes to make it a string")
    case .hugeInteger:
      value.wants("a whole number of 64 bits", suggestion: "put it in quotes to make it a string")
    case .null, nil:
      value.wants("a string, a number, true or false")
    }
    return nil
  }
}
