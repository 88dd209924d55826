import Execution
import Foundation
public import Logging
public import Model
import Planning
public import Platform
public import ServiceLifecycle
import SwiftProtobuf
import Synchronization
public import Trust
import Wire
import ZoneInfo

/// All that an agent is told.
public struct AgentConfiguration: Sendable {
  /// A folder of the agent's own, made when it is missing. Others may pass through it, to their own runs, and not list it.
  public var state: String
  public var name: AgentName
  public var labels: [String: String]
  public var controller: ControllerAddress
  public var controllerKey: PublicKey
  /// The shim's program; nil looks beside the running one.
  public var shim: String?
  public var shutdown = AgentShutdown()
  public var quarantine = QuarantineRule()
  public var disk = DiskLimits()
  /// Bytes of a file that a run may give back.
  public var artifactSize: Int64 = 1 << 30
  /// Bytes of all such files that may wait for the controller.
  public var artifactSpool: Int64 = 4 << 30
  /// The cgroup below which each attempt gets its own, as `/proc/self/cgroup` would name it; nil is the agent's own.
  public var cgroup: String?
  /// A folder with a file for each secret that the agent holds; nil is `secrets` in the state folder.
  public var secrets: String?
  /// A program that prints the secret whose name is its argument, for those without a file; absolute.
  public var secretsCommand: String?
  /// Folders in which plug-ins are looked for, in this order; absolute.
  public var plugIns = Executors.usualPlugIns
  /// Whether `run.http` may ask link-local addresses.
  public var allowsLinkLocal = false

  public init(
    state: String, name: AgentName, labels: [String: String], controller: ControllerAddress, controllerKey: PublicKey,
    shim: String? = nil, cgroup: String? = nil
  ) {
    self.state = state
    self.name = name
    self.labels = labels
    self.controller = controller
    self.controllerKey = controllerKey
    self.shim = shim
    self.cgroup = cgroup
  }
}

/// What an agent does with what runs when it is told to stop.
public struct AgentShutdown: Sendable, Hashable {
  public enum Runs: String, Sendable, CaseIterable {
    /// They end first, as far as the limit allows.
    case wait
    /// Their shims go on without the agent; the next one takes them over.
    case leave
  }

  public var runs: Runs
  /// How long runs are waited for. What has not ended by then is left to its shim.
  public var limit: Duration

  /// How long an agent waits for its controller to have read the receipts that are not sent yet.
  static let flush = Duration.seconds(5)

  public init(runs: Runs = .leave, limit: Duration = .seconds(60)) {
    self.runs = runs
    self.limit = limit
  }
}

/// An agent: fires what it has been assigned, with or without a controller, until it is told to stop.
public final class Agent: Service {
  private let configuration: AgentConfiguration
  private let identity: AgentIdentity
  private let engine: Engine
  private let installer: Installer
  private let desk: LinkDesk
  private let sender: ArtifactSender
  private let fetcher: SecretFetcher
  private let signals = EngineSignals()
  private let isHurried = Atomic(false)
  private let watches: AsyncStream<ActiveRun>
  private let feeds: LogFeeds
  private let version: String
  private let onReady: @Sendable () async -> Void
  private let logger: Logger

