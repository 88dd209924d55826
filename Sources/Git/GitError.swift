/// Why a git operation did not succeed.
///
/// Local state is unchanged when one is thrown: no reference has moved.
public struct GitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a caller can decide by.
  public enum Kind: String, Sendable, CaseIterable {
    /// The remote did not answer, or answered too slowly. Worth another try.
    case unreachable
    /// The remote answered and refused who we are.
    case authentication
    /// The remote's host key or certificate is not one that we trust.
    case untrusted
    /// A repository, branch, revision, path or object does not exist.
    case notFound
    /// The repository exists and has no commit yet.
    case empty
    /// A branch is not where the caller expected it, here or at the remote.
    case nonFastForward
    /// The remote understood the push and declined it: a hook, a protected branch, a checked-out branch.
    case rejected
    /// A revert does not apply cleanly; `paths` says where.
    case conflict
    /// There is nothing to do.
    case unchanged
    /// Stored data does not have the content that its name promises, or cannot be read as what it should be.
    case corrupt
    /// Something is larger than the caller allows.
    case tooLarge
    /// A path, URL or feature that is not allowed or not known.
    case unsupported
    /// The disk is full, read-only, failing, or permissions forbid the access.
    case disk
    /// Anything else; the message has libgit2's words.
    case other
  }

  public var kind: Kind
  /// One sentence for people, without secrets.
  public var message: String
  /// What to do about it.
  public var hint: String?
  /// The paths that a `conflict` is about.
  public var paths: [String]

  public init(_ kind: Kind, _ message: String, hint: String? = nil, paths: [String] = []) {
    self.kind = kind
    self.message = message
    self.hint = hint
    self.paths = paths
  }

  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
