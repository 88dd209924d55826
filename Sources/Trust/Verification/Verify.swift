// The ways through the steps: one function for each thing that somebody wants to know.

public import Model

/// The last assignment that an agent accepted, as it remembers it.
public struct HeldAssignment: Hashable, Sendable {
  public let position: Position
  /// Nil only when there never was one.
  public let digest: Digest?

  public init(position: Position, digest: Digest) {
    self.position = position
    self.digest = digest
  }

  private init() {
    position = .zero
    digest = nil
  }

  /// What a new agent holds; any position above zero follows it.
  public static let none = HeldAssignment()
}

/// A bundle by `key`, whichever it is. An agent that was told which bundle to hold takes
/// ``verifyBundle(_:key:named:)``.
public func verifyBundle(_ bytes: [UInt8], key: PublicKey) throws(TrustError) -> Signed<Bundle> {
  try Typed<Bundle>(bytes).authenticated(by: key).read().underAnyName()
}

/// The bundle that an assignment names, signed by `key`.
public func verifyBundle(
  _ bytes: [UInt8], key: PublicKey, named digest: Digest
) throws(TrustError) -> Signed<Bundle> {
  try Typed<Bundle>(bytes).authenticated(by: key).read().named(digest)
}

/// An assignment that `agent` may install at `now`: newer than what it holds, or the same once more.
public func verifyAssignment(
  _ bytes: [UInt8], key: PublicKey, agent: AgentID, held: HeldAssignment, now: Timestamp
) throws(TrustError) -> Signed<Assignment> {
  try Typed<Assignment>(bytes).authenticated(by: key).read()
    .addressed(to: agent).follows(held).inForce(at: now)
}

/// The assignment that `agent` installed earlier, read back from its own store. Its expiry plays no part: it only says
/// until when an assignment may be installed.
public func verifyInstalledAssignment(
  _ bytes: [UInt8], key: PublicKey, agent: AgentID, held: HeldAssignment
) throws(TrustError) -> Signed<Assignment> {
  try Typed<Assignment>(bytes).authenticated(by: key).read()
    .addressed(to: agent).isExactly(held).installedEarlier()
}

/// A dispatch that `agent` may carry out at `now`.
///
/// `epoch` is that of the assignment held, `nonce` what the agent chose for this connection (an empty one matches
/// nothing), `usedRequests` those already carried out on it.
public func verifyDispatch(
  _ bytes: [UInt8], key: PublicKey, agent: AgentID, epoch: Int64, nonce: String, usedRequests: Set<String>,
  now: Timestamp
) throws(TrustError) -> Signed<Dispatch> {
  try Typed<Dispatch>(bytes).authenticated(by: key).read()
    .addressed(to: agent).follows(epoch: epoch, nonce: nonce, used: usedRequests).inForce(at: now)
}

/// A receipt that `agent`, whose key `key` is, made of a run of its own. Time plays no part: a receipt is a record.
public func verifyReceipt(_ bytes: [UInt8], key: PublicKey, agent: AgentID) throws(TrustError) -> Signed<Receipt> {
  try Typed<Receipt>(bytes).authenticated(by: key).read().claimed(by: agent)
}

/// The same of a line of receipts and its line of signatures, both without their line breaks.
public func verifyReceipt(
  line: [UInt8], signatureLine: [UInt8], key: PublicKey, agent: AgentID
) throws(TrustError) -> Signed<Receipt> {
  try Typed<Receipt>(Envelope(receiptLine: line, signatureLine: signatureLine))
    .authenticated(by: key).read().claimed(by: agent)
}
