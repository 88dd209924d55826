import Git
import Model

/// The user's clone, or a bare repository, as a rollback finds and leaves it.
struct Checkout {
  let location: RepositoryLocation
  let repository: Repository
  let git: GitProgram
  let branch: String
  let tip: CommitID

  /// Where a branch is pushed to.
  struct PushTarget: Hashable {
    var remote: String
    /// A full name.
    var reference: String
    /// Commits beside the revert that are not known to be there.
    var others: [CommitInfo]
  }

  /// Throws a ``CommandError`` unless a branch with a commit is checked out.
  init(_ location: RepositoryLocation, _ surroundings: Surroundings) throws {
    self.location = location
    repository = try location.open()
    git = GitProgram(folder: location.path, surroundings: surroundings)
    guard let branch = try repository.defaultBranch() else {
      throw CommandError(.bad, "no branch is checked out here", hint: "check one out first: git switch main")
    }
    self.branch = branch
    guard let tip = try repository.tip(ofBranch: branch) else {
      throw CommandError(.bad, "the branch '\(branch)' has no commit yet")
    }
    self.tip = tip
  }

  /// Throws a ``CommandError`` when something in the work tree is not committed.
  //
  // Not part of the initialiser: the optimiser of Swift 6.3 crashes on an asynchronous one here.
  func refuseChanges() async throws {
    guard !location.isBare else { return }
    let status = try await git.output(
      "status", "--porcelain", "--untracked-files=no", orElse: "cannot look at the working tree")
    guard !status.isEmpty else { return }
    let lines = status.split(separator: "\n")
    let more = lines.count > 10 ? "\n… and \(lines.count - 10) more" : ""
    throw CommandError(
      .bad, "there are changes that are not committed:\n\(lines.prefix(10).joined(separator: "\n"))\(more)",
      hint: "commit them, or put them aside with 'git stash'")
  }

  /// Nil when there is no remote and none was asked for.
  func pushTarget(remote wanted: String?) async throws -> PushTarget? {
    let followed = try await git.setting("branch.\(branch).remote")
    let remote = wanted ?? followed ?? "origin"
    guard try await git.setting("remote.\(remote).url") != nil else {
      if wanted == nil, followed == nil { return nil }
      throw CommandError(
        .usage, "there is no remote '\(remote)' here", hint: "'git remote' lists them; --no-push does without")
    }
    let upstream = remote == followed ? try await git.setting("branch.\(branch).merge") : nil
    let reference = upstream ?? "refs/heads/\(branch)"
    let name = reference.hasPrefix("refs/heads/") ? String(reference.dropFirst(11)) : reference
    let known = try repository.tip(ofReference: "refs/remotes/\(remote)/\(name)")
    let others = try known.map { try repository.commits(from: tip, excluding: $0, limit: 100) } ?? []
    return PushTarget(remote: remote, reference: reference, others: others)
  }

  /// Pushes before any branch here moves, so that a refused push leaves everything as it was.
  func push(_ commit: CommitID, to target: PushTarget) async throws {
    let result = try await git.run(["push", "--quiet", target.remote, "\(commit):\(target.reference)"])
    guard !result.isSuccess else { return }
    let isBehind = ["non-fast-forward", "fetch first", "stale info"].contains { result.errors.contains($0) }
    throw CommandError(
      isBehind ? .bad : .unreachable, "the push was refused, and nothing was changed\n\(result.errors)",
      hint: isBehind
        ? "somebody pushed in the meantime: 'git pull', look, and try again"
        : "check that 'git push \(target.remote)' works; --no-push leaves the revert in this repository")
  }

  /// Moves the branch to the revert, and the working tree with it.
  func advance(to commit: CommitID, isPushed: Bool) async throws {
    if location.isBare {
      return try repository.setReference("refs/heads/\(branch)", to: commit, expecting: tip)
    }
    let result = try await git.run(["merge", "--ff-only", "--quiet", commit.text])
    guard !result.isSuccess else { return }
    let words = "the working tree could not follow\n\(result.errors)"
    // What counts has happened: the fleet follows the remote.
    if isPushed { return git.surroundings.warn("the revert is pushed, but \(words)") }
    throw CommandError(.bad, words, hint: "when that is mended: git merge --ff-only \(commit.short)")
  }
}
