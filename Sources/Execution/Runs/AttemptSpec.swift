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
  public var host: HostEnvironment
  /// From TERM to KILL.
  public var grace: Duration
  /// How long what the job leaves behind may go on after the job's own end.
  public var linger: Duration
  public var placement: ScriptPlacement
  /// Nil: at once.
  public var start: ShimSpec.StartTime?
  /// For tests of whoever must not lose anything when the shim dies.
  public var crashAt: ShimCrashPoint?

  public init(
    run: RunID, number: Int = 1, occurrence: Occurrence, agent: AgentName, commit: CommitID, bundle: Bundle,
    params: [String: ParameterValue] = [:], host: HostEnvironment = HostEnvironment(), grace: Duration = .seconds(10),
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
    self.host = host
    self.grace = grace
    self.linger = linger
    self.placement = placement
    self.start = start
    self.crashAt = crashAt
  }
}

extension ShimLauncher {
  /// Starts an attempt: makes its run folder, hashes the bundle's files once more, puts them where they can be run as
  /// they were hashed, and hands over to a shim.
  ///
  /// `path` must not exist. When this throws, nothing has been run and the folder is gone again, except for
  /// `notWatched`, where the attempt goes on and the folder is to be adopted. `missing` and `corrupted` mean the
  /// bundle's files: the run is refused, and they are to be fetched again.
  public func start(_ attempt: AttemptSpec, from store: BundleStore, in path: String) throws(ExecutionError) -> Shim {
    let folder = try RunFolder.create(at: path)
    do throws(ExecutionError) {
      let program = try PreparedProgram.prepare(
        attempt.program, files: attempt.files, from: store, in: folder, placement: attempt.placement)
      let environment = try RunEnvironment.variables(of: attempt, host: attempt.host, bundleFolder: folder.bundle)
      let spec = ShimSpec(
        program: program.program, arguments: program.arguments, environment: environment,
        timeout: attempt.program.timeout, grace: attempt.grace, linger: attempt.linger,
        descriptor: program.scriptDescriptor == nil ? nil : SealedMemory.numberInJob, crashAt: attempt.crashAt,
        start: attempt.start)
      let changed = program.bundle.changedFiles()
      guard changed.isEmpty else {
        throw ExecutionError(.tampered, "files were changed before the run began: \(changed.joined(separator: ", "))")
      }
      return try launch(spec, in: folder, program: program)
    } catch {
      if error.code != .notWatched { try? folder.remove() }
      throw error
    }
  }
}
