import CLibGit2
internal import Model

extension ObjectID {
  init(_ oid: git_oid) { self = withUnsafeBytes(of: oid.id) { Self(raw: $0) } }

  /// The same commit in the Model's words.
  var commit: CommitID {
    get throws(GitError) {
      do { return try CommitID(hex) } catch { throw GitError(.other, error.description) }
    }
  }

  var oid: git_oid {
    var oid = git_oid()
    withUnsafeMutableBytes(of: &oid.id) { $0.copyBytes(from: bytes) }
    return oid
  }
}

extension CommitID {
  /// Throws `unsupported` for the ids of SHA-256 repositories, which libgit2 1.5 cannot read.
  var object: ObjectID {
    get throws(GitError) {
      guard let id = ObjectID(hex: text) else {
        throw GitError(
          .unsupported, "'\(short)…' is not a SHA-1 commit id: repositories with SHA-256 ids cannot be read")
      }
      return id
    }
  }

  var oid: git_oid {
    get throws(GitError) { try object.oid }
  }
}
