import HTTPTypes
import Model

/// What the API offers to those who want to follow a run.
struct LogDesk: Sendable {
  let fleet: Fleet
  let keeper: ResultsKeeper
  let archive: LogArchive
  let hub: LogHub

  /// What the run that the words mean writes from the position on, as it comes, until its end. One event is fetched when it
  /// is asked for: who waits makes the agent wait, and not the run.
  ///
  /// Throws an ``APIError`` when there is no such run, or more than one, or when too many follow already.
  func follow(
    _ words: String, from position: LogPosition
  ) async throws(APIError) -> AsyncThrowingStream<FollowEvent, any Error> {
    let search = FollowSearch(members: await fleet.members, ordered: hub.ordered, recent: await keeper.recent)
    let run = try search.find(words)
    let admission = hub.admit(agent: run.agent)
    for (slot, agent) in admission.dismissed {
      // Before the new one's order, on the same stream; one that has come since holds nothing.
      if let session = await fleet.session(of: agent), session.id == slot.session { session.send(.stop(slot)) }
    }
    guard let place = admission.follower else {
      throw APIError(
        .tooManyRequests, "too many follow runs of \(run.agentName), or of all agents, at the moment",
        hint: "try again later")
    }
    let follower = LogFollower(
      fleet: fleet, keeper: keeper, archive: archive, hub: hub, run: run, place: place, from: position)
    return AsyncThrowingStream { try await follower.next() }
  }
}
