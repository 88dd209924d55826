import Execution
import Glibc
import Logging
import Model
import Planning
import Platform
import Schedule
import Synchronization
import Trust
import ZoneInfo

/// Executes attempts through shims, each in a folder of its own below `runs/`.
final class ShimRunner: AttemptRunner {
  private let folder: String
  private let kept: KeptFolders
  private let launcher: ShimLauncher
  private let store: BundleStore
  private let bundles: VerifiedBundles
  private let agent: AgentName
  private let zones: ZoneDatabase
  private let clock: WallClock
  private let logger: Logger
  private let handling: HandlingMark?
  private let shims = Mutex<[AttemptID: Shim]>([:])
  /// When the jobs of attempts began that have come to a regular end, with nothing left of them.
  private let over = Mutex<[AttemptID: Timestamp]>([:])
  private let spares: SpareFolders
  private let remover: FolderRemover
  private let collector: ArtifactCollector
  /// The outputs of runs that somebody follows.
  let outputs: FollowedOutputs

  init(
    folder: String, keptFolder: String, artifacts: ArtifactSpool, launcher: ShimLauncher, store: BundleStore,
    controllerKey: PublicKey, agent: AgentName, zones: ZoneDatabase, clock: WallClock, handling: HandlingMark? = nil,
    logger: Logger
  ) {
    self.folder = folder
    spares = SpareFolders(path: folder)
    let remover = FolderRemover(logger: logger)
    self.remover = remover
    collector = ArtifactCollector(spool: artifacts)
    kept = KeptFolders(path: keptFolder) { remover.removeLater($0) }
    self.launcher = launcher
    self.store = store
    bundles = VerifiedBundles(store: store, key: controllerKey)
    self.agent = agent
    self.zones = zones
    self.clock = clock
    self.handling = handling
    self.logger = logger
    outputs = FollowedOutputs { RunFolder(path: Self.path($0, in: folder)) }
  }

  private func path(_ attempt: AttemptID) -> String { Self.path(attempt, in: folder) }

  private static func path(_ attempt: AttemptID, in folder: String) -> String {
    "\(folder)/\(RunFolder.name(of: attempt.run, attempt: attempt.number))"
  }

  private func name(_ attempt: AttemptID) -> String { RunFolder.name(of: attempt.run, attempt: attempt.number) }

  func launch(_ run: ActiveRun, with secrets: SecretValues) throws(LaunchProblem) {
    let bundle: Bundle
    do { bundle = try bundles.bundle(run.bundle) } catch let error as ExecutionError
      where ![.missing, .corrupted].contains(error.code)
    {
      throw .failed("\(error)")
    } catch {
      throw .refused("\(error)")
    }
    let attempt = AttemptSpec(
      run: run.id, number: run.attempt, occurrence: run.occurrence, agent: agent, commit: run.commit, bundle: bundle,
      params: run.params, triggers: run.dueTriggers(zones), person: run.person, host: .own,
      start: startTime(of: run))
    do throws(ExecutionError) {
      let shim = try launcher.start(
        attempt, secrets: secrets, from: store, in: path(run.attemptID), kept: kept, spares: spares)
      shims.withLock { $0[run.attemptID] = shim }
    } catch {
      switch error.code {
      case .missing, .corrupted, .tampered, .refused: throw .refused("\(error)")
      case .notWatched: throw .unwatched
      case .diskFull: throw .noRoom("\(error)")
      default: throw .failed("\(error)")
      }
    }
  }

  /// When an armed attempt starts; nil for any other, and when its instant has come in the meantime.
  private func startTime(of run: ActiveRun) -> ShimSpec.StartTime? {
    guard case .armed(let instant) = run.phase, clock.now < instant else { return nil }
    return ShimSpec.StartTime(at: instant, by: instant + Self.latestStart)
  }

  /// How late an armed attempt still starts by itself. A host that slept through the instant decides anew.
  private static let latestStart = Duration.seconds(1)

