import Model
import Planning
import Trust

/// What the controller knows of its agents: pure, so that every transition can be tested without a network.
struct FleetState: Sendable {
  /// One agent that has been heard since this controller started.
  struct Member: Sendable {
    /// What plans are made from.
    var agent: AgentState
    let key: PublicKey
    var version: String
    /// The stream that speaks for it now; nil while it is away.
    var session: SessionID?
    /// When the present stream, or the last one, began.
    var since: Timestamp
    var lastHeard: Timestamp
    /// What it last said of itself; nil until the first heartbeat with state.
    var report: AgentReport?
    /// Refusals in a row.
    var refusals = 0
  }

  /// Tells streams of the same agent apart.
  struct SessionID: Hashable, Sendable { let number: UInt64 }

  /// How long an agent that is away keeps its name: a restart must not cost it.
  static let nameHold = Duration.seconds(60)

  let epoch: Int64
  private(set) var members: [AgentID: Member] = [:]
  private var nextSession: UInt64 = 1

  init(epoch: Int64) { self.epoch = epoch }

  /// Why a stream cannot become an agent's session.
  enum Refused: Error, Equatable {
    /// Another key stands for this id: somebody copied the id, or the agent lost its key.
    case otherKey
    /// Another agent that is connected now has the name.
    case nameInUse(by: AgentID)
    case tooMany
  }

  /// Agents that are remembered at the most.
  static let membersLimit = AgentRecords.limit

  /// Makes a proven stream the agent's session. An older stream of the same agent is replaced: the agent is the one
  /// who knows that it dialled again.
  ///
  /// Plans count it as away until its first heartbeat has said what it holds.
  mutating func connect(
    id: AgentID, name: AgentName, key: PublicKey, version: String, at now: Timestamp
  ) throws(Refused) -> SessionID {
    if let known = members[id], known.key != key { throw .otherKey }
    let namesakes = members.values.filter { $0.agent.name == name && $0.agent.id != id }
    if let other = namesakes.first(where: { $0.session != nil || now - $0.lastHeard < Self.nameHold }) {
      throw .nameInUse(by: other.agent.id)
    }
    guard members[id] != nil || members.count < Self.membersLimit else { throw .tooMany }
    // An agent that was set up anew under its old name takes the place of its former self.
    for former in namesakes { members[former.agent.id] = nil }
    let session = SessionID(number: nextSession)
    nextSession += 1
    var agent = members[id]?.agent ?? AgentState(id: id, name: name)
    agent.name = name
    agent.connected = false
    agent.sent = nil
    agent.refusal = nil
    agent.position = .zero
    members[id] = Member(agent: agent, key: key, version: version, session: session, since: now, lastHeard: now)
    return session
  }

  /// Ends a session; a session that was replaced meanwhile changes nothing.
  mutating func disconnect(_ id: AgentID, session: SessionID) {
    guard members[id]?.session == session else { return }
    members[id]?.session = nil
    members[id]?.agent.disconnect()
  }

  /// Takes a heartbeat; true when a plan could come out differently because of it.
  mutating func heard(from id: AgentID, session: SessionID, report: AgentReport?, at now: Timestamp) -> Bool {
    guard var member = members[id], member.session == session else { return false }
    let before = member.agent
    member.lastHeard = now
    if let report {
      member.report = report
      member.agent.connected = true
      member.agent.labels = report.labels
      // A heartbeat may have been on its way while an assignment was; what it says of older times is not news.
      // Across streams a position may fall, when an agent lost its state: connect() has set it to zero.
      if let sent = member.agent.sent, report.position >= sent.position { member.agent.accept(sent.position) }
      if report.position >= member.agent.position {
        member.agent.held = report.held
        member.agent.stopped = report.stopped
        member.agent.position = report.position
        member.agent.expires = report.expires
      }
    }
    members[id] = member
    return member.agent != before
  }

  /// So many receipts of the agent will not be sent again: they are pushed, or will never be taken. The agent's next heartbeat
  /// says so itself; one that has gone said its last before.
  mutating func settled(_ count: Int, of id: AgentID) {
    guard let report = members[id]?.report else { return }
    members[id]?.report?.spooled = max(0, report.spooled - count)
  }

  /// Remembers that an assignment is on its way.
  mutating func send(_ assignment: Assignment, answerDue: Timestamp) {
    members[assignment.agent]?.agent.send(assignment, answerDue: answerDue)
  }

  /// Takes the agent's answer to an assignment. What was refused is tried again after a pause that grows, since the
  /// same bytes would be refused again. False when it answers nothing that was sent.
  @discardableResult
  mutating func installed(
    _ id: AgentID, session: SessionID, position: Position, refusal: String?, at now: Timestamp
  ) -> Bool {
    guard var member = members[id], member.session == session, member.agent.sent?.position == position else {
      return false
    }
    if let refusal {
      let pause = min(Duration.seconds(5) * (1 << min(member.refusals, 10)), .seconds(600))
      member.refusals += 1
      member.agent.refuse(position, reason: refusal, retryAt: now + pause)
    } else {
      member.refusals = 0
      member.agent.accept(position)
    }
    members[id] = member
    return true
  }
}

/// What an agent says of itself in a heartbeat.
struct AgentReport: Hashable, Sendable {
  struct Running: Hashable, Sendable {
    var run: RunID
    var job: JobName
    var nominal: Timestamp
    var started: Timestamp
    var attempt: Int
  }

  var labels: [String: String]
  var addresses: [String]
  var position: Position
  /// Of the accepted assignment; nil when there is none.
  var expires: Timestamp?
  var held: [JobName: HeldJob]
  /// What of it does not start by itself any more, and why.
  var stopped: [JobName: String] = [:]
  var running: [Running]
  /// Runs that wait for their turn or their instant.
  var queued: [Running] = []
  var spooled: Int
  var problems: [String]
}
