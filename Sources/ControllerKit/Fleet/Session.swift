import Model
import SwiftProtobuf
import Wire

/// One agent's stream, as the rest of the controller sees it: what it is to be sent.
struct Session: Sendable {
  let id: FleetState.SessionID
  let agent: AgentID
  let name: AgentName
  /// What the agent chose for this stream: dispatches carry it.
  let nonce: String
  let outbox: Outbox
  /// Fetches artifacts over the stream; nil where none are taken.
  let artifacts: ArtifactIntake?

  init(
    id: FleetState.SessionID, agent: AgentID, name: AgentName, nonce: String, outbox: Outbox = Outbox(),
    artifacts: ArtifactIntake? = nil
  ) {
    self.id = id
    self.agent = agent
    self.name = name
    self.nonce = nonce
    self.outbox = outbox
    self.artifacts = artifacts
  }

  func send(_ message: Belfry_V1_FromController.OneOf_Message) { outbox.put(.with { $0.message = message }) }

  /// Ends the stream, with the reason as the last message.
  func refuse(_ reason: String) { outbox.refuse(reason) }
  func finish() { outbox.finish() }
}
