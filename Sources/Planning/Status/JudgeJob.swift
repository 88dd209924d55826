public import Model

/// How a job compares with the source and how it is doing. See ``SyncStatus`` and ``Health`` for what each word means.
///
/// Sync, first match wins:
///
/// | case | sync |
/// | --- | --- |
/// | the source cannot be read | `Unknown` |
/// | the job's manifest is broken | `Unknown` |
/// | an eligible agent holds another bundle than the desired one, or none | `OutOfSync` |
/// | an agent holds it that should not | `OutOfSync` |
/// | otherwise | `Synced` |
///
/// Health, first match wins:
///
/// | case | health |
/// | --- | --- |
/// | the source cannot be read | `Unknown` |
/// | it is suspended | `Suspended` |
/// | no agent is eligible | `Degraded` |
/// | no eligible agent is connected | `Unknown` |
/// | a connected agent refused the desired bundle | `Degraded` |
/// | a connected agent has put it in quarantine | `Degraded` |
/// | the last finished run at an agent that holds the job did not succeed | `Degraded` |
/// | a connected agent is about to hold the desired bundle | `Progressing` |
/// | no agent holds it in any version | `Missing` |
/// | a connected agent holds another bundle, or none | `Progressing` |
/// | otherwise | `Healthy` |
///
/// A failure stands above `Progressing`, because a roll-out that is on its way must not hide it.
public func judgeJob(_ evidence: JobEvidence, now: Timestamp) -> JobStatus {
  let (sync, syncReason) = judgeSync(evidence)
  let (health, healthReason) = judgeHealth(evidence, now: now)
  return JobStatus(sync: sync, health: health, syncReason: syncReason, healthReason: healthReason)
}

private func judgeSync(_ evidence: JobEvidence) -> (SyncStatus, String?) {
  if case .unknown(let reason) = evidence.source { return (.unknown, "the source cannot be read: \(reason)") }
  if let problem = evidence.manifestProblem {
    return (.unknown, "the manifest has errors, the last good version stays: \(problem)")
  }
  let behind = evidence.eligible.filter { !evidence.isCurrent($0) }
  if !behind.isEmpty {
    let away = behind.allSatisfy { !$0.connected }
    let reason = "not the desired bundle on \(names(behind))"
    return (.outOfSync, away ? reason + ", not connected" : reason)
  }
  if !evidence.strays.isEmpty {
    return (.outOfSync, "still on \(names(evidence.strays)), which the targets exclude")
  }
  return (.synced, nil)
}

private func judgeHealth(_ evidence: JobEvidence, now: Timestamp) -> (Health, String?) {
  let name = evidence.desired.job.name
  let bundle = evidence.desired.bundle
  let connected = evidence.eligible.filter(\.connected)
  if case .unknown(let reason) = evidence.source { return (.unknown, "the source cannot be read: \(reason)") }
  if let suspension = evidence.desired.job.suspension, suspension.isInForce(at: now) {
    let until = suspension.until.map { "until \($0)" }
    return (.suspended, [suspension.reason, until].compactMap(\.self).joined(separator: ", ").nonEmpty)
  }
  if evidence.eligible.isEmpty { return (.degraded, "no agent matches the targets") }
  if connected.isEmpty { return (.unknown, "not connected: \(names(evidence.eligible))") }
  for agent in connected {
    if let refusal = agent.refusal, refusal.contents[name] == bundle, !evidence.isCurrent(agent) {
      return (.degraded, "\(agent.name) refused it: \(refusal.reason)")
    }
  }
  for agent in connected {
    if let reason = agent.stopped[name] { return (.degraded, "in quarantine on \(agent.name): \(reason)") }
  }
  for agent in evidence.eligible where agent.held[name] != nil {
    if let state = evidence.lastRuns[agent.id], state.isFinal, state != .succeeded {
      return (.degraded, "the last run on \(agent.name): \(state.rawValue)")
    }
  }
  let behind = connected.filter { !evidence.isCurrent($0) }
  let coming = behind.filter { $0.expected(at: now)[name]?.bundle == bundle }
  if !coming.isEmpty { return (.progressing, "on its way to \(names(coming))") }
  if evidence.eligible.allSatisfy({ $0.held[name] == nil }) { return (.missing, "no agent holds it yet") }
  if !behind.isEmpty { return (.progressing, "not yet on \(names(behind))") }
  return (.healthy, nil)
}

extension JobEvidence {
  fileprivate func isCurrent(_ agent: AgentState) -> Bool {
    agent.held[desired.job.name]?.bundle == desired.bundle
  }
}

/// The first few names, and how many more there are.
private func names(_ agents: [AgentState]) -> String {
  let shown = agents.prefix(3).map(\.name.text).joined(separator: ", ")
  return agents.count > 3 ? "\(shown) and \(agents.count - 3) more" : shown
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

/// The verdicts on all desired jobs, in time proportional to jobs, agents and what these hold.
public func judgeJobs(
  _ snapshot: PlanSnapshot, problems: [JobName: String] = [:], lastRuns: [JobName: [AgentID: RunState]] = [:],
  now: Timestamp
) -> [JobName: JobStatus] {
  let placement = Placement(snapshot.desired)
  var eligible = [[AgentState]](repeating: [], count: placement.jobs.count)
  var holders: [JobName: [AgentState]] = [:]
  for agent in snapshot.agents {
    let indices = placement.eligible(for: agent)
    for index in indices { eligible[index].append(agent) }
    let wanted = Set(indices.map { placement.jobs[$0].job.name })
    for job in agent.held.keys where !wanted.contains(job) { holders[job, default: []].append(agent) }
  }
  var result: [JobName: JobStatus] = Dictionary(minimumCapacity: placement.jobs.count)
  for (index, desired) in placement.jobs.enumerated() {
    let name = desired.job.name
    let evidence = JobEvidence(
      desired: desired, source: snapshot.desired.source, manifestProblem: problems[name], eligible: eligible[index],
      strays: holders[name] ?? [], lastRuns: lastRuns[name] ?? [:])
    result[name] = judgeJob(evidence, now: now)
  }
  return result
}
