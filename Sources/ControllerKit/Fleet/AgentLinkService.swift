import GRPCCore
import Logging
import Model
import Platform
import SwiftProtobuf
import Trust
import Wire

/// Where a proven agent's messages go.
protocol AgentMessages: Sendable {
  /// The envelope of a bundle that is desired now or was lately.
  func bundle(_ digest: Digest) async -> [UInt8]?
  /// A file that belongs to one of the bundles.
  func blob(_ digest: Digest, of bundles: Set<Digest>) async -> [UInt8]?
  /// Why an agent may not come under this name with this key; nil when it may. Nothing is proven yet.
  func objection(to claim: HandshakeClaim) async -> String?
  /// Puts a proven agent on record when it is new; a reason when it may not come.
  func admit(_ claim: HandshakeClaim) async -> String?
  /// Takes a receipt in for committing; gives a reason when it never will be.
  func receive(_ receipt: Belfry_V1_ReceiptDelivery, from session: Session, key: PublicKey) async -> String?
  /// Has the artifacts of a receipt fetched that was committed before.
  func offered(_ offer: Belfry_V1_ArtifactOffer, from session: Session, key: PublicKey) async
}

/// Serves one stream an agent: handshake, then messages in both directions until either side goes.
struct AgentLinkService: Belfry_V1_AgentLink.SimpleServiceProtocol {
  let fleet: Fleet
  let key: SigningKey
  let messages: any AgentMessages
  var logs = LogHub()
  let heartbeatInterval: Duration
  let clock: WallClock
  let version: String
  let logger: Logger
  /// Where artifacts go; nil where none are taken.
  var artifacts: ArtifactStore?

