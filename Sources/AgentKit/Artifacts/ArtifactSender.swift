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
  /// Rises with each stream, so that a request is not answered on one that it did not come on.
  private var stream = 0
  private var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
  /// Runs that were offered on this stream and have not been answered.
  private var offered: Set<RunID> = []

  /// What happens on the link, in order. It waits here, because the link must not wait for disks.
  enum Event: Sendable {
    case connected(Outgoing)
    case disconnected
    case request(Belfry_V1_ArtifactRequest)
    /// What is left of a request that could not be answered then.
    case retry(Belfry_V1_ArtifactRequest, stream: Int)
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
        stream += 1
        offered = []
        await offer()
      case .disconnected: outgoing = nil
      case .request(let request): await send(request)
      case .retry(let request, let stream) where stream == self.stream: await send(request)
      case .retry: break
      case .received(let answer): await received(answer)
      case .offerAgain:
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
      let offers = try await engine.artifactOffers(except: offered, limit: Self.window - offered.count)
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
  /// goes: so only what is certainly gone or damaged is called that, and everything else is tried again.
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
        outgoing.send(
          .artifactChunk(
            .with {
              $0.sha256 = digest.hex
              $0.offset = request.offset + Int64(sent)
              $0.data = bytes.data
            }))
        sent += size
      }
      backoff.reset()
      await engine.solved(Self.sending)
    } catch let error as ExecutionError where [.missing, .corrupted, .refused].contains(error.code) {
      await engine.solved(Self.sending)
      logger.error("an artifact cannot be sent", metadata: ["sha256": "\(digest)", "reason": "\(error)"])
      outgoing.send(
        .artifactChunk(
          .with {
            $0.sha256 = digest.hex
            $0.offset = request.offset + Int64(sent)
            $0.problem = "\(error)"
          }))
    } catch {
      await engine.troubled(Self.sending, error)
      var rest = request
      rest.offset += Int64(sent)
      rest.length = Int64(length - sent)
      retry(rest)
    }
  }

  /// Later, while the controller waits for it on the same stream: nothing else of the link waits for artifacts.
  private func retry(_ request: Belfry_V1_ArtifactRequest) {
    let (pause, stream) = (backoff.pause(spread: Double.random(in: 0..<1)), stream)
    Task {
      try? await Task.sleep(for: pause)
      add(.retry(request, stream: stream))
    }
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
      await engine.solved("artifacts")
    } catch {
      // They are offered and answered again on the next stream.
      await engine.troubled("artifacts", error)
    }
    await offer()
  }
}