  /// Opens the state folder: identity, ledger, store. Throws when any of them cannot be read or made, and when
  /// another agent uses the folder.
  public init(
    configuration: AgentConfiguration, version: String, clock: WallClock = .system, logger: Logger,
    onReady: @escaping @Sendable () async -> Void = {}
  ) throws {
    let folder = configuration.state
    for path in [folder, folder + "/runs", folder + "/work", folder + "/assignments"] {
      try DurableFile.makeFolder(path)
    }
    // Jobs that run as another user pass through to their own run's folder.
    chmod(folder, 0o711)
    chmod(folder + "/runs", 0o711)
    chmod(folder + "/work", 0o711)
    guard try FolderLock.take(folder + "/agent.lock") else {
      throw LinkError("another agent is using the state folder (\(folder)/agent.lock is locked)")
    }
    self.configuration = configuration
    self.version = version
    self.logger = logger
    self.onReady = onReady
    identity = try AgentIdentity.loadOrCreate(folder: folder, name: configuration.name)
    let store = try BundleStore(path: folder + "/store")
    let cgroups = Cgroups.find(place: configuration.cgroup, owner: identity.id.text)
    // Asked for by name and not to be had: every run with limits will fail for it.
    let isMissing = if case .none = cgroups { configuration.cgroup != nil } else { false }
    logger.log(level: isMissing ? .warning : .info, "cgroups of runs", metadata: ["found": "\(cgroups)"])
    let guards = EngineGuards(
      quarantine: configuration.quarantine, handling: HandlingMark(path: folder + "/handling", boot: Boot.id),
      disk: DiskSpace(folder: folder, limits: configuration.disk))
    let artifacts = try ArtifactSpool(
      path: folder + "/artifacts",
      limits: ArtifactLimits(file: configuration.artifactSize, spool: configuration.artifactSpool))
    let zones = ZoneDatabase()
    var executors = Executors(plugIns: configuration.plugIns)
    executors.allowsLinkLocal = configuration.allowsLinkLocal
    let runner = ShimRunner(
      folder: folder + "/runs", keptFolder: folder + "/work", artifacts: artifacts,
      launcher: try ShimLauncher(
        path: configuration.shim, secretFolders: SecretFolders(owner: identity.id.text), cgroups: cgroups,
        hidden: [folder] + (configuration.secrets.map { [$0] } ?? []), executors: executors),
      store: store,
      controllerKey: configuration.controllerKey, agent: identity.name, zones: zones, clock: clock,
      handling: guards.handling, logger: logger)
    let (watches, continuation) = AsyncStream.makeStream(of: ActiveRun.self)
    self.watches = watches
    fetcher = SecretFetcher(
      source: SecretSource(
        folder: configuration.secrets ?? folder + "/secrets", command: configuration.secretsCommand))
    engine = try Engine(
      receipts: ReceiptMaker(identity: identity), ledger: Ledger(path: folder + "/ledger.sqlite"), runner: runner,
      artifacts: artifacts, clock: clock, lead: Self.lead, signals: signals, guards: guards, watches: continuation,
      logger: logger)
    feeds = LogFeeds(outputs: runner.outputs, log: { [engine] in await engine.log(of: $0) }) { [engine] in
      await engine.standing(of: $0)
    }
    installer = Installer(
      identity: identity, controllerKey: configuration.controllerKey, engine: engine, store: store,
      assignments: AssignmentFiles(folder: folder + "/assignments"), zones: zones, clock: clock,
      storeLimit: configuration.disk.store, logger: logger)
    sender = ArtifactSender(spool: artifacts, engine: engine, logger: logger)
    desk = LinkDesk(
      configuration: configuration, identity: identity, engine: engine, installer: installer, artifacts: sender,
      signals: signals, feeds: feeds, logger: logger)
  }

  /// How long before its instant an attempt is made ready: verified, written to the ledger, its process waiting. Some
  /// milliseconds each, so enough for several hundred that are due at once; what is not ready in time starts late.
  private static let lead = Duration.seconds(3)