  func end(of run: ActiveRun) async throws -> AttemptOutcome {
    let attempt = run.attemptID
    let runFolder = RunFolder(path: path(attempt))
    let end: AttemptEnd
    if let shim = shims.withLock({ $0[attempt] }) {
      end = try await shim.ended()
    } else {
      switch try runFolder.adopt() {
      case .ended(let ended): end = ended
      case .running(let shim):
        shims.withLock { $0[attempt] = shim }
        end = try await shim.ended()
      }
    }
    if case .finished(let record) = end.ending, end.mayHaveRun, !record.unkillable, end.changedFiles.isEmpty {
      over.withLock { $0[attempt] = record.started }
    }
    var artifacts = CollectedArtifacts()
    if end.mayHaveRun, runFolder.mayHaveArtifacts(patterns: run.job.artifacts) {
      artifacts = try await collector.collect(runFolder, patterns: run.job.artifacts)
      CrashPoint.reach("agent.artifactsTaken")
    }
    let mark = HandlingMark.Entry(
      bundle: run.bundle, job: run.job.name, doing: "the agent died while it read its output")
    guard let handling else { return outcome(of: run, end, artifacts, in: runFolder) }
    return handling.during([mark]) { outcome(of: run, end, artifacts, in: runFolder) }
  }

  private func outcome(
    of run: ActiveRun, _ end: AttemptEnd, _ artifacts: CollectedArtifacts, in runFolder: RunFolder
  ) -> AttemptOutcome {
    var exit: ExitRecord?
    var crash: String?
    switch end.ending {
    case .finished(let record): exit = record
    case .lost(let reason): crash = reason.isCrash ? reason.words : nil
    }
    let output = (try? runFolder.keptOutput(exit)) ?? KeptOutput()
    // Of a run with secrets its shim takes them out at the end: where it died before, nobody has.
    let isMasked = run.job.run.secretNames.isEmpty || exit.map { !$0.givenBackUnmasked } ?? false
    let values = end.mayHaveRun && isMasked ? runFolder.outputValues(declared: run.job.outputs) : OutputValues()
    var record = end.attempt(
      number: run.attempt, success: run.job.run.success, given: run.job.run.write, program: run.job.run.programName,
      output: output, values: values,
      artifacts: artifacts,
      started: run.started,
      now: clock.now)
    switch run.job.run.program {
    case .script, .command: break
    case .plugIn, .http:
      // What it offers as outputs may hold secrets too.
      guard isMasked else { break }
      record.heed(Result { () throws(JSONError) in try runFolder.answer() }, declared: run.job.outputs)
    }
    return AttemptOutcome(record: record, mayHaveRun: end.mayHaveRun, crash: crash, log: output.bytes)
  }

  func cancel(_ attempt: AttemptID) {
    guard let shim = shims.withLock({ $0[attempt] }) else { return }
    do throws(ExecutionError) { try shim.cancel() } catch {
      logger.info("nothing to cancel", metadata: ["run": "\(attempt.run)", "reason": "\(error)"])
    }
  }

  func disarm(_ attempt: AttemptID) {
    guard let shim = shims.withLock({ $0[attempt] }) else { return }
    do throws(ExecutionError) { try shim.disarm() } catch {
      logger.info("nothing to disarm", metadata: ["run": "\(attempt.run)", "reason": "\(error)"])
    }
  }

  var boot: String { Boot.id }

  func hasBegun(_ attempt: AttemptID, sameBoot: Bool) -> Bool {
    guard sameBoot else { return true }
    let runFolder = RunFolder(path: path(attempt))
    do throws(ExecutionError) {
      switch try runFolder.adopt() {
      case .running(let shim):
        shims.withLock { $0[attempt] = shim }
        return true
      case .ended(let end):
        guard !end.mayHaveRun || [.lost(.noFolder), .lost(.notMade)].contains(end.ending) else { return true }
        // Certainly not run, and it never will be: its spec is revoked, or was never written.
        try runFolder.remove()
        removeSecrets(name(attempt))
        if case .tree(let tree) = launcher.cgroups { tree.end(name(attempt)) }
        return false
      }
    } catch {
      logger.error("a run folder cannot be read", metadata: ["run": "\(attempt.run)", "reason": "\(error)"])
      return true
    }
  }

  func discard(_ attempt: AttemptID) {
    let shim = shims.withLock { $0.removeValue(forKey: attempt) }
    let started = over.withLock { $0.removeValue(forKey: attempt) }
    let isOutputHeld = outputs.keep(attempt)
    removeSecrets(name(attempt))
    if let shim, let started, let untouched = shim.untouched,
      spares.keep(shim.folder, untouched, started: started, isOutputHeld: isOutputHeld)
    {
      return
    }
    // Out of the way at once, because the same attempt may be made ready again; gone when there is time. What a job has
    // left may be a million files, and the next run must not wait for that.
    let old = "\(folder)/\(SpareFolders.removed)\(RandomName.hex(bytes: 8))"
    guard rename(path(attempt), old) == 0 else {
      if errno != ENOENT {
        logger.warning(
          "a run folder cannot be removed", metadata: ["run": "\(attempt.run)", "reason": "errno \(errno)"])
      }
      return
    }
    remover.removeLater(old)
  }

