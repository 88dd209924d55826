public import Model

/// All that a plan is made from, as one value.
public struct PlanSnapshot: Hashable, Sendable {
  public var desired: DesiredState
  /// Each agent once, in any order.
  public var agents: [AgentState]
  public var terms: AssignmentTerms

  public init(desired: DesiredState, agents: [AgentState], terms: AssignmentTerms) {
    self.desired = desired
    self.agents = agents
    self.terms = terms
  }

  /// The snapshot after every assignment of the plan has been installed: the model of what applying a plan does.
  public func applying(_ plan: Plan) -> PlanSnapshot {
    var result = sending(plan, answerDue: Timestamp(microseconds: .max))
    let positions = Dictionary(plan.assignments.map { ($0.agent, $0.position) }, uniquingKeysWith: { $1 })
    for index in result.agents.indices {
      if let position = positions[result.agents[index].id] { result.agents[index].accept(position) }
    }
    return result
  }

  /// The snapshot after every assignment of the plan has been sent and none has been answered.
  public func sending(_ plan: Plan, answerDue: Timestamp) -> PlanSnapshot {
    var result = self
    let assignments = Dictionary(plan.assignments.map { ($0.agent, $0) }, uniquingKeysWith: { $1 })
    for index in result.agents.indices {
      guard let assignment = assignments[result.agents[index].id] else { continue }
      result.agents[index].send(assignment, answerDue: answerDue)
    }
    return result
  }
}

/// On what terms this controller gives out assignments.
public struct AssignmentTerms: Hashable, Sendable {
  /// The fencing number that the controller claimed when it started.
  public var epoch: Int64
  /// From issue to expiry; renewed when half of it is gone.
  public var lifetime: Duration
  /// How long an agent may go on firing without hearing from a controller.
  public var lease: Duration

  public init(epoch: Int64, lifetime: Duration = .seconds(14 * 86_400), lease: Duration = .seconds(7 * 86_400)) {
    self.epoch = epoch
    self.lifetime = lifetime
    self.lease = lease
  }
}
