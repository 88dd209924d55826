import Execution
import Logging
import Model
import Platform
import SwiftProtobuf
import Wire

/// Answers a controller's requests for artifacts, and tells it of those that it may not know to be missing.
///
/// The controller asks for a piece at a time, so what is on its way never amounts to more than that piece: heartbeats and
/// receipts wait behind it and behind nothing else.
actor ArtifactSender {
  private let executor = BlockingExecutor(label: "belfry.artifacts.sender", isBackground: true)
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let spool: ArtifactSpool
  private let engine: Engine
  private let logger: Logger
  private var outgoing: Outgoing?
  /// Runs that were offered on this stream and have not been answered.
  private var offered: Set<RunID> = []
  /// Artifacts that cannot be read at present. The controller goes on with others meanwhile.
  private var unreadable: [Digest: Unreadable] = [:]

  private struct Unreadable {
    var backoff = Backoff(first: .milliseconds(500), limit: .seconds(300))
    /// Those that list it: not offered while it is left alone.
    var runs: Set<RunID> = []
  }

  /// What happens on the link, in order. It waits here, because the link must not wait for disks.
  enum Event: Sendable {
    case connected(Outgoing)
    case disconnected
    case request(Belfry_V1_ArtifactRequest)
    /// An artifact that could not be read has been left alone for long enough.
    case rested(Digest)
    case received(Belfry_V1_ArtifactsReceived)
    /// A controller may have had no room for some.
    case offerAgain
  }

  private let events: AsyncStream<Event>
  private let continuation: AsyncStream<Event>.Continuation

  init(spool: ArtifactSpool, engine: Engine, logger: Logger) {
    (events, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(10_000))
    self.spool = spool
    self.engine = engine
    self.logger = logger
  }

  nonisolated func add(_ event: Event) { continuation.yield(event) }

  /// Runs until the task is cancelled.
  func run() async {
    for await event in events {
      switch event {
      case .connected(let outgoing):
        self.outgoing = outgoing
        offered = []
        await offer()
      case .disconnected: outgoing = nil
      case .request(let request): await send(request)
      case .rested(let digest): await rested(digest)
      case .received(let answer): await received(answer)
      case .offerAgain:
        await forgetUnwanted()
        offered = []
        await offer()
      }
    }
  }

  // MARK: - Offers

  /// Runs that are offered and not answered, at most.
  private static let window = 32

  /// Offers runs whose receipts are committed, while their artifacts are not all received. Those whose receipts are still
  /// to be acknowledged need no offer: the controller learns of them by the receipt.
  private func offer() async {
    guard offered.count < Self.window, let outgoing else { return }
    do {
      let resting = unreadable.values.reduce(into: offered) { $0.formUnion($1.runs) }
      let offers = try await engine.artifactOffers(except: resting, limit: Self.window - offered.count)
      for receipt in offers where offered.insert(receipt.run).inserted {
        outgoing.send(
          .artifactOffer(
            .with {
              $0.line = receipt.line.data
              $0.signature = receipt.signature.data
            }))
      }
    } catch {
      await engine.troubled("artifacts", error)
    }
  }

  // MARK: - Answers

  /// What is troubled while an artifact cannot be read.
  static let sending = "sending artifacts"

  /// Sends the piece that was asked for. The controller gives up what it is told cannot be had, and then the agent's copy
  /// goes: so only what is certainly gone or damaged is called that. What cannot be read now, it is told to ask for later,
  /// so that a bad sector under one file keeps no other waiting.
  private func send(_ request: Belfry_V1_ArtifactRequest) async {
    guard let outgoing, let digest = try? Digest(hex: request.sha256) else { return }
    let length = min(Int(clamping: request.length), WireLimits.artifactWindow)
    var sent = 0
    do {
      guard request.offset >= 0, length > 0 else { throw ExecutionError(.refused, "no such piece") }
      guard try await engine.owesArtifact(digest) else { throw ExecutionError(.missing, "it is not waiting here") }
      // Once for each transfer: what a disk has done to it meanwhile must not look like the controller's fault.
      if request.offset == 0, try !spool.isWhole(digest) {
        throw ExecutionError(.corrupted, "the agent's disk does not hold the bytes any more that the receipt names")
      }
      while sent < length {
        let size = min(WireLimits.chunk, length - sent)
        let bytes = try spool.read(digest, at: request.offset + Int64(sent), limit: size)
        guard bytes.count == size else { throw ExecutionError(.corrupted, "the file is shorter than it was") }
        outgoing.send(Self.chunk(of: digest, at: request.offset + Int64(sent)) { $0.data = bytes.data })
        sent += size
      }
      await readable(digest)
    } catch let error as ExecutionError where [.missing, .corrupted, .refused].contains(error.code) {
      await readable(digest)
      logger.error("an artifact cannot be sent", metadata: ["sha256": "\(digest)", "reason": "\(error)"])
      outgoing.send(Self.chunk(of: digest, at: request.offset + Int64(sent)) { $0.problem = "\(error)" })
    } catch {
      outgoing.send(Self.chunk(of: digest, at: request.offset + Int64(sent)) { $0.later = "\(error)" })
      await leaveAlone(digest, error)
    }
  }

  /// Bytes, or why there are none.
  private static func chunk(
    of digest: Digest, at offset: Int64, _ fill: (inout Belfry_V1_ArtifactChunk) -> Void
  ) -> Belfry_V1_FromAgent.OneOf_Message {
    .artifactChunk(
      .with {
        $0.sha256 = digest.hex
        $0.offset = offset
        fill(&$0)
      })
  }

  // MARK: - What cannot be read at present

  private func leaveAlone(_ digest: Digest, _ error: any Error) async {
    var entry = unreadable[digest] ?? Unreadable()
    entry.runs = (try? await engine.runs(owing: digest)) ?? []
    unreadable[digest] = entry
    offered.subtract(entry.runs)
    await engine.troubled(Self.sending, error)
    wake(digest)
    // Others have its place in the window.
    await offer()
  }

  private func wake(_ digest: Digest) {
    guard let pause = unreadable[digest]?.backoff.pause(spread: Double.random(in: 0..<1)) else { return }
    Task {
      try? await Task.sleep(for: pause)
      add(.rested(digest))
    }
  }

  private func rested(_ digest: Digest) async {
    guard let runs = unreadable[digest]?.runs else { return }
    guard let owing = try? await engine.runs(owing: digest), !owing.isEmpty else { return await readable(digest) }
    unreadable[digest]?.runs = []
    await offer()
    // A receipt that is not committed yet cannot be offered.
    if outgoing != nil, offered.count < Self.window, offered.isDisjoint(with: owing) {
      unreadable[digest]?.runs = runs
      wake(digest)
    }
  }

  /// The controller may have given up what it could not have, or a receipt.
  private func forgetUnwanted() async {
    for digest in unreadable.keys {
      if let owing = try? await engine.runs(owing: digest), owing.isEmpty { await readable(digest) }
    }
  }

  /// It is read, or nobody wants it any more.
  private func readable(_ digest: Digest) async {
    unreadable[digest] = nil
    if unreadable.isEmpty { await engine.solved(Self.sending) }
  }

  /// The controller has all artifacts of a run, or will never have those that it names.
  private func received(_ answer: Belfry_V1_ArtifactsReceived) async {
    guard let run = try? RunID(answer.runID) else { return }
    for refusal in answer.refused.prefix(Artifact.countLimit) {
      logger.error(
        "the controller does not take an artifact",
        metadata: [
          "run": "\(run)", "sha256": "\(refusal.sha256.prefix(64))", "reason": "\(refusal.reason.prefix(500))",
        ])
    }
    offered.remove(run)
    CrashPoint.reach("agent.artifactsReceived")
    do {
      try await engine.artifactsReceived(run)
      await forgetUnwanted()
      await engine.solved("artifacts")
    } catch {
      // They are offered and answered again on the next stream.
      await engine.troubled("artifacts", error)
    }
    await offer()
  }
}
