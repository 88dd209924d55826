public import Model

/// Who did something, and when.
public struct GitSignature: Hashable, Sendable {
  public var name: String
  public var email: String
  /// Git keeps whole seconds.
  public var time: Timestamp
  /// Minutes east of UTC.
  public var offset: Int

  public init(name: String, email: String, time: Timestamp, offset: Int = 0) {
    self.name = name
    self.email = email
    self.time = time
    self.offset = offset
  }
}

/// A commit without its content.
public struct CommitInfo: Hashable, Sendable {
  public var id: CommitID
  public var parents: [CommitID]
  public var author: GitSignature
  public var committer: GitSignature
  /// All of it, as it stands in the commit; bytes that are not UTF-8 are replaced.
  public var message: String

  /// The message's first line.
  public var summary: String {
    String(message.drop { $0.isNewline }.prefix { !$0.isNewline })
  }

  public init(
    id: CommitID, parents: [CommitID], author: GitSignature, committer: GitSignature, message: String
  ) {
    self.id = id
    self.parents = parents
    self.author = author
    self.committer = committer
    self.message = message
  }
}
