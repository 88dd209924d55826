import Model

/// Which jobs this controller has assigned to which agents since it started. Pure.
struct AssignedJobs: Sendable {
  /// Jobs that are kept for one agent beyond those of its last assignment; older ones are found in the source's history.
  static let formerLimit = 20_000
  /// Bundles that are kept in all.
  static let bundlesLimit = 200_000

  private var jobs: [AgentID: Set<JobName>] = [:]
  private var bundles: [Digest: JobName] = [:]

  mutating func add(_ assignment: Assignment) {
    let present = Set(assignment.entries.map(\.job))
    let known = jobs[assignment.agent] ?? []
    jobs[assignment.agent] = known.count > Self.formerLimit ? present : known.union(present)
    if bundles.count > Self.bundlesLimit { bundles = [:] }
    for entry in assignment.entries { bundles[entry.bundle] = entry.job }
  }

  func contains(_ job: JobName, of agent: AgentID) -> Bool { jobs[agent]?.contains(job) == true }

  /// The job that a bundle is known to be of.
  func job(of bundle: Digest) -> JobName? { bundles[bundle] }
}
