import Model

/// Gathers the jobs of a commit, document by document.
struct LoadOutcome {
  /// A set, because a mistake in defaults is found again by each job that takes it.
  var diagnostics: Set<Diagnostic> = []
  var isComplete: Bool
  private var jobs: [LoadedJob] = []
  /// With what is known to be wrong with each.
  private var broken: [JobName: Set<Diagnostic>] = [:]
  /// Where each name was first given.
  private var claims: [JobName: SourcePlace] = [:]

  /// `count` is about how many documents there will be.
  init(isComplete: Bool, count: Int) {
    self.isComplete = isComplete
    jobs.reserveCapacity(count)
    claims.reserveCapacity(count)
  }

  mutating func add(
    _ document: ReadDocument, of path: String, with fileMistakes: [Diagnostic] = [], _ resolver: inout FileResolver,
    _ calendars: ResolvedCalendars
  ) {
    // What is wrong with a whole file stands there already, and is every one of its documents' mistake.
    var mistakes = document.diagnostics
    if !document.diagnostics.isEmpty { diagnostics.formUnion(document.diagnostics) }
    if document.hasUnknownName { isComplete = false }
    var isFirst = true
    for claim in document.claims where !isNew(claim, in: document) { isFirst = false }
    let files = resolver.files(for: document.needs)
    if !resolver.diagnostics.isEmpty {
      let found = resolver.takeDiagnostics()
      diagnostics.formUnion(found)
      mistakes += found
    }
    let blackout = blackout(of: document, calendars, &mistakes)
    guard isFirst, let files, let blackout, var job = document.job else {
      for claim in document.claims { note(mistakes + fileMistakes, of: claim.name) }
      return
    }
    if !blackout.isEmpty { job.blackout = blackout }
    let line = document.claims.first?.place.line ?? 0
    jobs.append(LoadedJob(job: job, manifestPath: path, line: line, files: files))
  }

  private mutating func blackout(
    of document: ReadDocument, _ calendars: ResolvedCalendars, _ mistakes: inout [Diagnostic]
  ) -> [Calendar]? {
    guard !document.needs.blackout.isEmpty else { return [] }
    let sink = DiagnosticSink()
    let found = calendars.calendars(document.needs.blackout, sink)
    diagnostics.formUnion(sink.diagnostics)
    mistakes += sink.diagnostics
    if found == nil {
      for claim in document.needs.blackout { mistakes += calendars.entries[claim.name]?.diagnostics ?? [] }
    }
    return found
  }

  /// Marks a job as broken, with what is wrong with it.
  private mutating func note(_ mistakes: some Sequence<Diagnostic>, of job: JobName) {
    broken[job, default: []].formUnion(mistakes.filter { $0.severity == .error })
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
    note(sink.diagnostics, of: claim.name)
    return false
  }

  /// With an unusable `belfry.yaml` it is not known what any job means, so all keep their last good version.
  func repository(isUsable: Bool, _ memory: LoadMemory) -> LoadedRepository {
    var broken = broken
    if !isUsable {
      let mistakes = diagnostics.filter { $0.file == RootFile.path && $0.severity == .error }
      for name in Set(broken.keys).union(jobs.map(\.job.name)) { broken[name, default: []].formUnion(mistakes) }
    }
    // Indices are sorted rather than jobs, which are large.
    let names = jobs.map(\.job.name.text)
    let order = names.indices.filter { broken[jobs[$0].job.name] == nil }
      .sorted { RepositoryListing.precedes(names[$0], names[$1]) }
    return LoadedRepository(
      jobs: order.map { jobs[$0] }, diagnostics: diagnostics.sorted(), mistakes: broken.mapValues { $0.sorted() },
      isComplete: isComplete,
      memory: memory)
  }
}
