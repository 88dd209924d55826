import CLibGit2
public import Model

extension Repository {
  /// Where a branch of a remote is now; nil when it has no such branch, or no commit at all. Needs no repository here.
  public static func remoteTip(of branch: String, at remote: Remote) throws(GitError) -> CommitID? {
    let name = try reference(ofBranch: branch)
    let address = try RemoteAddress(remote.url)
    if case .folder(let path) = address { return try open(folder: path).tip(ofReference: name) }
    let operation = NetworkOperation(remote, address)
    let found = try operation.run { (payload) throws(GitError) in
      try Connection(operation, payload, in: nil, GIT_DIRECTION_FETCH).heads().first { $0.name == name }
    }
    return try found?.id.commit
  }

  /// Brings a branch of a remote here and points `reference` at its tip, wherever that reference was before.
  ///
  /// Until everything has arrived the reference stays as it is; it stays so whenever this throws. Throws `empty` when
  /// the remote has no commit, `notFound` when it has no such branch or is not there.
  public func fetch(
    _ branch: String, from remote: Remote, into reference: String
  ) throws(GitError) -> FetchOutcome {
    let theirs = try Self.reference(ofBranch: branch)
    let ours = try Self.reference(ofBranch: reference)
    let previous = try tip(ofReference: ours)
    let address = try RemoteAddress(remote.url)
    let tip: CommitID
    if case .folder(let path) = address {
      tip = try receive(theirs, from: Self.open(folder: path), remote)
    } else {
      tip = try receive(theirs, from: remote, at: address)
    }
    // What has arrived is what was announced, at least down to the folders at its top.
    _ = try tree(rootTree(of: tip))
    guard tip != previous else { return FetchOutcome(tip: tip, previous: previous, isRewritten: false) }
    var isRewritten = false
    if let previous { isRewritten = try !isAncestor(previous, of: tip) }
    try setReference(ours, to: tip, expecting: previous)
    return FetchOutcome(tip: tip, previous: previous, isRewritten: isRewritten)
  }

  private func receive(_ name: String, from remote: Remote, at address: RemoteAddress) throws(GitError) -> CommitID {
    let operation = NetworkOperation(remote, address, receivesInto: path)
    return try operation.run { (payload) throws(GitError) in
      let connection = try Connection(operation, payload, in: self, GIT_DIRECTION_FETCH)
      let heads = try connection.heads()
      guard let head = heads.first(where: { $0.name == name }) else {
        throw Self.missing(name, remote, heads.map(\.name))
      }
      if !contains(head.id) { try connection.download(name) }
      return try head.id.commit
    }
  }

  private func receive(_ name: String, from source: Repository, _ remote: Remote) throws(GitError) -> CommitID {
    guard let tip = try source.tip(ofReference: name) else {
      throw Self.missing(name, remote, try source.branches().map { "refs/heads/" + $0 })
    }
    try ObjectTransfer(from: source, to: self).copy(tip)
    return tip
  }

  /// A remote on this machine. Throws `notFound` with what to do.
  static func open(folder path: String) throws(GitError) -> Repository {
    do {
      return try open(at: path)
    } catch  where error.kind == .notFound {
      throw GitError(.notFound, error.message, hint: "it may have been moved or deleted, or not be mounted")
    }
  }

  /// Why a remote does not have a branch.
  private static func missing(_ name: String, _ remote: Remote, _ heads: [String]) -> GitError {
    let branches = heads.filter { $0.hasPrefix("refs/heads/") }.map { String($0.dropFirst(11)) }
    let branch = name.hasPrefix("refs/heads/") ? String(name.dropFirst(11)) : name
    guard !branches.isEmpty else {
      return GitError(
        .empty, "'\(remote.publicURL)' has no commit yet, and no branch '\(branch)'",
        hint: "commit something to it and push")
    }
    let shown = branches.prefix(5).joined(separator: ", ") + (branches.count > 5 ? ", …" : "")
    return GitError(.notFound, "'\(remote.publicURL)' has no branch '\(branch)'", hint: "it has \(shown)")
  }
}
