import Model
import Planning
import Schedule
import Testing

/// The agent of all firing tests.
let host = agentID(7)

/// Actions as short lines, with times as seconds after `at(0)`.
func lines(_ actions: [FiringAction]) -> [String] {
  func seconds(_ time: Timestamp) -> String { String((time - at(0)).components.seconds) }
  return actions.map { action in
    switch action {
    case .start(let run):
      switch run.phase {
      case .armed(let time): "arm \(run.occurrence.job) \(seconds(run.occurrence.nominal)) for \(seconds(time))"
      default: "start \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
      }
    case .enqueue(let run): "enqueue \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .disarm(let run): "disarm \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .forget(let run): "forget \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .startAttempt(let run): "attempt \(run.attempt) of \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .retryLater(let run, let time): "attempt \(run.attempt) of \(run.occurrence.job) later at \(seconds(time))"
    case .finish(let run, let outcome, _): "finish \(run.occurrence.job) \(seconds(run.occurrence.nominal)) \(outcome)"
    case .skip(let skip):
      "\(skip.reason.rawValue) \(skip.occurrence.job) \(skip.firstNominal.map { seconds($0) + "..." } ?? "")"
        + "\(seconds(skip.occurrence.nominal)) ×\(skip.count)"
    case .cancel(let run): "cancel \(run.occurrence.job) \(seconds(run.occurrence.nominal))"
    case .refuse(_, let reason): "refuse: \(reason)"
    case .note(let text): "note: \(text)"
    }
  }
}

/// A machine with one job `a`, due every minute, installed at 0.
func minutely(_ edit: (inout Job) -> Void = { _ in }, lease: Duration = .seconds(7 * 86_400)) throws -> FiringMachine {
  var job = try sampleJob("a")
  edit(&job)
  var machine = FiringMachine(agent: host)
  #expect(machine.install([try firing(job, lease: lease)], at: at(0)).isEmpty)
  return machine
}

extension FiringMachine {
  /// An attempt whose end is known at once.
  mutating func attemptEnded(_ id: RunID, attempt: Int, _ state: RunState, at now: Timestamp) -> [FiringAction] {
    attemptEnded(id, attempt: attempt, state, ended: now, at: now)
  }
}

func run(_ seconds: Int64) throws -> RunID {
  Occurrence(job: try name("a"), nominal: at(seconds)).run(on: host)
}

/// An order to run job `a` in version 1.
func order(
  at seconds: Int64, startBy: Int64? = nil, request: String = "r1", job: String = "a", version: String = "1",
  params: [String: ParameterValue] = [:]
) throws -> Dispatch {
  Dispatch(
    agent: host, epoch: 1, nonce: "n", job: try name(job), bundle: try digest("\(job) \(version)"), request: request,
    nominal: at(seconds), startBy: at(startBy ?? seconds + 30), params: params)
}
