import Foundation
import Model
import Planning
import Results
import TestSupport
import Testing
import Trust

@testable import CommandKit

/// `status`, `run`, `accept` and `plan --controller` against an HTTP API in this process.
@Suite struct ControllerCommandsTests {
  private let run = "0123456789abcdef0123"

  /// Runs commands with `--api` and the right token.
  private func ran(_ controller: FakeController, _ arguments: [String], in folder: String = "/") async throws -> Ran {
    let files = try TemporaryFolder("token")
    try files.write("token", FakeController.token + "\n")
    let token = files.path("token")
    let result = try await controller.serving { address in
      await Stage(folder: folder).run(arguments + ["--api", "http://\(address)", "--token-file", token])
    }
    withExtendedLifetime(files) {}
    return result
  }

  @Test func statusAsTextAndAsItCame() async throws {
    let body =
      #"{"version":"0.1.0","now":"2026-11-20T12:00:00Z","agents":{"connected":2,"known":2,"list":[]},"jobs":[]}"#
    let controller = FakeController(["GET /v1/status": [(200, body)]])
    let text = try await ran(controller, ["status"])
    #expect(text.output == "Agents      2 of 2 connected\nController  0.1.0\n")
    let raw = try await ran(controller, ["status", "--format", "json"])
    #expect(raw.json == (try json(body)))
    // What scripts look for.
    #expect(raw.output.contains("\"connected\": 2"))
  }

  @Test func theConfigurationLeadsToTheAPI() async throws {
    let controller = FakeController(["GET /v1/status": [(200, "{}")]])
    let folder = try TemporaryFolder("state")
    try folder.write("state/api.token", FakeController.token + "\n")
    try folder.write("controller.yaml", "source: {url: /x, branch: main}\nstate: state\nkey: controller.key\n")
    let path = folder.path
    let statuses = try await controller.serving { address in
      try folder.write("state/api.address", address + "\n")
      var stage = Stage(folder: path)
      let named = await stage.run("status", "--config", "controller.yaml")
      stage.environment["BELFRY_CONFIG"] = path + "/controller.yaml"
      let fromEnvironment = await stage.run("status")
      stage.environment = ["BELFRY_API": "http://\(address)/", "BELFRY_TOKEN_FILE": path + "/state/api.token"]
      let direct = await stage.run("status")
      return [named.status, fromEnvironment.status, direct.status]
    }
    #expect(statuses == [.fine, .fine, .fine])
    // The server is gone now.
    let gone = await Stage(folder: path).run("status", "--config", "controller.yaml")
    #expect(gone.status == .unreachable)
    #expect(gone.errors.contains("cannot reach the controller at http://127.0.0.1:"))
    #expect(gone.errors.contains("connection refused"), "\(gone.errors)")
    try FileManager.default.removeItem(atPath: folder.path("state/api.address"))
    let never = await Stage(folder: path).run("status", "--config", "controller.yaml")
    #expect(never.status == .unreachable && never.errors.contains("has not been started yet"))
  }

  @Test func aWrongTokenIsThree() async throws {
    let files = try TemporaryFolder("token")
    try files.write("token", "wrong\n")
    let token = files.path("token")
    let ran = try await FakeController([:]).serving { address in
      await Stage(folder: "/").run("status", "--api", "http://\(address)", "--token-file", token)
    }
    #expect(ran.status == .unreachable)
    #expect(ran.errors == "error: no permission\nhint: the token is in the state folder\n")
  }

  @Test(arguments: [
    "http://example.com:7421", "http://127.0.0.1.example.com", "http://127.0.0.1@example.com", "http://127.example.com",
    "http://127.evil.example.com", "http://127.0.0.1:80@example.com", "https://127.0.0.1:80@example.com",
    "ftp://127.0.0.1", "127.0.0.1:7421", "http://[::2]:7421",
  ])
  func theTokenStaysOnThisMachine(_ url: String) async throws {
    let files = try TemporaryFolder("token")
    try files.write("token", "secret\n")
    let ran = await Stage(folder: "/").run("status", "--api", url, "--token-file", files.path("token"))
    #expect(ran.status == .usage)
    #expect(!ran.errors.contains("secret"))
  }

  @Test func somethingElseListensThere() async throws {
    let ran = try await ran(FakeController(["GET /v1/status": [(200, "<html>")]]), ["status"])
    #expect(ran.status == .unreachable && ran.errors.contains("not a controller's API"))
  }

