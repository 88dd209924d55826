import CLibGit2
public import Model

extension Repository {
  /// The commit that a branch of this repository points at; nil when there is no such branch.
  public func tip(ofBranch branch: String) throws(GitError) -> CommitID? {
    try tip(ofReference: Self.reference(ofBranch: branch))
  }

  /// The commit that a reference such as `refs/heads/main` or `HEAD` points at; nil when it does not exist.
  public func tip(ofReference name: String) throws(GitError) -> CommitID? {
    var oid = git_oid()
    let code = git_reference_name_to_id(&oid, pointer, name)
    if code == GIT_ENOTFOUND.rawValue || code == GIT_EUNBORNBRANCH.rawValue { return nil }
    try check(code, "cannot read the reference '\(name)'")
    return try ObjectID(oid).commit
  }

  /// Short names of the branches here, sorted.
  public func branches() throws(GitError) -> [String] {
    var names = git_strarray()
    try check(git_reference_list(&names, pointer), "cannot list the references")
    defer { git_strarray_dispose(&names) }
    return (0..<names.count).compactMap { index in names.strings[index].map { String(cString: $0) } }
      .filter { $0.hasPrefix("refs/heads/") }.map { String($0.dropFirst(11)) }.sorted()
  }

  /// The short name of the branch that `HEAD` stands for, even when it has no commit yet; nil when `HEAD` is detached.
  public func defaultBranch() throws(GitError) -> String? {
    var head: OpaquePointer?
    try check(git_reference_lookup(&head, pointer, "HEAD"), "cannot read HEAD")
    defer { git_reference_free(head) }
    guard let target = git_reference_symbolic_target(head) else { return nil }
    let name = String(cString: target)
    return name.hasPrefix("refs/heads/") ? String(name.dropFirst(11)) : nil
  }

  /// The commit that a revision such as `main~2`, `v1.0`, `HEAD` or an abbreviated id means (gitrevisions(7)).
  public func resolve(_ revision: String) throws(GitError) -> CommitID {
    var object: OpaquePointer?
    let code = git_revparse_single(&object, pointer, revision)
    if code == GIT_EAMBIGUOUS.rawValue {
      throw GitError(.notFound, "'\(revision)' is ambiguous", hint: "give more digits of the commit's id")
    }
    guard code == 0, let object else {
      throw GitError(.notFound, "there is no revision '\(revision)'", hint: "name a branch, a tag or a commit")
    }
    defer { git_object_free(object) }
    var commit: OpaquePointer?
    guard git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0, let commit else {
      throw GitError(.notFound, "'\(revision)' is not a commit")
    }
    defer { git_object_free(commit) }
    return try ObjectID(git_object_id(commit).pointee).commit
  }

  /// Points a reference at a commit that is here, if it points at `old` now; nil means that it does not exist yet.
  ///
  /// Throws `nonFastForward` when it points elsewhere, or when another process holds its lock.
  public func setReference(_ name: String, to commit: CommitID, expecting old: CommitID?) throws(GitError) {
    var target = try commit.oid
    var reference: OpaquePointer?
    let code: Int32
    if var expected = try old?.oid {
      code = git_reference_create_matching(&reference, pointer, name, &target, 1, &expected, nil)
    } else {
      code = git_reference_create(&reference, pointer, name, &target, 0, nil)
    }
    git_reference_free(reference)
    switch code {
    case GIT_EMODIFIED.rawValue, GIT_EEXISTS.rawValue:
      let now = try tip(ofReference: name)?.short ?? "nothing"
      throw GitError(.nonFastForward, "'\(name)' is at \(now), expected \(old?.short ?? "nothing")")
    case GIT_ENOTFOUND.rawValue where old != nil:
      throw GitError(.nonFastForward, "'\(name)' does not exist, expected \(old?.short ?? "nothing")")
    default:
      try check(code, "cannot update '\(name)'")
    }
  }

  /// The full name of a branch's reference. Throws `unsupported` for what git does not allow as a name.
  static func reference(ofBranch branch: String) throws(GitError) -> String {
    try GitLibrary.start()
    let name = branch.hasPrefix("refs/") ? branch : "refs/heads/" + branch
    var valid: Int32 = 0
    try check(git_reference_name_is_valid(&valid, name), "cannot check the name '\(branch)'")
    guard valid == 1, !branch.isEmpty, !branch.utf8.contains(0) else {
      throw GitError(.unsupported, "'\(branch)' cannot be the name of a branch")
    }
    return name
  }
}
