import Model
import SwiftProtobuf
import Wire

/// One agent's stream, as the rest of the controller sees it: a queue of what it is to be sent.
struct Session: Sendable {
  /// What waits to be sent. Content is read only when its turn comes, so that a large transfer costs a chunk of
  /// memory and not its size.
  enum Item: Sendable {
    case message(Belfry_V1_FromController)
    case bundle(Digest)
    case blob(Digest)
    /// Ends the stream, with the reason as the last message.
    case refuse(String)
  }

  let id: FleetState.SessionID
  let agent: AgentID
  let name: AgentName
  /// What the agent chose for this stream: dispatches carry it.
  let nonce: String
  let items: AsyncStream<Item>
  private let continuation: AsyncStream<Item>.Continuation

  init(id: FleetState.SessionID, agent: AgentID, name: AgentName, nonce: String) {
    self.id = id
    self.agent = agent
    self.name = name
    self.nonce = nonce
    (items, continuation) = AsyncStream.makeStream(of: Item.self)
  }

  func send(_ message: Belfry_V1_FromController.OneOf_Message) {
    continuation.yield(.message(.with { $0.message = message }))
  }

  func send(_ item: Item) { continuation.yield(item) }
  func finish() { continuation.finish() }
}
