import Model
import Platform
import ServiceLifecycle
import SwiftProtobuf
import Wire

/// Follows one run for one who asks for one event after the other: from its agent while it is going, from its log when it has
/// ended, without a gap and without a repetition between the two, whatever connections break meanwhile.
///
/// Nothing is fetched that was not asked for: a follower that does not read keeps the agent from sending, and no more.
/// When the value goes, its place goes too.
actor LogFollower {
  private let fleet: Fleet
  private let keeper: ResultsKeeper
  private let archive: LogArchive
  private let hub: LogHub
  private let run: FollowedRun
  private let place: LogHub.Follower
  private var position: LogPosition

  /// What is to be said, in order.
  private var pending: [FollowEvent]
  private var isDone = false
  /// Where the agent sends to, and over which stream.
  private var source: (slot: LogSlot, session: Session)?
  /// The agent may send the next part once all of the last one was asked for.
  private var isToAllow = false
  /// Since when no more comes from the agent.
  private var over: ContinuousClock.Instant?
  /// When the agent was last asked, or sent something.
  private var lastPart = ContinuousClock.now
  private var told: FollowEvent?
  private var lastSaid = ContinuousClock.now

  /// How often the state of things is looked at while nothing comes.
  private static let pause = Duration.milliseconds(250)
  /// Nothing happens for so long: a word, so that a peer that is gone shows.
  private static let silence = Duration.seconds(15)
  /// The receipt is there, and so long the agent sends nothing more and does not say that it is over.
  private static let agentPatience = Duration.seconds(10)
  /// A receipt follows the end of its run at once, if the agent is there.
  private static let receiptPatience = Duration.seconds(60)

  init(
    fleet: Fleet, keeper: ResultsKeeper, archive: LogArchive, hub: LogHub, run: FollowedRun, place: LogHub.Follower,
    from position: LogPosition
  ) {
    self.fleet = fleet
    self.keeper = keeper
    self.archive = archive
    self.hub = hub
    self.run = run
    self.place = place
    self.position = position
    pending = [.run(run.run, job: run.job, agent: run.agentName)]
  }

  deinit {
    hub.leave(place)
    // Also after the end: an agent that holds a place nevertheless would soon have none left.
    if let source { source.session.send(.stop(source.slot)) }
  }

  /// The next event; nil after the last one, and when the controller stops.
  func next() async throws -> FollowEvent? {
    hub.writing(place, since: nil)
    while pending.isEmpty, !isDone { try await look() }
    guard !pending.isEmpty else { return nil }
    lastSaid = .now
    hub.writing(place, since: .now)
    return pending.removeFirst()
  }

  private func look() async throws {
    guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return isDone = true }
    guard hub.has(place) else { return end(with: .failed("it was not read for a while, and others wait")) }
    allow()
    await connect()
    if let part = source?.slot.take() { return take(part) }
    if let known = await keeper.recent[run.run] {
      let isLate = .now - lastPart >= Self.agentPatience
      if source == nil || over != nil || isLate { return await finish(known) }
    }
    if let over, .now - over >= Self.receiptPatience {
      return end(with: .failed("its agent does not have it, and no receipt of it has come"))
    }
    if source == nil { announce(.standing(.away, attempt: position.attempt)) }
    if .now - lastSaid >= Self.silence { pending.append(.alive) }
    guard pending.isEmpty else { return }
    if let source, over == nil {
      await source.slot.filled.wait(atMost: Self.pause)
    } else {
      try await Task.sleep(for: Self.pause)
    }
  }

  /// Has the output sent on the agent's present stream.
  private func connect() async {
    let session = await fleet.session(of: run.agent)
    guard source?.session.id != session?.id else { return }
    if let source { hub.close(source.slot) }
    (source, over, isToAllow) = (nil, nil, false)
    guard let session, let slot = hub.open(place, session: session.id, from: position) else { return }
    source = (slot, session)
    lastPart = .now
    session.send(.follow(run.run, slot, from: position))
  }

  private func allow() {
    guard isToAllow, let source else { return }
    isToAllow = false
    lastPart = .now
    source.slot.allow()
    source.session.send(.logAck(.with { $0.follow = source.slot.id }))
  }

  private func take(_ part: LogSlot.Part) {
    lastPart = .now
    pending += position.take(attempt: part.attempt, part.chunks)
    announce(.standing(part.standing, attempt: part.attempt))
    if part.isLast { over = .now } else { isToAllow = true }
  }

  /// What is left of a run that has ended: from the log that came with its receipt.
  private func finish(_ known: RecentRuns.Known) async {
    for attempt in known.receipt.attempts where attempt.number >= position.attempt {
      var log = await keeper.logs[run.run, attempt.number]
      if log == nil, let commit = known.commit {
        log = await archive.log(of: known.receipt, attempt: attempt.number, in: commit)
      }
      let chunks = LogText.chunks(of: log ?? [])
      pending += position.take(attempt: attempt.number, chunks)
      let written = log.map { (chunks.last?.end ?? 0) + LogText.lost(atEndOf: $0) } ?? attempt.log.written
      let end = min(written, LogText.outputLimit)
      if attempt.number > position.attempt { position = LogPosition(attempt: attempt.number) }
      if end > position.offset {
        pending.append(.cut(attempt: attempt.number, offset: position.offset, bytes: end - position.offset))
        position.offset = end
      }
    }
    end(with: .end(outcome: known.receipt.outcome.description, reason: known.receipt.reason))
  }

  private func end(with event: FollowEvent) {
    pending.append(event)
    isDone = true
  }

  /// Says what is new.
  private func announce(_ event: FollowEvent) {
    guard event != told else { return }
    told = event
    pending.append(event)
  }
}

extension Belfry_V1_FromController.OneOf_Message {
  fileprivate static func follow(_ run: RunID, _ slot: LogSlot, from position: LogPosition) -> Self {
    .logOrder(
      .with {
        $0.follow = slot.id
        $0.runID = run.text
        $0.attempt = UInt32(position.attempt)
        $0.offset = position.offset
      })
  }

  /// No more is wanted for the slot.
  static func stop(_ slot: LogSlot) -> Self {
    .logOrder(
      .with {
        $0.follow = slot.id
        $0.stop = true
      })
  }
}
