public import Model

/// Works out, from scratch, what takes the fleet from what is observed to what is desired.
///
/// It holds these promises, whatever the snapshot: planning again after the plan was applied gives an empty plan; the
/// order of agents in the snapshot does not matter; no agent gets a job whose targets exclude it; an unknown source
/// changes nothing that an agent holds, and an incomplete one removes nothing; an agent that is not connected gets
/// no action.
public func plan(_ snapshot: PlanSnapshot, now: Timestamp) -> Plan {
  let placement = Placement(snapshot.desired)
  var plan = Plan()
  var placed = [Bool](repeating: false, count: placement.jobs.count)
  var kept: [JobName: [AgentName]] = [:]
  for agent in snapshot.agents.sorted(by: { ($0.name, $0.id) < ($1.name, $1.id) }) {
    let eligible = placement.eligible(for: agent)
    for index in eligible { placed[index] = true }
    let wish = AgentWish(
      agent, eligible: eligible.map { placement.jobs[$0] }, source: snapshot.desired.source, now: now)
    for job in wish.kept { kept[job, default: []].append(agent.name) }
    wish.add(to: &plan, for: agent, terms: snapshot.terms, now: now)
  }
  var notes = sourceNotes(snapshot.desired.source)
  notes += kept.sorted { $0.key < $1.key }.map { .kept($0.key, agents: $0.value) }
  if case .unknown = snapshot.desired.source {
    // Whether a job has an agent cannot be said of jobs that may be out of date.
  } else {
    notes += placement.jobs.indices.filter { !placed[$0] }.map { .noEligibleAgent(placement.jobs[$0].job.name) }
  }
  plan.notes = notes + plan.notes
  return plan
}

private func sourceNotes(_ source: SourceStatus) -> [PlanNote] {
  switch source {
  case .known: []
  case .incomplete(let reason): [.sourceIncomplete(reason: reason)]
  case .unknown(let reason): [.sourceUnknown(reason: reason)]
  }
}
