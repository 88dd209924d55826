import Model

// The rules for one agent, each a table in which the first match wins.
extension AgentState {
  /// What is on its way counts as held, or every pass would send it again while the agent is still verifying it.
  func expected(at now: Timestamp) -> [JobName: HeldJob] { onItsWay(at: now)?.contents ?? held }

  private func onItsWay(at now: Timestamp) -> SentAssignment? {
    guard connected, let sent, now < sent.answerDue else { return nil }
    return sent
  }

  /// Why an unchanged agent needs a fresh assignment; nil when it needs none. First match wins.
  func renewal(terms: AssignmentTerms, now: Timestamp) -> RenewalReason? {
    let sent = onItsWay(at: now)
    let position = sent?.position ?? position
    let expires = sent?.expires ?? expires
    // An agent that never had an assignment and is to hold nothing needs none.
    if position == .zero, lastIssued == .zero, held.isEmpty { return nil }
    if lastIssued.epoch == terms.epoch, position < lastIssued { return .behind }
    if position.epoch < terms.epoch { return .newEpoch }
    guard let expires, now < expires - terms.lifetime / 2 else { return .halfLife }
    return nil
  }

  /// What stands in the way of giving the agent `wanted` now; nil when nothing does. First match wins.
  func obstacle(to wanted: [JobName: HeldJob], terms: AssignmentTerms, now: Timestamp) -> WaitReason? {
    if !connected { return .disconnected }
    if position.epoch > terms.epoch { return .laterController(epoch: position.epoch) }
    if let refusal, now < refusal.retryAt, refusal.contents == wanted.mapValues(\.bundle) {
      return .refused(reason: refusal.reason, until: refusal.retryAt)
    }
    return nil
  }

  /// Higher than what the agent has and than whatever was signed for it in this epoch, or the agent would take it for
  /// a replay.
  func nextPosition(epoch: Int64) -> Position {
    let taken = max(position, lastIssued)
    return Position(epoch: epoch, sequence: taken.epoch == epoch ? taken.sequence + 1 : 1)
  }
}
