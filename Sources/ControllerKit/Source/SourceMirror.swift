import Git
import Model
import Planning
import Platform
import Trust
import ZoneInfo

/// The source repository as the controller sees it: a bare mirror, what its accepted commit asks for, and the content
/// that agents may fetch. All its calls block, so it has a thread of its own.
actor SourceMirror {
  private let executor = BlockingExecutor(label: "belfry.source")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// The last commit that was loaded and taken as desired: what a rewritten history is recognised by.
  private static let acceptedReference = "refs/belfry/accepted"
  private static let fetchedReference = "refs/belfry/fetched"
  /// How far back the last good version of a broken job is looked for.
  private static let historyLimit = 50

  private let folder: String
  private let remote: Remote
  private let branch: String
  private let loader: RepositoryLoader
  private let zones: ZoneDatabase
  private var open: Repository?
  private var commit: CommitID?
  private var desired: [JobName: DesiredJob] = [:]
  private var status = SourceStatus.known
  /// A commit that somebody accepted although it does not contain the accepted one.
  private var pardoned: CommitID?
  private var blobs: [Digest: ObjectID] = [:]
  private var bundles: [Digest: Bundle] = [:]

  init(folder: String, remote: Remote, branch: String, zones: ZoneDatabase) {
    self.folder = folder
    self.remote = remote
    self.branch = branch
    self.zones = zones
    loader = RepositoryLoader(zones: zones, location: (remote.publicURL, branch))
  }

  /// What a look at the source found.
  enum Finding: Sendable {
    case unchanged(SourceStatus)
    case loaded(DesiredState, commit: CommitID, diagnostics: [Diagnostic], mistakes: [JobName: [Diagnostic]])
  }

  /// Looks at the source once. Throws a `GitError` or a ``SourceProblem``; what was desired stays then.
  func poll() throws -> Finding {
    // A controller holds no schedules, so the next look at a job's times is by the new rules.
    _ = zones.reload()
    let repository = try repository()
    let accepted = try repository.tip(ofReference: Self.acceptedReference)
    if let tip = try Repository.remoteTip(of: branch, at: remote), tip == commit { return .unchanged(status) }
    let tip = try repository.fetch(branch, from: remote, into: Self.fetchedReference).tip
    if let accepted, tip != pardoned, try !repository.isAncestor(accepted, of: tip) {
      throw SourceProblem.rewritten(accepted: accepted, tip: tip)
    }
    CrashPoint.reach("controller.sourceFetched")
    let loaded = try loader.load(commit: tip, from: repository)
    let missing = try missingVersions(of: loaded, at: tip, in: repository)
    take(loaded, unresolved: missing)
    try repository.setReference(Self.acceptedReference, to: tip, expecting: accepted)
    commit = tip
    pardoned = nil
    return .loaded(
      DesiredState(jobs: desired, source: status), commit: tip, diagnostics: loaded.diagnostics,
      mistakes: loaded.mistakes)
  }

  /// Accepts a history that does not contain the accepted commit.
  func accept(_ commit: CommitID) { pardoned = commit }

  /// The mirror is a cache: when it is gone it is made anew, and then the source's tip is accepted as it is.
  private func repository() throws -> Repository {
    if let open { return open }
    let repository = try Repository.openOrCreateBare(at: folder)
    repository.removeReferenceLocks()
    open = repository
    return repository
  }

  /// Puts the loaded jobs in the place of those desired before, where it is certain what is meant.
  private func take(_ loaded: LoadedSource, unresolved: Set<JobName>) {
    var next: [JobName: DesiredJob] = [:]
    next.reserveCapacity(loaded.jobs.count)
    for var job in loaded.jobs {
      // The same content keeps the commit it came with: a commit elsewhere is no news to it.
      if let known = desired[job.job.name], known.bundle == job.bundle { job.commit = known.commit }
      next[job.job.name] = job
    }
    for (name, job) in desired where next[name] == nil && (loaded.broken.contains(name) || !loaded.isComplete) {
      next[name] = job
    }
    let kept = Set(next.values.map(\.bundle))
    // What was desired until now can still be on its way to agents.
    let former = Set(desired.values.map(\.bundle)).union(kept)
    bundles = bundles.filter { former.contains($0.key) }.merging(loaded.bundles.filter { former.contains($0.key) }) {
      $1
    }
    let digests = Set(bundles.values.flatMap { $0.files.map(\.digest) })
    blobs = blobs.filter { digests.contains($0.key) }.merging(loaded.blobs.filter { digests.contains($0.key) }) { $1 }
    desired = next
    status = .known
    if !loaded.isComplete {
      status = .incomplete(
        reason: "some manifests are so broken that it is not known which jobs they hold; see 'belfry validate'")
    } else if let name = unresolved.sorted().first {
      status = .incomplete(reason: "no good version of \(name) was found in the last \(Self.historyLimit) commits")
    }
  }

  /// After a restart the last good versions of broken jobs are not in memory; the history has them. Adds them to what
  /// is desired, and gives back the jobs for which none was found although there must be one.
  private func missingVersions(
    of loaded: LoadedSource, at tip: CommitID, in repository: Repository
  ) throws -> Set<JobName> {
    var missing = loaded.broken.filter { desired[$0] == nil }
    guard !missing.isEmpty, commit == nil else { return [] }
    let older = try repository.commits(from: tip, limit: Self.historyLimit + 1, firstParentOnly: true).dropFirst()
    for candidate in older where !missing.isEmpty {
      let version = try loader.load(commit: candidate.id, from: repository)
      for job in version.jobs where missing.contains(job.job.name) {
        desired[job.job.name] = job
        missing.remove(job.job.name)
      }
      bundles.merge(version.bundles) { $1 }
      blobs.merge(version.blobs) { $1 }
      // Not there at all at a commit that can be read: the job is new, and there is nothing to keep.
      if version.isComplete { missing.formIntersection(version.broken) }
    }
    if older.count < Self.historyLimit { missing = [] }
    return missing
  }

  // MARK: - Content

  /// The bundle's envelope, signed now: the same bundle and key always give the same bytes.
  func envelope(of bundle: Digest, key: SigningKey) throws -> [UInt8]? {
    try bundles[bundle].map { try key.sign($0).bytes }
  }

  /// A file, if it belongs to one of the bundles.
  func blob(_ digest: Digest, of allowed: Set<Digest>) throws -> [UInt8]? {
    guard let id = blobs[digest],
      allowed.contains(where: { bundles[$0]?.files.contains { $0.digest == digest } == true })
    else { return nil }
    return try repository().blob(id, limit: 16 << 20)
  }
}

/// Why the source's present state is not taken as desired.
enum SourceProblem: Error, CustomStringConvertible {
  case rewritten(accepted: CommitID, tip: CommitID)

  var description: String {
    switch self {
    case .rewritten(let accepted, let tip):
      "its history was rewritten: \(tip.short) does not contain \(accepted.short), which was accepted before; "
        + "if that is meant, run 'belfry accept \(tip)'"
    }
  }
}
