import Dispatch
import Foundation
import Glibc
import Model
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import HTTPExecutor

/// `run.http` against a real server.
@Suite(.timeLimit(.minutes(10))) final class HTTPExecutorTests: Sendable {
  /// A server, and what it was asked.
  private final class Server {
    let program: Program
    let port: Int

    init(certificate: String? = nil, key: String? = nil) async throws {
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/http/server.py").path
      program = try Program("/usr/bin/env", ["python3", script] + [certificate, key].compactMap { $0 })
      guard let line = await program.line(containing: "port "), let port = Int(line.dropFirst(5)) else {
        throw CommandFailure(description: "no server: \(program.output)")
      }
      self.port = port
    }

    deinit { program.signal(SIGKILL) }

    var url: String { "http://localhost:\(port)" }

    func seen() throws -> [JSONValue] {
      try program.output.split(separator: "\n").dropFirst().map {
        try JSONValue(parsing: Array($0.utf8), limit: 1 << 20)
      }
    }
  }

  private let lines = Mutex<[String]>([])

  private func ask(
    _ request: HTTPRequest, params: String = "{}", secrets: String? = nil, bundle: String? = nil,
    linkLocal: Bool = false
  ) async -> ExecutorAnswer {
    // As the agent would have checked it.
    #expect((try? HTTPRequest(json: request.json)) == request)
    let input = #"{"version":1,"job":"a","run":"0","attempt":1,"params":\#(params),"with":\#(request.json.text)}"#
    let executor = HTTPExecutor(secrets: secrets, bundle: bundle, allowsLinkLocal: linkLocal) { line in
      self.lines.withLock { $0.append(line) }
    }
    return await executor.answer(to: Array(input.utf8))
  }

  private func reason(_ answer: ExecutorAnswer) -> String {
    answer.hasSucceeded == false ? answer.reason ?? "" : "succeeded"
  }

  @Test func aRequestIsSentAsTheManifestSays() async throws {
    let server = try await Server()
    let files = try TemporaryFolder()
    try files.write("token", "s3cret/value")
    var request = HTTPRequest(method: .post, url: server.url + "/v1/${param.table}?q=${param.q}&n=${param.n}")
    request.headers = [
      "Authorization": "Bearer ${secret.token}", "X-Raw": "$${param.q}", "Content-Type": "application/json",
    ]
    request.body = #"{"a": "${param.q}", "b": ${param.q}, "c": ${param.n}, "d": ${param.x}, "e": ${param.f}}"#
    let params = #"{"table":"a/b","q":"\"x\"&y=1\n","n":5,"x":0.25,"f":true}"#
    let answer = await ask(request, params: params, secrets: files.path)
    #expect(answer.hasSucceeded == true, "\(answer)")
    #expect(answer.outputs?["status"] == 200)
    let seen = try #require(try server.seen().first)
    #expect(seen["method"] == "POST")
    #expect(seen["path"] == "/v1/a%2Fb?q=%22x%22%26y%3D1%0A&n=5")
    #expect(seen["headers"]?["authorization"] == "Bearer s3cret/value")
    #expect(seen["headers"]?["x-raw"] == "${param.q}")
    #expect(seen["headers"]?["host"] == .string("localhost:\(server.port)"))
    #expect(seen["body"] == #"{"a": "\"x\"&y=1\n", "b": "\"x\"&y=1\n", "c": 5, "d": 0.25, "e": true}"#)
    // Neither the query nor a secret is logged by us; the answer is.
    #expect(
      lines.withLock { $0[0] }.hasSuffix("?… at 127.0.0.1") || lines.withLock { $0[1] }.hasSuffix("?… at 127.0.0.1"))
  }

  @Test func aParameterStaysAParameter() async throws {
    let server = try await Server()
    var request = HTTPRequest(url: server.url + "/ok")
    request.headers = ["X-Name": "${param.q}"]
    #expect(reason(await ask(request, params: #"{"q":"a\r\nX-Evil: 1"}"#)).contains("line breaks"))
    let up = HTTPRequest(url: server.url + "/a/${param.q}/b")
    #expect(reason(await ask(up, params: #"{"q":".."}"#)).contains("'..'"))
    #expect(await ask(up, params: #"{"q":"..."}"#).hasSucceeded == true)
    #expect(reason(await ask(up)).contains("there is no parameter 'q'"))
    request.headers = ["X-Name": "${secret.none}"]
    #expect(reason(await ask(request)).contains("there is no secret none"))
    #expect(try server.seen().count == 1)
  }

  struct Judgement: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var path = "/status/200"
    var method = HTTPRequest.Method.get
    var statuses = HTTPRequest.goodStatuses
    var pattern: String?
    var reason = "succeeded"
  }

  @Test(arguments: [
    Judgement(testDescription: "a good status"),
    Judgement(testDescription: "a bad one", path: "/status/503", reason: "the answer was 503, and not 200-299"),
    Judgement(testDescription: "one that is good here", path: "/status/404", statuses: [200...200, 404...404]),
    Judgement(
      testDescription: "none of several", path: "/status/500", statuses: [200...299, 404...404],
      reason: "the answer was 500, and not 200-299 or 404"),
    Judgement(testDescription: "a body that matches", pattern: "^as +asked$|nothing"),
    Judgement(
      testDescription: "a body that does not", pattern: "^asked", reason: "the answer does not match \"^asked\""),
    Judgement(testDescription: "a HEAD", method: .head),
    Judgement(
      testDescription: "a redirect that is not followed", path: "/redirect?to=/ok",
      reason: "the answer was 302, and not 200-299: it leads to /ok"),
    Judgement(
      testDescription: "a redirect that is what is wanted", path: "/redirect/301?to=/ok", statuses: [301...301]),
  ])
  func whatIsGoodIsForTheManifestToSay(_ row: Judgement) async throws {
    let server = try await Server()
    var request = HTTPRequest(method: row.method, url: server.url + row.path)
    request.statuses = row.statuses
    request.bodyPattern = row.pattern.map { $0.replacing("$", with: "\n*$") }
    let said = reason(await ask(request))
    #expect(said.replacing("\\n*$", with: "$").hasPrefix(row.reason), "\(said)")
  }

  @Test func redirectsAreFollowedSoFarAndNoFarther() async throws {
    let server = try await Server()
    let other = try await Server()
    let files = try TemporaryFolder()
    try files.write("token", "s3cret")
    func request(_ path: String, follow: Int, _ method: HTTPRequest.Method = .get) -> HTTPRequest {
      var request = HTTPRequest(method: method, url: server.url + path, follow: follow)
      request.headers = ["X-Token": "${secret.token}", "X-Other": "1", "Content-Type": "text/plain"]
      if method == .post { request.body = "body" }
      return request
    }
    #expect(await ask(request("/redirect?to=/redirect?to=/ok", follow: 2), secrets: files.path).hasSucceeded == true)
    #expect(reason(await ask(request("/loop", follow: 3), secrets: files.path)).contains("more than 3 redirects"))
    #expect(await ask(request("/redirect/303?to=/see", follow: 1, .post), secrets: files.path).hasSucceeded == true)
    #expect(await ask(request("/redirect/307?to=/again", follow: 1, .post), secrets: files.path).hasSucceeded == true)
    let seen = try server.seen()
    #expect(seen.first { $0["path"] == "/see" }?["method"] == "GET")
    #expect(seen.first { $0["path"] == "/see" }?["headers"]?["content-type"] == nil)
    #expect(seen.first { $0["path"] == "/again" }?["method"] == "POST")
    #expect(seen.first { $0["path"] == "/again" }?["body"] == "body")
    #expect(seen.first { $0["path"] == "/again" }?["headers"]?["x-token"] == "s3cret")
    // Another port is another origin.
    #expect(await ask(request("/redirect?to=\(other.url)/far", follow: 1), secrets: files.path).hasSucceeded == true)
    let far = try #require(try other.seen().first)
    #expect(far["headers"]?["x-other"] == "1" && far["headers"]?["x-token"] == nil)
    var body = request("/redirect/307?to=\(other.url)/far", follow: 1, .post)
    body.body = "${secret.token}"
    #expect(reason(await ask(body, secrets: files.path)).contains("a body with a secret"))
    for target in ["file:///etc/passwd", "gopher://x/", "http://user@localhost/"] {
      #expect(
        reason(await ask(request("/redirect?to=\(target)", follow: 1), secrets: files.path)).contains("is no URL"))
    }
    #expect(
      reason(await ask(request("/redirect?to=http://169.254.169.254/latest", follow: 1), secrets: files.path))
        .contains("169.254.169.254, an address where hosts in a cloud"))
  }

  @Test(arguments: [
    "169.254.169.254", "169.254.1.1:8080", "[fe80::1]", "[fd00:ec2::254]", "[fd20:ce::254]", "100.100.100.200",
    "[::ffff:169.254.169.254]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "2852039166", "0xa9.0xfe.0xa9.0xfe", "0251.254.169.254",
  ])
  func linkLocalAddressesAreRefused(_ host: String) async throws {
    let answer = await ask(HTTPRequest(url: "http://\(host)/latest/meta-data", timeout: .seconds(1)))
    #expect(reason(answer).contains("an address where hosts in a cloud"), "\(answer)")
  }

  @Test func otherAddressesAreNot() throws {
    for bytes: [UInt8] in [
      [127, 0, 0, 1], [169, 253, 1, 1], [10, 0, 0, 1], [0xfd, 0, 0x0e, 0xc2] + Array(repeating: 0, count: 12),
    ] {
      #expect(!HostAddress(bytes: bytes).isLinkLocal)
    }
    #expect(!HostAddress(bytes: Array(repeating: 0, count: 15) + [1]).isLinkLocal)
  }

  @Test func aSlowServerAndAHugeAnswerAreBounded() async throws {
    let server = try await Server()
    let slow = reason(await ask(HTTPRequest(url: server.url + "/silent", timeout: .seconds(1))))
    #expect(slow.contains("within 1s") || slow.contains("imeout"), "\(slow)")
    var huge = HTTPRequest(url: server.url + "/endless")
    #expect(await ask(huge).hasSucceeded == true)
    huge.bodyPattern = "needle"
    #expect(reason(await ask(huge)).contains("the first 1048576 bytes of the answer do not match"))
    #expect(lines.withLock { $0.reduce(0) { $0 + $1.utf8.count } } < 100_000, "little of it is logged")
  }

  /// A resolver that does not come back keeps nobody longer than the request's timeout.
  @Test func aResolverThatHangsIsLeftBehind() async throws {
    let answer = DispatchSemaphore(value: 0)
    let request = HTTPRequest(url: "http://localhost/", timeout: .seconds(1))
    var exchange = Exchange(request: request, authorities: nil, allowsLinkLocal: false, log: { _ in })
    exchange.resolve = { (_) throws(RequestFailure) in
      try await Waiting.result { () throws(RequestFailure) -> [HostAddress] in
        answer.wait()
        return []
      }.get()
    }
    let input = #"{"version":1,"params":{},"with":\#(request.json.text)}"#
    let filled = try FilledRequest(RequestedRun(parsing: Array(input.utf8)), secrets: nil)
    do {
      _ = try await exchange.perform(filled)
      Issue.record("an answer from nowhere")
    } catch {
      #expect(error.description.contains("within 1s"), "\(error)")
    }
    answer.signal()
  }

  /// Another address is asked only where nobody can have heard the request, or hearing it twice does no harm.
  @Test func aRequestIsNotSentTwice() async throws {
    let server = try await Server()
    for method in [HTTPRequest.Method.get, .post] {
      let request = HTTPRequest(method: method, url: "http://localhost:\(server.port)/status/200")
      var exchange = Exchange(request: request, authorities: nil, allowsLinkLocal: false, log: { _ in })
      // Nobody listens at the first one.
      exchange.resolve = { (_) throws(RequestFailure) in
        [HostAddress(bytes: [127, 0, 0, 2]), HostAddress(bytes: [127, 0, 0, 1])]
      }
      let input = #"{"version":1,"params":{},"with":\#(request.json.text)}"#
      let answer = try await exchange.perform(FilledRequest(RequestedRun(parsing: Array(input.utf8)), secrets: nil))
      #expect(answer.status < 500)
      func isUnconnected(_ code: Int32) -> Bool { exchange.isUnconnected(IOError(errnoCode: code, reason: "any")) }
      #expect(isUnconnected(ECONNREFUSED) && !isUnconnected(ECONNRESET) && !isUnconnected(ETIMEDOUT))
      #expect(isUnconnected(EHOSTUNREACH) == (method == .get) && isUnconnected(ENETUNREACH) == (method == .get))
    }
  }

  @Test func whoCannotBeReachedIsSaid() async throws {
    // A port that was just given back.
    let port = try await Server().port
    // A client that tries again takes its ten seconds each time; a busy machine takes them now and then.
    var isQuick = false
    for _ in 0..<4 where !isQuick {
      let began = ContinuousClock.now
      let refused = reason(await ask(HTTPRequest(url: "http://127.0.0.1:\(port)/", timeout: .seconds(30))))
      #expect(refused == "no connection to 127.0.0.1 at 127.0.0.1: Connection refused")
      isQuick = ContinuousClock.now - began < .seconds(5)
    }
    #expect(isQuick, "trying again is for the job's retries")
    // Each address of a name is tried, and the last one's word counts.
    let named = reason(await ask(HTTPRequest(url: "http://localhost:\(port)/", timeout: .seconds(30))))
    #expect(named.hasPrefix("no connection to localhost at ") && named.hasSuffix(": Connection refused"), "\(named)")
    let unknown = reason(await ask(HTTPRequest(url: "http://no-such-host.invalid/", timeout: .seconds(30))))
    #expect(unknown.contains("is not found"), "\(unknown)")
  }

  @Test func certificatesAreLookedAt() async throws {
    let files = try TemporaryFolder()
    let made = try command(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", files.path("key.pem"),
        "-out", files.path("ca.pem"),
      ])
    try #require(made.status == 0, "\(made)")
    let server = try await Server(certificate: files.path("ca.pem"), key: files.path("key.pem"))
    var request = HTTPRequest(url: "https://localhost:\(server.port)/ok")
    #expect(await ask(request).hasSucceeded == false)
    request.authorities = files.path("ca.pem")
    #expect(await ask(request).hasSucceeded == true)
    request.authorities = "ca.pem"
    #expect(await ask(request, bundle: files.path).hasSucceeded == true)
    // The certificate is another name's.
    request.url = "https://127.0.0.1:\(server.port)/ok"
    #expect(await ask(request, bundle: files.path).hasSucceeded == false)
    request.authorities = nil
    request.isInsecure = true
    #expect(await ask(request).hasSucceeded == true)
    request.follow = 1
    request.url = "https://localhost:\(server.port)/redirect?to=http://localhost:1/"
    #expect(reason(await ask(request)).contains("from https to http"))
  }

  @Test func nonsenseIsNoRequest() async {
    let executor = HTTPExecutor(secrets: nil, bundle: nil) { _ in }
    for input in [
      "", "{}", #"{"version":2,"params":{},"with":{}}"#, #"{"version":1,"params":{},"with":{"method":"GET"}}"#,
    ] {
      #expect(await executor.answer(to: Array(input.utf8)).hasSucceeded == false)
    }
  }
}
