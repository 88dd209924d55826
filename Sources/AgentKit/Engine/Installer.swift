import Execution
import Logging
import Model
import Planning
import Platform
import Schedule
import SwiftProtobuf
import Trust
import Wire
import ZoneInfo

/// What the agent holds: takes assignments, fetches and verifies their content, and hands the jobs to the engine.
///
/// An assignment is in force when the ledger says so, in the same transaction in which the engine takes over its jobs.
/// Its envelope and all its content are on the disk before.
actor Installer {
  private let executor = BlockingExecutor(label: "belfry.installer")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let identity: AgentIdentity
  private let controllerKey: PublicKey
  private let engine: Engine
  private let store: BundleStore
  private let assignments: AssignmentFiles
  private let zones: ZoneDatabase
  private let clock: WallClock
  private let storeLimit: Int64
  private let logger: Logger

  private(set) var held: Signed<Assignment>?
  /// Of what was in force at the start, for as long as nothing is held.
  private var startPosition = Position.zero
  private var bundles: [Digest: Signed<Bundle>] = [:]
  private var pending: PendingInstall?
  private var assembly = ContentAssembly()
  private var outgoing: Outgoing?
  /// Zones whose new rules are not in the schedules yet, and those whose files cannot be used.
  private var changedZones: Set<String> = []
  private var troubledZones: Set<String> = []

  init(
    identity: AgentIdentity, controllerKey: PublicKey, engine: Engine, store: BundleStore,
    assignments: AssignmentFiles, zones: ZoneDatabase,
    clock: WallClock, storeLimit: Int64 = DiskLimits().store, logger: Logger
  ) {
    self.identity = identity
    self.controllerKey = controllerKey
    self.engine = engine
    self.store = store
    self.assignments = assignments
    self.zones = zones
    self.clock = clock
    self.storeLimit = storeLimit
    self.logger = logger
  }

  // MARK: - Start

  /// Reads back what was installed, verifies all of it again, and gives it to the engine. What does not verify is not
  /// fired; the controller sends it again.
  func start() async throws {
    let accepted = try await engine.accepted()
    startPosition = accepted.position
    var jobs: [FiringJob] = []
    if let digest = accepted.digest {
      do {
        let bytes = try assignments.read(digest)
        let assignment = try verifyInstalledAssignment(bytes, key: controllerKey, agent: identity.id, held: accepted)
        held = assignment
        for entry in assignment.value.entries {
          do {
            jobs.append(try firingJob(entry, try storedBundle(entry.bundle)))
          } catch {
            // Told to the controller as not held, so that it sends it again.
            logger.error("an installed job is refused", metadata: ["job": "\(entry.job)", "reason": "\(error)"])
            await engine.damaged(entry.bundle, "\(entry.job): \(error)")
          }
        }
      } catch {
        logger.error("the installed assignment is refused", metadata: ["reason": "\(error)"])
        await engine.troubled("assignment", error)
      }
    }
    try await engine.start(jobs)
    guard let held else { return }
    // One that does not verify is still assigned: it may keep a folder, as before.
    let good = Dictionary(jobs.map { ($0.job.name, $0.job) }, uniquingKeysWith: { $1 })
    let keepers = held.value.entries.map(\.job).filter { good[$0].map { $0.run.workFolder == .keep } ?? true }
    await engine.keepFolders(of: Set(keepers))
  }

  /// What is held and up to which position, from one moment: while the first assignment is put in force, the ledger has its
  /// position already, and a controller that heard of it beside no jobs would send them all again.
  var standing: (held: Assignment?, position: Position) { (held?.value, held?.value.position ?? startPosition) }

  private func storedBundle(_ digest: Digest) throws -> Signed<Bundle> {
    if let known = bundles[digest] { return known }
    let bundle = try verifyBundle(try store.bundle(digest), key: controllerKey, named: digest)
    bundles[digest] = bundle
    return bundle
  }

  private func firingJob(_ entry: Assignment.Entry, _ bundle: Signed<Bundle>) throws -> FiringJob {
    FiringJob(
      job: bundle.value.job, bundle: entry.bundle, commit: entry.commit, lease: entry.lease,
      schedule: try JobSchedule(bundle.value.job, agent: identity.id, zone: zones.zone(named:)))
  }

  // MARK: - Time zones

  /// Looks whether the host's time zone files have changed, and makes the schedules anew when they have. A job's instants
  /// up to now stay decided; what is armed starts by the old rules.
  func refreshZones() async {
    let reload = zones.reload()
    for (name, problem) in reload.problems { await engine.troubled("time zone \(name)", problem) }
    for name in troubledZones.subtracting(reload.problems.keys) { await engine.solved("time zone \(name)") }
    troubledZones = Set(reload.problems.keys)
    changedZones.formUnion(reload.changed)
    guard !changedZones.isEmpty, let held else { return }
    do {
      var jobs: [FiringJob] = []
      for entry in held.value.entries {
        if let job = try? firingJob(entry, try storedBundle(entry.bundle)) {
          jobs.append(job)
        } else if let job = await engine.installed(entry.job) {
          jobs.append(job)
        }
      }
      try await engine.reschedule(jobs, of: held.value.position)
      logger.info("time zones changed", metadata: ["zones": "\(changedZones.sorted().joined(separator: ", "))"])
      changedZones = []
    } catch {
      // Tried again the next time.
      logger.error("schedules could not be made anew", metadata: ["reason": "\(error)"])
    }
  }

  // MARK: - Assignments

  func connected(_ outgoing: Outgoing) {
    self.outgoing = outgoing
    pending = nil
    assembly = ContentAssembly()
  }

  func disconnected() {
    outgoing = nil
    pending = nil
  }

  /// Verifies an assignment and begins to fetch what it lacks.
  func receive(_ envelope: [UInt8]) async throws {
    let assignment: Signed<Assignment>
    do {
      assignment = try verifyAssignment(
        envelope, key: controllerKey, agent: identity.id, held: try await engine.accepted(), now: clock.now)
    } catch let error as TrustError {
      refuse(Self.claimedPosition(envelope), error.code.rawValue, "\(error)")
      return
    }
    // What was found damaged on the disk is fetched again, though memory still has it.
    let damaged = await engine.damaged
    bundles = bundles.filter { !damaged.contains($0.key.hex) }
    for digest in Set(assignment.value.entries.map(\.bundle)) where bundles[digest] == nil {
      _ = try? storedBundle(digest)
    }
    let install = PendingInstall(assignment, held: bundles)
    pending = install
    if install.missingBundles.isEmpty {
      try await requestBlobs()
    } else {
      outgoing?.send(.contentRequest(.with { $0.bundles = install.bundlesToFetch.map(\.hex) }))
    }
  }

  func receive(_ chunk: Belfry_V1_ContentChunk) async throws {
    // Answers to the requests of an assignment that another one has replaced are no news.
    guard let install = pending, let digest = try? Digest(hex: chunk.digest), install.needs(digest) else { return }
    if chunk.kind == .missing {
      refusePending("contentMissing", "the controller does not have \(digest.short)")
      return
    }
    let limit = chunk.kind == .bundle ? 6 << 20 : 16 << 20
    let bytes: [UInt8]?
    do throws(ContentAssembly.Problem) {
      bytes = try assembly.add(digest, offset: chunk.offset, data: chunk.data, last: chunk.last, limit: limit)
    } catch {
      refusePending("malformed", "content came out of order or is too large: \(digest.short)")
      return
    }
    guard let bytes else { return }
    do {
      if chunk.kind == .bundle { try await add(bundle: bytes, digest) } else { try await add(blob: bytes, digest) }
    } catch let error as TrustError {
      refusePending(error.code.rawValue, "\(error)")
    } catch let error as ExecutionError {
      refusePending(error.code.rawValue, "\(error)")
    }
  }

  private func add(bundle bytes: [UInt8], _ digest: Digest) async throws {
    let bundle = try verifyBundle(bytes, key: controllerKey, named: digest)
    guard pending?.add(bundle) == true else { return }
    try store.store(bundle: bytes, named: digest)
    bundles[digest] = bundle
    if pending?.missingBundles.isEmpty == true { try await requestBlobs() }
  }

  private func add(blob bytes: [UInt8], _ digest: Digest) async throws {
    try store.store(file: bytes, named: digest)
    guard pending?.stored(digest) == true else { return }
    if pending?.isComplete == true { try await install() }
  }

  private func requestBlobs() async throws {
    guard let install = pending else { return }
    if let contradiction = install.contradiction { return refusePending("malformed", contradiction) }
    let size = install.files.reduce(Int64(0)) { $0 + $1.size }
    guard size <= storeLimit else {
      return refusePending(
        "storeLimit",
        "its files have \(DiskSpace.text(size)), and the store may hold \(DiskSpace.text(storeLimit)) (store-limit of the agent)"
      )
    }
    let missing = Set(try store.missing(install.files).files.map(\.digest))
    pending?.need(missing)
    if missing.isEmpty {
      try await self.install()
    } else {
      outgoing?.send(.contentRequest(.with { $0.blobs = missing.sorted().map(\.hex) }))
    }
  }

  /// Everything is here and verified: puts it in force.
  private func install() async throws {
    guard let install = pending else { return }
    let assignment = install.assignment
    do {
      let jobs = try assignment.value.entries.map { entry in try firingJob(entry, try storedBundle(entry.bundle)) }
      try assignments.write(assignment)
      CrashPoint.reach("agent.assignmentStored")
      try await engine.install(
        jobs, accepted: HeldAssignment(position: assignment.value.position, digest: assignment.digest))
    } catch {
      refusePending("install", "\(error)")
      return
    }
    CrashPoint.reach("agent.installed")
    pending = nil
    held = assignment
    await engine.solved("assignment")
    for entry in assignment.value.entries { await engine.repaired(entry.bundle) }
    logger.info(
      "assignment installed",
      metadata: ["position": "\(assignment.value.position)", "jobs": "\(assignment.value.entries.count)"])
    report(assignment.value.position, code: "", refusal: "")
    await collectGarbage()
  }

  /// Removes assignments that nothing needs any more, and bundles and files, oldest first, as far as the store has more than it
  /// may: what stays need not be fetched when a commit is reverted.
  private func collectGarbage() async {
    guard let held else { return }
    let kept = Set(held.value.entries.map(\.bundle)).union(await engine.entries.values.map(\.run.bundle))
    bundles = bundles.filter { kept.contains($0.key) }
    do {
      for digest in kept where bundles[digest] == nil { _ = try? storedBundle(digest) }
      let files = Set(bundles.values.flatMap { $0.value.files.map(\.digest) })
      try store.collect(keeping: kept, files: files, limit: storeLimit)
      assignments.keepOnly(held.digest)
    } catch {
      logger.warning("old content could not be removed", metadata: ["reason": "\(error)"])
    }
  }

  private func refusePending(_ code: String, _ reason: String) {
    let position = pending?.assignment.value.position ?? .zero
    pending = nil
    refuse(position, code, reason)
  }

  private func refuse(_ position: Position, _ code: String, _ reason: String) {
    logger.error("assignment refused", metadata: ["code": "\(code)", "reason": "\(reason)"])
    report(position, code: code, refusal: reason)
  }

  private func report(_ position: Position, code: String, refusal: String) {
    outgoing?.send(
      .installReport(
        .with {
          $0.epoch = position.epoch
          $0.sequence = position.sequence
          $0.code = code
          $0.refusal = refusal
        }))
  }

  /// The position that a refused envelope claims, so that the controller knows which one is meant. Not trusted.
  private static func claimedPosition(_ envelope: [UInt8]) -> Position {
    guard let inspection = try? Envelope.parse(envelope, limit: Assignment.payloadLimit),
      let json = try? JSONValue(parsing: inspection.payload, limit: Assignment.payloadLimit),
      let epoch = json["epoch"]?.integerValue, let sequence = json["sequence"]?.integerValue
    else { return .zero }
    return Position(epoch: epoch, sequence: sequence)
  }
}
