@testable import ControllerKit
import Foundation
import Glibc
import Model
import Platform
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import Trust
import Wire

/// Who has to make room for whom.
@Suite struct ArtifactRoomTests {
  private let a = AgentID(random: (1, 1))
  private let b = AgentID(random: (2, 2))

  private func digest(_ number: Int) -> Digest { SHA256.hash([UInt8(number)]) }

  private func shelf(_ sizes: [(Int, Int64)]) -> ArtifactShelf {
    var shelf = ArtifactShelf()
    for (number, size) in sizes { shelf.put(digest(number), .init(size: size, time: Int64(number))) }
    return shelf
  }

  @Test func whereThereIsRoomNothingGoes() {
    let room = ArtifactRoom(total: 100, agent: 50)
    let removed = room.toRemove(
      [a: shelf([(1, 40)]), b: shelf([(2, 40)])], for: a, bytes: 10, keeping: [a: [digest(9)]])
    #expect(removed?.isEmpty == true)
  }

  @Test func whoHasMoreThanItsShareLosesItsOwnOldest() {
    let room = ArtifactRoom(total: 1_000, agent: 50)
    let removed = room.toRemove(
      [a: shelf([(3, 20), (1, 20), (2, 9)]), b: shelf([(0, 40)])], for: a, bytes: 25, keeping: [a: [digest(9)]])
    #expect(removed?.map(\.digest) == [digest(1), digest(2)] && removed?.allSatisfy { $0.agent == a } == true)
  }

  @Test func whoHasTheMostMakesRoomForOthers() {
    let room = ArtifactRoom(total: 100, agent: 90)
    let removed = room.toRemove(
      [a: shelf([(9, 10)]), b: shelf([(5, 45), (6, 45)])], for: a, bytes: 10, keeping: [a: [digest(1)]])
    #expect(removed?.map(\.digest) == [digest(5)] && removed?.first?.agent == b)
  }

  @Test func partsGoBeforeFilesAndTheOneThatGrowsStays() {
    let room = ArtifactRoom(total: 100, agent: 50)
    var shelf = shelf([(1, 20)])
    shelf.put(part: digest(2), .init(size: 20, time: 5))
    shelf.put(part: digest(3), .init(size: 10, time: 9))
    #expect(room.toRemove([a: shelf], for: a, bytes: 5, keeping: [a: [digest(3)]])?.map(\.digest) == [digest(2)])
    #expect(room.toRemove([a: shelf], for: a, bytes: 45, keeping: [a: [digest(3)]]) == nil)
  }

  @Test func whatIsComingFromAnotherAgentStays() {
    let room = ArtifactRoom(total: 100, agent: 90)
    var large = ArtifactShelf()
    large.put(part: digest(5), .init(size: 60, time: 1))
    let shelves = [a: shelf([(1, 30)]), b: large]
    let kept: [AgentID: Set<Digest>] = [a: [digest(2)], b: [digest(5)]]
    #expect(room.toRemove(shelves, for: a, bytes: 20, keeping: kept)?.map(\.digest) == [digest(1)])
    #expect(room.toRemove(shelves, for: a, bytes: 50, keeping: kept) == nil)
    #expect(room.toRemove(shelves, for: a, bytes: 50, keeping: [:])?.map(\.digest) == [digest(5)])
  }

  @Test func sizesAddUpWhateverHappens() {
    var generator = SeededGenerator(seed: testSeed)
    var shelf = ArtifactShelf()
    for _ in 0..<2_000 {
      let digest = digest(Int.random(in: 0..<10, using: &generator))
      let file = ArtifactShelf.File(
        size: .random(in: 0...99, using: &generator), time: .random(in: 0...9, using: &generator))
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: shelf.put(digest, file)
      case 1: shelf.put(part: digest, file)
      case 2: shelf.remove(digest)
      default: shelf.remove(part: digest)
      }
      let sum = (Array(shelf.files.values) + shelf.parts.values).reduce(0) { $0 + $1.size }
      #expect(shelf.size == sum, "seed \(testSeed)")
    }
  }
}

