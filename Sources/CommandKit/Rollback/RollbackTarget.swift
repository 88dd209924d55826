import ControllerKit
import Git
import Model
import Planning

/// Finds the commit that a rollback is about.
struct RollbackTarget {
  let source: SourceFolder
  let repository: Repository
  let tip: CommitID

  /// How many commits are looked at for the last change of a job.
  static let searchLimit = 2_000

  /// A job's name, a revision, or nil for the tip. Throws a ``CommandError`` when it is neither, or not to be reverted.
  func find(_ text: String?) throws -> CommitInfo {
    let commit = try named(text)
    guard try repository.isAncestor(commit.id, of: tip) else {
      throw CommandError(
        .bad, "commit \(commit.id.short) is not in the history of the branch", hint: "check out its branch first")
    }
    guard !commit.parents.isEmpty else {
      throw CommandError(.bad, "commit \(commit.id.short) is the first one: there is nothing to go back to")
    }
    return commit
  }

  private func named(_ text: String?) throws -> CommitInfo {
    guard let text else { return try repository.commit(tip) }
    let now = try source.load(tip)
    let job = try? JobName(text)
    // A job of today, then a revision, then a job of the past: `main` could be both, and a name of a job is meant.
    if let job, now.knows(job) { return try lastChange(of: job, now) }
    do throws(GitError) {
      return try repository.commit(repository.resolve(text))
    } catch  where error.kind == .notFound {
      guard let job else { throw unknown(text, now) }
      do {
        return try lastChange(of: job, now)
      } catch is NoChange {
        throw unknown(text, now)
      }
    }
  }

  private func unknown(_ text: String, _ now: LoadedSource) -> CommandError {
    let near = Suggestion.nearest(to: text, among: now.jobs.map(\.job.name.text))
    return CommandError(
      .bad, "'\(text)' is neither a job nor a commit here", hint: near.map { "did you mean '\($0)'?" })
  }

  private struct NoChange: Error {}

  /// The newest commit after which the job's bundle was another one than before: its manifest, a file, or defaults that
  /// it inherits have changed, it was added, removed or broken. Merges count as a whole.
  private func lastChange(of job: JobName, _ now: LoadedSource) throws -> CommitInfo {
    var after = now
    for commit in try repository.commits(from: tip, limit: Self.searchLimit, firstParentOnly: true) {
      guard let parent = commit.parents.first else {
        if after.knows(job) { return commit }
        break
      }
      guard try mayChange(job, in: after, from: parent, to: commit.id) else { continue }
      let before = try source.load(parent)
      if before.version(of: job) != after.version(of: job) { return commit }
      after = before
    }
    if now.knows(job) {
      throw CommandError(
        .bad, "none of the last \(Self.searchLimit) commits changed \(job)", hint: "name the commit to revert")
    }
    throw NoChange()
  }

  /// Cheap, and never wrongly false: a job changes with YAML files, with its own files, and with files that vanish.
  private func mayChange(
    _ job: JobName, in after: LoadedSource, from parent: CommitID, to commit: CommitID
  ) throws -> Bool {
    let own = Set(after.jobs.first { $0.job.name == job }?.files.map(\.path) ?? [])
    return try repository.changedPaths(from: parent, to: commit).contains { changed in
      changed.change == .removed || own.contains(changed.path) || changed.path.hasSuffix(".yaml")
        || changed.path.hasSuffix(".yml") || own.isEmpty
    }
  }
}

extension LoadedSource {
  fileprivate func knows(_ job: JobName) -> Bool { broken.contains(job) || jobs.contains { $0.job.name == job } }

  /// The job's bundle; `broken` and nil differ from any, and from each other.
  fileprivate func version(of job: JobName) -> String? {
    if let found = jobs.first(where: { $0.job.name == job }) { return found.bundle.hex }
    return broken.contains(job) ? "broken" : nil
  }
}
