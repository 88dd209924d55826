import ControllerKit
import Git
import Glibc
import Model
import Planning
import ZoneInfo

/// Reads the jobs of a repository on this machine: of its commits and of its work tree.
///
/// Not `Sendable`, like the repository that it reads.
final class SourceFolder {
  let location: RepositoryLocation
  /// Nil for a plain folder.
  let repository: Repository?
  let zones: ZoneDatabase
  private let loader: RepositoryLoader

  /// `source` names the source in bundles. It matters only where bundles are compared with those of a controller.
  init(
    _ location: RepositoryLocation, repository: Repository?, zones: ZoneDatabase = ZoneDatabase(),
    source: (repository: String, branch: String) = ("", "")
  ) {
    self.location = location
    self.repository = repository
    self.zones = zones
    loader = RepositoryLoader(zones: zones, location: source)
  }

  convenience init(at location: RepositoryLocation, source: (repository: String, branch: String) = ("", "")) throws {
    self.init(location, repository: try location.open(), source: source)
  }

  /// A repository around the folder, or the folder alone when it is in none: what is about to become one can be looked
  /// at as well.
  static func find(_ path: String, in surroundings: Surroundings = .current) throws -> SourceFolder {
    guard let folder = surroundings.resolved(path) else {
      throw CommandError(.unreachable, "there is no folder '\(path)'", hint: "check the path")
    }
    let location = RepositoryLocation.search(folder)
    // A folder of jobs within a larger repository, such as an example, is looked at as what it is about to become.
    let isJobsFolder = location.map { $0.path != folder } ?? true && access(folder + "/belfry.yaml", F_OK) == 0
    guard let location, !isJobsFolder else {
      return SourceFolder(RepositoryLocation(path: folder, isBare: false), repository: nil)
    }
    return try SourceFolder(at: location)
  }

  /// Throws a ``CommandError`` where there is no repository, and a `GitError`.
  func commit(_ revision: String) throws -> CommitID {
    guard let repository else {
      throw CommandError(.bad, "'\(location.path)' is not in a git repository, so it has no revision '\(revision)'")
    }
    return try repository.resolve(revision)
  }

  func load(_ commit: CommitID) throws -> LoadedSource {
    guard let repository else { throw CommandError(.bad, "'\(location.path)' is not in a git repository") }
    return try loader.load(commit: commit, from: repository)
  }

  func loadWorkTree() throws -> LoadedSource {
    guard !location.isBare else {
      throw CommandError(.usage, "a bare repository has no working tree", hint: "name a revision, such as HEAD")
    }
    return try loader.load(workTree: location.path)
  }

  /// A revision's jobs; without one those of the working tree, or of `HEAD` where there is none.
  func load(revision: String?) throws -> LoadedSource {
    guard let revision = revision ?? (location.isBare ? "HEAD" : nil) else { return try loadWorkTree() }
    return try load(try commit(revision))
  }
}

extension LoadedSource {
  /// What is in force once a controller has read this: jobs that are broken here stay as they were in `last`.
  func desired(after last: DesiredState = DesiredState(jobs: [:])) -> DesiredState {
    var state = DesiredState(jobs, source: isComplete ? .known : .incomplete(reason: "some file cannot be read"))
    for name in broken where state.jobs[name] == nil { state.jobs[name] = last.jobs[name] }
    return state
  }

  var errorCount: Int { diagnostics.count { $0.severity == .error } }

  /// The job of that name. Throws a ``CommandError`` with the most likely name when there is none.
  func job(named name: JobName) throws(CommandError) -> DesiredJob {
    if let job = jobs.first(where: { $0.job.name == name }) { return job }
    if broken.contains(name) {
      throw CommandError(.bad, "the manifest of \(name) has mistakes", hint: "'belfry validate' shows them")
    }
    let near = Suggestion.nearest(to: name.text, among: jobs.map(\.job.name.text))
    let hint = near.map { "did you mean '\($0)'?" } ?? "'belfry next' lists all jobs"
    throw CommandError(.bad, "there is no job '\(name)' here", hint: hint)
  }
}
