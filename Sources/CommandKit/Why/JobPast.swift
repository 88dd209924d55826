import ControllerKit
import Git
import Model
import Planning

/// What one commit says of one job.
enum JobState: Hashable {
  /// With the path of its manifest.
  case present(DesiredJob, manifest: String)
  /// The manifest has mistakes, the first of which is named.
  case broken(String)
  /// Some file cannot be read so far as to say which jobs it holds.
  case unclear(String)
  case absent

  var version: DesiredJob? { if case .present(let job, _) = self { job } else { nil } }
  var isKnown: Bool {
    switch self {
    case .present, .absent: true
    case .broken, .unclear: false
    }
  }

  init(of job: JobName, in loaded: LoadedSource) {
    if let found = loaded.jobs.first(where: { $0.job.name == job }) {
      self = .present(found, manifest: loaded.manifests[job] ?? "")
    } else if loaded.broken.contains(job) {
      self = .broken(Self.mistake(of: job, in: loaded))
    } else if !loaded.isComplete {
      self = .unclear(Self.mistake(of: job, in: loaded))
    } else {
      self = .absent
    }
  }

  private static func mistake(of job: JobName, in loaded: LoadedSource) -> String {
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    guard
      let first = loaded.mistakes[job]?.first ?? errors.first(where: { $0.message.contains(job.text) }) ?? errors.first
    else { return "mistakes" }
    return "\(first.file)\(first.line > 0 ? ":\(first.line)" : ""): \(first.message)"
  }
}

/// A commit in the history, with what it says of the job.
struct JobCommit: Hashable {
  var index: Int
  var info: CommitInfo
  var state: JobState
}

/// What became of one job along the source's history.
struct JobPast {
  private let history: SourceHistory
  private let job: JobName

  /// Commits that are read for one answer at the most: of a large source each takes a while.
  static let loadLimit = 300

  init(_ job: JobName, _ history: SourceHistory) {
    self.job = job
    self.history = history
  }

  /// Nil beyond the history's end.
  func at(_ index: Int) throws -> JobCommit? {
    guard let info = try history.commit(index), let loaded = try history.load(index) else { return nil }
    return JobCommit(index: index, info: info, state: JobState(of: job, in: loaded))
  }

  /// Goes from a commit to older ones, or to newer ones, up to the first whose state is as wanted; nil when there is
  /// none as far as is searched.
  func find(from start: JobCommit, older: Bool, where wanted: (JobState) -> Bool) throws -> JobCommit? {
    var current = start
    var loads = 0
    for _ in 0..<SourceHistory.searchLimit {
      let index = older ? current.index + 1 : current.index - 1
      guard index >= 0, let info = try history.commit(index) else { return nil }
      // Of two neighbours the newer one is the change.
      if try mayChange(current.state, at: older ? current.index : index) {
        loads += 1
        guard loads <= Self.loadLimit else {
          history.isSearchCut = true
          return nil
        }
        guard let next = try at(index) else { return nil }
        current = next
      } else {
        current = JobCommit(index: index, info: info, state: current.state)
      }
      if wanted(current.state) { return current }
    }
    history.isSearchCut = true
    return nil
  }

  /// The commit that made the job what it is at `commit`: the oldest one in a row that says the same.
  func origin(of commit: JobCommit) throws -> JobCommit? {
    guard let other = try find(from: commit, older: true, where: { !$0.saysTheSame(as: commit.state) }) else {
      // Down to the first commit nothing else was said.
      return try first(from: commit)
    }
    return try history.commit(other.index - 1).map { JobCommit(index: other.index - 1, info: $0, state: commit.state) }
  }

  /// The first commit of all, unless it is too far away.
  private func first(from commit: JobCommit) throws -> JobCommit? {
    let limit = commit.index + SourceHistory.searchLimit
    var index = commit.index
    while index < limit, try history.commit(index + 1) != nil { index += 1 }
    if index == limit { history.isSearchCut = true }
    guard index < limit, !history.isCut, let info = try history.commit(index) else { return nil }
    return JobCommit(index: index, info: info, state: commit.state)
  }

  /// Whether the commit may change the job: cheap, and wrongly false only for a second document that claims the same
  /// name from another file.
  private func mayChange(_ state: JobState, at index: Int) throws -> Bool {
    let paths = try history.changedPaths(index)
    guard case .present(let version, let manifest) = state else {
      // What keeps a job from being read may be anything: a script that is missing, for instance.
      return state.isKnown ? paths.contains { Self.isManifest($0.path) } : true
    }
    let own = Set(version.files.map(\.path))
    let takesMore = !version.job.run.files.isEmpty
    return paths.contains { changed in
      changed.path == manifest || own.contains(changed.path) || changed.path.hasSuffix(".ics")
        || ["belfry.yaml", "defaults.yaml"].contains { changed.path == $0 || changed.path.hasSuffix("/" + $0) }
        || takesMore && changed.change == .added
    }
  }

  private static func isManifest(_ path: String) -> Bool { path.hasSuffix(".yaml") || path.hasSuffix(".yml") }
}

extension JobState {
  /// Two commits at which the job is the same; why a manifest is broken does not matter.
  func saysTheSame(as other: JobState) -> Bool {
    switch (self, other) {
    case (.present(let a, _), .present(let b, _)): a.bundle == b.bundle
    case (.broken, .broken), (.unclear, .unclear), (.absent, .absent): true
    default: false
    }
  }
}