/// A store, a run that gave files back, and an agent that answers.
private final class Bench: Sendable {
  let folder: TemporaryFolder
  let store: ArtifactStore
  let agent = AgentID(random: (7, 7))

  init(room: ArtifactRoom = ArtifactRoom(), path: String? = nil) throws {
    folder = try TemporaryFolder("belfry-artifacts")
    store = ArtifactStore(folder: path ?? folder.path("artifacts"), room: room, clock: .system, logger: quiet)
  }

  func receipt(_ files: [(String, [UInt8])], seconds: Int64 = 0) throws -> Receipt {
    let occurrence = Occurrence(job: try JobName("a"), nominal: Timestamp(seconds: seconds))
    var attempt = Receipt.Attempt(
      number: 1, started: Timestamp(seconds: 0), ended: Timestamp(seconds: 1), state: .succeeded)
    attempt.artifacts = files.map { Artifact(name: $0.0, size: Int64($0.1.count), digest: SHA256.hash($0.1)) }
    return Receipt(
      run: occurrence.run(on: agent), occurrence: occurrence, agent: agent, agentName: try AgentName("host"),
      bundle: SHA256.hash([1]), commit: try CommitID(String(repeating: "a", count: 40)), outcome: .ran(.succeeded),
      ended: Timestamp(seconds: 1), attempts: [attempt])
  }

  /// Runs an intake for the receipt against an agent that answers requests by `answer`; gives back what the controller says at
  /// the end, nil when the agent's stream was ended. `offeringAgain`: the first receipt's artifacts, as soon as the agent has
  /// said that it cannot read one of them.
  func fetch(
    _ receipts: Receipt..., pause: Duration = .milliseconds(20), offeringAgain: Bool = false,
    _ answer: @Sendable @escaping (Belfry_V1_ArtifactRequest) -> [Belfry_V1_ArtifactChunk]
  ) async throws -> Belfry_V1_ArtifactsReceived? {
    let intake = ArtifactIntake(store: store, pause: pause, logger: quiet)
    let (messages, continuation) = AsyncStream.makeStream(of: Belfry_V1_FromController.OneOf_Message.self)
    for receipt in receipts { intake.add(receipt) }
    return try await withThrowingTaskGroup(of: Void.self) { group in
      let agent = agent
      group.addTask { await intake.run(agent: agent) { continuation.yield($0) } }
      defer { group.cancelAll() }
      for await message in messages {
        switch message {
        case .artifactRequest(let request):
          for chunk in answer(request) {
            guard intake.take(chunk) else { return nil }
            if offeringAgain, !chunk.later.isEmpty { intake.add(receipts[0]) }
          }
        case .artifactsReceived(let answer): return answer
        default: throw CommandFailure(description: "\(message)")
        }
      }
      return nil
    }
  }

  /// An honest agent that has these files.
  static func honest(_ files: [[UInt8]]) -> @Sendable (Belfry_V1_ArtifactRequest) -> [Belfry_V1_ArtifactChunk] {
    { request in
      guard let file = files.first(where: { SHA256.hash($0).hex == request.sha256 }) else {
        return [
          .with {
            $0.sha256 = request.sha256; $0.offset = request.offset; $0.problem = "not here"
          }
        ]
      }
      return stride(from: Int(request.offset), to: Int(request.offset + request.length), by: WireLimits.chunk).map {
        at in
        .with {
          $0.sha256 = request.sha256
          $0.offset = Int64(at)
          $0.data = file[at..<min(at + WireLimits.chunk, Int(request.offset + request.length))].data
        }
      }
    }
  }

  /// How many of these are there.
  func stored(of files: [[UInt8]]) async -> Int {
    var count = 0
    for file in files where await stored(file) { count += 1 }
    return count
  }

