import Model

/// Which agents may hold which jobs.
///
/// Fleets have many jobs and few different sets of targets, so targets are judged once for each agent and distinct set
/// rather than once for each agent and job.
struct Placement {
  /// In ascending order of name.
  let jobs: [DesiredJob]
  private let groups: [(targets: Targets, members: [Int])]

  init(_ desired: DesiredState) {
    jobs = desired.jobs.values.sorted { $0.job.name < $1.job.name }
    var members: [Targets: [Int]] = [:]
    for (index, desired) in jobs.enumerated() { members[desired.job.targets, default: []].append(index) }
    groups = members.map { ($0.key, $0.value) }
  }

  /// Indices into ``jobs`` of what the agent should hold, ascending.
  func eligible(for agent: AgentState) -> [Int] {
    let matching = groups.filter { $0.targets.include(agent: agent.name, labels: agent.labels) }
    return matching.count == 1 ? matching[0].members : matching.flatMap(\.members).sorted()
  }
}
