import Logging
import Model
import Platform
import Results
import ServiceLifecycle

/// Another controller writes the results branch now; this one has nothing more to say.
public struct ControllerFenced: Error, CustomStringConvertible {
  public let description: String
}

/// Commits and pushes what agents deliver, at the configured pace, and acknowledges it.
struct ResultsService: Service {
  let keeper: ResultsKeeper
  let fleet: Fleet
  let configuration: ControllerConfiguration.Results
  let overview: @Sendable () async -> Overview
  let logger: Logger

  func run() async throws {
    try await cancelWhenGracefulShutdown { try await work() }
    // What has come until now goes out with a last push; what cannot is still in the agents' spools.
    do { try await pass(pushNow: true) } catch { logger.warning("last push failed", metadata: ["reason": "\(error)"]) }
  }

  private func work() async throws {
    var backoff = Backoff(first: .seconds(1), limit: .seconds(60))
    var lastPush: ContinuousClock.Instant?
    var lastLook = ContinuousClock.now
    while !Task.isCancelled {
      let since = lastPush.map { ContinuousClock.now - $0 } ?? configuration.push
      do {
        if try await pass(pushNow: since >= configuration.push, mayHurry: since >= Self.hurry) {
          lastPush = .now
          lastLook = .now
        } else if ContinuousClock.now - lastLook >= max(configuration.push, .seconds(5)) {
          try await acknowledge(try await keeper.look())
          lastLook = .now
        }
        await keeper.troubled(nil)
        backoff.reset()
      } catch let error as ControllerFenced {
        throw error
      } catch {
        let pause = backoff.pause(spread: Double.random(in: 0..<1))
        logger.error(
          "results cannot be written", metadata: ["reason": "\(error)", "again in": "\(pause.manifestText)"])
        await keeper.troubled("\(error)")
        // However much comes meanwhile: a remote that is in trouble is not helped by haste.
        try? await Task.sleep(for: pause)
        continue
      }
      let isUrgent = await keeper.isPushUrgent
      await keeper.full.wait(atMost: isUrgent ? min(configuration.flush, Self.hurry) : configuration.flush)
    }
  }

  /// The least time between two pushes, however urgent: one agent alone must not keep the remote busy.
  private static let hurry = Duration.milliseconds(500)

  /// Commits, and pushes when it is time or enough has come. True when it has pushed.
  @discardableResult
  private func pass(pushNow: Bool, mayHurry: Bool = true) async throws -> Bool {
    if await keeper.hasNews {
      let page = await keeper.isOverviewDue ? await overview() : nil
      let rejected = try await keeper.commit(overview: page)
      if !rejected.isEmpty { await fleet.acknowledge([:], rejected: rejected) }
    }
    let isUrgent = mayHurry ? await keeper.isPushUrgent : false
    guard await keeper.hasUnpushed, pushNow || isUrgent else { return false }
    try await acknowledge(try await keeper.push())
    return true
  }

  private func acknowledge(_ runs: [AgentID: [RunID]]) async throws {
    await fleet.acknowledge(runs)
    for agent in await keeper.takeTurnedAway() { await fleet.askAgain(agent) }
    if let fence = await keeper.fence { throw ControllerFenced(description: fence) }
  }
}
