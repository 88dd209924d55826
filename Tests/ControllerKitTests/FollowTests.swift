@testable import ControllerKit
import Model
import Platform
import SwiftProtobuf
import TestSupport
import Testing
import Trust
import Wire

/// What followers are given, and what agents may send for them.
@Suite(.timeLimit(.minutes(10))) struct FollowTests {
  private static func part(
    _ attempt: UInt32 = 1, _ standing: Belfry_V1_LogPart.Standing = .running, _ pieces: [(Int64, String)] = []
  ) -> Belfry_V1_LogPart {
    .with {
      $0.follow = 1
      $0.attempt = attempt
      $0.standing = standing
      $0.pieces = pieces.map { offset, text in
        .with {
          $0.offset = offset
          $0.data = Array(text.utf8).data
        }
      }
    }
  }

  private static func slot(_ position: LogPosition = LogPosition()) -> LogSlot {
    LogSlot(id: 1, session: FleetState.SessionID(number: 1), from: position)
  }

  struct Hostile: CustomTestStringConvertible {
    var name: String
    var part: Belfry_V1_LogPart
    var testDescription: String { name }
  }

  @Test(arguments: [
    Hostile(name: "an earlier attempt", part: part(1, .running, [(10, "x")])),
    Hostile(name: "an attempt out of range", part: part(1_001)),
    Hostile(name: "what is known already", part: part(2, .running, [(9, "x")])),
    Hostile(name: "pieces out of order", part: part(2, .running, [(20, "x"), (20, "y")])),
    Hostile(name: "an offset beyond all", part: part(2, .running, [(.max, "x")])),
    Hostile(name: "a negative offset", part: part(3, .running, [(-1, "x")])),
    Hostile(name: "an empty piece", part: part(2, .running, [(10, "")])),
    Hostile(name: "no standing", part: part(2, .unspecified)),
    Hostile(name: "an unknown standing", part: part(2, .UNRECOGNIZED(99))),
    Hostile(name: "too many pieces", part: part(2, .running, (0..<257).map { (10 + $0, "x") })),
    Hostile(name: "too many bytes", part: part(2, .running, [(10, String(repeating: "x", count: 70_000))])),
  ])
  func `a part that breaks the rules ends the stream`(_ row: Hostile) {
    let slot = Self.slot(LogPosition(attempt: 2, offset: 10))
    #expect(slot.put(row.part) != nil)
    #expect(slot.take() == nil)
  }

  @Test func `a slot holds one part, however many come`() {
    let slot = Self.slot()
    #expect(slot.put(Self.part(1, .running, [(0, "one")])) == nil)
    #expect(slot.put(Self.part(1, .running, [(3, "two")])) != nil, "it was not allowed to")
    #expect(slot.take()?.chunks.map(\.bytes) == [Array("one".utf8)])
    #expect(slot.put(Self.part(1, .running, [(3, "two")])) != nil, "taken is not allowed")
    slot.allow()
    #expect(slot.put(Self.part(1, .over, [])) == nil)
    slot.allow()
    #expect(slot.put(Self.part(1, .running, [(9, "late")])) != nil, "it said that it was over")
  }

  @Test func `parts go to the follower on whose stream they come`() throws {
    let hub = LogHub()
    let follower = try #require(hub.admit(agent: agentID(1)).follower)
    let (mine, other) = (FleetState.SessionID(number: 1), FleetState.SessionID(number: 2))
    let slot = try #require(hub.open(follower, session: mine, from: LogPosition()))
    func part(_ follow: UInt64) -> Belfry_V1_LogPart {
      var part = Self.part(1, .running, [(0, "x")])
      part.follow = follow
      return part
    }
    // Another agent cannot speak for this one; what nobody waits for is on its way from before.
    #expect(hub.received(part(slot.id), from: other) == nil && slot.take() == nil)
    #expect(hub.received(part(slot.id + 99), from: mine) == nil)
    #expect(hub.received(part(slot.id), from: mine) == nil && slot.take() != nil)
    hub.leave(follower)
    #expect(hub.received(part(slot.id), from: mine) == nil && slot.take() == nil)
    #expect(hub.count == (0, 0))
  }

  @Test func `followers are few, and one that does not read gives up its place`() throws {
    let hub = LogHub(limits: .init(followers: 4, ofAgent: 2, patience: .seconds(30)))
    let start = ContinuousClock.now
    let first = try #require(hub.admit(agent: agentID(1), now: start).follower)
    let second = try #require(hub.admit(agent: agentID(1), now: start).follower)
    #expect(hub.admit(agent: agentID(1), now: start).follower == nil, "of one agent")
    hub.writing(first, since: start)
    #expect(hub.admit(agent: agentID(1), now: start + .seconds(29)).follower == nil)
    let slot = try #require(hub.open(first, session: FleetState.SessionID(number: 1), from: LogPosition()))
    let third = hub.admit(agent: agentID(1), now: start + .seconds(30))
    #expect(third.follower != nil && third.dismissed.map(\.slot.id) == [slot.id])
    #expect(third.dismissed.map(\.agent) == [agentID(1)])
    #expect(!hub.has(first) && hub.has(second))
    #expect(hub.open(first, session: FleetState.SessionID(number: 1), from: LogPosition()) == nil)
    #expect(hub.admit(agent: agentID(2)).follower != nil && hub.admit(agent: agentID(3)).follower != nil)
    #expect(hub.admit(agent: agentID(4)).follower == nil, "in all")
  }

  // MARK: - What agents are told

  /// A desk with one agent that is connected, and a run that was ordered of it.
  private struct Parts {
    let folder: TemporaryFolder
    let hub: LogHub
    let desk: LogDesk
    let session: Session
    let run: RunID

    init(_ limits: LogHub.Limits = .init()) async throws {
      folder = try TemporaryFolder("belfry-follow")
      hub = LogHub(limits: limits)
      let fleet = Fleet(epoch: 1, clock: .system, changed: Signal(), logger: quiet)
      session = try await fleet.open(
        id: agentID(1), name: AgentName("a-1"), key: SigningKey.generate().publicKey, version: "1", nonce: "n")
      run = try RunID(padded(1, 20))
      hub.ordered(LogHub.Ordered(run: run, job: try JobName("a"), agent: agentID(1)))
      desk = LogDesk(
        fleet: fleet, keeper: try ReceiptGroundsTests.keeper(folder, .system),
        archive: LogArchive(folder: folder.path("results.git")), hub: hub)
    }

    func follow() async throws -> AsyncThrowingStream<FollowEvent, any Error> {
      try await desk.follow(run.text, from: LogPosition())
    }

    /// The next thing that the agent is told.
    func told() async throws -> Belfry_V1_LogOrder {
      _ = try await eventually("the agent is told something") { session.outbox.count > 0 ? true : nil }
      guard case .message(let message)? = await session.outbox.next() else { return Belfry_V1_LogOrder() }
      return message.logOrder
    }

    /// Answers the next order with a part; which follow it is of.
    func answer(_ part: Belfry_V1_LogPart) async throws -> UInt64 {
      var part = part
      part.follow = try await told().follow
      #expect(hub.received(part, from: session.id) == nil)
      return part.follow
    }
  }

  /// Follows until something comes of the agent, and then no more.
  private func followed(_ parts: Parts, _ part: Belfry_V1_LogPart) async throws -> UInt64 {
    var events = try await parts.follow().makeAsyncIterator()
    _ = try await events.next()
    async let follow = parts.answer(part)
    _ = try await events.next()
    return try await follow
  }

  @Test(arguments: [part(1, .running, [(0, "x")]), part(1, .over), part(1, .over, [(0, "x")])])
  func `an agent is told when a follower goes, whatever it said`(_ part: Belfry_V1_LogPart) async throws {
    let parts = try await Parts()
    let follow = try await followed(parts, part)
    let stop = try await parts.told()
    #expect(stop.stop && stop.follow == follow)
  }

  @Test func `an agent is told when a follower loses its place`() async throws {
    let parts = try await Parts(.init(ofAgent: 1, patience: .zero))
    let stuck = try await parts.follow()
    var events = stuck.makeAsyncIterator()
    _ = try await events.next()
    async let answered = parts.answer(Self.part(1, .running, [(0, "x")]))
    _ = try await events.next()
    let follow = try await answered
    let next = try await parts.follow()
    let stop = try await parts.told()
    #expect(stop.stop && stop.follow == follow)
    withExtendedLifetime((stuck, events, next)) {}
  }

  @Test func `ordered runs are remembered, and not for ever`() throws {
    let hub = LogHub(limits: .init(ordered: 3))
    for number in 0..<10 {
      hub.ordered(
        LogHub.Ordered(
          run: try RunID(padded(number, 20)), job: try JobName("a"), agent: agentID(1)))
    }
    #expect(hub.ordered.map(\.run.text.last) == ["7", "8", "9"])
  }

  @Test func `logs in memory are bounded`() throws {
    var logs = RecentLogs(capacity: 10_000)
    for number in 0..<100 {
      logs.add([1: [UInt8](repeating: 7, count: 1_000)], of: try RunID(padded(number, 20)))
    }
    #expect(try logs[RunID(padded(99, 20)), 1]?.count == 1_000)
    #expect(try logs[RunID(padded(0, 20)), 1] == nil)
    #expect(try (0..<100).count { try logs[RunID(padded($0, 20)), 1] != nil } <= 8)
  }

  // MARK: - Which run is meant

  private static func run(_ first: String, _ job: String, started: Int64 = 0) throws -> AgentReport.Running {
    AgentReport.Running(
      run: try RunID(first + String(repeating: "0", count: 20 - first.count)), job: try JobName(job),
      nominal: Timestamp(seconds: started), started: Timestamp(seconds: started), attempt: 1)
  }

  private static func search() throws -> FollowSearch {
    var state = FleetState(epoch: 1)
    for number in 1...2 {
      let id = agentID(UInt64(number))
      let session = try state.connect(
        id: id, name: AgentName("a-\(number)"), key: SigningKey.generate().publicKey, version: "1",
        at: Timestamp(seconds: 1))
      var report = AgentReport(
        labels: [:], addresses: [], position: .zero, expires: nil, held: [:],
        running: [
          try run("aaaa\(number)", "job", started: Int64(number)), try run("bbbb\(number)", "other"),
        ], spooled: 0, problems: [])
      report.queued = [try run("cccc\(number)", "waits", started: Int64(number))]
      _ = state.heard(from: id, session: session, report: report, at: Timestamp(seconds: 1))
    }
    let ordered = LogHub.Ordered(
      run: try RunID("dddd" + String(repeating: "0", count: 16)), job: try JobName("ordered"), agent: agentID(2))
    return FollowSearch(members: Array(state.members.values), ordered: [ordered], recent: RecentRuns())
  }

  @Test(arguments: [
    ("aaaa1", "aaaa1", 1), ("aaaa1000000000000000", "aaaa1", 1), ("job", "aaaa2", 2), ("waits", "cccc2", 2),
    ("cccc1", "cccc1", 1), ("ordered", "dddd", 2), ("dddd", "dddd", 2),
  ])
  func `a run is found`(_ words: String, _ run: String, _ agent: UInt64) throws {
    let found = try Self.search().find(words)
    #expect(found.run.text.hasPrefix(run) && found.agent == agentID(agent))
  }

  @Test(arguments: ["aaaa", "eeee", "aa", "nothing", "", "../x", "AAAA1", String(repeating: "a", count: 500)])
  func `what is not one run is said`(_ words: String) throws {
    let search = try Self.search()
    #expect(throws: APIError.self) { try search.find(words) }
  }
}
