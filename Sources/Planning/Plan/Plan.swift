public import Model

/// What has to be done to take the fleet from what is observed to what is desired.
public struct Plan: Hashable, Sendable {
  /// In the order of agents' names; within an agent removals, replacements, installs, each by job, then a renewal.
  public var actions: [PlanAction]
  /// For each agent that has actions, in the same order, its complete next assignment, ready to be signed.
  public var assignments: [Assignment]
  /// What is not done, and why.
  public var notes: [PlanNote]

  public init(actions: [PlanAction] = [], assignments: [Assignment] = [], notes: [PlanNote] = []) {
    self.actions = actions
    self.assignments = assignments
    self.notes = notes
  }

  /// Nothing is to be done; there may be notes all the same.
  public var isEmpty: Bool { actions.isEmpty }
}

/// One step of a plan, at one agent.
public struct PlanAction: Hashable, Sendable {
  public enum Change: Hashable, Sendable {
    case remove(JobName, bundle: Digest)
    case replace(JobName, from: Digest, to: Digest)
    case install(JobName, bundle: Digest)
    /// The same jobs in a fresh assignment.
    case renew(RenewalReason)
  }

  public var agent: AgentID
  public var agentName: AgentName
  public var change: Change

  public init(agent: AgentID, agentName: AgentName, change: Change) {
    self.agent = agent
    self.agentName = agentName
    self.change = change
  }
}

/// Why an agent gets a fresh assignment although its jobs stay as they are.
public enum RenewalReason: String, Hashable, Sendable, CaseIterable {
  /// The agent still obeys an earlier controller. Until it has seen the new epoch, that one could overrule this one.
  case newEpoch
  /// The agent reports a lower position than the last one signed for it: it was reset, or an answer got lost.
  case behind
  /// Half of the assignment's lifetime is gone.
  case halfLife

  public var words: String {
    switch self {
    case .newEpoch: "the controller's epoch is new"
    case .behind: "its position is behind"
    case .halfLife: "half of the assignment's lifetime is gone"
    }
  }
}

/// Something that a plan leaves undone, or that people should know.
public enum PlanNote: Hashable, Sendable {
  case sourceUnknown(reason: String)
  case sourceIncomplete(reason: String)
  /// Held, not desired, and kept because the source is not completely known.
  case kept(JobName, agents: [AgentName])
  /// No known agent matches the job's targets.
  case noEligibleAgent(JobName)
  /// The agent has something to get and does not get it now. `changes` counts jobs; 0 when only a renewal waits.
  case waiting(agent: AgentID, name: AgentName, why: WaitReason, changes: Int)
}

/// Why an agent does not get now what it should have.
public enum WaitReason: Hashable, Sendable {
  case disconnected
  /// It refused exactly this; it is offered again at the time given, or as soon as something else is desired.
  case refused(reason: String, until: Timestamp)
  /// It obeys a controller with a higher epoch than ours, so it would refuse whatever we sign.
  case laterController(epoch: Int64)
}
