import Foundation
import Logging
import Model
import Planning
import Platform
import SwiftProtobuf
import Trust
import Wire

/// Joins the link with the engine and the installer, and sends receipts from the spool.
actor LinkDesk: LinkDelegate {
  private let configuration: AgentConfiguration
  private let identity: AgentIdentity
  private let engine: Engine
  private let installer: Installer
  private let artifacts: ArtifactSender?
  private let signals: EngineSignals
  private let feeds: LogFeeds
  private let logger: Logger
  private var outgoing: Outgoing?
  private var nonce = ""
  private var usedRequests: Set<String> = []
  /// The last receipt sent on this stream, and those that are on their way.
  private var lastSent: Int64 = 0
  private var inFlight: Set<RunID> = []
  /// The number of the heartbeat that comes next on this stream, and of the last one that the controller has read.
  private var nextHeartbeat: UInt64 = 1
  private var readHeartbeat: UInt64 = 0
  /// Up to which receipt everything was sent before which heartbeat.
  private var flush: (receipt: Int64, heartbeat: UInt64)?
  /// Rises whenever sending begins anew, so that a look into the spool that began before is not taken for one after.
  private var generation = 0

  init(
    configuration: AgentConfiguration, identity: AgentIdentity, engine: Engine, installer: Installer,
    artifacts: ArtifactSender? = nil, signals: EngineSignals, feeds: LogFeeds, logger: Logger
  ) {
    self.configuration = configuration
    self.identity = identity
    self.engine = engine
    self.installer = installer
    self.artifacts = artifacts
    self.signals = signals
    self.feeds = feeds
    self.logger = logger
  }

  func connected(epoch: Int64, nonce: String, outgoing: Outgoing) async {
    self.outgoing = outgoing
    self.nonce = nonce
    usedRequests = []
    nextHeartbeat = 1
    readHeartbeat = 0
    flush = nil
    sendAllAgain()
    feeds.tell(.connected(outgoing))
    await installer.connected(outgoing)
    artifacts?.add(.connected(outgoing))
    signals.spoolChanged.raise()
  }

  func disconnected() async {
    outgoing = nil
    nonce = ""
    generation += 1
    feeds.tell(.disconnected)
    await installer.disconnected()
    artifacts?.add(.disconnected)
  }

  func heard() async { await engine.heard() }

  // MARK: - State

  func state() async -> Belfry_V1_AgentState {
    nextHeartbeat += 1
    let (held, position) = await installer.standing
    let damaged = await engine.damaged
    let now = engine.clock.now
    let entries = await engine.entries.values.sorted { $0.run.id < $1.run.id }
    let problems = await engine.problems
    let quarantined = await engine.quarantined
    let spooled = await engine.spoolCount()
    return .with { state in
      state.labels = configuration.labels
      state.addresses = HostAddresses.read()
      state.epoch = position.epoch
      state.sequence = position.sequence
      state.expires = held?.expires.microseconds ?? 0
      // What is damaged is not held: the controller sends it again.
      state.held = (held?.entries ?? []).filter { !damaged.contains($0.bundle.hex) }.map { entry in
        .with {
          $0.job = entry.job.text
          $0.bundle = entry.bundle.hex
          $0.commit = entry.commit.text
          $0.stopped = quarantined[entry.bundle] ?? ""
        }
      }
      state.running = entries.filter { $0.run.isGoing(at: now) }.map(Self.wire)
      state.queued = entries.filter { !$0.run.isGoing(at: now) }.map(Self.wire)
      state.spooled = UInt32(spooled)
      state.problems = problems.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  private static func wire(_ entry: LedgerRun) -> Belfry_V1_RunningRun {
    .with {
      $0.runID = entry.run.id.text
      $0.job = entry.run.occurrence.job.text
      $0.nominal = entry.run.occurrence.nominal.microseconds
      $0.started = entry.run.started.microseconds
      $0.attempt = UInt32(entry.run.attempt)
    }
  }

  // MARK: - Messages

  func received(_ message: Belfry_V1_FromController.OneOf_Message) async throws {
    switch message {
    case .assignment(let assignment): try await installer.receive(Array(assignment.envelope))
    case .contentChunk(let chunk): try await installer.receive(chunk)
    case .receiptAck(let ack): try await acknowledged(ack)
    case .dispatch(let dispatch): try await carryOut(Array(dispatch.envelope))
    case .artifactRequest(let request): artifacts?.add(.request(request))
    case .artifactsReceived(let answer): artifacts?.add(.received(answer))
    case .logOrder(let order): feeds.tell(.order(order))
    case .logAck(let ack): feeds.tell(.taken(ack.follow))
    case .heartbeatAck(let ack):
      readHeartbeat = max(readHeartbeat, ack.number)
      if flush != nil { signals.spoolChanged.raise() }
    case .welcome, .refusal: throw LinkError("an unexpected message")
    }
  }

  private func carryOut(_ envelope: [UInt8]) async throws {
    let order: Dispatch
    do throws(TrustError) {
      order = try verifyDispatch(
        envelope, key: configuration.controllerKey, agent: identity.id,
        epoch: await installer.held?.value.position.epoch ?? 0,
        nonce: nonce, usedRequests: usedRequests, now: engine.clock.now
      ).value
    } catch {
      logger.error("order refused", metadata: ["reason": "\(error)"])
      return reply(request: Self.claimedRequest(envelope), run: nil, refusal: "\(error)")
    }
    usedRequests.insert(order.request)
    let actions: [FiringAction]
    do {
      actions = try await engine.dispatch(order)
    } catch {
      await engine.troubled("ledger", error)
      return reply(request: order.request, run: nil, refusal: "the agent cannot write its ledger: \(error)")
    }
    for case .refuse(_, let reason) in actions { return reply(request: order.request, run: nil, refusal: reason) }
    reply(request: order.request, run: order.occurrence.run(on: identity.id), refusal: "")
  }

  private func reply(request: String, run: RunID?, refusal: String) {
    outgoing?.send(
      .dispatchReply(
        .with {
          $0.request = request
          $0.runID = run?.text ?? ""
          $0.refusal = refusal
        }))
  }

  /// What a refused envelope calls its request, so that somebody is told. Not trusted.
  private static func claimedRequest(_ envelope: [UInt8]) -> String {
    guard let envelope = try? Envelope.parse(envelope, limit: Dispatch.payloadLimit),
      let json = try? JSONValue(parsing: envelope.payload, limit: Dispatch.payloadLimit)
    else { return "" }
    return String((json["request"]?.stringValue ?? "").prefix(64))
  }

  // MARK: - Receipts

  private func sendAllAgain() {
    lastSent = 0
    inFlight = []
    generation += 1
  }

  private func acknowledged(_ ack: Belfry_V1_ReceiptAck) async throws {
    if ack.committed.isEmpty, ack.rejected.isEmpty {
      sendAllAgain()
      return signals.spoolChanged.raise()
    }
    let committed = ack.committed.compactMap { try? RunID($0) }
    do {
      try await engine.acknowledged(committed)
      inFlight.subtract(committed)
      let rejected = ack.rejected.compactMap { rejection in
        (try? RunID(rejection.runID)).map { (run: $0, reason: String(rejection.reason.prefix(500))) }
      }
      try await engine.rejected(rejected)
      inFlight.subtract(rejected.map(\.run))
    } catch {
      // They stay in the spool, and are sent and acknowledged again on the next stream.
      await engine.troubled("ledger", error)
    }
    signals.spoolChanged.raise()
    signals.stateChanged.raise()
  }

  /// How far the receipts have got. The controller has read what was sent before a heartbeat that it has answered, because a
  /// stream keeps its order.
  func flushed() async -> ReceiptFlush {
    guard outgoing != nil else { return .noController }
    await pump()
    guard await engine.spoolCount() <= inFlight.count else { return .unread }
    if flush?.receipt != lastSent {
      flush = (lastSent, nextHeartbeat)
      signals.stateChanged.raise()
    }
    return flush.map { readHeartbeat >= $0.heartbeat } == true ? .read : .unread
  }

  /// Sends what the window has room for.
  func pump() async {
    guard let outgoing, inFlight.count < WireLimits.receiptWindow else { return }
    do {
      let room = WireLimits.receiptWindow - inFlight.count
      let began = generation
      let receipts = try await engine.spooled(after: lastSent, limit: room)
      guard began == generation else { return signals.spoolChanged.raise() }
      for receipt in receipts {
        lastSent = receipt.number
        inFlight.insert(receipt.run)
        outgoing.send(
          .receipt(
            .with { delivery in
              delivery.line = receipt.line.data
              delivery.signature = receipt.signature.data
              delivery.logs = receipt.logs.map { log in
                .with {
                  $0.attempt = UInt32(log.attempt)
                  $0.data = log.data.data
                }
              }
            }))
      }
      CrashPoint.reach("agent.receiptsSent")
      await engine.solved("spool")
    } catch {
      await engine.troubled("spool", error)
    }
  }
}

/// How far the receipts have got when an agent stops.
enum ReceiptFlush: Sendable {
  /// The controller has read them all.
  case read
  /// Some are on their way, or still to be sent.
  case unread
  /// Nobody is there to send them to.
  case noController

  /// For the log; `count` receipts are in the spool.
  func words(_ count: Int) -> String {
    switch self {
    case .read: "read by the controller"
    case _ where count == 0: "none in the spool"
    case .unread: "\(count) stay in the spool: the controller has not read them all"
    case .noController: "\(count) stay in the spool: no controller is connected"
    }
  }
}
