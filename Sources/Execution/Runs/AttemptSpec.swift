import Glibc
public import Model

/// One attempt of a run, complete: what ``ShimLauncher/start(_:from:in:)`` needs.
public struct AttemptSpec: Hashable, Sendable {
  public var run: RunID
  /// From 1.
  public var number: Int
  public var occurrence: Occurrence
  public var agent: AgentName
  public var commit: CommitID
  public var program: RunSpec
  /// Of the bundle.
  public var files: [BundleFile]
  /// Declared ones, with what a person gave in their place.
  public var params: [String: ParameterValue]
  /// Those that made it due, where a schedule did.
  public var triggers: [Trigger]
  /// Who asked for it, where a person did and is known.
  public var person: String?
  public var host: HostEnvironment
  /// How long what the job leaves behind may go on after the job's own end.
  public var linger: Duration
  public var placement: ScriptPlacement
  /// Nil: at once.
  public var start: ShimSpec.StartTime?
  /// For tests of whoever must not lose anything when the shim dies.
  public var crashAt: ShimCrashPoint?

  public init(
    run: RunID, number: Int = 1, occurrence: Occurrence, agent: AgentName, commit: CommitID, bundle: Bundle,
    params: [String: ParameterValue] = [:], triggers: [Trigger] = [], person: String? = nil,
    host: HostEnvironment = HostEnvironment(),
    linger: Duration = .seconds(1), placement: ScriptPlacement = .folder,
    start: ShimSpec.StartTime? = nil, crashAt: ShimCrashPoint? = nil
  ) {
    self.run = run
    self.number = number
    self.occurrence = occurrence
    self.agent = agent
    self.commit = commit
    self.program = bundle.job.run
    self.files = bundle.files
    self.params = bundle.job.run.params.merging(params) { $1 }
    self.triggers = triggers
    self.person = person
    self.host = host
    self.linger = linger
    self.placement = placement
    self.start = start
    self.crashAt = crashAt
  }
}

extension AttemptSpec {
  /// Names its folders, and those of no other attempt.
  public var folderName: String { RunFolder.name(of: run, attempt: number) }
}

extension RunSpec.Kill.Signal {
  /// As kill(2) has it.
  var number: Int32 {
    switch self {
    case .term: SIGTERM
    case .int: SIGINT
    case .hup: SIGHUP
    case .quit: SIGQUIT
    case .usr1: SIGUSR1
    case .usr2: SIGUSR2
    }
  }
}

