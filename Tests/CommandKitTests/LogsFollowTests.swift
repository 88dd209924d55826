@testable import CommandKit
import Model
import Results
import TestSupport
import Testing
import Trust

/// `belfry logs --follow` against a controller that answers with prepared lines.
@Suite(.timeLimit(.minutes(10))) struct LogsFollowTests {
  private static let id = String(repeating: "ab", count: 10)
  private static let run = #"{"run":"\#(id)","job":"a/b","agent":"db-1"}"#

  private static func output(_ text: String, at offset: Int, attempt: Int = 1, _ stream: String = "out") -> String {
    #"{"attempt":\#(attempt),"offset":\#(offset),"time":"2026-11-20T01:30:00.000001Z","stream":"\#(stream)","text":"\#(text)"}"#
  }

  private static func body(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }

  /// What the command does with these answers, one after the other.
  private func follow(
    _ answers: [(status: Int, body: String)], _ words: [String] = []
  ) async throws -> (result: Ran, asked: [String]) {
    let controller = FakeController(["GET /v1/logs": answers])
    let folder = try TemporaryFolder("belfry-follow")
    try folder.write("token", FakeController.token + "\n")
    let result = try await controller.serving { address in
      await Stage(folder: folder.path).run(
        ["logs", "-f", "a/b", "--api", "http://\(address)", "--token-file", folder.path("token")] + words)
    }
    return (result, controller.asked.map(\.line))
  }

  @Test func aRunIsShownToItsEnd() async throws {
    let lines = [
      Self.run, #"{"standing":"Queued","attempt":1}"#, Self.output(#"one\n"#, at: 0), #"{"alive":true}"#,
      Self.output(#"two\n"#, at: 4, "err"), #"{"attempt":1,"offset":8,"cut":5}"#, Self.output(#"end\n"#, at: 13),
      #"{"end":"Succeeded"}"#,
    ]
    let (result, asked) = try await follow([(200, Self.body(lines))])
    #expect(result.status == .fine && result.output == "one\ntwo\n[… 5 bytes cut …]\nend\n", "\(result)")
    #expect(result.errors == "It waits for its turn.\nSucceeded\n")
    #expect(asked == ["GET /v1/logs?run=a/b&attempt=1&offset=0"])
    let json = try await follow([(200, Self.body(lines))], ["--format", "json"]).result
    #expect(json.output == Self.body(lines.filter { !$0.contains("alive") }))
  }

  @Test func aFailedRunIsAnExitCode() async throws {
    let lines = [Self.run, Self.output("x", at: 0), #"{"end":"Failed","reason":"exit code 3"}"#]
    let (result, _) = try await follow([(200, Self.body(lines))])
    #expect(result.status == .bad && result.output == "x" && result.errors == "Failed: exit code 3\n")
  }

  @Test func aBrokenConnectionIsGoneOnWith() async throws {
    let first = [Self.run, Self.output(#"one\n"#, at: 0), Self.output(#"tw"#, at: 4)]
    let second = [
      Self.run, Self.output(#"o\n"#, at: 6), Self.output(#"again\n"#, at: 0, attempt: 2), #"{"end":"Succeeded"}"#,
    ]
    let (result, asked) = try await follow([(200, Self.body(first)), (502, "{}"), (200, Self.body(second))])
    #expect(result.status == .fine && result.output == "one\ntwo\nagain\n", "\(result)")
    #expect(result.errors.contains("trying again") && result.errors.contains("Attempt 2\n"))
    // By the run's own id: the job's next run is another one.
    let again = "GET /v1/logs?run=\(Self.id)&attempt=1&offset=6"
    #expect(asked == ["GET /v1/logs?run=a/b&attempt=1&offset=0", again, again])
  }

  @Test func noSuchRunIsSaid() async throws {
    let (result, _) = try await follow([(404, #"{"error":"no run of it","hint":"look elsewhere"}"#)])
    #expect(result.status == .bad && result.errors == "error: no run of it\nhint: look elsewhere\n")
    let lost = try await follow([(200, Self.body([Self.run, #"{"failed":"too many follow"}"#]))]).result
    #expect(lost.status == .unreachable && lost.errors.contains("too many follow"))
    let nonsense = try await follow([(200, "hello\n")]).result
    #expect(nonsense.status != .fine)
    let long = try await follow([(200, String(repeating: "x", count: 2 << 20))]).result
    #expect(long.status == .unreachable)
  }

  /// What `logs WORDS` without --follow says, where the branch has nothing and the controller this.
  private func ask(_ words: String, running: String, in folder: String) async throws -> Ran {
    let status = #"{"agents":{"list":[{"name":"db-1","running":[\#(running)]}]}}"#
    let controller = FakeController(["GET /v1/status": [(200, status)]])
    let files = try TemporaryFolder("belfry-follow")
    try files.write("token", FakeController.token + "\n")
    return try await controller.serving { address in
      await Stage(folder: folder).run([
        "logs", words, "--api", "http://\(address)", "--token-file", files.path("token"),
      ])
    }
  }

  @Test func aFirstRunThatIsGoingIsKnown() async throws {
    let clone = try Clone()
    let going = #"{"run":"\#(Self.id)","job":"a/b","started":"2026-11-20T11:59:48Z"}"#
    for words in ["a/b", Self.id, "abab"] {
      // No branch at all yet, as before the first run's end.
      let ran = try await ask(words, running: going, in: clone.work)
      #expect(ran.status == .bad && ran.output.isEmpty)
      #expect(ran.errors.hasPrefix("error: run \(Self.id) of a/b is still going on db-1, started 12s ago"), "\(ran)")
      #expect(
        ran.errors.hasSuffix("hint: 'belfry logs -f abababababab' shows what it has written and what it writes\n"))
    }
    let other = try await ask("a/c", running: going, in: clone.work)
    #expect(other.errors.contains("'git fetch' brings it"), "\(other)")
    let signers = try Signers()
    try signers.publish([try signers.receipt(job: "a/c")], to: clone.bare, cache: clone.folder.path("cache.git"))
    #expect(try await ask("a/b", running: going, in: clone.bare).errors.contains("still going on db-1"))
    let ended = try await ask("a/c", running: going, in: clone.bare)
    #expect(ended.status == .fine && ended.output == "done\n", "\(ended)")
    // Nobody is asked who was not named and is not there.
    let alone = await Stage(folder: clone.bare).run("logs", "a/b")
    #expect(alone.errors.contains("neither the beginning of a run's id"), "\(alone)")
  }

  @Test func runsThatWereOrderedAreFollowed() async throws {
    let second = String(repeating: "cd", count: 10)
    func order(
      _ runs: String, _ words: [String] = ["--follow"], end: String = #"{"end":"Failed","reason":"exit code 3"}"#
    ) async throws -> Ran {
      let receipt = try Signers().receipt(state: .failed, reason: "exit code 3").signed.value.json.text
      let failed = #"{"state":"Failed","receipt":\#(receipt)}"#
      let controller = FakeController([
        "POST /v1/runs": [(200, #"{"runs":[\#(runs)]}"#)],
        "GET /v1/logs": [
          (
            200,
            Self.body([
              Self.run, #"{"standing":"Queued","attempt":1}"#, Self.output(#"one\n"#, at: 0), Self.output("tw", at: 4),
              Self.output(#"o\nthree"#, at: 6), end,
            ])
          )
        ],
        "GET /v1/runs/\(Self.id)": [(200, failed)], "GET /v1/runs/\(second)": [(200, failed)],
      ])
      let folder = try TemporaryFolder("belfry-follow")
      try folder.write("token", FakeController.token + "\n")
      return try await controller.serving { address in
        await Stage(folder: folder.path).run(
          ["run", "a/b", "--api", "http://\(address)", "--token-file", folder.path("token")] + words)
      }
    }
    let first = #"{"agent":"db-1","run":"\#(Self.id)"}"#
    let one = try await order(first)
    #expect(one.status == .bad && one.output == "one\ntwo\nthree", "\(one)")
    #expect(
      one.errors.hasPrefix("It waits for its turn.\nAGENT  RUN") && one.errors.contains("exit code 3\n"), "\(one)")
    let two = try await order(first + #",{"agent":"db-2","run":"\#(second)"}"#, ["-f"])
    for agent in ["db-1", "db-2"] {
      let lines = two.output.split(separator: "\n").filter { $0.hasPrefix(agent) }
      #expect(lines == ["\(agent) | one", "\(agent) | two", "\(agent) | three"], "\(two)")
    }
    // What has come is shown, whatever ended it.
    let lost = try await order(
      first + #",{"agent":"db-2","run":"\#(second)"}"#, ["-f"], end: #"{"failed":"too many follow"}"#)
    #expect(lost.output.contains("db-1 | three\n") && lost.output.contains("db-2 | three\n"), "\(lost)")
    #expect(lost.errors.contains("cannot be followed: too many follow"), "\(lost)")
    #expect(try await order(first, ["-f", "--format", "json"]).status == .usage)
  }

  @Test func linesOfSeveralRunsStayWhole() {
    var lines = LabelledLines("db-1")
    #expect(lines.add(Array("one\ntw".utf8)) == Array("db-1 | one\n".utf8))
    #expect(lines.add(Array("o\n\nthr".utf8)) == Array("db-1 | two\ndb-1 | \n".utf8))
    #expect(lines.end() == Array("db-1 | thr\n".utf8) && lines.end().isEmpty)
    // A line without an end is held up to a bound only.
    let long = [UInt8](repeating: 0x78, count: LabelledLines.limit + 10)
    #expect(lines.add(long).count == Array("db-1 | ".utf8).count + LabelledLines.limit + 1)
    #expect(lines.end() == Array("db-1 | xxxxxxxxxx\n".utf8))
  }

  @Test func escapesAreNeutralisedAsTheyCome() async throws {
    let lines = [Self.run, Self.output(#"\u001b[2J"#, at: 0), Self.output(#"x\n"#, at: 4), #"{"end":"Succeeded"}"#]
    let controller = FakeController(["GET /v1/logs": [(200, Self.body(lines))]])
    let folder = try TemporaryFolder("belfry-follow")
    try folder.write("token", FakeController.token + "\n")
    let result = try await controller.serving { address in
      var stage = Stage(folder: folder.path)
      stage.isTerminal = true
      return await stage.run(
        ["logs", "-f", "a/b", "-t", "--api", "http://\(address)", "--token-file", folder.path("token")])
    }
    #expect(
      result.output == """
        2026-11-20T01:30:00.000001Z out P <U+001B>[2J
        2026-11-20T01:30:00.000001Z out F x

        """)
  }
}
