import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import Model
import Platform
import SwiftProtobuf
import Synchronization
import Trust
import Wire

/// What the link needs of the rest of the agent.
protocol LinkDelegate: Sendable {
  /// The present state, for a heartbeat.
  func state() async -> Belfry_V1_AgentState
  /// The controller has proven itself; `nonce` is what its dispatches must carry.
  func connected(epoch: Int64, nonce: String, outgoing: Outgoing) async
  func disconnected() async
  /// The controller was heard.
  func heard() async
  func received(_ message: Belfry_V1_FromController.OneOf_Message) async throws
}

/// A queue of messages to the controller, valid for one stream.
///
/// It is bounded: once too much waits for a controller that does not read, the stream is over. That loses nothing, because
/// all that matters is said again on the next one.
struct Outgoing: Sendable {
  let messages: AsyncStream<Belfry_V1_FromAgent>
  /// Raised when something had to be dropped.
  let overflowed = Signal()
  private let continuation: AsyncStream<Belfry_V1_FromAgent>.Continuation

  /// Messages that wait at the most. Of receipts, the largest of them, few are on their way at a time.
  static let limit = 10_000

  init(limit: Int = Self.limit) {
    (messages, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
  }

  func send(_ message: Belfry_V1_FromAgent.OneOf_Message) {
    guard case .dropped = continuation.yield(.with { $0.message = message }) else { return }
    finish()
    overflowed.raise()
  }

  func finish() { continuation.finish() }
}

/// Where the controller is and how to know it.
public struct ControllerAddress: Sendable {
  public var host: String
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Whether the address can only mean this machine. Names other than `localhost` are not looked up.
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    // All four parts are numbers: 127.evil.example.com is a name like any other.
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// Keeps one stream to the controller: dials, shakes hands, exchanges messages, and dials again with growing pauses.
struct Link: Sendable {
  let address: ControllerAddress
  let identity: AgentIdentity
  let controllerKey: PublicKey
  let version: String
  let delegate: any LinkDelegate
  /// Raised when the state has changed and a heartbeat should go out at once.
  let stateChanged: Signal
  let logger: Logger

  /// Runs until the task is cancelled.
  func run() async throws {
    var redial = Redial()
    while !Task.isCancelled {
      let began = ContinuousClock.now
      let ending = StreamEnding()
      do {
        try await connectOnce(ending)
        logger.info("the controller closed the stream")
      } catch is CancellationError where Task.isCancelled {
        return
      } catch {
        logger.warning("no stream to the controller", metadata: ["reason": "\(Self.describe(error))"])
      }
      await delegate.disconnected()
      let held = ContinuousClock.now - began
      let pause = redial.pause(after: ending.value, held: held, spread: Double.random(in: 0..<1))
      try? await Task.sleep(for: pause)
    }
  }

  /// One connection with one stream, until either side ends it.
  private func connectOnce(_ ending: StreamEnding) async throws {
    let transport = try HTTP2ClientTransport.Posix(
      target: .dns(host: address.host, port: address.port),
      transportSecurity: .plaintext,
      config: .defaults { config in
        config.connection.keepalive = .init(time: .seconds(30), timeout: .seconds(10), allowWithoutCalls: true)
      })
    try await withGRPCClient(transport: transport) { client in
      let link = Belfry_V1_AgentLink.Client(wrapping: client)
      var limits = CallOptions.defaults
      limits.maxResponseMessageBytes = WireLimits.message
      limits.maxRequestMessageBytes = WireLimits.message
      limits.waitForReady = false
      let options = limits
      let outgoing = Outgoing()
      defer { outgoing.finish() }
      try await unlessOverflowed(outgoing) {
        try await link.connect(
          options: options,
          requestProducer: { writer in
            for await message in outgoing.messages { try await writer.write(message) }
          },
          onResponse: { response in
            var incoming = response.messages.makeAsyncIterator()
            let welcome = try await handshake(outgoing, &incoming, ending)
            ending.value = .established
            try await converse(welcome, outgoing, &incoming, ending)
            outgoing.finish()
          })
      }
    }
  }