  func connect(
    request: RPCAsyncSequence<Belfry_V1_FromAgent, any Error>, response: RPCWriter<Belfry_V1_FromController>,
    context: ServerContext
  ) async throws {
    let established = Gate()
    let broken = Signal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      // A peer that connects and says nothing must not hold a stream for ever.
      group.addTask {
        try await Task.sleep(for: .seconds(10))
        guard await !established.isOpen else { return try await Task.sleep(for: .seconds(1 << 40)) }
        throw RPCError(code: .deadlineExceeded, message: "no handshake within 10 s")
      }
      group.addTask { try await serve(request, response, established, broken) }
      // Only from here can the reading of a stream be ended whose peer goes on.
      group.addTask {
        await broken.wait()
        throw RPCError(code: .aborted, message: "the controller ended the stream")
      }
      try await group.next()
      group.cancelAll()
    }
  }

  private func serve(
    _ request: RPCAsyncSequence<Belfry_V1_FromAgent, any Error>, _ response: RPCWriter<Belfry_V1_FromController>,
    _ established: Gate, _ broken: Signal
  ) async throws {
    var incoming = request.makeAsyncIterator()
    let session: Session
    let agentKey: PublicKey
    do {
      (session, agentKey) = try await handshake(&incoming, response)
    } catch let refusal as HandshakeRefusal {
      logger.warning("agent refused", metadata: ["reason": "\(refusal.reason)", "peer": "\(refusal.peer)"])
      try await response.write(.with { $0.refusal = .with { $0.reason = refusal.reason } })
      return
    }
    await established.open()
    var reason = "the agent closed the stream"
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await breaking(broken, session) { try await send(session, response) } }
        group.addTask { await breaking(broken, session) { try await watch(session) } }
        if let artifacts = session.artifacts {
          group.addTask { await artifacts.run(agent: session.agent) { session.send($0) } }
        }
        try await receive(&incoming, session, agentKey)
        group.cancelAll()
      }
    } catch {
      reason = AgentWords.safe((error as? RPCError)?.message ?? String(describing: error))
    }
    await fleet.close(session, reason: reason)
  }

  /// Runs one side of a session; when that fails, the stream is over.
  private func breaking(_ broken: Signal, _ session: Session, _ body: () async throws -> Void) async {
    do {
      try await body()
    } catch is CancellationError {
      // The other side of the session has ended it.
    } catch {
      logger.info(
        "stream ended",
        metadata: [
          "agent": "\(session.name)", "reason": "\(AgentWords.safe((error as? RPCError)?.message ?? "\(error)"))",
        ])
      broken.raise()
    }
  }

  private func handshake(
    _ incoming: inout RPCAsyncSequence<Belfry_V1_FromAgent, any Error>.AsyncIterator,
    _ response: RPCWriter<Belfry_V1_FromController>
  ) async throws -> (Session, PublicKey) {
    guard case .hello(let hello)? = try await incoming.next(isolation: #isolation)?.message else {
      throw HandshakeRefusal("the first message must be Hello")
    }
    let claim = try HandshakeClaim(hello)
    if let objection = await messages.objection(to: claim) {
      throw HandshakeRefusal(objection, peer: claim.name.text)
    }
    let challenge = RandomName.hex(bytes: 16)
    let epoch = await fleet.epoch
    let welcome = try key.sign(
      Handshake.welcomeBytes(agent: claim.id, nonce: claim.nonce, challenge: challenge, epoch: epoch))
    try await response.write(
      .with {
        $0.welcome = .with {
          $0.signature = welcome.data
          $0.challenge = challenge
          $0.epoch = epoch
          $0.heartbeatIntervalMs = UInt32(heartbeatInterval.wholeMilliseconds)
          $0.softwareVersion = version
        }
      })
    guard case .proof(let proof)? = try await incoming.next(isolation: #isolation)?.message else {
      throw HandshakeRefusal("want Proof after Welcome", peer: claim.name.text)
    }
    let proven = Handshake.proofBytes(agent: claim.id, name: claim.name, nonce: claim.nonce, challenge: challenge)
    guard claim.key.verify(signature: Array(proof.signature), of: proven) else {
      throw HandshakeRefusal("the proof's signature is wrong", peer: claim.name.text)
    }
    if let objection = await messages.admit(claim) { throw HandshakeRefusal(objection, peer: claim.name.text) }
    do throws(FleetState.Refused) {
      let session = try await fleet.open(
        id: claim.id, name: claim.name, key: claim.key, version: claim.version, nonce: claim.nonce,
        artifacts: artifacts.map { ArtifactIntake(store: $0, logger: logger) })
      return (session, claim.key)
    } catch {
      switch error {
      case .otherKey: throw HandshakeRefusal("agent \(claim.id) is known with another key", peer: claim.name.text)
      case .nameInUse(let other):
        throw HandshakeRefusal("the name is in use by agent \(other), which is connected now", peer: claim.name.text)
      case .tooMany: throw HandshakeRefusal("too many agents", peer: claim.name.text)
      }
    }
  }

  private func receive(
    _ incoming: inout RPCAsyncSequence<Belfry_V1_FromAgent, any Error>.AsyncIterator, _ session: Session,
    _ agentKey: PublicKey
  ) async throws {
    var rejected = 0
    while let message = try await incoming.next(isolation: #isolation)?.message {
      switch message {
      case .heartbeat(let heartbeat):
        var report: AgentReport?
        if heartbeat.hasState {
          do throws(NameError) { report = try AgentReport(heartbeat.state) } catch {
            throw RPCError(code: .invalidArgument, message: "heartbeat: \(error)")
          }
        }
        await fleet.heard(from: session, report: report)
        session.send(.heartbeatAck(.with { $0.number = heartbeat.number }))
      case .contentRequest(let request): try await content(request, session)
      case .installReport(let report):
        await fleet.installed(
          session, position: Position(epoch: report.epoch, sequence: report.sequence),
          refusal: report.refusal.isEmpty ? nil : AgentWords.safe(report.refusal))
      case .receipt(let delivery):
        if let reason = await messages.receive(delivery, from: session, key: agentKey) {
          rejected += 1
          // One who sends nothing else must not fill the log's disk.
          if rejected <= 100 || rejected % 1_000 == 0 {
            logger.error(
              "receipt rejected",
              metadata: ["agent": "\(session.name)", "reason": "\(AgentWords.safe(reason))", "number": "\(rejected)"])
          }
        }
      case .dispatchReply(let reply): await fleet.replied(session, reply)
      case .logPart(let part):
        if let reason = logs.received(part, from: session.id) {
          throw RPCError(code: .resourceExhausted, message: reason)
        }
      case .artifactOffer(let offer): await messages.offered(offer, from: session, key: agentKey)
      case .artifactChunk(let chunk):
        guard session.artifacts?.take(chunk) == true else {
          throw RPCError(code: .resourceExhausted, message: "it sent an artifact that nobody had asked for")
        }
      case .hello, .proof: throw RPCError(code: .failedPrecondition, message: "a second handshake")
      }
      // At once, and not when watch() looks next: what it sent may have been too much.
      if let trouble = session.outbox.trouble(patience: patience) {
        throw RPCError(code: .resourceExhausted, message: trouble)
      }
    }
  }

  private func content(_ request: Belfry_V1_ContentRequest, _ session: Session) async throws {
    guard request.bundles.count + request.blobs.count <= WireLimits.outstandingContent else {
      throw RPCError(code: .resourceExhausted, message: "a request for too much content")
    }
    let bundles = try request.bundles.map { Outbox.Content(kind: .bundle, digest: try digest($0)) }
    let blobs = try request.blobs.map { Outbox.Content(kind: .blob, digest: try digest($0)) }
    session.outbox.put(bundles + blobs)
  }

  private func digest(_ text: String) throws -> Digest {
    do throws(NameError) { return try Digest(hex: text) } catch {
      throw RPCError(code: .invalidArgument, message: error.description)
    }
  }

  private func send(_ session: Session, _ response: RPCWriter<Belfry_V1_FromController>) async throws {
    while let item = await session.outbox.next() {
      switch item {
      case .message(let message): try await response.write(message)
      case .content(let content):
        let allowed = await fleet.bundles(of: session)
        let bytes: [UInt8]?
        switch content.kind {
        case .bundle: bytes = allowed.contains(content.digest) ? await messages.bundle(content.digest) : nil
        case .blob: bytes = await messages.blob(content.digest, of: allowed)
        }
        try await send(bytes, content, session, response)
      case .refuse(let reason):
        try await response.write(.with { $0.refusal = .with { $0.reason = reason } })
        throw RPCError(code: .aborted, message: reason)
      }
    }
  }

  /// Sends content in chunks, or says that it is not to be had.
  private func send(
    _ bytes: [UInt8]?, _ content: Outbox.Content, _ session: Session, _ response: RPCWriter<Belfry_V1_FromController>
  ) async throws {
    var offset = 0
    repeat {
      let end = min(offset + WireLimits.chunk, bytes?.count ?? 0)
      try await response.write(
        .with {
          $0.contentChunk = .with { chunk in
            chunk.kind = bytes == nil ? .missing : content.kind == .bundle ? .bundle : .blob
            chunk.digest = content.digest.hex
            chunk.offset = Int64(offset)
            if let bytes { chunk.data = bytes[offset..<end].data }
            chunk.last = end == bytes?.count ?? 0
          }
        })
      session.outbox.wrote()
      offset = end
    } while offset < bytes?.count ?? 0
  }

  /// How long one write to an agent may take.
  private var patience: Duration { max(heartbeatInterval * 4, .seconds(60)) }

  /// Ends the stream of an agent that has fallen silent (the network may have gone without a word), and of one that does
  /// not read.
  private func watch(_ session: Session) async throws {
    while true {
      // A session that was replaced has been told to go; the outbox knows how long ago.
      let heard = await fleet.lastHeard(session) ?? clock.now
      guard clock.now - heard <= heartbeatInterval * 4 else {
        throw RPCError(code: .deadlineExceeded, message: "no heartbeat for \((heartbeatInterval * 4).manifestText)")
      }
      if let trouble = session.outbox.trouble(patience: patience) {
        throw RPCError(code: .resourceExhausted, message: trouble)
      }
      try await Task.sleep(for: heartbeatInterval)
    }
  }
}

