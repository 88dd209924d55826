import Execution
import Logging
import Model
import Planning
import Platform

// The runs that are going: how they stand, and how they are brought to an end when the agent stops.
extension Engine {
  /// Nothing new starts from now on; what runs goes on, and what is armed is disarmed.
  func stopFiring() {
    isFiring = false
    do { try change { $0.stop(at: clock.now) } } catch { troubled("ledger", error) }
  }

  /// Ends the runs that wait for their turn.
  func cancelQueued() {
    for entry in entries.values.sorted(by: { $0.run.id < $1.run.id }) where entry.run.phase == .queued {
      do { try change { $0.cancel(entry.run.id, at: clock.now) } } catch { troubled("ledger", error) }
    }
  }

  var activeRuns: Int { entries.count }

  /// Runs with an attempt that is going: those that an agent can wait for when it starts nothing any more.
  var goingRuns: Int { entries.values.count { $0.run.phase == .running } }

  /// What is kept of the output of an attempt that has ended, until its receipt is acknowledged; nil when there is none.
  func log(of attempt: AttemptID) -> [UInt8]? { try? ledger.log(of: attempt) }

  /// Where a run stands for somebody who follows its output.
  func standing(of run: RunID) -> LogFeed.Standing {
    guard let run = entries[run]?.run else { return .over }
    switch run.phase {
    case .queued: return .queued
    case .armed(let instant): return clock.now < instant ? .queued : .running(attempt: run.attempt)
    case .running: return .running(attempt: run.attempt)
    case .waiting: return .waiting(after: run.attempt - 1)
    }
  }

  /// Ends all runs, those too that wait for their next attempt.
  func cancelAll() {
    for run in entries.keys.sorted() {
      do { try change { $0.cancel(run, at: clock.now) } } catch { troubled("ledger", error) }
    }
  }
}
