import Model
import Testing

@testable import Results

@Suite struct CommitMessageTests {
  private let trailers = Trailers(epoch: 7, writer: "one", source: "https://example.com/jobs.git main")

  @Test func saysWhatHappened() throws {
    let receipts = try [
      Sample(), Sample(agent: 2), Sample(job: "web/warm-up"), Sample(agent: 3, outcome: .ran(.failed), seconds: 90),
    ].map { try $0.receipt() }
    #expect(
      CommitMessage.results(receipts, trailers: trailers) == """
        results: 3 succeeded, 1 failed (orders/backup)

        orders/backup 2026-11-20T02:30:00Z db-1: Succeeded in 1s
        orders/backup 2026-11-20T02:30:00Z db-2: Succeeded in 1s
        web/warm-up 2026-11-20T02:30:00Z db-1: Succeeded in 1s
        orders/backup 2026-11-20T02:30:00Z db-3: Failed in 1m30s

        Belfry-Epoch: 7
        Belfry-Writer: one
        Belfry-Source: https://example.com/jobs.git main

        """)
  }

  @Test func isBounded() throws {
    let receipts = try (0..<5_000).map { try Sample(job: "j\($0)", outcome: .skipped(.overlap)).receipt() }
    let message = CommitMessage.results(receipts, trailers: trailers)
    #expect(message.hasPrefix("results: 5000 skipped for overlap (j0, j1, j10, and 4997 more)\n\nj0 2026"))
    #expect(message.contains("\nand 4900 more\n\nBelfry-Epoch: 7\n"))
    #expect(message.utf8.count < 10_000)
  }

  @Test func trailersAreReadBack() {
    #expect(Trailers(message: "x\n\n" + trailers.text) == trailers)
    let hostile = Trailers(epoch: 7, writer: "a\nBelfry-Epoch: 99", source: " \u{1b}  x\n\nBelfry-Epoch: 98 ")
    #expect(Trailers(message: "x\n\n" + hostile.text) == hostile)
    #expect(hostile.text.split(separator: "\n").count == 3)
  }

  @Test(arguments: [
    "", "\n\n", "a person's edit", "Belfry-Epoch: 5\n\nnot the last paragraph", "x\n\nBelfry-Epoch: -1",
    "x\n\nBelfry-Epoch: 0", "x\n\nBelfry-Epoch: 9223372036854775807", "x\n\nBelfry-Epoch: 1e3", "x\n\n Belfry-Epoch: 3",
  ])
  func otherMessagesHaveNone(message: String) {
    #expect(Trailers(message: message) == nil)
  }

  @Test func aCherryPickedCommitKeepsItsEpoch() {
    #expect(Trailers(message: "x\r\n\r\nBelfry-Epoch: 3\r\n(cherry picked from commit 1234)\r\n\r\n")?.epoch == 3)
  }
}
