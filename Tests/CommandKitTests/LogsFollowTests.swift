@testable import CommandKit
import Model
import TestSupport
import Testing

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
