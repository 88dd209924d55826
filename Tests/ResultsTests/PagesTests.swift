import Model
import TestSupport
import Testing

@testable import Results

@Suite struct PagesTests {
  static let hostile = [
    "a | b", "`x`", "``", "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://evil.example/p.png)",
    "https://evil.example www.evil.example a@evil.example @someone #1", "a\nb\r\n| c | d |", "\u{202e}gnp.exe",
    "\\", "\\|", "|", " ", "` ", "{{7*7}} ${x} <!-- -->", "\u{1b}]52;c;aGk=\u{7}", "``` \n ~~~", "&lt;b&gt;",
    "a|\u{301}b|\u{fe0f}", "`\u{301}",
  ]

  @Test(arguments: hostile)
  func textFromOutsideIsOneCodeSpanInOneCell(text: String) {
    let code = Markdown.code(text)
    let fence = code.utf8.prefix { $0 == 0x60 }
    #expect(!fence.isEmpty && code.utf8.reversed().starts(with: fence))
    let inside = code.utf8.dropFirst(fence.count).dropLast(fence.count)
    #expect(longestRun(of: 0x60, in: inside) < fence.count)
    #expect(!code.utf8.contains(0x7c) && !code.utf8.contains(0x0a) && !code.utf8.contains(0x0d))
    #expect(code.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202e}" && $0 != "\u{7}" })
  }

  private func longestRun(of byte: UInt8, in text: Substring.UTF8View) -> Int {
    text.split(whereSeparator: { $0 != byte }).map(\.count).max() ?? 0
  }

  @Test func longTextsAreCut() {
    #expect(Markdown.code(String(repeating: "x", count: 1_000_000)).count == 123)
    #expect(Markdown.code(String(repeating: "`", count: 1_000)).count < 500)
    #expect(Markdown.code("") == "")
  }

  @Test(arguments: [
    (0, "0ms"), (999, "999ms"), (1_000, "1s"), (1_249, "1.2s"), (59_999, "59.9s"), (60_000, "1m00s"),
    (3_599_000, "59m59s"), (3_600_000, "1h00m"), (86_400_000, "1d0h"), (-5, "0ms"),
  ])
  func durationsAreShort(milliseconds: Int, text: String) {
    #expect(shortText(.milliseconds(milliseconds)) == text)
  }

  private func record(_ samples: [Sample], job: String = "orders/backup") throws -> JobRecord {
    var record = JobRecord(try JobName(job))
    for sample in samples { record.add(try sample.receipt(), ownsPlainLogs: true) }
    return record
  }

  @Test func jobPage() throws {
    let record = try record([
      Sample(logs: ["hello\n"]),
      Sample(nominal: Sample.start + .seconds(60), outcome: .ran(.failed), seconds: 75, logs: ["1", "2"]),
      Sample(nominal: Sample.start + .milliseconds(120_250), request: "r-1", agentName: "web.1"),
      Sample(nominal: Sample.start + .seconds(180), agent: 1, outcome: .ran(.succeeded), logs: ["x"]),
      Sample(nominal: Sample.start + .seconds(180), agent: 2, outcome: .ran(.timedOut), reason: "over 1m | `rm`"),
      Sample(nominal: Sample.start + .seconds(180), agent: 3),
      Sample(
        nominal: Sample.start + .seconds(3_600), outcome: .skipped(.missedDeadline), reason: "the agent was down",
        count: 12),
    ])
    let expected = """
      # `orders/backup`

      The last 5 occurrences, newest first. Older ones stand in [`runs/`](../../../runs/orders/backup). \
      [All jobs](../../../README.md)

      | Due (UTC) | Outcome | Agent | Took | Note | Log |
      | --- | --- | --- | --- | --- | --- |
      | [2026-11-20 03:30:00](../../../runs/orders/backup/2026/11/20/03/3000Z.ndjson) | **MissedDeadline** | `db-1` |  \
      | 12 occurrences since 2026-11-20 03:19:00; `the agent was down` |  |
      | [2026-11-20 02:33:00](../../../runs/orders/backup/2026/11/20/02/3300Z.ndjson) | **1 TimedOut**, 2 Succeeded \
      | 3 agents | 1s | `db-2`: `` over 1m ¦ `rm` `` | [logs](../../../logs/orders/backup/2026/11/20/02/3300Z) |
      | [2026-11-20 02:32:00.250](../../../runs/orders/backup/2026/11/20/02/3200.250Z.ndjson) by request `r-1` \
      | Succeeded \
      | `web.1` | 1s |  |  |
      | [2026-11-20 02:31:00](../../../runs/orders/backup/2026/11/20/02/3100Z.ndjson) | **Failed** | `db-1` | 1m15s \
      | `exit code 1; 2 attempts` | [log](../../../logs/orders/backup/2026/11/20/02/3100Z/db-1.2.log) |
      | [2026-11-20 02:30:00](../../../runs/orders/backup/2026/11/20/02/3000Z.ndjson) | Succeeded | `db-1` | 1s \
      |  | [log](../../../logs/orders/backup/2026/11/20/02/3000Z/db-1.1.log) |

      """
    #expect(String(decoding: JobPage.render(record), as: UTF8.self) == expected)
  }

