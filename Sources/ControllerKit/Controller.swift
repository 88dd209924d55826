import GRPCCore
import GRPCNIOTransportHTTP2
import Git
public import Logging
import Model
import NIOCore
import Planning
public import Platform
import Results
public import ServiceLifecycle
import SwiftProtobuf
public import Trust
import Wire
import ZoneInfo

/// A controller: claims its epoch, then runs all services until it is told to stop or is fenced.
public struct Controller: Service {
  private let configuration: ControllerConfiguration
  private let key: SigningKey
  private let writer: String
  private let version: String
  private let clock: WallClock
  private let onReady: @Sendable (ControllerAddresses) async -> Void
  private let logger: Logger

  /// `writer` names this controller in commits; `onReady` is told once when both addresses are listened on.
  public init(
    configuration: ControllerConfiguration, key: SigningKey, writer: String, version: String,
    clock: WallClock = .system, logger: Logger, onReady: @escaping @Sendable (ControllerAddresses) async -> Void
  ) {
    self.configuration = configuration
    self.key = key
    self.writer = writer
    self.version = version
    self.clock = clock
    self.onReady = onReady
    self.logger = logger
  }

  public func run() async throws {
    try prepare()
    let full = Signal()
    let branch = ResultsBranch(
      folder: configuration.state + "/results.git", configuration: configuration.results,
      identity: ResultsWriter.Identity(
        writer: writer, source: configuration.source.remote.publicURL, key: key, name: "Belfry",
        email: "belfry@\(writer)"),
      clock: clock)
    let keeper = ResultsKeeper(
      branch: branch, bindsNames: configuration.agents.bindsNames, clock: clock, full: full, logger: logger)
    guard let epoch = try await claim(keeper) else { return }
    try await serve(keeper, epoch: epoch)
  }

  /// Claims the epoch, for as long as it takes; nil when told to stop meanwhile. Agents go on by themselves.
  private func claim(_ keeper: ResultsKeeper) async throws -> Int64? {
    let path = configuration.state + "/epoch"
    let remembered = (try? DurableFile.read(path, limit: 64)).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    return try await cancelWhenGracefulShutdown {
      var backoff = Backoff(first: .seconds(1), limit: .seconds(60))
      while !Task.isCancelled {
        do {
          let epoch = try await keeper.claim(atLeast: max((remembered ?? 0) + 1, configuration.leastEpoch))
          do {
            try DurableFile.write(Array(String(epoch).utf8), to: path)
          } catch {
            // The branch has it; this copy only helps when the branch is lost.
            logger.warning("the epoch cannot be remembered", metadata: ["reason": "\(error)"])
          }
          logger.info("epoch claimed", metadata: ["epoch": "\(epoch)", "branch": "\(configuration.results.branch)"])
          return epoch
        } catch let error as ResultsError {
          let pause = backoff.pause(spread: Double.random(in: 0..<1))
          logger.error(
            "waiting for the results branch", metadata: ["reason": "\(error)", "again in": "\(pause.manifestText)"])
          try? await Task.sleep(for: pause)
        }
      }
      return nil
    }
  }

