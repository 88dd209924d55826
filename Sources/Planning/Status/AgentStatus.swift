public import Model

/// The verdict on one agent, in the same words as for a job.
public struct AgentStatus: Hashable, Sendable {
  public var connected: Bool
  public var sync: SyncStatus
  public var health: Health
  /// Why it is not synced and healthy, in words; nil when it is.
  public var reason: String?

  public init(connected: Bool, sync: SyncStatus, health: Health, reason: String? = nil) {
    self.connected = connected
    self.sync = sync
    self.health = health
    self.reason = reason
  }

  public var json: JSONValue {
    .members([
      "connected": .bool(connected), "sync": .string(sync.rawValue), "health": .string(health.rawValue),
      "reason": reason.map(JSONValue.string),
    ])
  }
}

/// The verdict on each agent. First match wins:
///
/// | case | sync | health |
/// | --- | --- | --- |
/// | the source cannot be read, not connected | `Unknown` | `Unknown` |
/// | the source cannot be read | `Unknown` | `Healthy` |
/// | not connected | by what it held last | `Unknown` |
/// | it obeys a later controller | by what it holds | `Degraded` |
/// | it refused what it should hold | `OutOfSync` | `Degraded` |
/// | it does not hold what it should | `OutOfSync` | `Progressing` |
/// | otherwise | `Synced` | `Healthy` |
public func judgeAgents(_ snapshot: PlanSnapshot, now: Timestamp) -> [AgentID: AgentStatus] {
  let placement = Placement(snapshot.desired)
  var result: [AgentID: AgentStatus] = [:]
  for agent in snapshot.agents {
    let eligible = placement.eligible(for: agent).map { placement.jobs[$0] }
    // What is on its way is not held yet: here it counts as missing.
    var resting = agent
    resting.sent = nil
    let wish = AgentWish(resting, eligible: eligible, source: snapshot.desired.source, now: now)
    result[agent.id] = judge(
      agent, differences: wish.changes.count, wanted: wish.wanted, snapshot: snapshot, now: now)
  }
  return result
}

private func judge(
  _ agent: AgentState, differences: Int, wanted: [JobName: HeldJob], snapshot: PlanSnapshot, now: Timestamp
) -> AgentStatus {
  let jobs = differences == 1 ? "1 job differs" : "\(differences) jobs differ"
  let held: SyncStatus = differences == 0 ? .synced : .outOfSync
  if case .unknown(let reason) = snapshot.desired.source {
    let words = "the source cannot be read: \(reason)"
    return AgentStatus(
      connected: agent.connected, sync: .unknown, health: agent.connected ? .healthy : .unknown,
      reason: agent.connected ? words : "not connected; \(words)")
  }
  let obstacle = agent.obstacle(to: wanted, terms: snapshot.terms, now: now)
  switch obstacle {
  case .disconnected:
    let words = differences == 0 ? "not connected" : "not connected; \(jobs)"
    return AgentStatus(connected: false, sync: held, health: .unknown, reason: words)
  case .laterController:
    return AgentStatus(connected: true, sync: held, health: .degraded, reason: obstacle?.words)
  case .refused where differences > 0:
    return AgentStatus(connected: true, sync: .outOfSync, health: .degraded, reason: obstacle?.words)
  case .refused, nil:
    guard differences > 0 else { return AgentStatus(connected: true, sync: .synced, health: .healthy) }
    return AgentStatus(connected: true, sync: .outOfSync, health: .progressing, reason: jobs)
  }
}
