import Model

/// Gathers the jobs of a commit, document by document.
struct LoadOutcome {
  /// A set, because a mistake in defaults is found again by each job that takes it.
  var diagnostics: Set<Diagnostic> = []
  var isComplete: Bool
  private var jobs: [LoadedJob] = []
  private var broken: Set<JobName> = []
  /// Where each name was first given.
  private var claims: [JobName: SourcePlace] = [:]

  /// `count` is about how many documents there will be.
  init(isComplete: Bool, count: Int) {
    self.isComplete = isComplete
    jobs.reserveCapacity(count)
    claims.reserveCapacity(count)
  }

  mutating func add(
    _ document: ReadDocument, of path: String, _ resolver: inout FileResolver, _ calendars: ResolvedCalendars
  ) {
    if !document.diagnostics.isEmpty { diagnostics.formUnion(document.diagnostics) }
    if document.hasUnknownName { isComplete = false }
    var isFirst = true
    for claim in document.claims where !isNew(claim, in: document) { isFirst = false }
    let files = resolver.files(for: document.needs)
    if !resolver.diagnostics.isEmpty { diagnostics.formUnion(resolver.takeDiagnostics()) }
    let blackout = blackout(of: document, calendars)
    guard isFirst, let files, let blackout, var job = document.job else {
      broken.formUnion(document.claims.map(\.name))
      return
    }
    if !blackout.isEmpty { job.blackout = blackout }
    let line = document.claims.first?.place.line ?? 0
    jobs.append(LoadedJob(job: job, manifestPath: path, line: line, files: files))
  }

  private mutating func blackout(of document: ReadDocument, _ calendars: ResolvedCalendars) -> [Calendar]? {
    guard !document.needs.blackout.isEmpty else { return [] }
    let sink = DiagnosticSink()
    let found = calendars.calendars(document.needs.blackout, sink)
    diagnostics.formUnion(sink.diagnostics)
    return found
  }

  /// Notes who has the name; a second document with it is an error, and neither of the two can be meant.
  private mutating func isNew(_ claim: NameClaim, in document: ReadDocument) -> Bool {
    guard let other = claims.updateValue(claim.place, forKey: claim.name) else { return true }
    claims[claim.name] = other
    // A broken document that lost its '---' may claim one name twice: its own mistake has been reported.
    if document.job == nil, other.source === claim.place.source, other.line == claim.place.line { return false }
    let sink = DiagnosticSink()
    sink.error(
      at: claim.place, "the job '\(claim.name)' is already defined at \(other.text)",
      suggestion: "give one of them another name")
    diagnostics.formUnion(sink.diagnostics)
    broken.insert(claim.name)
    return false
  }

  /// With an unusable `belfry.yaml` it is not known what any job means, so all keep their last good version.
  func repository(isUsable: Bool, _ memory: LoadMemory) -> LoadedRepository {
    var broken = broken
    if !isUsable { broken.formUnion(jobs.map(\.job.name)) }
    // Indices are sorted rather than jobs, which are large.
    let names = jobs.map(\.job.name.text)
    let order = names.indices.filter { !broken.contains(jobs[$0].job.name) }
      .sorted { RepositoryListing.precedes(names[$0], names[$1]) }
    return LoadedRepository(
      jobs: order.map { jobs[$0] }, diagnostics: diagnostics.sorted(), brokenJobs: broken, isComplete: isComplete,
      memory: memory)
  }
}