  private func serve(_ keeper: ResultsKeeper, epoch: Int64) async throws {
    let changed = Signal()
    let poke = Signal()
    let zones = ZoneDatabase()
    let state = SourceState(changed: changed)
    let mirror = SourceMirror(
      folder: configuration.state + "/source.git", remote: configuration.source.remote,
      branch: configuration.source.branch, zones: zones)
    let fleet = Fleet(epoch: epoch, clock: clock, changed: changed, logger: logger)
    let reconciler = Reconciler(
      source: state, fleet: fleet, terms: AssignmentTerms(epoch: epoch), key: key, clock: clock, changed: changed,
      logger: logger)
    let logs = LogDesk(
      fleet: fleet, keeper: keeper, archive: LogArchive(folder: configuration.state + "/results.git"), hub: LogHub())
    let artifacts = ArtifactStore(
      folder: configuration.state + "/artifacts", room: configuration.artifacts, clock: clock, logger: logger)
    let operations = Operations(
      reconciler: reconciler, mirror: mirror, poke: poke, keeper: keeper, artifacts: artifacts, logs: logs,
      configuration: configuration, zones: zones,
      version: version, logger: logger)
    let ready = Readiness(configuration: configuration, onReady: onReady)
    let token = try apiToken()
    let api = APIService(
      operations: operations, token: token, host: configuration.api.numericHost, port: configuration.api.port,
      onReady: { await ready.api(port: $0) }, logger: logger)
    let desk = AgentDesk(
      mirror: mirror, keeper: keeper,
      grounds: ReceiptGrounds(
        fleet: fleet, source: state, keeper: keeper,
        history: SourceHistory(folder: configuration.state + "/source.git", zones: zones)),
      key: key, branch: configuration.results.branch, clock: clock)
    let link = AgentLinkService(
      fleet: fleet, key: key, messages: desk, logs: logs.hub,
      heartbeatInterval: configuration.agents.heartbeat, clock: clock, version: version, logger: logger,
      artifacts: artifacts)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: ([
          ResultsService(
            keeper: keeper, fleet: fleet, configuration: configuration.results,
            overview: { await operations.overview() }, logger: logger),
          SourceService(
            mirror: mirror, state: state, interval: configuration.source.poll, poke: poke, clock: clock, logger: logger),
          reconciler,
          api.application(),
          AgentServer(link: link, listen: configuration.agents.listen, onReady: { await ready.agents(port: $0) }),
        ] as [any Service]).map { .init(service: $0) },
        logger: quiet(logger)))
    try await cancelWhenParentStops {
      try await group.run()
    } stop: {
      await group.triggerGracefulShutdown()
    }
  }

  /// Hands a graceful shutdown of the surrounding group on to an inner one.
  private func cancelWhenParentStops(
    _ body: @Sendable @escaping () async throws -> Void, stop: @Sendable @escaping () async -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try? await gracefulShutdown()
        await stop()
      }
      try await group.next()
      group.cancelAll()
    }
  }

  /// What would keep this one from working is found out before another one is stopped for it.
  private func prepare() throws {
    try DurableFile.makeFolder(configuration.state)
    guard try FolderLock.take(configuration.state + "/controller.lock") else {
      throw ControllerObstacle(
        message: "another controller is using the state folder \(configuration.state)",
        hint: "stop it first; a second controller for the same repositories has a state folder of its own")
    }
    try configuration.agents.listen.check("agents.listen")
    try configuration.api.check("api.listen")
  }

  /// A fresh token at each start, readable by the controller's user and root.
  private func apiToken() throws(FileError) -> String {
    let token = RandomName.hex(bytes: 32)
    try DurableFile.write(Array((token + "\n").utf8), to: configuration.state + "/api.token", mode: 0o600)
    return token
  }

  /// The lifecycle library's own chatter is of no use to operators.
  private func quiet(_ logger: Logger) -> Logger {
    var quiet = logger
    quiet.logLevel = .error
    return quiet
  }
}

/// Where a controller can be reached.
public struct ControllerAddresses: Sendable {
  public let agents: ListenAddress
  public let api: ListenAddress
}

/// Waits for both listeners, writes their addresses down, and tells.
private actor Readiness {
  private let configuration: ControllerConfiguration
  private let onReady: @Sendable (ControllerAddresses) async -> Void
  private var api: ListenAddress?
  private var agents: ListenAddress?

  init(configuration: ControllerConfiguration, onReady: @escaping @Sendable (ControllerAddresses) async -> Void) {
    self.configuration = configuration
    self.onReady = onReady
  }

  func api(port: Int) async {
    let address = ListenAddress(host: configuration.api.host, port: port)
    api = address
    try? DurableFile.write(Array((address.text + "\n").utf8), to: configuration.state + "/api.address", mode: 0o644)
    await tell()
  }

  func agents(port: Int) async {
    let address = ListenAddress(host: configuration.agents.listen.host, port: port)
    agents = address
    if let path = configuration.agents.addressFile {
      try? DurableFile.write(Array((address.text + "\n").utf8), to: path, mode: 0o644)
    }
    await tell()
  }

  private func tell() async {
    if let api, let agents { await onReady(ControllerAddresses(agents: agents, api: api)) }
  }
}

extension ListenAddress {
  /// What is listened on: of the two that `localhost` may stand for, always the same one.
  var numericHost: String { host == "localhost" ? "127.0.0.1" : host }

  /// `host:port`.
  public var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The gRPC server for agents.
private struct AgentServer: Service {
  let link: AgentLinkService
  let listen: ListenAddress
  let onReady: @Sendable (Int) async -> Void

  func run() async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: listen.host.contains(":")
        ? .ipv6(host: listen.host, port: listen.port)
        : .ipv4(host: listen.numericHost, port: listen.port),
      transportSecurity: .plaintext,
      config: .defaults { config in
        config.rpc.maxRequestPayloadSize = WireLimits.message
        config.http2.maxConcurrentStreams = 4
        config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
        config.connection.keepalive.clientBehavior.allowWithoutCalls = true
      })
    let server = GRPCServer(transport: transport, services: [link])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.serve() }
      group.addTask {
        if let port = try await transport.listeningAddress.port { await onReady(port) }
        try? await gracefulShutdown()
        server.beginGracefulShutdown()
        // Streams of agents never end by themselves.
        await link.fleet.closeAll()
      }
      while try await group.next() != nil {}
    }
  }
}

extension GRPCNIOTransportCore.SocketAddress {
  fileprivate var port: Int? { ipv4?.port ?? ipv6?.port }
}
