import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import Synchronization
import TestSupport

/// A controller's HTTP API with canned answers, on a free port of loopback.
final class FakeController: Sendable {
  static let token = "0123456789abcdef"

  /// What was asked, in order: `GET /v1/status`, and the body where there was one.
  struct Asked: Hashable, Sendable {
    var line: String
    var body: String
  }

  /// Answers by `METHOD path`; of several the first that is left, the last one for ever.
  private let answers: Mutex<[String: [(status: Int, body: String)]]>
  private let log = Mutex<[Asked]>([])

  init(_ answers: [String: [(status: Int, body: String)]]) { self.answers = Mutex(answers) }

  var asked: [Asked] { log.withLock { $0 } }

  /// Runs `body` with the API's address while it answers.
  func serving<T: Sendable>(_ body: @escaping @Sendable (String) async throws -> T) async throws -> T {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let router = Router()
    for method in [HTTPRequest.Method.get, .post] {
      router.on("**", method: method) { request, _ in try await self.answer(request) }
    }
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) }, logger: logger)
    return try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask {
        try await application.run()
        return nil
      }
      var port = 0
      for await running in ports {
        port = running
        break
      }
      let address = "127.0.0.1:\(port)"
      let result = try await body(address)
      group.cancelAll()
      return result
    }
  }

  private func answer(_ request: Request) async throws -> Response {
    let line = "\(request.method) \(request.uri.path)"
    let body = try await request.body.collect(upTo: 1 << 20)
    let asked = "\(request.method) \(request.uri.string)"
    log.withLock { $0.append(Asked(line: asked, body: String(buffer: body))) }
    guard request.headers[.authorization] == "Bearer \(Self.token)" else {
      return response(401, #"{"error":"no permission","hint":"the token is in the state folder"}"#)
    }
    let answer = answers.withLock { answers in
      let list = answers[line] ?? []
      if list.count > 1 { answers[line]?.removeFirst() }
      return list.first
    }
    guard let answer else { return response(404, #"{"error":"nothing here"}"#) }
    return response(answer.status, answer.body)
  }

  private func response(_ status: Int, _ body: String) -> Response {
    Response(status: .init(code: status), body: .init(byteBuffer: ByteBuffer(string: body)))
  }
}
