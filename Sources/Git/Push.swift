import CLibGit2
import Glibc
public import Model

extension Repository {
  /// Moves a branch of a remote from `old` (nil: it does not exist yet) to `commit`, and sends what it lacks.
  /// Never forced.
  ///
  /// Returns only when the remote has confirmed the new tip, or has it already. Throws `nonFastForward` when the branch
  /// is elsewhere, `rejected` when the remote declines. Hooks of a remote that is a folder do not run,
  /// and small packs there are merged when they become many, as `git gc` would.
  public func push(
    _ commit: CommitID, to branch: String, of remote: Remote, expecting old: CommitID?
  ) throws(GitError) {
    let name = try Self.reference(ofBranch: branch)
    if let old {
      guard try contains(old.object), try isAncestor(old, of: commit) else {
        throw GitError(
          .nonFastForward, "commit \(commit.short) does not stand on \(old.short)",
          hint: "fetch the branch and build on it")
      }
    }
    let address = try RemoteAddress(remote.url)
    if case .folder(let path) = address {
      try push(commit, to: name, of: Self.open(folder: path), remote, expecting: old)
    } else {
      try push(commit, to: name, of: remote, at: address, expecting: old)
    }
  }

  private func push(
    _ commit: CommitID, to name: String, of target: Repository, _ remote: Remote, expecting old: CommitID?
  ) throws(GitError) {
    let now = try target.tip(ofReference: name)
    guard now != commit else { return }
    guard now == old else { throw Self.elsewhere(name, remote, now, old) }
    if !target.isBare, try target.tip(ofReference: "HEAD") != nil || now != nil,
      try "refs/heads/" + (target.defaultBranch() ?? "") == name
    {
      throw GitError(
        .rejected, "'\(remote.publicURL)' has '\(name)' checked out", hint: "use a bare repository or another branch")
    }
    try ObjectTransfer(from: self, to: target).copy(commit)
    try target.setReference(name, to: commit, expecting: old)
  }

  private func push(
    _ commit: CommitID, to name: String, of remote: Remote, at address: RemoteAddress, expecting old: CommitID?
  ) throws(GitError) {
    let operation = NetworkOperation(remote, address)
    try operation.run { (payload) throws(GitError) in
      let connection = try Connection(operation, payload, in: self, GIT_DIRECTION_PUSH)
      let now = try connection.heads().first { $0.name == name }?.id.commit
      guard now != commit else { return }
      guard now == old else { throw Self.elsewhere(name, remote, now, old) }
      try withReference(at: commit, preferring: name) { (local) throws(GitError) in
        try connection.upload(local, to: name)
      }
      switch operation.confirmation(of: name) {
      case .some(nil): return
      case .some(let refusal?): throw Self.refused(name, remote, refusal)
      case nil: throw GitError(.rejected, "'\(remote.publicURL)' did not confirm the push of '\(name)'")
      }
    }
  }

  /// libgit2 1.5 pushes references only: one that is there, or one for the time of the push.
  private func withReference(
    at commit: CommitID, preferring name: String, _ body: (String) throws(GitError) -> Void
  ) throws(GitError) {
    if try tip(ofReference: name) == commit { return try body(name) }
    let temporary = "refs/belfry/outgoing-\(getpid())-\(commit.text)"
    try setReference(temporary, to: commit, expecting: tip(ofReference: temporary))
    defer { git_reference_remove(pointer, temporary) }
    try body(temporary)
  }

  private static func elsewhere(_ name: String, _ remote: Remote, _ now: CommitID?, _ old: CommitID?) -> GitError {
    let (now, old) = (now?.short ?? "nothing", old?.short ?? "nothing")
    return GitError(.nonFastForward, "'\(name)' of '\(remote.publicURL)' is at \(now), expected \(old)")
  }

  /// What git's own server says when somebody else was faster, or its words for anything else.
  private static func refused(_ name: String, _ remote: Remote, _ words: String) -> GitError {
    let races = [
      "fast-forward", "fetch first", "stale info", "cannot lock ref", "failed to lock", "failed to update ref",
    ]
    if races.contains(where: { Git.contains(words, $0) }) {
      return GitError(.nonFastForward, "'\(name)' of '\(remote.publicURL)' has moved: \(words)")
    }
    return GitError(
      .rejected, "'\(remote.publicURL)' declines the push of '\(name)': \(words)",
      hint: "look at its hooks and at the branch's protection")
  }
}