/// What a Hello claims, checked for form only.
struct HandshakeClaim: Sendable {
  let id: AgentID
  let name: AgentName
  let key: PublicKey
  let nonce: String
  let version: String

  init(_ hello: Belfry_V1_Hello) throws(HandshakeRefusal) {
    guard hello.protocol == wireProtocol else {
      throw HandshakeRefusal("the agent speaks protocol \(hello.protocol), this controller \(wireProtocol)")
    }
    guard Handshake.isRandom(hello.nonce) else { throw HandshakeRefusal("the nonce is malformed") }
    guard hello.agentID.utf8.count <= Self.textLimit, hello.agentName.utf8.count <= Self.textLimit,
      hello.publicKey.utf8.count <= Self.keyLimit
    else { throw HandshakeRefusal("the agent's id, name or key is too long") }
    do {
      id = try AgentID(hello.agentID)
      name = try AgentName(hello.agentName)
      key = try PublicKey(pem: hello.publicKey)
    } catch {
      throw HandshakeRefusal(AgentWords.safe("\(error)"))
    }
    nonce = hello.nonce
    version = AgentWords.safe(hello.softwareVersion, bytes: 60)
  }

  /// Bytes of an id or a name, and of a key's PEM, that are looked at at all.
  static let textLimit = 256
  static let keyLimit = 4_096
}

/// Why a stream did not become a session, in words that the agent is told too.
struct HandshakeRefusal: Error {
  let reason: String
  let peer: String

  init(_ reason: String, peer: String = "unknown") {
    self.reason = reason
    self.peer = peer
  }
}

/// Opens once.
actor Gate {
  private(set) var isOpen = false
  func open() { isOpen = true }
}