  func removeKeptFolders(but jobs: Set<JobName>) {
    do throws(ExecutionError) { try kept.removeAll(but: jobs) } catch {
      logger.warning("folders of former jobs cannot be removed", metadata: ["reason": "\(error)"])
    }
  }

  /// A shim has done it already, unless it was killed.
  private func removeSecrets(_ attempt: String) {
    do throws(ExecutionError) { try launcher.secretFolders.remove(attempt) } catch {
      logger.error("files of secrets cannot be removed", metadata: ["attempt": "\(attempt)", "reason": "\(error)"])
    }
  }

  func tidy() { for path in spares.trim() { remover.removeLater(path) } }

  func recover(_ attempts: Set<AttemptID>) { SpareFolders.recover(Set(attempts.map(name)), in: folder) }

  func discardAll(except runs: Set<RunID>) {
    discardFolders(except: runs)
    // Of attempts whose folder is gone: the agent died while they were made ready.
    let folders = Set(RunFolder.names(in: folder))
    for attempt in launcher.secretFolders.all() where !folders.contains(attempt) { removeSecrets(attempt) }
  }

  private func discardFolders(except runs: Set<RunID>) {
    for name in RunFolder.names(in: folder) {
      let isSpent = name.hasPrefix(SpareFolders.removed) || name.hasPrefix(SpareFolders.prefix)
      if isSpent { remover.removeLater("\(folder)/\(name)") }
      let parts = name.split(separator: ".")
      guard parts.count == 2, let run = try? RunID(String(parts[0])), let number = Int(parts[1]), !runs.contains(run)
      else { continue }
      // Nothing that still runs is taken the ground from under.
      if case .running? = try? RunFolder(path: path(AttemptID(run: run, number: number))).adopt() { continue }
      discard(AttemptID(run: run, number: number))
    }
    discardCgroups(except: runs)
  }

  /// Ends the cgroups that shims left which died while there was no agent.
  private func discardCgroups(except runs: Set<RunID>) {
    guard case .tree(let tree) = launcher.cgroups else { return }
    for name in tree.names() {
      let run = name.split(separator: ".").first.flatMap { try? RunID(String($0)) }
      if let run, runs.contains(run) { continue }
      if case .running? = try? RunFolder(path: "\(folder)/\(name)").adopt() { continue }
      tree.end(name)
    }
  }
}

extension RunSpec {
  /// What a reason calls the program.
  fileprivate var programName: String {
    switch program {
    case .command(let words): TerminalText.neutralised(String((words.first ?? "").prefix(200)))
    case .script(let path): "the interpreter of \(path)"
    case .http, .plugIn: "its executor"
    }
  }
}

extension ActiveRun {
  /// Those of the job's triggers that made the run due.
  func dueTriggers(_ zones: ZoneDatabase) -> [Trigger] {
    guard occurrence.cause == .schedule, job.triggers.count > 1 else { return job.triggers }
    guard let schedule = try? JobSchedule(job, zone: zones.zone(named:)) else { return [] }
    return schedule.triggers(at: occurrence.nominal).map { job.triggers[$0] }
  }
}

/// Removes folders one after the other, on a thread that gives way to everybody else.
private actor FolderRemover {
  private let executor = BlockingExecutor(label: "belfry.remover", isBackground: true)
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let logger: Logger

  init(logger: Logger) { self.logger = logger }

  private let waiting = Mutex<[String]>([])

  nonisolated func removeLater(_ path: String) {
    let isFirst = waiting.withLock { waiting in
      waiting.append(path)
      return waiting.count == 1
    }
    guard isFirst else { return }
    Task {
      // What was due together has started by then.
      try? await Task.sleep(for: .milliseconds(300))
      await removeWaiting()
    }
  }

  private func removeWaiting() {
    let paths = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for path in paths { remove(path) }
  }

  private func remove(_ path: String) {
    do { try RunFolder(path: path).remove() } catch {
      logger.warning("a folder cannot be removed", metadata: ["folder": "\(path)", "reason": "\(error)"])
    }
  }
}
