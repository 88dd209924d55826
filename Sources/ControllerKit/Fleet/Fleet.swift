import Logging
import Model
import Planning
import Platform
import SwiftProtobuf
import Trust
import Wire

/// Owns what is known of the agents and their streams. All decisions are ``FleetState``'s.
actor Fleet {
  private var state: FleetState
  private var assigned = AssignedJobs()
  private var sessions: [AgentID: Session] = [:]
  private var replies: [String: CheckedContinuation<Belfry_V1_DispatchReply, Never>] = [:]
  private var toldEpoch: Int64 = 0
  private var toldTimes = 0
  private let clock: WallClock
  private let changed: Signal
  private let logger: Logger

  /// `changed` is raised whenever a plan could come out differently.
  init(epoch: Int64, clock: WallClock, changed: Signal, logger: Logger) {
    state = FleetState(epoch: epoch)
    self.clock = clock
    self.changed = changed
    self.logger = logger
  }

  var epoch: Int64 { state.epoch }
  var members: [FleetState.Member] { state.members.values.sorted { $0.agent.name < $1.agent.name } }

  /// Opens a session for an agent that has proven its key.
  func open(
    id: AgentID, name: AgentName, key: PublicKey, version: String, nonce: String, artifacts: ArtifactIntake? = nil
  ) throws(FleetState.Refused) -> Session {
    let number = try state.connect(id: id, name: name, key: key, version: version, at: clock.now)
    sessions[id]?.refuse("replaced by a newer connection of the same agent")
    let session = Session(id: number, agent: id, name: name, nonce: nonce, artifacts: artifacts)
    sessions[id] = session
    logger.info("agent connected", metadata: ["agent": "\(name)", "id": "\(id)", "version": "\(version)"])
    return session
  }

  func close(_ session: Session, reason: String) {
    session.finish()
    state.disconnect(session.agent, session: session.id)
    if sessions[session.agent]?.id == session.id { sessions[session.agent] = nil }
    logger.info("agent disconnected", metadata: ["agent": "\(session.name)", "reason": "\(reason)"])
    changed.raise()
  }

  /// Ends all streams: the controller is stopping, and agents are to look for it again.
  func closeAll() {
    for session in sessions.values { session.refuse("the controller is stopping") }
  }

  func heard(from session: Session, report: AgentReport?) {
    if state.heard(from: session.agent, session: session.id, report: report, at: clock.now) { changed.raise() }
    if let report, report.position.epoch > state.epoch { tellLaterEpoch() }
  }

  /// What agents say of epochs above this controller's; nil when none does.
  var laterEpoch: LaterEpoch? { LaterEpoch(epoch: state.epoch, members: state.members.values) }

  /// Says it in the log when the number has risen, and not for ever: it is the agents' word.
  private func tellLaterEpoch() {
    guard let later = laterEpoch, later.epoch > toldEpoch, toldTimes < 10 else { return }
    toldEpoch = later.epoch
    toldTimes += 1
    logger.error("\(later.words)")
  }

  /// When the session's agent was last heard; nil when the session is over.
  func lastHeard(_ session: Session) -> Timestamp? {
    guard let member = state.members[session.agent], member.session == session.id else { return nil }
    return member.lastHeard
  }

  func installed(_ session: Session, position: Position, refusal: String?) {
    // What answers nothing that was sent is no news: saying it again and again must neither fill the log nor make plans.
    guard state.installed(session.agent, session: session.id, position: position, refusal: refusal, at: clock.now)
    else { return }
    if let refusal {
      logger.error("assignment refused", metadata: ["agent": "\(session.name)", "reason": "\(refusal)"])
    }
    changed.raise()
  }

  /// Signs and sends an assignment; false when the agent is not connected any more.
  func send(_ assignment: Assignment, key: SigningKey) throws -> Bool {
    guard let session = sessions[assignment.agent] else { return false }
    let envelope = try key.sign(assignment).bytes
    state.send(assignment, answerDue: clock.now + .seconds(120))
    assigned.add(assignment)
    session.send(.assignment(.with { $0.envelope = envelope.data }))
    CrashPoint.reach("controller.assignmentSent")
    return true
  }

  /// The bundles of the assignment that is on its way to the agent: what it may fetch. What it says that it holds gives
  /// it no right to anything.
  func bundles(of session: Session) -> Set<Digest> {
    Set(state.members[session.agent]?.agent.sent?.contents.values.map(\.bundle) ?? [])
  }

  /// Whether this controller has assigned the job to the agent at any time.
  func hasAssigned(_ job: JobName, to agent: AgentID) -> Bool { assigned.contains(job, of: agent) }

  /// The job that a bundle was assigned as.
  func job(ofBundle bundle: Digest) -> JobName? { assigned.job(of: bundle) }

  func session(of id: AgentID) -> Session? { sessions[id] }

  /// Tells agents that receipts are committed and pushed. Those who are away learn it when they send them again.
  func acknowledge(_ committed: [AgentID: [RunID]], rejected: [AgentID: [(RunID, String)]] = [:]) {
    for agent in Set(committed.keys).union(rejected.keys) {
      state.settled((committed[agent]?.count ?? 0) + (rejected[agent]?.count ?? 0), of: agent)
      sessions[agent]?.send(
        .receiptAck(
          .with { ack in
            ack.committed = (committed[agent] ?? []).map(\.text)
            ack.rejected = (rejected[agent] ?? []).map { run, reason in
              .with {
                $0.runID = run.text
                $0.reason = reason
              }
            }
          }))
    }
  }

  /// Asks an agent to send all its receipts again.
  func askAgain(_ agent: AgentID) { sessions[agent]?.send(.receiptAck(Belfry_V1_ReceiptAck())) }

  /// Sends an order to run and waits for the agent's answer; a refusal in words when none comes within `patience`.
  func dispatch(_ dispatch: Dispatch, key: SigningKey, patience: Duration) async throws -> Belfry_V1_DispatchReply {
    guard let session = sessions[dispatch.agent] else {
      return .with { $0.refusal = "the agent is not connected" }
    }
    let envelope = try key.sign(dispatch).bytes
    let token = dispatch.agent.text + "/" + dispatch.request
    let timeout = Task { [weak self] in
      try await Task.sleep(for: patience)
      await self?.answered(token, .with { $0.refusal = "no answer within \(patience.manifestText)" })
    }
    defer { timeout.cancel() }
    return await withCheckedContinuation { continuation in
      replies[token] = continuation
      session.send(.dispatch(.with { $0.envelope = envelope.data }))
    }
  }

  func replied(_ session: Session, _ reply: Belfry_V1_DispatchReply) {
    answered(session.agent.text + "/" + reply.request, reply)
  }

  private func answered(_ token: String, _ reply: Belfry_V1_DispatchReply) {
    replies.removeValue(forKey: token)?.resume(returning: reply)
  }
}
