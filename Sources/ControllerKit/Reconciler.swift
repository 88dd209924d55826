import Logging
import Model
import Planning
import Platform
import ServiceLifecycle
import Trust

/// Brings the fleet to what the source asks for: looks at everything, plans, performs, and looks again when something
/// has changed or after a while.
struct Reconciler: Service {
  let source: SourceState
  let fleet: Fleet
  let terms: AssignmentTerms
  let key: SigningKey
  let clock: WallClock
  /// Raised when what is desired or observed has changed.
  let changed: Signal
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let began = ContinuousClock.now
        await pass()
        // Agents that change what they say of themselves all the time must not have the controller plan all the time.
        try? await Task.sleep(for: Self.rest(after: ContinuousClock.now - began))
        await changed.wait(atMost: .seconds(10))
      }
    }
  }

  /// How long to do nothing after a pass that took so long: planning gets a third of one core at the most. What is
  /// raised meanwhile is looked at afterwards.
  static func rest(after pass: Duration) -> Duration { min(pass * 2, .seconds(10)) }

  private func pass() async {
    let snapshot = await snapshot()
    let plan = Planning.plan(snapshot, now: clock.now)
    for action in plan.actions { logger.info("\(action.line)") }
    for assignment in plan.assignments {
      do {
        guard try await fleet.send(assignment, key: key) else { continue }
        logger.info(
          "assignment sent",
          metadata: [
            "agent": "\(assignment.agent)", "position": "\(assignment.position)", "jobs": "\(assignment.entries.count)",
          ])
      } catch {
        logger.error("cannot sign an assignment", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// What is desired and what is observed, as one value.
  func snapshot() async -> PlanSnapshot {
    PlanSnapshot(desired: await source.desired, agents: await fleet.members.map(\.agent), terms: terms)
  }
}
