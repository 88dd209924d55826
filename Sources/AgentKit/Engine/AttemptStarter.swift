import Dispatch
import Execution
import Model
import Planning
import Platform
import Synchronization

/// Starts attempts. Whoever starts a process waits until it has its program, and on a busy machine that is until its turn
/// has come; so several are started at the same time.
struct AttemptStarter: Sendable {
  let runner: any AttemptRunner
  let handling: HandlingMark?
  /// One after the other.
  var isCareful = false

  /// Blocks until all are started. For each why it was not, nil when it was.
  func start(_ runs: [(ActiveRun, with: SecretValues)]) -> [LaunchProblem?] {
    guard runs.count > 1, !isCareful else { return runs.map { start($0, with: $1) } }
    let problems = Mutex([LaunchProblem?](repeating: nil, count: runs.count))
    let next = Atomic(0)
    let group = DispatchGroup()
    for lane in Self.lanes.prefix(runs.count) {
      lane.async(group: group) {
        while true {
          let index = next.add(1, ordering: .relaxed).oldValue
          guard index < runs.count else { return }
          guard let problem = start(runs[index].0, with: runs[index].with) else { continue }
          problems.withLock { $0[index] = problem }
        }
      }
    }
    group.wait()
    return problems.withLock { $0 }
  }

  /// Each has a thread of its own: those that everybody shares are no more than there are processors.
  private static let lanes = (0..<2).map { DispatchQueue(label: "belfry.starter-\($0)") }

  private func start(_ run: ActiveRun, with secrets: SecretValues) -> LaunchProblem? {
    do throws(LaunchProblem) {
      if let handling {
        let mark = HandlingMark.Entry(
          bundle: run.bundle, job: run.job.name, doing: "the agent died while it started an attempt")
        try handling.during([mark]) { () throws(LaunchProblem) in try runner.launch(run, with: secrets) }
      } else {
        try runner.launch(run, with: secrets)
      }
      CrashPoint.reach("agent.launched")
      return nil
    } catch {
      return error
    }
  }
}
