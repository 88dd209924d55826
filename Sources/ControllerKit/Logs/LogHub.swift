import Model
import Synchronization
import Wire

/// Joins those who follow runs with the streams of the agents. Bounded: so many followers in all and of one agent, and
/// one part of output for each.
final class LogHub: Sendable {
  /// One who follows.
  struct Follower: Hashable, Sendable { let number: UInt64 }

  /// What became of one who wanted to follow.
  struct Admission: Sendable {
    /// Nil when there are too many.
    var follower: Follower?
    /// What those had who gave up their places for it. Their agents are to be told to stop, or they would hold them on.
    var dismissed: [(slot: LogSlot, agent: AgentID)] = []
  }

  /// Who may follow a run before its agent has reported it: it was ordered here.
  struct Ordered: Hashable, Sendable {
    var run: RunID
    var job: JobName
    var agent: AgentID
  }

  private struct Place {
    var agent: AgentID
    /// Since when it has been written to without coming back.
    var writing: ContinuousClock.Instant?
  }

  private struct State {
    var next: UInt64 = 1
    var followers: [Follower: Place] = [:]
    var slots: [UInt64: (slot: LogSlot, follower: Follower)] = [:]
    var ordered: [Ordered] = []
  }

  struct Limits: Sendable {
    var followers = 64
    /// As many as an agent answers.
    var ofAgent = 8
    /// One that has not read for so long gives up its place to another one.
    var patience = Duration.seconds(30)
    var ordered = 1_000
  }

  private let limits: Limits
  private let state = Mutex(State())

  init(limits: Limits = Limits()) { self.limits = limits }

  // MARK: - Followers

  /// Takes a follower in, if need be in the place of one that does not read.
  func admit(agent: AgentID, now: ContinuousClock.Instant = .now) -> Admission {
    state.withLock { state in
      var admission = Admission()
      func isFull() -> Bool {
        state.followers.count >= limits.followers
          || state.followers.values.count { $0.agent == agent } >= limits.ofAgent
      }
      while isFull() {
        let mayGo = state.followers.count >= limits.followers ? nil : agent
        let stuck = state.followers.filter { _, place in
          (mayGo == nil || place.agent == mayGo) && place.writing.map { now - $0 >= limits.patience } ?? false
        }
        guard let longest = stuck.min(by: { ($0.value.writing ?? now) < ($1.value.writing ?? now) }) else {
          return admission
        }
        admission.dismissed += dismiss(longest.key, &state).map { ($0, longest.value.agent) }
      }
      let follower = Follower(number: state.next)
      state.next += 1
      state.followers[follower] = Place(agent: agent)
      admission.follower = follower
      return admission
    }
  }

  /// Whether it still has its place.
  func has(_ follower: Follower) -> Bool { state.withLock { $0.followers[follower] != nil } }

  /// It is being written to since now, or not any more.
  func writing(_ follower: Follower, since time: ContinuousClock.Instant?) {
    state.withLock { $0.followers[follower]?.writing = time }
  }

  func leave(_ follower: Follower) { state.withLock { _ = dismiss(follower, &$0) } }

  /// Gives back the slots that it had.
  private func dismiss(_ follower: Follower, _ state: inout State) -> [LogSlot] {
    state.followers[follower] = nil
    let slots = state.slots.values.filter { $0.follower == follower }.map(\.slot)
    for slot in slots { state.slots[slot.id] = nil }
    return slots
  }

  // MARK: - Slots

  /// A place for the run's output on the agent's present stream; nil when the follower has lost its own.
  func open(_ follower: Follower, session: FleetState.SessionID, from position: LogPosition) -> LogSlot? {
    state.withLock { state in
      guard state.followers[follower] != nil else { return nil }
      let slot = LogSlot(id: state.next, session: session, from: position)
      state.next += 1
      state.slots[slot.id] = (slot, follower)
      return slot
    }
  }

  func close(_ slot: LogSlot) { state.withLock { _ = $0.slots.removeValue(forKey: slot.id) } }

  /// Takes what an agent sent; gives back why its stream is to be ended. What nobody waits for any more was on its way
  /// when its follower went.
  func received(_ part: Belfry_V1_LogPart, from session: FleetState.SessionID) -> String? {
    guard let slot = state.withLock({ $0.slots[part.follow]?.slot }), slot.session == session else { return nil }
    return slot.put(part)
  }

  // MARK: - Ordered runs

  func ordered(_ run: Ordered) {
    state.withLock { state in
      state.ordered.append(run)
      if state.ordered.count > limits.ordered { state.ordered.removeFirst() }
    }
  }

  var ordered: [Ordered] { state.withLock { $0.ordered } }

  /// Followers and slots, for tests.
  var count: (followers: Int, slots: Int) { state.withLock { ($0.followers.count, $0.slots.count) } }
}
