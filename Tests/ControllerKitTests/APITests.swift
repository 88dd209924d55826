import AsyncHTTPClient
@testable import ControllerKit
import Glibc
import Hummingbird
import Model
import NIOCore
import NIOHTTP1
import Testing

/// The HTTP API's door: who gets in, and what a malformed request is told.
@Suite(.timeLimit(.minutes(10))) struct APITests {
  private struct Fake: APIOperations {
    /// Called when nobody writes an answer without end any more.
    var onEnd: @Sendable () -> Void = {}

    private final class Writing: Sendable {
      let onEnd: @Sendable () -> Void
      init(_ onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }
      deinit { onEnd() }
    }

    func status() async -> JSONValue { ["answer": "status"] }
    func snapshot() async -> JSONValue { ["answer": "snapshot"] }
    func run(_ request: RunRequest, by user: String) async throws(APIError) -> JSONValue {
      guard request.job.text != "busy" else { throw APIError(.conflict, "busy", hint: "wait") }
      return ["answer": .string("run \(request.job) \(request.params.count) \(request.agents.count)")]
    }
    func run(_ id: RunID) async throws(APIError) -> JSONValue { ["answer": .string("run \(id)")] }
    func artifacts(of digits: String) async throws(APIError) -> JSONValue {
      ["answer": .string("artifacts of \(digits)")]
    }
    func artifact(_ digest: Digest, of run: RunID) async throws(APIError) -> ArtifactContent {
      if digest.hex.hasPrefix("e") {
        let writing = Writing(onEnd)
        return ArtifactContent(size: 1 << 40) { _, limit in
          withExtendedLifetime(writing) { [UInt8](repeating: 0x78, count: limit) }
        }
      }
      guard digest.hex.hasPrefix("a") else { throw APIError(.notFound, "not here") }
      return ArtifactContent(size: 600_000) { offset, limit in
        [UInt8](repeating: 0x78, count: min(limit, 600_000 - Int(offset)))
      }
    }
    func acceptSource(_ commit: CommitID) async throws(APIError) -> JSONValue { ["answer": "accepted"] }
    func follow(
      _ words: String, from position: LogPosition
    ) async throws(APIError) -> AsyncThrowingStream<FollowEvent, any Error> {
      guard words == APITests.run else { throw APIError(.notFound, "nothing here") }
      let chunk = LogChunk(source: .out, time: Timestamp(seconds: 1), offset: 7, bytes: [0x61])
      return AsyncThrowingStream { continuation in
        continuation.yield(.output(attempt: position.attempt, chunk))
        continuation.yield(.end(outcome: "Succeeded", reason: nil))
        continuation.finish()
      }
    }
  }

  /// One request and the answer's status.
  struct Call: Sendable, CustomTestStringConvertible {
    var method = "GET"
    var path = "/v1/status"
    var token: String? = "Bearer right"
    var host: String?
    var body = ""
    let status: UInt
    var contains = ""
    var testDescription: String { "\(method) \(path) \(token ?? "-") \(host ?? "") \(body.prefix(60)): \(status)" }
  }

  private static let run = String(repeating: "a", count: 20)
  static let calls = [
    Call(status: 200, contains: "\"status\""),
    Call(path: "/v1/snapshot", status: 200, contains: "snapshot"),
    Call(path: "/v1/runs/aaaa/artifacts", status: 200, contains: "artifacts of aaaa"),
    Call(path: "/v1/runs/aaaa/artifacts", token: nil, status: 401),
    Call(path: "/v1/runs/\(run)/artifacts/\(String(repeating: "a", count: 64))", status: 200, contains: "xxxx"),
    Call(path: "/v1/runs/\(run)/artifacts/\(String(repeating: "a", count: 64))", token: nil, status: 401),
    Call(path: "/v1/runs/\(run)/artifacts/\(String(repeating: "b", count: 64))", status: 404, contains: "not here"),
    Call(path: "/v1/runs/\(run)/artifacts/..%2f..%2fapi.token", status: 400),
    Call(path: "/v1/runs/aaaa/artifacts/\(String(repeating: "a", count: 64))", status: 400),
    Call(path: "/healthz", token: nil, status: 200, contains: "ok"),
    Call(token: nil, status: 401, contains: "api.token"),
    Call(token: "", status: 401),
    Call(token: "Bearer wrong", status: 401),
    Call(token: "Bearer righ", status: 401),
    Call(token: "Bearer rightt", status: 401),
    Call(token: "right", status: 401),
    Call(path: "/v1/snapshot", token: nil, status: 401),
    Call(method: "POST", path: "/v1/runs", token: nil, body: "{\"job\":\"a\"}", status: 401),
    Call(method: "POST", path: "/v1/source/accept", token: nil, body: "{}", status: 401),
    Call(path: "/v1/runs/" + run, token: nil, status: 401),
    Call(host: "evil.example", status: 421),
    Call(host: "127.0.0.1.evil.example:80", status: 421),
    Call(host: "127.evil.example.com:80", status: 421),
    Call(host: "localhost", status: 200),
    Call(host: "[::1]:7421", status: 200),
    Call(
      method: "POST", path: "/v1/runs", body: "{\"job\":\"a\",\"params\":{\"k\":\"v\"},\"agents\":[\"x\"]}",
      status: 200, contains: "run a 1 1"),
    Call(
      method: "POST", path: "/v1/runs", body: "{\"job\":\"busy\",\"params\":{},\"agents\":[]}", status: 409,
      contains: "wait"),
    Call(method: "POST", path: "/v1/runs", body: "{\"job\":\"../a\",\"params\":{},\"agents\":[]}", status: 400),
    Call(
      method: "POST", path: "/v1/runs", body: "{\"job\":\"a\",\"params\":{},\"agents\":[],\"more\":1}", status: 400,
      contains: "more"),
    Call(method: "POST", path: "/v1/runs", body: "{\"job\":\"a\",\"job\":\"b\"}", status: 400),
    Call(method: "POST", path: "/v1/runs", body: "nonsense", status: 400),
    Call(method: "POST", path: "/v1/runs", body: String(repeating: " ", count: 300_000) + "{}", status: 400),
    Call(path: "/v1/runs/" + run, status: 200, contains: run),
    Call(path: "/v1/runs/%2e%2e", status: 400),
    Call(
      method: "POST", path: "/v1/source/accept", body: "{\"commit\":\"" + String(repeating: "1", count: 40) + "\"}",
      status: 200),
    Call(method: "POST", path: "/v1/source/accept", body: "{\"commit\":\"main\"}", status: 400),
    Call(path: "/v1/logs?run=" + run, status: 200, contains: "offset\":7"),
    Call(path: "/v1/logs?run=other", status: 404, contains: "nothing"),
    Call(path: "/v1/logs", status: 404), Call(path: "/v1/logs?run=a&attempt=0", status: 400),
    Call(path: "/v1/logs?run=a&offset=x", status: 400), Call(path: "/v1/logs?run=a&offset=-1", status: 400),
    Call(path: "/v1/elsewhere", status: 404),
  ]

  @Test func aJobWithMistakesIsRefusedWithThem() throws {
    let mistakes = (1...7).map { Diagnostic(file: "jobs/a.yaml", line: $0, column: 2, message: "wrong \($0)") }
    let refusal = Operations.refusal(of: try JobName("a"), for: mistakes)
    #expect(refusal.status == .conflict && refusal.message.hasPrefix("the manifest of 'a' has mistakes, and "))
    #expect(refusal.message.contains("\njobs/a.yaml:5:2: error: wrong 5\nand 2 more"))
    #expect(refusal.hint?.contains("belfry validate") == true)
  }

  @Test func everyCallGetsWhatItDeserves() async throws {
    let (ports, found) = AsyncStream.makeStream(of: Int.self)
    let service = APIService(
      operations: Fake(), token: "right", host: "127.0.0.1", port: 0, onReady: { found.yield($0) }, logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.application().run() }
      var port = 0
      for await first in ports {
        port = first
        break
      }
      for call in Self.calls {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(call.path)")
        request.method = call.method == "POST" ? .POST : .GET
        if let token = call.token { request.headers.add(name: "Authorization", value: token) }
        if let host = call.host { request.headers.add(name: "Host", value: host) }
        if !call.body.isEmpty { request.body = .bytes(ByteBuffer(string: call.body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = String(buffer: try await response.body.collect(upTo: 1 << 20))
        #expect(
          response.status.code == call.status && body.contains(call.contains),
          "\(call.testDescription): \(response.status) \(body)")
        if call.path.hasPrefix("/v1"), response.status.code == 200 {
          #expect(response.headers.first(name: "Cache-Control") == "no-store")
        }
      }
      group.cancelAll()
    }
  }

  @Test func whoDoesNotReadItsAnswerLosesItsConnection() async throws {
    let (ports, found) = AsyncStream.makeStream(of: Int.self)
    let (ends, ended) = AsyncStream.makeStream(of: Void.self)
    var service = APIService(
      operations: Fake(onEnd: { ended.yield() }), token: "right", host: "127.0.0.1", port: 0,
      onReady: { found.yield($0) }, logger: quiet)
    service.patience = .milliseconds(300)
    await withThrowingTaskGroup(of: Void.self) { [service] group in
      group.addTask { try await service.application().run() }
      guard let port = await ports.first(where: { _ in true }) else { return }
      let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      #expect(connected == 0)
      let request =
        "GET /v1/runs/\(Self.run)/artifacts/\(String(repeating: "e", count: 64)) HTTP/1.1\r\n"
        + "Host: 127.0.0.1\r\nAuthorization: Bearer right\r\n\r\n"
      #expect(write(socket, request, request.utf8.count) == request.utf8.count)
      // Nothing is read. What ends a controller that waits for ever is the suite's limit.
      #expect(await ends.first { _ in true } != nil)
      group.cancelAll()
    }
  }
}