  /// A write to a controller that does not read never comes back by itself.
  private func unlessOverflowed(_ outgoing: Outgoing, _ body: @Sendable @escaping () async throws -> Void) async throws
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        await outgoing.overflowed.wait()
        try Task.checkCancellation()
        throw LinkError("the controller does not read what it is sent")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private struct Established {
    let epoch: Int64
    let nonce: String
    let heartbeatInterval: Duration
  }

  private func handshake(
    _ outgoing: Outgoing, _ incoming: inout some AsyncIteratorProtocol<Belfry_V1_FromController, any Error>,
    _ ending: StreamEnding
  ) async throws -> Established {
    let nonce = RandomName.hex(bytes: 16)
    outgoing.send(
      .hello(
        .with {
          $0.protocol = wireProtocol
          $0.agentID = identity.id.text
          $0.agentName = identity.name.text
          $0.publicKey = identity.key.publicKey.pem
          $0.nonce = nonce
          $0.softwareVersion = version
        }))
    guard let first = try await incoming.next(isolation: #isolation)?.message else {
      throw LinkError("the stream ended at once")
    }
    if case .refusal(let refusal) = first { throw ending.refused(refusal.reason) }
    guard case .welcome(let welcome) = first, Handshake.isRandom(welcome.challenge) else {
      throw LinkError("the first message was not Welcome")
    }
    // A false controller could acknowledge receipts and so make them vanish; nothing is sent before it has proven
    // that it holds the key.
    let claimed = Handshake.welcomeBytes(
      agent: identity.id, nonce: nonce, challenge: welcome.challenge, epoch: welcome.epoch)
    guard controllerKey.verify(signature: Array(welcome.signature), of: claimed) else {
      throw LinkError("the controller did not prove the key that this agent trusts")
    }
    let proof = try identity.key.sign(
      Handshake.proofBytes(agent: identity.id, name: identity.name, nonce: nonce, challenge: welcome.challenge))
    outgoing.send(.proof(.with { $0.signature = proof.data }))
    return Established(
      epoch: welcome.epoch, nonce: nonce,
      heartbeatInterval: .milliseconds(Int64(min(max(welcome.heartbeatIntervalMs, 100), 300_000))))
  }

  private func converse(
    _ established: Established, _ outgoing: Outgoing,
    _ incoming: inout some AsyncIteratorProtocol<Belfry_V1_FromController, any Error>,
    _ ending: StreamEnding
  ) async throws {
    logger.info(
      "connected", metadata: ["controller": "\(address.host):\(address.port)", "epoch": "\(established.epoch)"])
    await delegate.connected(epoch: established.epoch, nonce: established.nonce, outgoing: outgoing)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await beat(every: established.heartbeatInterval, outgoing) }
      while let message = try await incoming.next(isolation: #isolation)?.message {
        await delegate.heard()
        if case .refusal(let refusal) = message { throw ending.refused(refusal.reason) }
        try await delegate.received(message)
      }
      group.cancelAll()
    }
  }

  /// Sends heartbeats: one an interval, and one at once when the state has changed.
  private func beat(every interval: Duration, _ outgoing: Outgoing) async throws {
    var number: UInt64 = 0
    var sent: Belfry_V1_AgentState?
    while true {
      number += 1
      let state = await delegate.state()
      outgoing.send(
        .heartbeat(
          .with {
            $0.number = number
            if state != sent { $0.state = state }
          }))
      sent = state
      await stateChanged.wait(atMost: interval)
      try Task.checkCancellation()
    }
  }

  private static func describe(_ error: any Error) -> String {
    guard let error = error as? RPCError else { return "\(error)" }
    if let cause = error.cause { return "\(error.message): \(cause)" }
    return error.message
  }
}

/// How far one stream has got; written by the stream and read when it is over.
private final class StreamEnding: Sendable {
  private let state = Mutex(Redial.Ending.notReached)

  var value: Redial.Ending {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }

  func refused(_ reason: String) -> LinkError {
    value = .refused
    return LinkError("the controller refused: \(reason)")
  }
}

/// Why a stream did not come about or ended.
struct LinkError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