  /// Runs until the surrounding service group shuts down, and winds down then as the configuration says.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.runUntilCancelled() }
      group.addTask {
        try await gracefulShutdown()
        await self.windDown()
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Whoever asked to stop is out of patience: nothing is waited for any more.
  public func hurry() {
    isHurried.store(true, ordering: .relaxed)
    signals.spoolChanged.raise()
  }

  /// Nothing starts any more, what is armed is disarmed, and what goes on is waited for or left to its shim. Then the
  /// receipts go to the controller, if there is one: those that it has not read stay in the spool.
  private func windDown() async {
    await engine.stopFiring()
    let going = await engine.goingRuns
    let waits = configuration.shutdown.runs == .wait && going > 0
    logger.notice(
      "stopping", metadata: ["runs": "\(going)", "they": "\(waits ? "are waited for" : "go on with their shims")"])
    if waits { _ = await wait(atMost: configuration.shutdown.limit) { await self.engine.goingRuns == 0 } }
    let left = await engine.goingRuns
    var flush = ReceiptFlush.unread
    _ = await wait(atMost: AgentShutdown.flush) {
      flush = await self.desk.flushed()
      return flush != .unread
    }
    let receipts = flush.words(await engine.spoolCount())
    logger.notice(
      "stopped",
      metadata: [
        "runs left to their shims": "\(left)", "receipts": "\(receipts)",
      ])
  }

  /// Until it is so, at most for `limit`; nobody is waited for who is hurried.
  private func wait(atMost limit: Duration, until isSo: () async -> Bool) async -> Bool {
    let end = ContinuousClock.now + limit
    while !isHurried.load(ordering: .relaxed), !Task.isCancelled {
      if await isSo() { return true }
      guard ContinuousClock.now < end else { return false }
      await signals.spoolChanged.wait(atMost: .milliseconds(100))
    }
    return false
  }

  /// Runs until the task is cancelled. Runs that are going are left to their shims; the next start takes them over.
  public func runUntilCancelled() async throws {
    try await installer.start()
    let link = Link(
      address: configuration.controller, identity: identity, controllerKey: configuration.controllerKey,
      version: version, delegate: desk, stateChanged: signals.stateChanged, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await FiringLoop(engine: self.engine, wake: self.signals.wake).run() }
      let ends = EndQueue()
      group.addTask { await AttemptWatcher(engine: self.engine, runs: self.watches, ends: ends).run() }
      group.addTask { await EndWriter(engine: self.engine, ends: ends).run() }
      group.addTask { await SecretService(engine: self.engine, fetcher: self.fetcher).run() }
      group.addTask { await SpoolSender(desk: self.desk, changed: self.signals.spoolChanged).run() }
      group.addTask { await self.sender.run() }
      group.addTask { await self.offerArtifacts() }
      group.addTask { await self.feeds.run() }
      group.addTask { await self.tidyHourly() }
      group.addTask { await self.watchZones() }
      group.addTask { await self.giveBackText() }
      group.addTask { try await link.run() }
      await onReady()
      // The link ends only by cancellation.
      while try await group.next() != nil {}
    }
  }

  /// Stops firing, cancels what waits for its turn, waits until all runs have ended and every receipt is acknowledged, at most for `limit`; runs that
  /// are going after half of it are cancelled. True when nothing is left.
  public func drain(within limit: Duration) async -> Bool {
    await engine.stopFiring()
    await engine.cancelQueued()
    let end = ContinuousClock.now + limit
    var hasCancelled = false
    while ContinuousClock.now < end {
      let runs = await engine.activeRuns
      if runs == 0, await engine.spoolCount() == 0, await !engine.owesArtifacts { return true }
      if !hasCancelled, ContinuousClock.now > end - limit / 2 {
        hasCancelled = true
        await engine.cancelAll()
      }
      await signals.spoolChanged.wait(atMost: .milliseconds(100))
    }
    return false
  }

  /// Receipts become acknowledged and controllers get room: what is still to be sent is offered again now and then.
  private func offerArtifacts() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(60))
      sender.add(.offerAgain)
    }
  }

  /// Time zone files change a few times a year, with the system's updates.
  private func watchZones() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(60))
      await installer.refreshZones()
    }
  }

  /// What the start and a rare event needed, such as a new connection, is not kept mapped for ever.
  private func giveBackText() async {
    try? await Task.sleep(for: .seconds(10))
    while !Task.isCancelled {
      do { try ProgramText.unmap() } catch {
        logger.debug("memory of the program's text cannot be given back", metadata: ["reason": "\(error)"])
      }
      try? await Task.sleep(for: .seconds(600))
    }
  }

  private func tidyHourly() async {
    while !Task.isCancelled {
      do { try await engine.tidy() } catch {
        logger.warning("the ledger cannot be tidied", metadata: ["reason": "\(error)"])
      }
      try? await Task.sleep(for: .seconds(3600))
    }
  }
}

/// Wakes the engine when something is due.
private struct FiringLoop {
  let engine: Engine
  let wake: Signal

  func run() async {
    while !Task.isCancelled { await wake.wait(atMost: await engine.tick()) }
  }
}

/// Sends receipts while there is a controller.
private struct SpoolSender {
  let desk: LinkDesk
  let changed: Signal

  func run() async {
    while !Task.isCancelled {
      await desk.pump()
      await changed.wait(atMost: .seconds(30))
    }
  }
}
