import Model
import Results
import TestSupport
import Testing

@Suite struct LayoutTests {
  struct Row: CustomTestStringConvertible {
    var job = "orders/backup"
    var time: String
    var part = 1
    var path: String
    var testDescription: String { path }
  }

  @Test(arguments: [
    Row(time: "2026-11-20T02:30:00Z", path: "runs/orders/backup/2026/11/20/02/3000Z.ndjson"),
    Row(time: "2026-11-20T02:30:00.25Z", path: "runs/orders/backup/2026/11/20/02/3000.250Z.ndjson"),
    Row(time: "2026-11-20T02:30:00.000001Z", path: "runs/orders/backup/2026/11/20/02/3000.000001Z.ndjson"),
    Row(time: "2026-11-20T02:30:00Z", part: 2, path: "runs/orders/backup/2026/11/20/02/3000Z.2.ndjson"),
    Row(job: "a", time: "1970-01-01T00:00:00Z", path: "runs/a/1970/01/01/00/0000Z.ndjson"),
    Row(job: "a/2026", time: "9999-12-31T23:59:59.999999Z", path: "runs/a/2026/9999/12/31/23/5959.999999Z.ndjson"),
    Row(job: "2026/11/20/02", time: "2026-11-20T02:30:00Z", path: "runs/2026/11/20/02/2026/11/20/02/3000Z.ndjson"),
  ])
  func receiptsStandByJobAndTime(row: Row) throws {
    let time = try #require(Timestamp(rfc3339: row.time))
    let file = RunFile(job: try JobName(row.job), nominal: time, part: row.part)
    #expect(ResultsLayout.receipts(file) == row.path)
    #expect(ResultsLayout.parse(row.path) == .receipts(file))
    #expect(ResultsLayout.parse(ResultsLayout.signatures(file)) == .signatures(file))
  }

  /// Digits-only segments are the names that could be taken for times.
  @Test func noTwoThingsShareAPath() throws {
    var random = SeededGenerator(seed: testSeed)
    let segments = ["a", "2026", "11", "20", "02", "0000", "3000z", "1970", "9999", "a.b_c-d", "readme.md", "0"]
    var seen: [String: ResultsPath] = [:]
    for _ in 0..<4_000 {
      let count = Int.random(in: 1...4, using: &random)
      let job = try JobName(
        (0..<count).map { _ in segments.randomElement(using: &random) ?? "a" }.joined(separator: "/"))
      let seconds = Int64.random(in: 0..<253_402_300_800, using: &random)
      let fraction = [0, 0, 250_000, 1, 999_999].randomElement(using: &random) ?? 0
      let time = Timestamp(microseconds: seconds * 1_000_000 + Int64(fraction))
      let agent = try AgentName(["db-1", "db-1.1", "2026", "a.b.c"].randomElement(using: &random) ?? "a")
      let run = Bool.random(using: &random) ? Occurrence(job: job, nominal: time).run(on: Sample.agentID(1)) : nil
      let file = RunFile(job: job, nominal: time, part: Int.random(in: 1...3, using: &random))
      let log = LogFile(
        job: job, nominal: time, agent: agent, run: run, attempt: Int.random(in: 1...12, using: &random))
      for path: ResultsPath in [.receipts(file), .signatures(file), .log(log), .jobPage(job)] {
        #expect(ResultsLayout.parse(path.text) == path, "seed \(testSeed)")
        if let other = seen.updateValue(path, forKey: path.text) { #expect(other == path, "seed \(testSeed)") }
      }
    }
    // A file of one thing must not be a folder of another.
    for path in seen.keys {
      var parent = path[...]
      while let slash = parent.lastIndex(of: "/") {
        parent = parent[..<slash]
        #expect(seen[String(parent)] == nil, "\(path), seed \(testSeed)")
      }
    }
  }

  @Test func keysAndPagesHavePaths() throws {
    let agent = Sample.agentID(7)
    #expect(ResultsLayout.parse(ResultsLayout.agentKey(agent)) == .agentKey(agent))
    #expect(ResultsLayout.parse("README.md") == .overview)
    #expect(ResultsLayout.parse("controller.pem") == .controllerKey)
    #expect(ResultsLayout.jobPage(try JobName("a/b")) == "jobs/a/b/README.md")
  }

  @Test(arguments: [
    "", "/", "runs", "runs/2026/11/20/02/3000Z.ndjson", "runs/a/2026/11/20/02/3000Z.json",
    "runs/../2026/11/20/02/3000Z.ndjson", "runs/A/2026/11/20/02/3000Z.ndjson", "runs/a/2026/13/20/02/3000Z.ndjson",
    "runs/a/2026/02/30/02/3000Z.ndjson", "runs/a/2026/11/20/24/3000Z.ndjson", "runs/a/2026/11/20/02/6000Z.ndjson",
    "runs/a/2026/11/20/02/3000z.ndjson", "runs/a/2026/11/20/02/3000.000Z.ndjson",
    "runs/a/2026/11/20/02/3000.250000Z.ndjson",
    "runs/a/2026/11/20/02/3000Z.1.ndjson", "runs/a/2026/11/20/02/3000Z.02.ndjson",
    "runs/a/2026/11/20/02/3000Z.-2.ndjson",
    "runs/a/2026/11/20/2/3000Z.ndjson", "runs/a/02026/11/20/02/3000Z.ndjson", "runs/a/1969/11/20/02/3000Z.ndjson",
    "runs//2026/11/20/02/3000Z.ndjson", "runs/a/b/c/d/e/2026/11/20/02/3000Z.ndjson",
    "runs/a/２０２６/11/20/02/3000Z.ndjson",
    "logs/a/2026/11/20/02/3000Z/db-1.0.log", "logs/a/2026/11/20/02/3000Z/db-1.+1.log",
    "logs/a/2026/11/20/02/3000Z/db-1.01.log", "logs/a/2026/11/20/02/3000Z/db-1.log",
    "logs/a/2026/11/20/02/3000Z/.1.log",
    "logs/a/2026/11/20/02/3000Z/db-1@x.1.log", "logs/a/2026/11/20/02/db-1.1.log", "agents/x.pem", "agents/../a.pem",
    "jobs/README.md", "jobs/a/readme.md", "jobs/a/../README.md",
  ])
  func otherPathsAreNobodys(path: String) {
    #expect(ResultsLayout.parse(path) == nil)
  }

  @Test(arguments: [Int64.min, -1, 253_402_300_800_000_000, Int64.max])
  func timesOutsideOfFourDigitYearsHaveNoPlace(microseconds: Int64) {
    #expect(!ResultsLayout.canHold(Timestamp(microseconds: microseconds)))
  }
}
