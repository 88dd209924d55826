// The order of checks, kept by the compiler: each step is a type that only the step before it can make, and the one
// method that a step has is the next check. `Signed` stands at the end and is made nowhere else. All of it is in one
// file so that `fileprivate` can hold this; nothing here reads a clock or does I/O.

public import Model

/// A value whose signature was verified, or that was signed here, together with the very bytes that were signed.
public struct Signed<Value: SignedContent>: Hashable, Sendable {
  public let value: Value
  public let envelope: Envelope
  /// SHA-256 of the payload: a bundle's name.
  public let digest: Digest

  fileprivate init(value: Value, envelope: Envelope) {
    self.value = value
    self.envelope = envelope
    self.digest = SHA256.hash(envelope.payload)
  }

  /// The envelope as it travels and is stored.
  public var bytes: [UInt8] { envelope.bytes }
  /// The key that signed.
  public var keyID: Digest { envelope.keyID }
}

extension SigningKey {
  /// Signs the value. Throws `tooLarge` or `malformed` for a value that no reader would accept again: better no
  /// receipt now than one that nobody can ever verify.
  public func sign<Value: SignedContent>(_ value: Value) throws(TrustError) -> Signed<Value> {
    let payload = value.payload
    // The value that goes on is the one read back, so that the signer holds what everybody else will see.
    let readBack = try Value(payload: payload)
    return Signed(value: readBack, envelope: try Envelope.sign(payload, type: Value.payloadType, key: self))
  }
}

/// An envelope of the wanted kind, within its size. Its signature is not known to be good.
struct Typed<Value: SignedContent> {
  let envelope: Envelope

  /// Size first. Stops: filling the memory, or keeping the parser busy, with something huge before anything is checked.
  ///
  /// Then the form. Stops: two readers that see different things in the same bytes (duplicate members, loose base64).
  init(_ bytes: [UInt8]) throws(TrustError) {
    try self.init(Envelope.parse(bytes, limit: Value.payloadLimit))
  }

  /// The type. Stops: presenting a genuine object of one kind as another, say a receipt as an assignment.
  init(_ envelope: Envelope) throws(TrustError) {
    guard envelope.payloadType == Value.payloadType else {
      throw TrustError(.wrongType, "want a \(Value.kindName) (\(Value.payloadType)), got '\(envelope.payloadType)'")
    }
    self.envelope = envelope
  }

  /// The signature. Stops: everything that was not written by the key's holder, or was changed since.
  func authenticated(by key: PublicKey) throws(TrustError) -> Authentic<Value> {
    // The signature does not cover the key's id. Stops: the same object under two names, and a bad signature where
    // really the key was changed, which wants another answer.
    guard envelope.keyID == key.keyID else {
      throw TrustError(
        .unknownKey,
        "the \(Value.kindName) is signed by key \(envelope.keyID.short); the trusted one is \(key.keyID.short)")
    }
    guard envelope.isSigned(by: key) else {
      throw TrustError(.badSignature, "the signature of the \(Value.kindName) is not that of key \(key.keyID.short)")
    }
    return Authentic(envelope: envelope)
  }
}

/// Bytes that the trusted key signed. What they say is not read yet.
struct Authentic<Value: SignedContent> {
  fileprivate let envelope: Envelope

  /// The content, only now. Stops: attacks on the parser by anybody but the key's holder, and rules that this version
  /// does not know (unknown members), which it would otherwise silently break.
  func read() throws(TrustError) -> Checked<Value, Step.Read> {
    Checked(Signed(value: try Value(payload: envelope.payload), envelope: envelope))
  }
}

/// The checks passed so far, as types.
enum Step {
  enum Read {}
  enum Addressed {}
  enum Placed {}
  enum Recalled {}
}

/// A value by the trusted key that passed all checks up to `Last`.
struct Checked<Value: SignedContent, Last> {
  fileprivate let signed: Signed<Value>

  fileprivate init(_ signed: Signed<Value>) { self.signed = signed }
}

/// How far ahead of this host's clock a controller's may be.
let clockTolerance = Duration.seconds(300)

extension Checked where Last == Step.Read, Value == Bundle {
  /// The digest. Stops: a genuine bundle in the place of another, such as an old version with a known hole.
  func named(_ digest: Digest) throws(TrustError) -> Signed<Bundle> {
    guard signed.digest == digest else {
      throw TrustError(.digestMismatch, "want bundle \(digest.short), got \(signed.digest.short)")
    }
    return signed
  }

  /// For who does not look for one bundle but wants to know whether this one is genuine.
  func underAnyName() -> Signed<Bundle> { signed }
}

extension Checked where Last == Step.Read, Value == Receipt {
  /// The claimant. Stops: an agent that signs, with its own good key, a record of another agent's run.
  func claimed(by agent: AgentID) throws(TrustError) -> Signed<Receipt> {
    guard signed.value.agent == agent else {
      throw TrustError(.wrongAgent, "agent \(agent) signed a receipt in the name of \(signed.value.agent)")
    }
    return signed
  }
}

