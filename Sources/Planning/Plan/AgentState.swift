public import Model

/// What is known of one agent.
public struct AgentState: Hashable, Sendable {
  public var id: AgentID
  public var name: AgentName
  public var labels: [String: String]
  /// Whether its stream is open now.
  public var connected: Bool
  /// What it holds by its own last report.
  public var held: [JobName: HeldJob]
  /// What of it the agent does not start by itself any more, and why, by its own report: bundles in quarantine.
  public var stopped: [JobName: String] = [:]
  /// Of the assignment that it has installed, by its own report; ``Position/zero`` when it has none.
  public var position: Position
  /// When that assignment expires; nil when it has none.
  public var expires: Timestamp?
  /// The highest position that this controller has ever signed for it.
  public var lastIssued: Position
  /// What was sent and is not answered yet.
  public var sent: SentAssignment?
  /// What it refused last, until something else is accepted.
  public var refusal: AssignmentRefusal?

  public init(
    id: AgentID, name: AgentName, labels: [String: String] = [:], connected: Bool = true,
    held: [JobName: HeldJob] = [:], position: Position = .zero, expires: Timestamp? = nil,
    lastIssued: Position = .zero, sent: SentAssignment? = nil, refusal: AssignmentRefusal? = nil
  ) {
    self.id = id
    self.name = name
    self.labels = labels
    self.connected = connected
    self.held = held
    self.position = position
    self.expires = expires
    self.lastIssued = lastIssued
    self.sent = sent
    self.refusal = refusal
  }
}

/// A job as an agent holds it.
public struct HeldJob: Hashable, Sendable {
  public var bundle: Digest
  /// The commit of the assignment's entry. A kept job keeps it, so the agent must report it.
  public var commit: CommitID

  public init(bundle: Digest, commit: CommitID) {
    self.bundle = bundle
    self.commit = commit
  }
}

/// An assignment on its way: counted as held until an answer is overdue, so that no pass sends it twice.
public struct SentAssignment: Hashable, Sendable {
  public var position: Position
  public var expires: Timestamp
  public var contents: [JobName: HeldJob]
  /// From then on it counts as lost.
  public var answerDue: Timestamp

  public init(position: Position, expires: Timestamp, contents: [JobName: HeldJob], answerDue: Timestamp) {
    self.position = position
    self.expires = expires
    self.contents = contents
    self.answerDue = answerDue
  }
}

/// What an agent said no to, and until when the same is not offered again.
public struct AssignmentRefusal: Hashable, Sendable {
  public var contents: [JobName: Digest]
  /// The agent's words.
  public var reason: String
  public var retryAt: Timestamp

  public init(contents: [JobName: Digest], reason: String, retryAt: Timestamp) {
    self.contents = contents
    self.reason = reason
    self.retryAt = retryAt
  }
}

// The ways in which a controller's view of an agent moves on when assignments do.
extension AgentState {
  /// The assignment went out; an answer is expected before `answerDue`.
  public mutating func send(_ assignment: Assignment, answerDue: Timestamp) {
    sent = SentAssignment(
      position: assignment.position, expires: assignment.expires, contents: assignment.contents, answerDue: answerDue)
    lastIssued = max(lastIssued, assignment.position)
  }

  /// The agent has installed what was sent at `position`; an answer to anything else changes nothing.
  public mutating func accept(_ position: Position) {
    guard let assignment = sent, assignment.position == position else { return }
    held = assignment.contents
    self.position = position
    expires = assignment.expires
    sent = nil
    refusal = nil
  }

  /// The agent keeps what it had; an answer to anything but what was sent last changes nothing.
  public mutating func refuse(_ position: Position, reason: String, retryAt: Timestamp) {
    guard let assignment = sent, assignment.position == position else { return }
    refusal = AssignmentRefusal(
      contents: assignment.contents.mapValues(\.bundle), reason: reason, retryAt: retryAt)
    sent = nil
  }

  /// The stream ended: what was on its way may or may not have arrived, the next report will say.
  public mutating func disconnect() {
    connected = false
    sent = nil
  }
}

extension Assignment {
  /// The entries as an agent holds them once it has installed them.
  public var contents: [JobName: HeldJob] {
    Dictionary(
      entries.map { ($0.job, HeldJob(bundle: $0.bundle, commit: $0.commit)) }, uniquingKeysWith: { $1 })
  }
}
