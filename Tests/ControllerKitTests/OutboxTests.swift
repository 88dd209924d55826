@testable import ControllerKit
import Model
import Platform
import SwiftProtobuf
import Testing
import Wire

/// What waits for an agent that reads slowly or not at all.
@Suite(.timeLimit(.minutes(10))) struct OutboxTests {
  private func blob(_ name: String) -> Outbox.Content { Outbox.Content(kind: .blob, digest: digest(name)) }

  private func acknowledgement(_ number: UInt64) -> Belfry_V1_FromController {
    .with { $0.heartbeatAck = .with { $0.number = number } }
  }

  private func next(_ outbox: Outbox) async -> String {
    switch await outbox.next() {
    case .message(let message): "message \(message.heartbeatAck.number)"
    case .content(let content): "content \(content.digest.short)"
    case .refuse(let reason): "refuse \(reason)"
    case nil: "over"
    }
  }

  @Test func whatIsAskedForAgainWaitsOnceAndInOrder() async {
    let outbox = Outbox()
    for _ in 0..<100_000 { outbox.put([blob("a")]) }
    outbox.put(acknowledgement(1))
    outbox.put([blob("b"), blob("a"), blob("b")])
    #expect(outbox.count == 3)
    #expect(await next(outbox) == "content \(digest("a").short)")
    // Its turn has come: asked for again, it is sent again.
    outbox.put([blob("a")])
    #expect(await next(outbox) == "message 1")
    #expect(await next(outbox) == "content \(digest("b").short)")
    #expect(await next(outbox) == "content \(digest("a").short)")
    #expect(outbox.count == 0)
    #expect(outbox.trouble(patience: .seconds(60)) == nil)
  }

  @Test func tooMuchContentEndsTheStream() async {
    let outbox = Outbox(limits: .init(content: 3))
    outbox.put(["a", "b", "c"].map(blob))
    #expect(outbox.trouble(patience: .seconds(60)) == nil)
    outbox.put([blob("d")])
    outbox.put(acknowledgement(1))
    #expect(outbox.count == 1, "only the reason waits")
    #expect(outbox.trouble(patience: .seconds(60))?.contains("more than 3") == true)
    #expect(await next(outbox).hasPrefix("refuse"))
  }

  @Test(arguments: [Outbox.Limits(messages: 10), Outbox.Limits(bytes: 640)])
  func whoNeverReadsLosesTheStream(_ limits: Outbox.Limits) async {
    let outbox = Outbox(limits: limits)
    for number in 0..<10 as Range<UInt64> { outbox.put(acknowledgement(number)) }
    #expect(outbox.trouble(patience: .seconds(60)) == nil)
    for number in 10..<20_000 as Range<UInt64> { outbox.put(acknowledgement(number)) }
    #expect(outbox.count == 1)
    #expect(outbox.trouble(patience: .seconds(60))?.contains("does not read") == true)
  }

  @Test func whatIsReadMakesRoom() async {
    let outbox = Outbox(limits: .init(messages: 4))
    for number in 0..<5_000 as Range<UInt64> {
      outbox.put(acknowledgement(number))
      #expect(await next(outbox) == "message \(number)")
    }
    #expect(outbox.trouble(patience: .seconds(60)) == nil)
  }

  @Test func aWriteThatStandsStillIsTrouble() async {
    let outbox = Outbox()
    #expect(outbox.trouble(patience: .zero) == nil, "nothing is being written")
    outbox.put(acknowledgement(1))
    _ = await outbox.next()
    #expect(outbox.trouble(patience: .zero)?.contains("read nothing") == true)
    #expect(outbox.trouble(patience: .seconds(60)) == nil)
  }

  @Test func finishedIsFinished() async {
    let outbox = Outbox()
    outbox.put(acknowledgement(1))
    outbox.finish()
    outbox.put(acknowledgement(2))
    #expect(await next(outbox) == "over")
  }
}