  func stored(_ bytes: [UInt8]) async -> Bool {
    guard await store.has(SHA256.hash(bytes), of: agent) else { return false }
    return (try? await store.read(SHA256.hash(bytes), of: agent, at: 0, limit: bytes.count + 1)) == bytes
  }
}

@Suite(.timeLimit(.minutes(10))) struct ArtifactStoreTests {
  private static let large = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

  @Test func whatAReceiptListsIsFetchedAndKept() async throws {
    let bench = try Bench()
    let receipt = try bench.receipt([("a", Self.large), ("b", []), ("c", [1]), ("d", Self.large)])
    let requests = Mutex(0)
    let answer = try await bench.fetch(receipt) { request in
      requests.withLock { $0 += 1 }
      return Bench.honest([Self.large, [], [1]])(request)
    }
    #expect(answer?.runID == receipt.run.text && answer?.refused.isEmpty == true)
    #expect(await bench.stored(of: [Self.large, [], [1]]) == 3)
    // Once each, in pieces.
    #expect(requests.withLock { $0 } == 3 + 1)
    // Told again, nothing is asked for.
    let again = try await bench.fetch(receipt) { _ in [] }
    #expect(again?.refused.isEmpty == true)
    let found = await bench.store.find(String(receipt.run.text.prefix(6)))
    #expect(found.map(\.run) == [receipt.run] && found[0].isComplete && found[0].entries.count == 4)
  }

  @Test func aTransferGoesOnWhereItWasCut() async throws {
    let bench = try Bench()
    let receipt = try bench.receipt([("a", Self.large)])
    let requests = Mutex<[Int64]>([])
    // The stream ends in the middle of the second piece.
    _ = try await bench.fetch(receipt) { request in
      requests.withLock { $0.append(request.offset) }
      let chunks = Bench.honest([Self.large])(request)
      guard request.offset > 0 else { return chunks }
      return Array(chunks.prefix(3)) + [.with { $0.sha256 = "cut" }]
    }
    let answer = try await bench.fetch(receipt) { request in
      requests.withLock { $0.append(request.offset) }
      return Bench.honest([Self.large])(request)
    }
    #expect(answer?.refused.isEmpty == true && requests.withLock { $0.count > 2 && $0[2] >= 512 << 10 })
    #expect(await bench.stored(Self.large))
  }

  @Test func aPartThatVanishesIsFetchedAgainAsOftenAsItTakes() async throws {
    let bench = try Bench()
    let part = bench.folder.path("artifacts/\(bench.agent.text)/\(SHA256.hash(Self.large).hex).part")
    let removals = Mutex(0)
    let answer = try await bench.fetch(bench.receipt([("a", Self.large)])) { request in
      if request.offset > 0, removals.withLock({ $0 < 3 }), unlink(part) == 0 { removals.withLock { $0 += 1 } }
      return Bench.honest([Self.large])(request)
    }
    #expect(removals.withLock { $0 } == 3)
    #expect(answer?.refused.isEmpty == true, "\(answer.debugDescription)")
    #expect(await bench.stored(Self.large))
  }

  @Test func whatAnAgentSendsDoesNotPushOutWhatComesFromAnother() async throws {
    let bench = try Bench(room: ArtifactRoom(total: 1_000, agent: 900))
    let (store, agent, other) = (bench.store, bench.agent, AgentID(random: (8, 8)))
    let file = [UInt8](repeating: 1, count: 600)
    let artifact = Artifact(name: "a", size: 600, digest: SHA256.hash(file))
    let otherOne = Artifact(name: "b", size: 500, digest: SHA256.hash([2]))
    #expect(try await store.begin(otherOne, of: other) == .missing(from: 0))
    try await store.transferring(artifact, of: agent) { () async throws in
      #expect(try await store.begin(artifact, of: agent) == .missing(from: 0))
      #expect(try await store.append(file, at: 0, of: artifact, agent: agent))
      await #expect(throws: FileError.self) {
        try await store.append(file.prefix(500), at: 0, of: otherOne, agent: other)
      }
      #expect(try await store.begin(artifact, of: agent) == .missing(from: 600))
    }
    // Nobody goes on with it.
    #expect(try await store.append(file.prefix(500), at: 0, of: otherOne, agent: other))
    #expect(try await store.begin(artifact, of: agent) == .missing(from: 0))
    #expect(try await !store.append(file.suffix(100), at: 500, of: artifact, agent: agent))
  }

  @Test func anAgentThatStopsInTheMiddleHoldsNoRoom() async throws {
    let folder = try TemporaryFolder("belfry-artifacts")
    let seconds = Mutex<Int64>(0)
    let store = ArtifactStore(
      folder: folder.path("artifacts"), room: ArtifactRoom(total: (2 << 20) + 1, agent: 2 << 20),
      clock: WallClock { Timestamp(seconds: seconds.withLock { $0 }) }, logger: quiet)
    let (agent, other) = (AgentID(random: (7, 7)), AgentID(random: (8, 8)))
    let piece = [UInt8](repeating: 1, count: WireLimits.artifactWindow)
    let artifact = Artifact(name: "a", size: 2 << 20, digest: SHA256.hash([1]))
    let otherOne = Artifact(name: "b", size: 1 << 20, digest: SHA256.hash([2]))
    #expect(try await store.begin(otherOne, of: other) == .missing(from: 0))
    try await store.transferring(artifact, of: agent) { () async throws in
      #expect(try await store.begin(artifact, of: agent) == .missing(from: 0))
      for index in 0..<3 {
        #expect(try await store.append(piece, at: Int64(index * piece.count), of: artifact, agent: agent))
      }
      // One that was cut at an odd place goes on in pieces that are none of a whole file.
      #expect(try await store.append(piece.dropLast(), at: 0, of: otherOne, agent: other))
      #expect(try await store.append([1], at: Int64(piece.count - 1), of: otherOne, agent: other))
      // It goes on, a byte now and then.
      seconds.withLock { $0 += Int64(ArtifactStore.patience.components.seconds) }
      #expect(try await store.append([1], at: Int64(3 * piece.count), of: artifact, agent: agent))
      await #expect(throws: FileError.self) {
        try await store.append(piece, at: Int64(piece.count), of: otherOne, agent: other)
      }
      seconds.withLock { $0 += 1 }
      #expect(try await store.append(piece, at: Int64(piece.count), of: otherOne, agent: other))
      #expect(try await store.begin(artifact, of: agent) == .missing(from: 0))
    }
  }

  /// An agent that means harm, or has a bad disk.
  struct Harm: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Nil: its stream is ended.
    var refusal: String?
    var change: @Sendable (inout [Belfry_V1_ArtifactChunk]) -> Void
  }

  @Test(arguments: [
    Harm(testDescription: "other bytes", refusal: "not those that the receipt names") { chunks in
      for index in chunks.indices { chunks[index].data[chunks[index].data.startIndex] ^= 1 }
    },
    Harm(testDescription: "more than was asked for") { $0.append($0[0]) },
    Harm(testDescription: "another offset") { $0[1].offset += 1 },
    Harm(testDescription: "a negative offset") { $0[0].offset = -1 },
    Harm(testDescription: "another digest") { $0[0].sha256 = String(repeating: "0", count: 64) },
    Harm(testDescription: "a path for a digest") { $0[0].sha256 = "../../../etc/passwd" },
    Harm(testDescription: "an endless chunk") { $0[0].data = Data(repeating: 1, count: 1 << 20) },
    Harm(testDescription: "empty chunks without end") { $0[0].data = Data() },
    Harm(testDescription: "a problem", refusal: "the agent: gone <U+001B>[2J") { chunks in
      chunks = [
        .with { [first = chunks[0]] in
          $0.sha256 = first.sha256; $0.offset = first.offset; $0.problem = "gone \u{1b}[2J"
        }
      ]
    },
  ])
  func whatAnAgentSendsIsNotBelieved(_ harm: Harm) async throws {
    let bench = try Bench()
    let file = Array(Self.large.prefix(300_000))
    let answer = try await bench.fetch(bench.receipt([("a", file)])) { request in
      var chunks = Bench.honest([file])(request)
      harm.change(&chunks)
      return chunks
    }
    #expect(answer?.refused.first?.reason.contains(harm.refusal ?? "?") == (harm.refusal == nil ? nil : true))
    #expect(await !bench.stored(file))
    #expect(await !bench.store.has(SHA256.hash(file), of: bench.agent))
  }

  @Test func whatAnAgentCannotReadNowKeepsNoOtherWaiting() async throws {
    let bench = try Bench()
    let first = try bench.receipt([("bad", Self.large), ("good", [1])])
    let second = try bench.receipt([("other", [2])], seconds: 60)
    let bad = SHA256.hash(Self.large).hex
    // The bad sector lies behind the first piece.
    let answer = try await bench.fetch(first, second) { request in
      let chunks = Bench.honest([Self.large, [1], [2]])(request)
      guard request.sha256 == bad, request.offset > 0 else { return chunks }
      return [
        .with {
          $0.sha256 = bad; $0.offset = request.offset; $0.later = "an error of the disk"
        }
      ]
    }
    #expect(answer?.runID == second.run.text && answer?.refused.isEmpty == true)
    #expect(await bench.stored(of: [[1], [2]]) == 2)
    #expect(await bench.store.find(first.run.text).first?.isComplete == false)
    // Offered again, only what is missing is asked for.
    let requests = Mutex<[Int64]>([])
    let again = try await bench.fetch(first) { request in
      requests.withLock { $0.append(request.sha256 == bad ? request.offset : -1) }
      return Bench.honest([Self.large])(request)
    }
    #expect(again?.runID == first.run.text && again?.refused.isEmpty == true)
    #expect(requests.withLock { $0 } == [512 << 10, 1 << 20])
    #expect(await bench.stored(Self.large))
  }

  @Test func oneThatCanBeReadAgainBeforeTheRestHasComeIsAskedForAgain() async throws {
    let bench = try Bench()
    let (bad, good): ([UInt8], [UInt8]) = ([1, 2, 3], [4])
    let receipt = try bench.receipt([("bad", bad), ("good", good)])
    let asked = Mutex(0)
    let answer = try await bench.fetch(receipt, offeringAgain: true) { request in
      let isFirst =
        request.sha256 == SHA256.hash(bad).hex
        && asked.withLock {
          $0 += 1; return $0 == 1
        }
      guard isFirst else { return Bench.honest([bad, good])(request) }
      return [
        .with {
          $0.sha256 = request.sha256; $0.offset = request.offset; $0.later = "an error of the disk"
        }
      ]
    }
    #expect(answer?.refused.isEmpty == true && asked.withLock { $0 } == 2)
    #expect(await bench.stored(of: [bad, good]) == 2)
  }

  @Test func oneThatIsTooLargeForItsShareIsRefusedAtOnce() async throws {
    let bench = try Bench(room: ArtifactRoom(total: 10_000, agent: 1_000))
    let file = [UInt8](repeating: 1, count: 1_001)
    let answer = try await bench.fetch(bench.receipt([("a", file), ("b", [1])])) { Bench.honest([file, [1]])($0) }
    #expect(answer?.refused.map(\.reason) == ["it has 1001 bytes, and an agent may have 1000 here"])
    #expect(await bench.stored([1]))
    let index = try #require(await bench.store.find(try bench.receipt([("a", file)]).run.text).first)
    #expect(index.entries.map(\.refusal) == ["it has 1001 bytes, and an agent may have 1000 here", nil])
  }

  @Test func theOldestGoesAndANewStoreKnowsWhatIsThere() async throws {
    let bench = try Bench(room: ArtifactRoom(total: 10_000, agent: 1_000))
    let files = (0..<4).map { [UInt8](repeating: UInt8($0), count: 400) }
    for (index, file) in files.enumerated() {
      // Another life of the controller each time.
      let next = Bench.Life(bench, room: ArtifactRoom(total: 10_000, agent: 1_000))
      _ = try await next.fetch(bench.receipt([("f", file)], seconds: Int64(index)), file)
    }
    #expect(await bench.stored(of: [files[2], files[3]]) == 2)
    #expect(await bench.stored(of: [files[0], files[1]]) == 0)
    // An agent that was not told is told, and sends nothing again.
    let again = try await bench.fetch(bench.receipt([("f", files[0])], seconds: 0)) { _ in [] }
    #expect(again?.refused.isEmpty == true)
  }

  @Test func anotherAgentsBytesAreNeitherToldNorReplaced() async throws {
    let bench = try Bench()
    let receipt = try bench.receipt([("a", [1, 2, 3])])
    _ = try await bench.fetch(receipt) { Bench.honest([[1, 2, 3]])($0) }
    let other = AgentID(random: (8, 8))
    let artifact = Artifact(name: "x", size: 3, digest: SHA256.hash([1, 2, 3]))
    // It is asked for the bytes as if nobody had them.
    #expect(try await bench.store.begin(artifact, of: other) == .missing(from: 0))
    #expect(await !bench.store.has(artifact.digest, of: other))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: to mount a small file system"))
  func aFullDiskKeepsTheAgentWaitingAndLosesNothing() async throws {
    let folder = try TemporaryFolder("belfry-small")
    let disk = folder.path("disk")
    mkdir(disk, 0o755)
    try command(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
    defer { umount2(disk, 2) }
    try command(["sh", "-c", "head -c 700000 /dev/zero > \(disk)/filler"])
    let bench = try Bench(path: disk + "/artifacts")
    let file = Array(Self.large.prefix(600_000))
    let refused = Mutex(0)
    // The second time that the same piece is asked for there is room again.
    let answer = try await bench.fetch(bench.receipt([("a", file)])) { request in
      let count = refused.withLock { count in
        count += 1
        return count
      }
      if count == 2 { unlink(disk + "/filler") }
      return Bench.honest([file])(request)
    }
    #expect(answer?.refused.isEmpty == true && refused.withLock { $0 } >= 2)
    #expect(await bench.stored(file))
  }

  @Test func whatStandsInAnIndexIsReadBack() throws {
    let bench = try Bench()
    var index = try #require(ArtifactIndex(bench.receipt([("a\"é", [1]), ("b", [2])])))
    #expect(try ArtifactIndex(parsing: index.bytes) == index)
    index.complete([SHA256.hash([2]): "too \u{1b} large"])
    #expect(try ArtifactIndex(parsing: index.bytes) == index)
    #expect(index.entries.map(\.refusal) == [nil, "too \u{1b} large"] && index.isComplete)
  }

  @Test(arguments: ["", "abc", "../..", "....", "/etc/passwd", String(repeating: "a", count: 21), "zzzz"])
  func onlyARunsDigitsAreLookedFor(_ digits: String) async throws {
    let bench = try Bench()
    _ = try await bench.fetch(bench.receipt([("a", [1])])) { Bench.honest([[1]])($0) }
    #expect(await bench.store.find(digits).isEmpty)
  }
}

extension Bench {
  /// A controller that was started anew on the same folder.
  struct Life {
    let bench: Bench

    init(_ former: Bench, room: ArtifactRoom) {
      bench = (try? Bench(room: room, path: former.folder.path("artifacts"))) ?? former
    }

    func fetch(_ receipt: Receipt, _ file: [UInt8]) async throws -> Belfry_V1_ArtifactsReceived? {
      try await bench.fetch(receipt) { Bench.honest([file])($0) }
    }
  }
}