extension ShimLauncher {
  /// Starts an attempt: makes its run folder, or takes a spare one, hashes the bundle's files once more, puts them where they can be run as
  /// they were hashed, and hands over to a shim.
  ///
  /// `path` must not exist. When this throws, nothing has been run and the folder is gone again, except for
  /// `notWatched`, where the attempt goes on and the folder is to be adopted. `missing` and `corrupted` mean the
  /// bundle's files: the run is refused, and they are to be fetched again.
  ///
  /// `secrets` are those that the job needs. `kept` is for jobs that keep their working folder. With `spares` the folder may be
  /// one that was used before, and may be used again.
  public func start(
    _ attempt: AttemptSpec, secrets: SecretValues = [:], from store: BundleStore, in path: String,
    kept: KeptFolders? = nil, spares: SpareFolders? = nil
  ) throws(ExecutionError) -> Shim {
    let user: HostUser? = if let name = attempt.program.user { try users.forJob(name) } else { nil }
    // As the agent's own user nothing has to be given up, and what is not root could not.
    let other = user.flatMap { geteuid() == 0 ? $0.user : nil }
    let executor = try executors.path(for: attempt.program.program)
    let spare = spares?.take(for: other, as: path)
    let folder = if let spare { spare } else { try RunFolder.create(at: path) }
    var cgroup: String?
    do throws(ExecutionError) {
      cgroup = try makeCgroup(for: attempt)
      if spare == nil { try folder.furnish(for: other) }
      try folder.writeEvent(EventFile.bytes(attempt), group: other?.group)
      let program = try PreparedProgram.prepare(
        attempt.program, files: attempt.files, from: store, in: folder, group: other?.group,
        placement: attempt.placement, executor: executor)
      let environment = try RunEnvironment.variables(
        of: attempt, host: attempt.host, user: user, folder: folder)
      var spec = ShimSpec(
        program: program.program, arguments: program.arguments, environment: environment,
        timeout: attempt.program.timeout, grace: attempt.program.kill.grace, linger: attempt.linger,
        descriptor: program.scriptDescriptor == nil ? nil : SealedMemory.numberInJob, crashAt: attempt.crashAt,
        start: attempt.start)
      spec.user = other
      spec.nice = attempt.program.limits.nice
      spec.openFiles = attempt.program.limits.files
      spec.disk = attempt.program.limits.disk
      spec.userProcesses = try userProcesses(of: attempt, as: other)
      spec.cgroup = cgroup
      spec.keepOutput(in: attempt.program.limits.output ?? RunSpec.Limits.defaultOutput)
      spec.stopSignal = attempt.program.kill.signal.number
      spec.input = attempt.program.input.map { Array($0.utf8) }
      if attempt.program.workFolder == .keep {
        guard let kept else { throw ExecutionError(.refused, "there is no place for folders that jobs keep") }
        spec.keptFolder = try kept.prepare(attempt.occurrence.job, for: other)
      }
      let work = spec.keptFolder.map { $0 + "/work" } ?? folder.work
      spec.isolation = try isolation(of: attempt, in: folder, work: work)
      if let input = try ExecutorInput.bytes(of: attempt) {
        try folder.makeAnswer(for: other)
        spec.input = input
        spec.environment["BELFRY_ANSWER"] = folder.answerFile
        if executors.allowsLinkLocal { spec.environment["BELFRY_HTTP_LINK_LOCAL"] = "allowed" }
      }
      let memory = try take(secrets, of: attempt, for: other, into: &spec)
      let changed = program.bundle.changedFiles()
      guard changed.isEmpty else {
        throw ExecutionError(.tampered, "files were changed before the run began: \(changed.joined(separator: ", "))")
      }
      // What is bound into a view of its own may be held by it a moment longer than by its processes.
      let isReusable = spares != nil && spec.isolation == nil
      return try launch(
        spec, in: folder, program: program, secrets: memory,
        reusable: isReusable ? (user: other, files: attempt.files.map(\.path)) : nil)
    } catch {
      if error.code != .notWatched {
        if let cgroup { CgroupTree.end(cgroup) }
        try? folder.remove()
        if !attempt.program.secretNames.isEmpty { try? secretFolders.remove(attempt.folderName) }
      }
      throw error
    }
  }

  /// Puts the secrets where the job finds them: files in memory, and memory for the shim, which is nil when there are none.
  private func take(
    _ secrets: SecretValues, of attempt: AttemptSpec, for user: JobUser?, into spec: inout ShimSpec
  ) throws(ExecutionError) -> SealedMemory? {
    let names = attempt.program.secretNames
    guard !names.isEmpty else { return nil }
    if let missing = names.subtracting(secrets.keys).min() {
      throw ExecutionError(.noSecret, "this agent has no secret \(missing)")
    }
    var variables: [String: SecretName] = [:]
    if case .variables(let wanted) = attempt.program.secrets { variables = wanted }
    for variable in variables.keys where spec.environment[variable] != nil && attempt.program.env[variable] != nil {
      throw ExecutionError(.refused, "the variable '\(variable.prefix(60))' is set twice")
    }
    let needed = secrets.filter { names.contains($0.key) }
    let memory = try SecretMemory.holding(needed, variables: variables)
    let folder = try secretFolders.make(attempt.folderName, needed, for: user)
    // A secret may take the place of what every run has, such as PATH, as `env` may.
    for variable in variables.keys { spec.environment[variable] = nil }
    spec.environment["BELFRY_SECRETS"] = folder
    spec.secrets = SecretMemory.numberInShim
    spec.secretsFolder = folder
    spec.isolation?.shown.append(folder)
    return memory
  }
}
