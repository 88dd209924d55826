public import Model

/// What a fetch found.
public struct FetchOutcome: Hashable, Sendable {
  /// The branch's tip, now also where the local reference points.
  public var tip: CommitID
  /// Where the local reference pointed before.
  public var previous: CommitID?
  /// The previous tip is not an ancestor of the new one: somebody forced a push.
  public var isRewritten: Bool

  /// The fetch brought a new tip.
  public var isChanged: Bool { previous != tip }

  public init(tip: CommitID, previous: CommitID?, isRewritten: Bool) {
    self.tip = tip
    self.previous = previous
    self.isRewritten = isRewritten
  }
}
