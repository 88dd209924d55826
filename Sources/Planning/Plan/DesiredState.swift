public import Model

/// What the source asks for.
public struct DesiredState: Hashable, Sendable {
  /// By name, in the version that is in force: a job whose manifest is broken stands here in its last good version.
  public var jobs: [JobName: DesiredJob]
  public var source: SourceStatus

  public init(jobs: [JobName: DesiredJob], source: SourceStatus = .known) {
    self.jobs = jobs
    self.source = source
  }

  public init(_ jobs: some Sequence<DesiredJob>, source: SourceStatus = .known) {
    self.init(jobs: Dictionary(jobs.map { ($0.job.name, $0) }, uniquingKeysWith: { $1 }), source: source)
  }
}

/// One version of a job: what the source holds, or what an agent was given.
///
/// Planning ten thousand jobs for twenty agents copies these many times, and a job is some twenty references, each of
/// which a copy has to count; so the job is kept behind one.
public struct DesiredJob: Hashable, Sendable {
  private var shared: Shared
  public var bundle: Digest
  /// A commit at which the source held exactly this bundle.
  public var commit: CommitID
  /// The bundle's files, for telling people what changed; planning itself goes by `bundle` alone.
  public var files: [BundleFile]

  public var job: Job {
    _read { yield shared.job }
    set { shared = Shared(newValue) }
  }

  public init(job: Job, bundle: Digest, commit: CommitID, files: [BundleFile] = []) {
    shared = Shared(job)
    self.bundle = bundle
    self.commit = commit
    self.files = files
  }

  private final class Shared: Hashable, Sendable {
    let job: Job

    init(_ job: Job) { self.job = job }

    static func == (a: Shared, b: Shared) -> Bool { a === b || a.job == b.job }
    func hash(into hasher: inout Hasher) { hasher.combine(job) }
  }
}

/// How much of the source is known. The less is known, the less may be done.
public enum SourceStatus: Hashable, Sendable {
  /// Every job that the source holds is known, so what is not desired may be removed.
  case known
  /// Some file could not be read so far as to say which jobs it holds: nothing may be removed.
  case incomplete(reason: String)
  /// The source cannot be read at all: nothing may be installed, replaced or removed.
  case unknown(reason: String)

  /// Why not everything is known, in words; nil when it is.
  public var reason: String? {
    switch self {
    case .known: nil
    case .incomplete(let reason), .unknown(let reason): reason
    }
  }
}
