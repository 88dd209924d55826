public import Model

/// The verdict on one job.
public struct JobStatus: Hashable, Sendable {
  public var sync: SyncStatus
  public var health: Health
  /// Why `sync` is not `Synced`, in words; nil when it is.
  public var syncReason: String?
  /// Why `health` is not `Healthy`, in words; nil when it is.
  public var healthReason: String?

  public init(sync: SyncStatus, health: Health, syncReason: String? = nil, healthReason: String? = nil) {
    self.sync = sync
    self.health = health
    self.syncReason = syncReason
    self.healthReason = healthReason
  }

  /// The most telling of the two reasons, for where there is room for one.
  public var reason: String? { healthReason ?? syncReason }

  public var json: JSONValue {
    .members([
      "sync": .string(sync.rawValue), "health": .string(health.rawValue),
      "syncReason": syncReason.map(JSONValue.string), "healthReason": healthReason.map(JSONValue.string),
    ])
  }
}

/// All that a job is judged from.
public struct JobEvidence: Hashable, Sendable {
  public var desired: DesiredJob
  public var source: SourceStatus
  /// The first error in the job's manifest as it stands now; nil when the manifest is good.
  public var manifestProblem: String?
  /// The agents that the job's targets include.
  public var eligible: [AgentState]
  /// Agents that hold the job although its targets exclude them.
  public var strays: [AgentState]
  /// For each agent the final state of the last run that FINISHED there: a running one neither hides a failure nor is
  /// one, and a skipped occurrence is not a run.
  public var lastRuns: [AgentID: RunState]

  public init(
    desired: DesiredJob, source: SourceStatus = .known, manifestProblem: String? = nil, eligible: [AgentState] = [],
    strays: [AgentState] = [], lastRuns: [AgentID: RunState] = [:]
  ) {
    self.desired = desired
    self.source = source
    self.manifestProblem = manifestProblem
    self.eligible = eligible.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    self.strays = strays.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    self.lastRuns = lastRuns
  }

  /// Picks the agents that concern the job out of all.
  public init(
    desired: DesiredJob, source: SourceStatus, manifestProblem: String? = nil, agents: [AgentState],
    lastRuns: [AgentID: RunState] = [:]
  ) {
    let targets = desired.job.targets
    self.init(
      desired: desired, source: source, manifestProblem: manifestProblem,
      eligible: agents.filter { targets.include(agent: $0.name, labels: $0.labels) },
      strays: agents.filter {
        $0.held[desired.job.name] != nil && !targets.include(agent: $0.name, labels: $0.labels)
      },
      lastRuns: lastRuns)
  }
}
