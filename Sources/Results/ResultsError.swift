public import Git

/// Why the results branch could not be read or written.
public struct ResultsError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// ``ResultsWriter/claimEpoch(atLeast:now:)`` comes first.
    case notClaimed
    /// Another controller has taken over; this writer must not write any more.
    case fenced
    /// Somebody else was always faster to push. Worth another try, after a random while.
    case contended
    /// The repository has no results branch.
    case noBranch
    /// Not a run id, or too few digits of one.
    case invalidRunID
    /// `cause` says what went wrong with git.
    case git
  }

  public var code: Code
  /// One sentence for people.
  public var message: String
  public var cause: GitError?

  init(_ code: Code, _ message: String, cause: GitError? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  init(_ cause: GitError) { self.init(.git, cause.description, cause: cause) }

  public var description: String { message }
}

/// Lets the errors of git pass as errors of this module.
func overGit<Value>(_ body: () throws(GitError) -> Value) throws(ResultsError) -> Value {
  do {
    return try body()
  } catch {
    throw ResultsError(error)
  }
}
