@testable import ControllerKit
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import Model
import Planning
import Platform
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Trust
import Wire

/// An agent that has proven its key and then means harm, over a real stream.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HostileAgentTests {
  /// Has one large file, and counts how often it is read.
  private final class Desk: AgentMessages {
    static let file = [UInt8](repeating: 7, count: 4 << 20)
    let reads = Mutex(0)
    let receipts = Mutex(0)

    func bundle(_ digest: Digest) async -> [UInt8]? { nil }
    func blob(_ digest: Digest, of bundles: Set<Digest>) async -> [UInt8]? {
      reads.withLock { $0 += 1 }
      return Self.file
    }
    func objection(to claim: HandshakeClaim) async -> String? { nil }
    func admit(_ claim: HandshakeClaim) async -> String? { nil }
    func receive(_ receipt: Belfry_V1_ReceiptDelivery, from session: Session, key: PublicKey) async -> String? {
      receipts.withLock { $0 += 1 }
      return nil
    }
    func offered(_ offer: Belfry_V1_ArtifactOffer, from session: Session, key: PublicKey) async {}
  }

  /// An agent is silent after four of these: long enough that no stream of these tests is cut for that.
  private static let interval = Duration.seconds(5)

  private let desk = Desk()
  private let hub = LogHub()
  private let key: SigningKey
  private let agentKey: SigningKey
  private let fleet = Fleet(epoch: 1, clock: .system, changed: Signal(), logger: quiet)

  init() throws {
    key = try SigningKey.generate()
    agentKey = try SigningKey.generate()
  }

  /// Serves, dials, shakes hands, and then lets `body` send what it likes and not read a byte. What the controller had
  /// sent by the end is thrown away.
  private func attack(
    _ body: @Sendable @escaping (RPCWriter<Belfry_V1_FromAgent>) async throws -> Void
  ) async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext,
      config: .defaults { $0.rpc.maxRequestPayloadSize = WireLimits.message })
    let link = AgentLinkService(
      fleet: fleet, key: key, messages: desk, logs: hub, heartbeatInterval: Self.interval, clock: .system, version: "1",
      logger: quiet)
    let server = GRPCServer(transport: transport, services: [link])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.serve() }
      let port = try await transport.listeningAddress.ipv4?.port ?? 0
      try? await withGRPCClient(
        transport: HTTP2ClientTransport.Posix(
          target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
      ) { client in try await dial(Belfry_V1_AgentLink.Client(wrapping: client), body) }
      server.beginGracefulShutdown()
      group.cancelAll()
    }
  }

  private func dial(
    _ client: Belfry_V1_AgentLink.Client<some ClientTransport>,
    _ body: @Sendable @escaping (RPCWriter<Belfry_V1_FromAgent>) async throws -> Void
  ) async throws {
    let (challenges, found) = AsyncStream.makeStream(of: String.self)
    let done = Signal()
    let nonce = String(repeating: "0", count: 32)
    let name = try AgentName("hostile")
    let agentKey = agentKey
    try await client.connect(
      requestProducer: { writer in
        defer { done.raise() }
        try await writer.write(
          .with {
            $0.hello = .with {
              $0.protocol = wireProtocol
              $0.agentID = agentID(1).text
              $0.agentName = name.text
              $0.publicKey = agentKey.publicKey.pem
              $0.nonce = nonce
            }
          })
        guard let challenge = await challenges.first(where: { _ in true }) else { return }
        let proof = try agentKey.sign(
          Handshake.proofBytes(agent: agentID(1), name: name, nonce: nonce, challenge: challenge))
        try await writer.write(.with { $0.proof = .with { $0.signature = proof.data } })
        try await body(writer)
      },
      onResponse: { response in
        var messages = response.messages.makeAsyncIterator()
        guard let first = try await messages.next()?.message, case .welcome(let welcome) = first else { return }
        found.yield(welcome.challenge)
        await done.wait()
      })
  }

  private static func request(_ digests: [Digest]) -> Belfry_V1_FromAgent {
    .with { $0.contentRequest = .with { $0.blobs = digests.map(\.hex) } }
  }

  @Test func askingForOneFileTenThousandTimesCostsOneFile() async throws {
    let (desk, fleet) = (desk, fleet)
    let waiting = Mutex(-1)
    try await attack { writer in
      for number in 0..<10_000 as Range<UInt64> {
        if number % 200 == 0 { try await writer.write(.with { $0.heartbeat = .with { $0.number = number } }) }
        try await writer.write(Self.request([digest("one")]))
      }
      try await writer.write(.with { $0.receipt = Belfry_V1_ReceiptDelivery() })
      _ = try await eventually("all of it has arrived") { desk.receipts.withLock { $0 } > 0 ? true : nil }
      let count = await fleet.session(of: agentID(1))?.outbox.count ?? -2
      waiting.withLock { $0 = count }
    }
    // The answers to heartbeats wait too.
    #expect((0...60).contains(waiting.withLock { $0 }), "what is asked for again waits once")
    #expect(desk.reads.withLock { $0 } <= 8, "read as fast as the agent takes it, and not as it asks")
  }

  /// Whether the controller ends the session while or after `write` runs, which is not waited for then: one who does not
  /// read is not told of the stream's end, and a write to it may wait for a window for ever.
  private func isCutWhile(_ write: @Sendable @escaping (Session) async throws -> Void) async -> Bool {
    let fleet = fleet
    guard let session = try? await eventually("the session is there", { await fleet.session(of: agentID(1)) })
    else { return false }
    return await withTaskGroup(of: Void.self) { group in
      // The last writes may find the stream gone already.
      group.addTask { try? await write(session) }
      let isCut = try? await eventually("the stream is cut", within: .seconds(18)) {
        await fleet.session(of: agentID(1)) == nil ? true : nil
      }
      group.cancelAll()
      return isCut ?? false
    }
  }

  @Test func askingForTooManyFilesEndsTheStream() async throws {
    let isCut = Mutex(false)
    let most = Mutex(0)
    try await attack { writer in
      let wasCut = await isCutWhile { session in
        for batch in 0..<30 {
          let digests = (0..<10_000).map { number in
            let text = "\(batch * 10_000 + number)"
            return String(repeating: "0", count: 64 - text.count) + text
          }
          try await writer.write(.with { $0.contentRequest = .with { $0.blobs = digests } })
          let count = session.outbox.count
          most.withLock { $0 = max($0, count) }
        }
      }
      isCut.withLock { $0 = wasCut }
    }
    let waited = most.withLock { $0 }
    #expect(isCut.withLock { $0 }, "\(waited) waited")
    #expect(waited <= WireLimits.outstandingContent + 1)
  }

  @Test func heartbeatsWhoseAnswersNobodyReadsEndTheStream() async throws {
    let isCut = Mutex(false)
    try await attack { writer in
      let wasCut = await isCutWhile { _ in
        // Fills the windows, so that nothing more gets through to the agent.
        try await writer.write(Self.request([digest("one")]))
        for number in 0..<20_000 as Range<UInt64> {
          try await writer.write(.with { $0.heartbeat = .with { $0.number = number } })
        }
      }
      isCut.withLock { $0 = wasCut }
    }
    #expect(isCut.withLock { $0 })
  }

  /// One part of a log, of `count` bytes.
  private static func part(of follow: UInt64, _ count: Int) -> Belfry_V1_FromAgent {
    .with {
      $0.logPart = .with { part in
        part.follow = follow
        part.attempt = 1
        part.standing = .running
        part.pieces = [.with { $0.data = [UInt8](repeating: 7, count: count).data }]
      }
    }
  }

  @Test func outputThatNobodyFollowsIsThrownAway() async throws {
    let hub = hub
    let desk = desk
    try await attack { writer in
      for number in 0..<200 as Range<UInt64> { try await writer.write(Self.part(of: number, 1 << 20)) }
      try await writer.write(.with { $0.receipt = Belfry_V1_ReceiptDelivery() })
      _ = try await eventually("all of it has arrived") { desk.receipts.withLock { $0 } > 0 ? true : nil }
    }
    #expect(hub.count == (0, 0))
  }

  @Test(arguments: [2, 70_000])
  func moreOutputThanWasAskedForEndsTheStream(_ bytes: Int) async throws {
    let isCut = Mutex(false)
    let hub = hub
    let follower = try #require(hub.admit(agent: agentID(1)).follower)
    try await attack { writer in
      let wasCut = await isCutWhile { session in
        guard let slot = hub.open(follower, session: session.id, from: LogPosition()) else { return }
        // Nobody takes it, so the second one of two small parts is too much.
        for _ in 0..<2 { try await writer.write(Self.part(of: slot.id, bytes)) }
      }
      isCut.withLock { $0 = wasCut }
    }
    #expect(isCut.withLock { $0 })
  }
}
