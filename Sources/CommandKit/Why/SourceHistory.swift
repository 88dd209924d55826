import ControllerKit
import Git
import Model
import Planning
import ZoneInfo

/// The line of first parents behind the source's tip: what the branch held at which time, as far as the commits' dates
/// say. Index 0 is the tip, higher ones are older.
///
/// Dates are what whoever made a commit claims, and a push may come long after the commit; whoever shows what follows
/// from them has to say so. Not `Sendable`, like the repository that it reads.
final class SourceHistory {
  /// What is read, for people: `origin/main`.
  let name: String
  private let source: SourceFolder
  private let repository: Repository
  private var known: [CommitInfo] = []
  private var next: CommitID?
  /// Set when older commits exist that cannot be read here.
  private(set) var isCut = false

  /// Set when a search for a change ended at a limit: what it did not find may be there all the same.
  var isSearchCut = false

  /// Commits that are looked at for a date at the most.
  private static let commitLimit = 200_000
  /// Commits that are gone through for a change of one job at the most.
  static let searchLimit = 2_000

  init(_ source: SourceFolder, repository: Repository, tip: CommitID, name: String) {
    self.source = source
    self.repository = repository
    self.name = name
    next = tip
  }

  /// The source as this clone knows it: what was last fetched of the branch from `origin`, as the controller reads the
  /// remote's branch and no commits that were not pushed; else the branch here. `revision` names another one.
  convenience init(_ location: RepositoryLocation, revision: String?) throws {
    let repository = try location.open()
    let source = SourceFolder(location, repository: repository)
    if let revision {
      try self.init(source, repository: repository, tip: repository.resolve(revision), name: revision)
      return
    }
    let branch = try repository.defaultBranch()
    if let branch, let tip = try repository.tip(ofReference: "refs/remotes/origin/\(branch)") {
      self.init(source, repository: repository, tip: tip, name: "origin/\(branch)")
    } else if let tip = try repository.tip(ofReference: "HEAD") {
      self.init(source, repository: repository, tip: tip, name: branch ?? "HEAD")
    } else {
      throw CommandError(.bad, "the repository has no commit yet", hint: "name the source's branch with --source")
    }
  }

  var zones: ZoneDatabase { source.zones }

  /// Nil beyond the first commit, and where the history is cut.
  func commit(_ index: Int) throws(GitError) -> CommitInfo? {
    while known.count <= index, let id = next, known.count < Self.commitLimit {
      do {
        let info = try repository.commit(id)
        known.append(info)
        next = info.parents.first
      } catch  where error.kind == .notFound && !known.isEmpty {
        // The edge of a shallow clone.
        isCut = true
        next = nil
      }
    }
    if known.count >= Self.commitLimit, next != nil { isCut = true }
    return index < known.count ? known[index] : nil
  }

  /// The newest commit that is not dated later than `time`; nil when all are.
  func index(at time: Timestamp) throws(GitError) -> Int? {
    var index = 0
    while let commit = try commit(index) {
      if commit.committer.time <= time { return index }
      index += 1
    }
    return nil
  }

  func load(_ index: Int) throws -> LoadedSource? { try commit(index).map { try source.load($0.id) } }

  /// Loads any commit that is in the clone; nil when it is not, such as one that a force-push has left behind.
  func load(_ id: CommitID) throws -> LoadedSource? {
    do {
      return try source.load(id)
    } catch let error as GitError where error.kind == .notFound {
      return nil
    }
  }

  /// When a commit in this clone was made, as it says; nil when it is not here.
  func commit(_ id: CommitID) throws -> CommitInfo? {
    do throws(GitError) {
      return try repository.commit(id)
    } catch  where error.kind == .notFound {
      return nil
    }
  }

  /// The paths that the commit changed with respect to its first parent.
  func changedPaths(_ index: Int) throws -> [ChangedPath] {
    guard let commit = try commit(index) else { return [] }
    return try repository.changedPaths(from: commit.parents.first, to: commit.id)
  }
}
