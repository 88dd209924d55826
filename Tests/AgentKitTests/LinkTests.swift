@testable import AgentKit
import Execution
import Foundation
import Model
import Planning
import Platform
import SwiftProtobuf
import TestSupport
import Testing
import Trust
import Wire
import ZoneInfo

@Suite(.timeLimit(.minutes(10))) struct LinkTests {
  /// How streams end, one after the other, and the pauses that follow, in milliseconds without spread.
  struct Dials: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let endings: [(Redial.Ending, held: Int64)]
    let pauses: [Int64]
  }

  @Test(arguments: [
    Dials(
      testDescription: "nobody there: longer and longer, to a limit",
      endings: Array(repeating: (.notReached, 0), count: 9),
      pauses: [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]),
    Dials(
      testDescription: "a controller that restarts is found at once, however often",
      endings: [(.notReached, 0), (.notReached, 0), (.established, 1), (.established, 1), (.notReached, 0)],
      pauses: [250, 500, 250, 250, 500]),
    Dials(
      testDescription: "one that refuses is pestered less and less",
      endings: [(.refused, 1), (.refused, 1), (.refused, 1)], pauses: [250, 500, 1_000]),
    Dials(
      testDescription: "one that stops after a while is not one that refuses",
      endings: [(.refused, 1), (.refused, 31), (.refused, 1)], pauses: [250, 250, 500]),
  ])
  func pausesBetweenDials(_ row: Dials) {
    var redial = Redial()
    let pauses = row.endings.map { redial.pause(after: $0.0, held: .seconds($0.held), spread: 0).wholeMilliseconds }
    #expect(pauses == row.pauses)
  }

  @Test(arguments: [
    "localhost": true, "::1": true, "127.0.0.1": true, "127.9.9.9": true, "127.evil.example.com": false,
    "127.0.0.1.example.com": false, "10.0.0.1": false, "": false,
  ])
  func plainTextStaysOnThisMachine(_ host: String, _ isLoopback: Bool) {
    #expect(ControllerAddress(host: host, port: 1).isLoopback == isLoopback)
  }

  private struct Desk {
    let desk: LinkDesk
    let engine: Engine
    let outgoing: Outgoing
  }

  /// A desk whose spool holds so many receipts.
  private func desk(_ bench: Bench, spooled count: Int) async throws -> Desk {
    let ledger = try Ledger(path: bench.ledgerPath)
    try ledger.write { transaction in
      for number in 0..<count {
        try transaction.finish(try run(number), line: Array("\(number)".utf8), signature: [1])
      }
    }
    let engine = try bench.engine().engine
    let controller = try SigningKey.generate().publicKey
    let installer = Installer(
      identity: bench.identity, controllerKey: controller, engine: engine,
      store: try BundleStore(path: bench.folder.path("store")),
      assignments: AssignmentFiles(folder: bench.folder.path("assignments")), zones: ZoneDatabase(),
      clock: bench.clock.wall, logger: quiet)
    let desk = LinkDesk(
      configuration: AgentConfiguration(
        state: bench.folder.path, name: bench.identity.name, labels: [:],
        controller: ControllerAddress(host: "127.0.0.1", port: 1), controllerKey: controller),
      identity: bench.identity, engine: engine, installer: installer, signals: bench.signals,
      feeds: LogFeeds(outputs: FollowedOutputs { _ in RunFolder(path: "/nowhere") }) { _ in .over }, logger: quiet)
    return Desk(desk: desk, engine: engine, outgoing: Outgoing())
  }

  private func run(_ number: Int) throws -> RunID {
    let text = String(number)
    return try RunID(String(repeating: "0", count: 20 - text.count) + text)
  }

  private func receipts(_ desk: Desk) async -> [String] {
    desk.outgoing.finish()
    var lines: [String] = []
    for await message in desk.outgoing.messages {
      if case .receipt(let delivery)? = message.message { lines.append(String(decoding: delivery.line, as: UTF8.self)) }
    }
    return lines
  }

  @Test func whatAControllerDoesNotReadIsBoundedAndEndsTheStream() async {
    let outgoing = Outgoing(limit: 3)
    for number in 0..<5 as Range<UInt64> { outgoing.send(.heartbeat(.with { $0.number = number })) }
    var numbers: [UInt64] = []
    // Without an end to the stream this would wait for ever.
    for await message in outgoing.messages { numbers.append(message.heartbeat.number) }
    #expect(numbers == [0, 1, 2])
    // The stream is told as well, which may be in the middle of a write.
    await outgoing.overflowed.wait()
  }

  @Test func noMoreReceiptsAreOnTheirWayThanTheWindowHolds() async throws {
    let bench = try Bench()
    let window = WireLimits.receiptWindow
    let desk = try await desk(bench, spooled: window + 40)
    await desk.desk.pump()
    await desk.desk.connected(epoch: 1, nonce: "n", outgoing: desk.outgoing)
    await desk.desk.pump()
    await desk.desk.pump()
    var ack = Belfry_V1_ReceiptAck()
    ack.committed = try (0..<10).map { try run($0).text }
    try await desk.desk.received(.receiptAck(ack))
    await desk.desk.pump()
    #expect(await desk.engine.spoolCount() == window + 30)
    #expect(await receipts(desk) == (0..<window + 10).map(String.init))
  }

  @Test func aNewStreamBeginsAnewAndAnEmptyAnswerAsksForAll() async throws {
    let bench = try Bench()
    let desk = try await desk(bench, spooled: 3)
    await desk.desk.connected(epoch: 1, nonce: "n", outgoing: desk.outgoing)
    await desk.desk.pump()
    try await desk.desk.received(.receiptAck(Belfry_V1_ReceiptAck()))
    await desk.desk.pump()
    await desk.desk.disconnected()
    await desk.desk.pump()
    await desk.desk.connected(epoch: 1, nonce: "m", outgoing: desk.outgoing)
    await desk.desk.pump()
    #expect(await receipts(desk) == Array(repeating: ["0", "1", "2"], count: 3).flatMap { $0 })
  }

  @Test func receiptsThatNobodyReadsAreNotCalledRead() async throws {
    let desk = try await desk(try Bench(), spooled: 2)
    #expect(await desk.desk.flushed() == .noController)
    await desk.desk.connected(epoch: 1, nonce: "n", outgoing: desk.outgoing)
    #expect(await desk.desk.flushed() == .unread)
    await desk.desk.disconnected()
    let flush = await desk.desk.flushed()
    #expect(flush.words(2) == "2 stay in the spool: no controller is connected")
    #expect(flush.words(0) == "none in the spool")
  }

  @Test func whatIsRejectedIsPutAside() async throws {
    let bench = try Bench()
    let desk = try await desk(bench, spooled: 2)
    await desk.desk.connected(epoch: 1, nonce: "n", outgoing: desk.outgoing)
    await desk.desk.pump()
    var rejection = Belfry_V1_ReceiptRejection()
    rejection.runID = try run(0).text
    rejection.reason = "never"
    var ack = Belfry_V1_ReceiptAck()
    ack.rejected = [rejection]
    try await desk.desk.received(.receiptAck(ack))
    #expect(await desk.engine.spoolCount() == 1)
    try await desk.desk.received(.receiptAck(Belfry_V1_ReceiptAck()))
    await desk.desk.pump()
    #expect(await receipts(desk) == ["0", "1", "1"])
  }
}