extension Checked where Last == Step.Read, Value == Assignment {
  /// The audience. Stops: giving one agent what is meant for another.
  func addressed(to agent: AgentID) throws(TrustError) -> Checked<Assignment, Step.Addressed> {
    guard signed.value.agent == agent else {
      throw TrustError(.wrongAgent, "the assignment is for agent \(signed.value.agent); this is \(agent)")
    }
    return Checked<Assignment, Step.Addressed>(signed)
  }
}

extension Checked where Last == Step.Addressed, Value == Assignment {
  /// Epoch and sequence. Stops: rolling an agent back by an old assignment, and a controller that was replaced.
  ///
  /// The held assignment once more is accepted: a controller sends it again after each reconnection.
  func follows(_ held: HeldAssignment) throws(TrustError) -> Checked<Assignment, Step.Placed> {
    let position = signed.value.position
    if position == held.position, held.digest != nil {
      return Checked<Assignment, Step.Placed>(try isExactly(held).signed)
    }
    guard position > held.position else {
      throw TrustError(.stalePosition, "the assignment has position \(position); \(held.position) is already held")
    }
    return Checked<Assignment, Step.Placed>(signed)
  }

  /// The held assignment and no other. Stops: two orders under one number, of which each agent would see but one, and
  /// an older one put into the agent's folder while the agent was down.
  func isExactly(_ held: HeldAssignment) throws(TrustError) -> Checked<Assignment, Step.Recalled> {
    let position = signed.value.position
    guard position >= held.position else {
      throw TrustError(.stalePosition, "the assignment has position \(position); \(held.position) is held")
    }
    guard position == held.position, signed.digest == held.digest else {
      throw TrustError(
        .conflictingPosition,
        "the assignment \(signed.digest.short) has position \(position), "
          + "but \(held.digest?.short ?? "none") is held at \(held.position)")
    }
    return Checked<Assignment, Step.Recalled>(signed)
  }
}

extension Checked where Last == Step.Placed, Value == Assignment {
  /// Time. Stops: freezing an agent at an assignment that the controller gave up long ago. An assignment from the
  /// future is a sign that a clock is wrong, and then expiry means nothing.
  func inForce(at now: Timestamp) throws(TrustError) -> Signed<Assignment> {
    try checkIssued(signed.value.issued, at: now, "assignment")
    guard now < signed.value.expires else { throw expired(signed.value.expires, at: now, "assignment") }
    return signed
  }
}

extension Checked where Last == Step.Recalled, Value == Assignment {
  /// For what was in force when it was installed: from then on leases decide, not its expiry.
  func installedEarlier() -> Signed<Assignment> { signed }
}

extension Checked where Last == Step.Read, Value == Dispatch {
  /// The audience. Stops: giving one agent what is meant for another.
  func addressed(to agent: AgentID) throws(TrustError) -> Checked<Dispatch, Step.Addressed> {
    guard signed.value.agent == agent else {
      throw TrustError(.wrongAgent, "the dispatch is for agent \(signed.value.agent); this is \(agent)")
    }
    return Checked<Dispatch, Step.Addressed>(signed)
  }
}

extension Checked where Last == Step.Addressed, Value == Dispatch {
  /// Epoch, connection and request. Stops: orders of a controller that was replaced, orders recorded on another
  /// connection, and the same order given twice on this one.
  func follows(epoch: Int64, nonce: String, used: Set<String>) throws(TrustError) -> Checked<Dispatch, Step.Placed> {
    let dispatch = signed.value
    guard dispatch.epoch >= epoch else {
      throw TrustError(.stalePosition, "the dispatch is of epoch \(dispatch.epoch); \(epoch) is already held")
    }
    guard !nonce.isEmpty, dispatch.nonce.utf8.elementsEqual(nonce.utf8) else {
      throw TrustError(.replayed, "the dispatch was made for another connection")
    }
    guard !used.contains(dispatch.request) else {
      throw TrustError(.replayed, "request '\(dispatch.request)' was already carried out")
    }
    return Checked<Dispatch, Step.Placed>(signed)
  }
}

extension Checked where Last == Step.Placed, Value == Dispatch {
  /// Time. Stops: holding an order back and delivering it when it does harm.
  func inForce(at now: Timestamp) throws(TrustError) -> Signed<Dispatch> {
    try checkIssued(signed.value.nominal, at: now, "dispatch")
    guard now <= signed.value.startBy else { throw expired(signed.value.startBy, at: now, "dispatch") }
    return signed
  }
}

private func checkIssued(_ issued: Timestamp, at now: Timestamp, _ what: String) throws(TrustError) {
  guard issued > now + clockTolerance else { return }
  throw TrustError(
    .notYetValid,
    "the \(what) was issued at \(issued), \((issued - now).manifestText) from now by this host's clock (\(now)); "
      + "the controller's clock or this one is wrong: see 'timedatectl'")
}

private func expired(_ end: Timestamp, at now: Timestamp, _ what: String) -> TrustError {
  TrustError(.expired, "the \(what) was good until \(end); this host's clock says \(now)")
}