  @Test func runAndWait() async throws {
    let receipt = try Signers().receipt(state: .succeeded).signed.value.json.text
    let controller = FakeController([
      "POST /v1/runs": [(200, #"{"runs":[{"agent":"db-1","run":"\#(run)"}]}"#)],
      "GET /v1/runs/\(run)": [
        (404, #"{"error":"not known"}"#), (503, #"{"error":"it starts"}"#),
        (200, #"{"run":"\#(run)","state":"Running"}"#),
        (200, #"{"run":"\#(run)","state":"Succeeded","receipt":\#(receipt)}"#),
      ],
    ])
    let ran = try await ran(controller, ["run", "data/backup", "--param", "keep=3", "--agent", "db-1", "--wait"])
    #expect(ran.status == .fine, "\(ran.errors)")
    #expect(
      ran.output == """
        AGENT  RUN                   STATE      TOOK
        db-1   0123456789abcdef0123  Succeeded  1.2s

        """)
    #expect(controller.asked.first?.body == #"{"job":"data/backup","params":{"keep":"3"},"agents":["db-1"]}"#)
    #expect(controller.asked.count == 5)
    #expect(ran.errors == "The connection is lost (it starts); trying again.\n")
  }

  @Test func aFailedRunIsOne() async throws {
    let controller = FakeController([
      "POST /v1/runs": [(200, #"{"runs":[{"agent":"db-1","run":"\#(run)"}]}"#)],
      "GET /v1/runs/\(run)": [(200, #"{"run":"\#(run)","state":"Failed"}"#)],
    ])
    #expect(try await ran(controller, ["run", "data/backup", "--wait"]).status == .bad)
    #expect(try await ran(controller, ["run", "data/backup"]).status == .fine)
    let refused = FakeController(["POST /v1/runs": [(409, #"{"error":"no agent accepted the run"}"#)]])
    let ran = try await ran(refused, ["run", "data/backup"])
    #expect(ran.status == .bad && ran.errors == "error: no agent accepted the run\n")
  }

  @Test func artifactsAreListedAndFetchedAndChecked() async throws {
    let digest = SHA256.hash(Array("{}\n".utf8)).hex
    let list = #"""
      {"run":"\#(run)","job":"data/backup","agent":"db-1","nominal":"2026-11-20T01:30:00Z","artifacts":[\#
      {"attempt":1,"name":"out/a.json","size":3,"sha256":"\#(digest)","state":"stored"},\#
      {"attempt":1,"name":"big","size":9,"sha256":"\#(digest)","state":"refused","reason":"too large"},\#
      {"attempt":1,"name":"old","size":9,"sha256":"\#(digest)","state":"removed"},\#
      {"attempt":1,"name":"new","size":9,"sha256":"\#(digest)","state":"expected"}]}
      """#
    let controller = FakeController([
      "GET /v1/runs/0123/artifacts": [(200, list)],
      "GET /v1/runs/\(run)/artifacts/\(digest)": [(200, "{}\n"), (200, "[]\n"), (200, "{}"), (200, "{}\n\n")],
    ])
    let listed = try await ran(controller, ["artifacts", "0123"])
    #expect(listed.status == .fine && listed.output.hasPrefix("data/backup on db-1, run \(run)\n"))
    #expect(listed.output.contains("too large"))
    let good = try await ran(controller, ["artifacts", "0123", "get", "out/a.json", "-o", "-"])
    #expect(good.status == .fine && good.output == "{}\n", "\(good)")
    // Other bytes, too few, too many: each is told.
    for _ in 0..<3 {
      let bad = try await ran(controller, ["artifacts", "0123", "get", "out/a.json", "-o", "-"])
      #expect(bad.status == .bad && bad.errors.contains("receipt names"), "\(bad)")
    }
    for (name, words) in [
      "big": "never came: too large", "old": "removed", "new": "not come yet",
      "out/b.json": "did you mean 'out/a.json'?",
    ] {
      let none = try await ran(controller, ["artifacts", "0123", "get", name])
      #expect(none.status == .bad && none.errors.contains(words), "\(none)")
    }
    for arguments in [
      ["artifacts", "../x"], ["artifacts", "0123", "put", "x"], ["artifacts", "0123", "get"], ["artifacts", "012"],
    ] {
      #expect(try await ran(controller, arguments).status == .usage)
    }
  }

  @Test func acceptSendsAFullID() async throws {
    let clone = try Clone()
    let controller = FakeController(["POST /v1/source/accept": [(200, #"{"accepted":"x"}"#)]])
    let ran = try await ran(controller, ["accept", "HEAD"], in: clone.work)
    #expect(ran.status == .fine)
    #expect(controller.asked.map(\.body) == [#"{"commit":"\#(try clone.head())"}"#])
  }
}
