import Git
import Model
import Planning
import Platform
import ZoneInfo

/// What earlier commits of the source asked for: who could have had a job. Asked when a receipt is of a job that this
/// controller knows nothing else of.
///
/// Agents name the commits, so the work that they can cause is bounded: one commit is loaded at a time, then there is a
/// pause of four times what it took, and the last few stay in memory.
actor SourceHistory {
  private let executor = BlockingExecutor(label: "belfry.history")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  enum Finding: Hashable, Sendable {
    case found(Targets)
    /// The source never was at that commit, or did not have the job there.
    case absent
    /// Ask again later.
    case notNow
  }

  /// Commits whose jobs are kept.
  static let kept = 16

  private let folder: String
  private let zones: ZoneDatabase
  private var open: Repository?
  private var loaded: [(commit: CommitID, jobs: [JobName: Targets])] = []
  private var restUntil = ContinuousClock.now

  /// `folder` is the source's mirror. Only commits of the source's branch ever come there, so whatever is in it was asked
  /// for once, also when the history has been rewritten since.
  init(folder: String, zones: ZoneDatabase) {
    self.folder = folder
    self.zones = zones
  }

  /// Whom the job was meant for at a commit.
  func targets(of job: JobName, at commit: CommitID) -> Finding {
    if let known = loaded.first(where: { $0.commit == commit }) {
      return known.jobs[job].map(Finding.found) ?? .absent
    }
    let began = ContinuousClock.now
    guard began >= restUntil else { return .notNow }
    defer { restUntil = .now + (ContinuousClock.now - began) * 4 }
    do {
      let repository = try repository()
      // A loader of its own: the one that follows the branch keeps what belongs to the branch's tip.
      let loader = RepositoryLoader(zones: zones, location: ("", ""))
      let source = try loader.load(commit: commit, from: repository)
      let jobs = Dictionary(source.jobs.map { ($0.job.name, $0.job.targets) }, uniquingKeysWith: { $1 })
      loaded.append((commit, jobs))
      if loaded.count > Self.kept { loaded.removeFirst() }
      return jobs[job].map(Finding.found) ?? .absent
    } catch let error as GitError where [.notFound, .tooLarge, .unsupported].contains(error.kind) {
      // What cannot be loaded now was never loaded before either.
      return .absent
    } catch {
      return .notNow
    }
  }

  private func repository() throws -> Repository {
    if let open { return open }
    let repository = try Repository.open(at: folder)
    open = repository
    return repository
  }
}
