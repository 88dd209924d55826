@testable import AgentKit
@testable import Execution
import Model
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Wire

/// What an agent sends to somebody who follows a run.
@Suite(.timeLimit(.minutes(10))) struct LogFeedTests {
  private static let run = try? RunID(String(repeating: "ab", count: 10))

  private static func chunk(_ text: String, at offset: Int64) -> LogChunk {
    LogChunk(source: .out, time: Timestamp(seconds: 1), offset: offset, bytes: Array(text.utf8))
  }

  private func feed(attempt: Int = 1, offset: Int64 = 0) throws -> LogFeed {
    let run = try #require(Self.run)
    return try #require(LogFeed(run: run, attempt: attempt, offset: offset))
  }

  @Test func `a run is followed from its turn to its end`() throws {
    var feed = try feed()
    #expect(feed.step(.queued, []) == .part(attempt: 1, [], .queued))
    #expect(feed.isInFlight)
    feed.taken()
    #expect(feed.step(.queued, []) == .nothing && !feed.isInFlight, "nothing is said twice")
    #expect(feed.step(.running(attempt: 1), []) == .part(attempt: 1, [], .running(attempt: 1)))
    feed.taken()
    let chunk = Self.chunk("one\n", at: 0)
    #expect(feed.step(.running(attempt: 1), [chunk]) == .part(attempt: 1, [chunk], .running(attempt: 1)))
    #expect(feed.offset == 4)
    feed.taken()
    // What was written up to the end comes before the end is said.
    let last = Self.chunk("two\n", at: 4)
    #expect(feed.step(.waiting(after: 1), [last]) == .part(attempt: 1, [last], .running(attempt: 1)))
    feed.taken()
    #expect(feed.step(.waiting(after: 1), []) == .part(attempt: 2, [], .waiting(after: 1)))
    #expect(feed.attempt == 2 && feed.offset == 0)
    feed.taken()
    // A part that said that it is over would be the last one for the controller.
    let more = Self.chunk("three\n", at: 0)
    #expect(feed.step(.over, [more]) == .part(attempt: 2, [more], .running(attempt: 2)))
    feed.taken()
    #expect(feed.step(.over, []) == .end(attempt: 2))
  }

  @Test func `attempts that nobody saw are passed over`() throws {
    var feed = try feed()
    #expect(feed.step(.running(attempt: 3), []) == .nothing && feed.attempt == 2)
    #expect(feed.step(.running(attempt: 3), []) == .nothing && feed.attempt == 3)
    #expect(feed.step(.running(attempt: 3), []) == .part(attempt: 3, [], .running(attempt: 3)))
  }

  @Test func `a part has few pieces`() throws {
    var feed = try feed()
    let many = (0..<1_000).map { Self.chunk("x", at: Int64($0)) }
    guard case .part(_, let chunks, _) = feed.step(.running(attempt: 1), many) else {
      return #expect(Bool(false), "no part")
    }
    #expect(chunks.count == LogFeed.partPieces && feed.offset == Int64(LogFeed.partPieces))
  }

  @Test(arguments: [(0, 0), (-1, 0), (1_001, 0), (1, -1)] as [(Int, Int64)])
  func `an order that makes no sense is none`(_ attempt: Int, _ offset: Int64) throws {
    let run = try #require(Self.run)
    let isNone = LogFeed(run: run, attempt: attempt, offset: offset) == nil
    #expect(isNone)
  }

  // MARK: - With files

  /// An output record as a shim writes it, of texts that are read one by one.
  private static func record(_ texts: [String]) -> [UInt8] {
    var file = OutputRecord.magic
    file.append(littleEndian: 4 * OutputBlock.size)
    file.append(littleEndian: 4 * OutputBlock.size)
    file += [UInt8](repeating: 0, count: OutputBlock.size - file.count)
    var offset: Int64 = 0
    for text in texts {
      var record: [UInt8] = []
      record.append(littleEndian: offset)
      record.append(littleEndian: Int64(1_000_000))
      record.append(littleEndian: UInt16(text.utf8.count))
      record += [1, 0, 0, 0, 0, 0]
      record += text.utf8
      let checksum = OutputBlock.checksum(of: record, at: 0, length: text.utf8.count)
      record.replaceSubrange(20..<24, with: Swift.withUnsafeBytes(of: checksum.littleEndian) { Array($0) })
      file += record
      offset += Int64(text.utf8.count)
    }
    return file
  }

  /// The parts that were sent so far.
  private final class Sent: Sendable {
    private let parts = Mutex<[Belfry_V1_LogPart]>([])
    private let outgoing: Outgoing

    init(_ outgoing: Outgoing) { self.outgoing = outgoing }

    func all() async -> [Belfry_V1_LogPart] {
      outgoing.finish()
      var all: [Belfry_V1_LogPart] = []
      for await message in outgoing.messages {
        if case .logPart(let part)? = message.message { all.append(part) }
      }
      return all
    }
  }

  private static func order(
    _ follow: UInt64, _ run: RunID, attempt: UInt32 = 1, offset: Int64 = 0, stop: Bool = false
  ) -> Belfry_V1_LogOrder {
    .with {
      $0.follow = follow
      $0.runID = run.text
      $0.attempt = attempt
      $0.offset = offset
      $0.stop = stop
    }
  }

  private static func text(_ parts: [Belfry_V1_LogPart]) -> String {
    String(decoding: parts.flatMap(\.pieces).flatMap(\.data), as: UTF8.self)
  }

  @Test func `one part at a time, and the rest of a folder that goes`() async throws {
    let run = try #require(Self.run)
    let folder = try TemporaryFolder("belfry-feeds")
    let path = folder.path("run")
    _ = try command(["mkdir", path])
    try folder.write("run/output", bytes: Self.record(["one\n", "two\n"]))
    let outputs = FollowedOutputs { _ in RunFolder(path: path) }
    let standing = Mutex(LogFeed.Standing.running(attempt: 1))
    let feeds = LogFeeds(outputs: outputs) { _ in standing.withLock { $0 } }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    feeds.tell(.order(Self.order(7, run)))
    for _ in 0..<5 { await feeds.advance() }
    // Not taken yet, so nothing more was sent. Meanwhile the run writes on and ends, and its folder goes.
    try folder.write("run/output", bytes: Self.record(["one\n", "two\n", "three\n"]))
    _ = outputs.keep(AttemptID(run: run, number: 1))
    _ = try command(["rm", "-r", path])
    standing.withLock { $0 = .over }
    for _ in 0..<3 {
      feeds.tell(.taken(7))
      await feeds.advance()
    }
    let parts = await Sent(outgoing).all()
    #expect(parts.map(\.pieces.count) == [2, 1, 0] && Self.text(parts) == "one\ntwo\nthree\n")
    #expect(parts.map(\.standing) == [.running, .running, .over] && parts.allSatisfy { $0.follow == 7 })
    #expect(outputs.source(of: AttemptID(run: run, number: 1)) == nil, "nothing is kept when nobody follows")
  }

  @Test func `attempts that end between two looks are all sent`() async throws {
    let run = try #require(Self.run)
    let folder = try TemporaryFolder("belfry-feeds")
    for attempt in 1...3 {
      _ = try command(["mkdir", folder.path("\(attempt)")])
      try folder.write("\(attempt)/output", bytes: Self.record(["of \(attempt)\n"]))
    }
    let outputs = FollowedOutputs { RunFolder(path: folder.path("\($0.number)")) }
    let feeds = LogFeeds(outputs: outputs) { _ in .over }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    feeds.tell(.order(Self.order(1, run)))
    for _ in 0..<8 {
      await feeds.advance()
      feeds.tell(.taken(1))
    }
    let parts = await Sent(outgoing).all()
    #expect(Self.text(parts) == "of 1\nof 2\nof 3\n" && parts.last?.standing == .over)
    #expect(parts.dropLast().allSatisfy { $0.standing != .over }, "a controller takes nothing after that")
    #expect(parts.filter { !$0.pieces.isEmpty }.map(\.attempt) == [1, 2, 3])
  }

  @Test func `an attempt that had ended before is sent from what is kept`() async throws {
    let run = try #require(Self.run)
    var log: [UInt8] = []
    for text in ["one", "two"] {
      LogLine(time: Timestamp(seconds: 1), source: .out, text: Array(text.utf8)).print(to: &log)
    }
    let feeds = LogFeeds(
      outputs: FollowedOutputs { _ in RunFolder(path: "/nowhere") },
      log: { [log] attempt in attempt.number == 1 ? log : nil }
    ) { _ in .running(attempt: 2) }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    feeds.tell(.order(Self.order(1, run, offset: 2)))
    for _ in 0..<4 {
      await feeds.advance()
      feeds.tell(.taken(1))
    }
    let parts = await Sent(outgoing).all()
    #expect(Self.text(parts) == "e\ntwo\n" && parts.last?.standing == .running)
  }

  @Test func `an offset is where it goes on`() async throws {
    let run = try #require(Self.run)
    let folder = try TemporaryFolder("belfry-feeds")
    try folder.write("output", bytes: Self.record(["one\n", "two\n"]))
    let feeds = LogFeeds(outputs: FollowedOutputs { _ in RunFolder(path: folder.path) }) { _ in .running(attempt: 1) }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    feeds.tell(.order(Self.order(1, run, offset: 2)))
    await feeds.advance()
    let parts = await Sent(outgoing).all()
    #expect(Self.text(parts) == "e\ntwo\n" && parts.first?.pieces.first?.offset == 2)
  }

  @Test func `too much is not begun`() async throws {
    let feeds = LogFeeds(outputs: FollowedOutputs { _ in RunFolder(path: "/nowhere") }) { _ in .running(attempt: 1) }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    let run = try #require(Self.run)
    for number in 1...12 as ClosedRange<UInt64> { feeds.tell(.order(Self.order(number, run))) }
    feeds.tell(.order(.with { $0.runID = "../../etc/passwd" }))
    feeds.tell(.order(Self.order(13, run, offset: -1)))
    await feeds.advance()
    let parts = await Sent(outgoing).all()
    #expect(parts.count { $0.standing == .over } == 6 && parts.count { $0.standing == .running } == LogFeeds.limit)
  }

  @Test func `nobody is sent anything after the stream's end, or a stop`() async throws {
    let run = try #require(Self.run)
    let folder = try TemporaryFolder("belfry-feeds")
    let feeds = LogFeeds(outputs: FollowedOutputs { _ in RunFolder(path: folder.path) }) { _ in .running(attempt: 1) }
    let outgoing = Outgoing()
    feeds.tell(.connected(outgoing))
    feeds.tell(.order(Self.order(1, run)))
    feeds.tell(.order(Self.order(1, run, stop: true)))
    await feeds.advance()
    feeds.tell(.order(Self.order(2, run)))
    feeds.tell(.disconnected)
    await feeds.advance()
    #expect(await Sent(outgoing).all().isEmpty)
  }
}
