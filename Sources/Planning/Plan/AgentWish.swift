import Model

/// What one agent should hold, beside what it holds or is about to hold.
struct AgentWish {
  /// What the agent holds, or will hold once what is on its way has arrived.
  let base: [JobName: HeldJob]
  private(set) var wanted: [JobName: HeldJob]
  /// In ascending order: in `wanted` only because too little is known to remove it.
  private(set) var kept: [JobName] = []

  init(_ agent: AgentState, eligible: [DesiredJob], source: SourceStatus, now: Timestamp) {
    base = agent.expected(at: now)
    if case .unknown = source {
      wanted = base
      return
    }
    wanted = Dictionary(minimumCapacity: eligible.count)
    for desired in eligible {
      // The same bundle under a later commit is the same content: the entry stays as it is.
      let held = base[desired.job.name]
      let same = held?.bundle == desired.bundle
      wanted[desired.job.name] = same ? held : HeldJob(bundle: desired.bundle, commit: desired.commit)
    }
    if case .incomplete = source {
      kept = base.keys.filter { wanted[$0] == nil }.sorted()
      for job in kept { wanted[job] = base[job] }
    }
  }

  /// Removals, replacements, installs, each by job.
  var changes: [PlanAction.Change] {
    guard base != wanted else { return [] }
    var removals: [(JobName, PlanAction.Change)] = []
    var replacements: [(JobName, PlanAction.Change)] = []
    var installs: [(JobName, PlanAction.Change)] = []
    for (job, held) in base {
      guard let wish = wanted[job] else {
        removals.append((job, .remove(job, bundle: held.bundle)))
        continue
      }
      if wish.bundle != held.bundle { replacements.append((job, .replace(job, from: held.bundle, to: wish.bundle))) }
    }
    for (job, wish) in wanted where base[job] == nil { installs.append((job, .install(job, bundle: wish.bundle))) }
    return [removals, replacements, installs].flatMap { $0.sorted { $0.0 < $1.0 }.map(\.1) }
  }

  /// Adds the agent's actions and next assignment, or the note why it gets nothing. First match wins.
  func add(to plan: inout Plan, for agent: AgentState, terms: AssignmentTerms, now: Timestamp) {
    var changes = changes
    let jobChanges = changes.count
    if changes.isEmpty, let reason = agent.renewal(terms: terms, now: now) { changes = [.renew(reason)] }
    guard !changes.isEmpty else { return }
    if let why = agent.obstacle(to: wanted, terms: terms, now: now) {
      plan.notes.append(.waiting(agent: agent.id, name: agent.name, why: why, changes: jobChanges))
      return
    }
    plan.actions += changes.map { PlanAction(agent: agent.id, agentName: agent.name, change: $0) }
    let entries = wanted.map { job, held in
      Assignment.Entry(job: job, bundle: held.bundle, commit: held.commit, lease: terms.lease)
    }
    plan.assignments.append(
      Assignment(
        agent: agent.id, position: agent.nextPosition(epoch: terms.epoch), issued: now, expires: now + terms.lifetime,
        entries: entries))
  }
}