  @Test(arguments: hostile)
  func hostileReasonsLeaveTheTableWhole(reason: String) throws {
    let page = String(
      decoding: JobPage.render(try record([Sample(outcome: .ran(.failed), reason: reason)])), as: UTF8.self)
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("|") }
    #expect(rows.count == 3)
    #expect(rows.allSatisfy { $0.utf8.split(separator: 0x7c, omittingEmptySubsequences: false).count == 8 })
  }

  @Test func aRecordKeepsTheNewestFifty() throws {
    let samples = (0..<80).map { Sample(nominal: Sample.start + .seconds(60 * $0)) }
    let whole = try record(samples)
    #expect(whole.rows.count == 50 && whole.isCut)
    #expect(whole.rows.first?.key.nominal == Sample.start + .seconds(60 * 79))
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<20 { #expect(try record(samples.shuffled(using: &random)) == whole, "seed \(testSeed)") }
  }

  @Test func theOrderOfRunsMakesNoDifference() throws {
    var random = SeededGenerator(seed: testSeed)
    let outcomes: [Outcome] = [.ran(.succeeded), .ran(.failed), .skipped(.overlap), .ran(.lost)]
    let samples = (0..<30).map { index in
      Sample(
        nominal: Sample.start + .seconds(60 * (index % 4)), agent: index, outcome: outcomes[index % 4],
        reason: index % 3 == 0 ? "reason \(index)" : nil, seconds: index)
    }
    let page = JobPage.render(try record(samples))
    for _ in 0..<30 {
      #expect(JobPage.render(try record(samples.shuffled(using: &random))) == page, "seed \(testSeed)")
    }
  }

  @Test func aStreakPassesOverWhatDidNotRun() throws {
    func streak(_ outcomes: [Outcome]) throws -> String? {
      let samples = outcomes.enumerated().map {
        Sample(nominal: Sample.start - .seconds(60 * $0.offset), outcome: $0.element)
      }
      return try record(samples).streak.map { "\($0.count)\($0.isOpen ? "+" : "") \($0.verdict)" }
    }
    let good = Outcome.ran(.succeeded)
    #expect(try streak([]) == nil)
    #expect(try streak([.skipped(.overlap)]) == nil)
    #expect(try streak([.skipped(.overlap), good, .skipped(.suspended), good, .ran(.failed), good]) == "2 succeeded")
    #expect(try streak([.ran(.lost), .ran(.timedOut), good]) == "2 failed")
    #expect(try streak(Array(repeating: good, count: 50)) == "50 succeeded")
    #expect(try streak(Array(repeating: good, count: 51)) == "50+ succeeded")
  }

  @Test func overview() throws {
    let job = try JobName("orders/backup")
    let overview = Overview(jobs: [
      job: .init(next: Sample.start + .seconds(86_400)),
      try JobName("a"): .init(next: nil, note: "Suspended"),
    ])
    let summaries = [
      job: try record([Sample(), Sample(nominal: Sample.start + .seconds(1), outcome: .ran(.failed))]).summary
    ]
    let page = OverviewPage.render(overview, summaries: summaries, source: "x|`y`", now: Sample.start)
    let expected = """
      # Results

      Belfry writes this branch: each line of a file in `runs/` is what an agent signed about one run, and the same line
      of the `.sigs` file beside it is the signature. A receipt is never changed or removed.

      Source: `` x¦`y` ``. As of 2026-11-20 02:30:00 UTC.

      | Job | Last outcome | Due (UTC) | Streak | Next (UTC) |
      | --- | --- | --- | --- | --- |
      | `a` |  |  |  | `Suspended` |
      | [`orders/backup`](jobs/orders/backup/README.md) | **Failed** | 2026-11-20 02:30:01 | 1 failed \
      | 2026-11-21 02:30:00 |

      [All jobs that ever ran](jobs) · [all receipts](runs)

      """
    #expect(String(decoding: page, as: UTF8.self) == expected)
    #expect(OverviewPage.summaries(of: page) == summaries)
  }

  @Test func nothingIsTakenOverFromAnOverviewThatIsNotOurs() {
    let lines = [
      "| [`a`](jobs/a/README.md) | <b> | x | y | z |", "| [`a`](jobs/b/README.md) | Failed | x | y | z |",
      "| [`a`](https://evil.example) | Failed | x | y | z |", "| [`a`](jobs/a/README.md) | Failed | x | z |",
      "| [`../a`](jobs/../a/README.md) | Failed | x | y | z |", "| [`a`](jobs/a/README.md) | \u{202e} | x | y | z |",
      "| [`a`](jobs/a/README.md) | " + String(repeating: "x", count: 2_000) + " | x | y | z |",
    ]
    #expect(OverviewPage.summaries(of: Array(lines.joined(separator: "\n").utf8)).isEmpty)
  }
}
