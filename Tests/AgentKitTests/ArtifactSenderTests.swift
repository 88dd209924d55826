@testable import AgentKit
import Execution
import Foundation
import Glibc
import Model
import Planning
import Platform
import SwiftProtobuf
import TestSupport
import Testing
import Trust
import Wire

/// What the agent answers when a controller asks for files that runs gave back.
@Suite(.timeLimit(.minutes(10))) struct ArtifactSenderTests {
  private static let file = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  /// A sender with one file in its spool, which the receipt of a run lists.
  private struct Desk {
    let bench: Bench
    let spool: ArtifactSpool
    let engine: Engine
    let sender: ArtifactSender
    let outgoing = Outgoing()
    let run: RunID
    let digest = SHA256.hash(ArtifactSenderTests.file)
    var stored: String { "\(spool.path)/\(digest.hex)" }

    /// Another run's file.
    static let other = SHA256.hash([7])

    init(runs: Int64 = 1) async throws {
      bench = try Bench()
      mkdir(bench.folder.path("artifacts"), 0o700)
      try Data(ArtifactSenderTests.file).write(
        to: URL(fileURLWithPath: bench.folder.path("artifacts/") + SHA256.hash(ArtifactSenderTests.file).hex))
      if runs > 1 { try Data([7]).write(to: URL(fileURLWithPath: bench.folder.path("artifacts/") + Self.other.hex)) }
      spool = try ArtifactSpool(path: bench.folder.path("artifacts"))
      run = try bench.run(1)
      let ledger = try Ledger(path: bench.ledgerPath)
      let digest = digest
      let bench = bench
      try ledger.write {
        for number in 1...runs {
          try $0.finish(
            try bench.run(number), line: [UInt8(number)], signature: [2],
            artifacts: [number == runs && runs > 1 ? Self.other : digest])
        }
      }
      let (_, end) = AsyncStream.makeStream(of: ActiveRun.self)
      engine = try Engine(
        receipts: ReceiptMaker(identity: bench.identity), ledger: ledger, runner: bench.runner, artifacts: spool,
        clock: bench.clock.wall, signals: bench.signals, watches: end, logger: quiet)
      sender = ArtifactSender(spool: spool, engine: engine, logger: quiet)
    }

    /// Lets the events happen and gives back the first `count` messages.
    func messages(
      _ count: Int, after events: ArtifactSender.Event...,
      each: @escaping (Belfry_V1_FromAgent.OneOf_Message) -> Void = { _ in }
    ) async throws -> [Belfry_V1_FromAgent.OneOf_Message] {
      for event in [.connected(outgoing)] + events { sender.add(event) }
      return await withTaskGroup(of: Void.self) { group in
        group.addTask { await sender.run() }
        var messages: [Belfry_V1_FromAgent.OneOf_Message] = []
        var iterator = outgoing.messages.makeAsyncIterator()
        while messages.count < count, let message = await iterator.next()?.message {
          messages.append(message)
          each(message)
        }
        group.cancelAll()
        return messages
      }
    }

    func chunks(_ request: Belfry_V1_ArtifactRequest, count: Int) async throws -> [Belfry_V1_ArtifactChunk] {
      try await messages(count, after: .request(request)).compactMap {
        if case .artifactChunk(let chunk) = $0 { chunk } else { nil }
      }
    }
  }

  private func request(_ digest: Digest, _ offset: Int64, _ length: Int64) -> Belfry_V1_ArtifactRequest {
    .with {
      $0.sha256 = digest.hex
      $0.offset = offset
      $0.length = length
    }
  }

  @Test func aPieceIsSentAsItWasAskedFor() async throws {
    let desk = try await Desk()
    let chunks = try await desk.chunks(request(desk.digest, 1_000, 149_000), count: 3)
    #expect(chunks.map(\.offset) == [1_000, 66_536, 132_072] && chunks.allSatisfy { $0.problem.isEmpty })
    #expect(chunks.flatMap { Array($0.data) } == Array(Self.file[1_000...]))
  }

  /// A request that cannot be answered with bytes.
  struct Bad: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var offset: Int64 = 0
    var length: Int64 = 100
    var digest: Digest?
    var damage: @Sendable (String) -> Void = { _ in }
    var problem: String
  }

  @Test(arguments: [
    Bad(testDescription: "what no receipt lists", digest: SHA256.hash([9]), problem: "not waiting here"),
    Bad(testDescription: "before the beginning", offset: -1, problem: "no such piece"),
    Bad(testDescription: "nothing", length: 0, problem: "no such piece"),
    Bad(testDescription: "beyond the end", offset: 149_950, problem: "shorter than it was"),
    Bad(testDescription: "a file that is gone", damage: { unlink($0) }, problem: "does not hold the bytes any more"),
    Bad(
      testDescription: "a byte that the disk has changed",
      damage: { path in
        let file = open(path, O_WRONLY)
        pwrite(file, "X", 1, 149_000)
        close(file)
      }, problem: "does not hold the bytes any more"),
  ])
  func whatCannotBeSentIsSaid(_ bad: Bad) async throws {
    let desk = try await Desk()
    bad.damage(desk.stored)
    let chunks = try await desk.chunks(request(bad.digest ?? desk.digest, bad.offset, bad.length), count: 1)
    #expect(chunks.first?.problem.contains(bad.problem) == true && chunks.first?.data.isEmpty == true, "\(chunks)")
  }

  @Test func whatCannotBeReadNowIsSentLater() async throws {
    let desk = try await Desk()
    // Reading a folder fails, but says nothing about the file.
    rename(desk.stored, desk.stored + ".away")
    mkdir(desk.stored, 0o700)
    try await desk.engine.acknowledged([desk.run])
    let request = request(desk.digest, 0, 1_000)
    let messages = try await desk.messages(3, after: .request(request))
    guard case .artifactOffer = messages[0], case .artifactChunk(let chunk) = messages[1],
      case .artifactOffer(let again) = messages[2]
    else { throw CommandFailure(description: "\(messages)") }
    #expect(chunk.problem.isEmpty && chunk.data.isEmpty && !chunk.later.isEmpty && Array(again.line) == [1])
    #expect(await desk.engine.problems[ArtifactSender.sending] != nil)
  }

  /// One that can be read again is no trouble any more.
  @Test func whatCanBeReadAgainIsNoProblem() async throws {
    let desk = try await Desk()
    rename(desk.stored, desk.stored + ".away")
    mkdir(desk.stored, 0o700)
    try await desk.engine.acknowledged([desk.run])
    let request = request(desk.digest, 0, 1_000)
    let chunks = try await desk.messages(4, after: .request(request)) { message in
      guard case .artifactChunk = message else { return }
      rmdir(desk.stored)
      rename(desk.stored + ".away", desk.stored)
      desk.sender.add(.request(request))
    }.compactMap { if case .artifactChunk(let chunk) = $0 { chunk } else { nil } }
    #expect(chunks.dropFirst().first.map { Array($0.data) } == Array(Self.file.prefix(1_000)))
    #expect(await desk.engine.problems[ArtifactSender.sending] == nil)
  }

  @Test func whatNobodyWantsAnyMoreIsNoProblem() async throws {
    let desk = try await Desk()
    rename(desk.stored, desk.stored + ".away")
    mkdir(desk.stored, 0o700)
    try await desk.engine.acknowledged([desk.run])
    let request = request(desk.digest, 0, 1_000)
    let (run, other) = (desk.run.text, self.request(SHA256.hash([9]), 0, 1))
    _ = try await desk.messages(3, after: .request(request)) { message in
      guard case .artifactChunk = message else { return }
      desk.sender.add(.received(.with { $0.runID = run }))
      // The answer to another request shows that this was dealt with.
      desk.sender.add(.request(other))
    }
    #expect(await desk.engine.problems[ArtifactSender.sending] == nil)
  }

  /// A window full of runs whose file cannot be read.
  @Test func whatCannotBeReadKeepsNoOtherFromBeingOffered() async throws {
    let desk = try await Desk(runs: 41)
    rename(desk.stored, desk.stored + ".away")
    mkdir(desk.stored, 0o700)
    try await desk.engine.acknowledged(try (1...41).map { try desk.bench.run($0) })
    let offers = try await desk.messages(34, after: .request(request(desk.digest, 0, 1_000))).compactMap {
      if case .artifactOffer(let offer) = $0 { offer } else { nil }
    }
    #expect(offers.map { Int($0.line[0]) } == Array(1...32) + [41])
  }

  @Test func whatCannotBeReadIsNotCalledDamaged() async throws {
    let desk = try await Desk()
    #expect(try desk.spool.isWhole(desk.digest))
    unlink(desk.stored)
    #expect(try !desk.spool.isWhole(desk.digest))
    mkdir(desk.stored, 0o700)
    #expect(throws: ExecutionError.self) { try desk.spool.isWhole(desk.digest) }
  }

  @Test func aReceiptThatWasAcknowledgedIsOfferedUntilItsFilesAreReceived() async throws {
    let desk = try await Desk()
    try await desk.engine.acknowledged([desk.run])
    #expect(await desk.engine.spoolCount() == 0)
    let offers = try await desk.messages(2, after: .offerAgain)
    for offer in offers {
      guard case .artifactOffer(let offer) = offer else { throw CommandFailure(description: "\(offer)") }
      #expect(Array(offer.line) == [1] && Array(offer.signature) == [2])
    }
    #expect(await desk.engine.owesArtifacts && access(desk.stored, F_OK) == 0)
    try await desk.engine.artifactsReceived(desk.run)
    #expect(await !desk.engine.owesArtifacts && access(desk.stored, F_OK) != 0)
  }

  @Test func whatWasReceivedStaysUntilTheReceiptIsAcknowledged() async throws {
    let desk = try await Desk()
    try await desk.engine.artifactsReceived(desk.run)
    #expect(access(desk.stored, F_OK) == 0)
    try await desk.engine.acknowledged([desk.run])
    #expect(access(desk.stored, F_OK) != 0 && desk.spool.size == 0)
  }
}
