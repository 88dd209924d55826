import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import Platform
import ServiceLifecycle
import Trust

/// What the HTTP API asks of the controller. Answers are JSON values, so that the command line and the API show the
/// same words.
protocol APIOperations: Sendable {
  func status() async -> JSONValue
  func snapshot() async -> JSONValue
  func run(_ request: RunRequest, by user: String) async throws(APIError) -> JSONValue
  func run(_ id: RunID) async throws(APIError) -> JSONValue
  func acceptSource(_ commit: CommitID) async throws(APIError) -> JSONValue
  func artifacts(of digits: String) async throws(APIError) -> JSONValue
  func artifact(_ digest: Digest, of run: RunID) async throws(APIError) -> ArtifactContent
  /// What a run writes from the position on, until its end; `words` are its id or the first digits, or a job.
  func follow(
    _ words: String, from position: LogPosition
  ) async throws(APIError) -> AsyncThrowingStream<FollowEvent, any Error>
}

/// A person's wish to run a job now.
struct RunRequest: Sendable {
  let job: JobName
  let params: [String: String]
  /// Only there; empty means everywhere the job is held.
  let agents: [AgentName]
  /// Who asks, as they say; nil when they do not.
  let person: String?

  init(json: JSONValue) throws(APIError) {
    do {
      var fields = try JSONFields(json, "request")
      job = try fields.required("job") { try $0.stringValue.map { try JobName($0) } }
      params = try fields.stringMap("params")
      agents = try fields.strings("agents").map { try AgentName($0) }
      person = try fields.optional("person") { $0.stringValue.flatMap(Dispatch.personName) }
      try fields.finish()
    } catch {
      throw APIError(.badRequest, "\(error)")
    }
  }
}

/// An answer other than success.
struct APIError: Error {
  let status: HTTPResponse.Status
  let message: String
  let hint: String?

  init(_ status: HTTPResponse.Status, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }
}

/// The local HTTP API: JSON over loopback, every call with the token from a file that only the controller's user and
/// root can read.
struct APIService {
  private static let bodyLimit = 256 * 1024

  let operations: any APIOperations
  let token: String
  let host: String
  let port: Int
  let onReady: @Sendable (Int) async -> Void
  let logger: Logger
  /// How long one who asks may leave its answer unread, or say nothing, before it loses its connection.
  var patience = Duration.seconds(60)

  /// The service that listens. Loopback is the configuration's duty.
  func application() -> some ApplicationProtocol {
    let router = Router()
    router.get("healthz") { _, _ in Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok\n"))) }
    let api = router.group("v1").add(middleware: Guard(token: token, logger: logger))
    api.get("status") { _, _ in await answer { await operations.status() } }
    api.get("snapshot") { _, _ in await answer { await operations.snapshot() } }
    api.post("runs") { request, _ in
      let body = await body(of: request)
      return await answer { () async throws(APIError) in
        try await operations.run(RunRequest(json: try body.get()), by: "api")
      }
    }
    api.get("runs/{id}") { _, context in
      let text = context.parameters.get("id") ?? ""
      return await answer { () async throws(APIError) in
        guard let id = try? RunID(text) else { throw APIError(.badRequest, "'\(text.prefix(40))' is not a run id") }
        return try await operations.run(id)
      }
    }
    api.get("runs/{id}/artifacts") { _, context in
      let text = context.parameters.get("id") ?? ""
      return await answer { () async throws(APIError) in try await operations.artifacts(of: text) }
    }
    api.get("runs/{id}/artifacts/{sha256}") { _, context in
      let run = context.parameters.get("id").flatMap { try? RunID($0) }
      let digest = context.parameters.get("sha256").flatMap { try? Digest(hex: $0) }
      do throws(APIError) {
        guard let run, let digest else { throw APIError(.badRequest, "want a run's id and a SHA-256") }
        return stream(try await operations.artifact(digest, of: run))
      } catch {
        return refusal(error)
      }
    }
    api.get("logs") { request, _ in await logs(request) }
    api.post("source/accept") { request, _ in
      let body = await body(of: request)
      return await answer { () async throws(APIError) in
        guard let text = try body.get()["commit"]?.stringValue, let commit = try? CommitID(text) else {
          throw APIError(.badRequest, "want {\"commit\": \"<full commit id>\"}")
        }
        return try await operations.acceptSource(commit)
      }
    }
    let limit = TimeAmount(patience)
    return Application(
      router: router,
      server: .http1(
        configuration: .init(additionalChannelHandlers: [StalledAnswer(limit: limit)], idleTimeout: limit)),
      configuration: .init(address: .hostname(host, port: port), serverName: nil),
      onServerRunning: { channel in await onReady(channel.localAddress?.port ?? port) },
      logger: Self.quiet(logger))
  }

  /// The server's library reports each of its own shutdown steps as an error.
  private static func quiet(_ logger: Logger) -> Logger {
    var quiet = logger
    quiet.logLevel = .critical
    return quiet
  }

  /// Answers with one JSON object a line, as long as it takes. A follower that does not read makes the agent wait, and
  /// nobody else.
  private func logs(_ request: Request) async -> Response {
    let query = request.uri.queryParameters
    let words = query["run"].map(String.init) ?? ""
    let attempt = query["attempt"].map { Int($0) ?? 0 } ?? 1
    let offset = query["offset"].map { Int64($0) ?? -1 } ?? 0
    do throws(APIError) {
      guard (1...1_000).contains(attempt), (0...1 << 53).contains(offset) else {
        throw APIError(.badRequest, "want attempt from 1 to 1000 and offset from 0")
      }
      let events = try await operations.follow(words, from: LogPosition(attempt: attempt, offset: offset))
      return Response(
        status: .ok, headers: headers("application/x-ndjson"),
        body: .init(
          asyncSequence: events.map { event in
            ByteBuffer(bytes: event.json(base64: { Base64.text($0) }).bytes + [0x0a])
          }))
    } catch {
      return refusal(error)
    }
  }

  private func body(of request: Request) async -> Result<JSONValue, APIError> {
    do {
      let buffer = try await request.body.collect(upTo: Self.bodyLimit)
      return .success(try JSONValue(parsing: buffer.readableBytesView, limit: Self.bodyLimit))
    } catch {
      return .failure(APIError(.badRequest, "the body: \(error)"))
    }
  }
}

/// Turns an operation's value or error into a response.
private func answer(_ operation: () async throws(APIError) -> JSONValue) async -> Response {
  do throws(APIError) {
    return response(.ok, try await operation())
  } catch {
    return refusal(error)
  }
}

private func refusal(_ error: APIError) -> Response {
  response(error.status, .members(["error": .string(error.message), "hint": error.hint.map(JSONValue.string)]))
}

/// Bytes as they come from the disk. One that fails midway ends the connection, so that nobody takes a part for the whole.
private func stream(_ content: ArtifactContent) -> Response {
  var headers = HTTPFields()
  headers[.contentType] = "application/octet-stream"
  headers[.cacheControl] = "no-store"
  if let name = HTTPField.Name("X-Content-Type-Options") { headers[name] = "nosniff" }
  let body = ResponseBody(contentLength: Int(content.size)) { writer in
    var offset: Int64 = 0
    while offset < content.size {
      let bytes = try await content.read(offset, 256 << 10)
      guard !bytes.isEmpty else { throw APIError(.gone, "the artifact was removed meanwhile") }
      try await writer.write(ByteBuffer(bytes: bytes))
      offset += Int64(bytes.count)
    }
    try await writer.finish(nil)
  }
  return Response(status: .ok, headers: headers, body: body)
}

private func response(_ status: HTTPResponse.Status, _ value: JSONValue) -> Response {
  Response(
    status: status, headers: headers("application/json"),
    body: .init(byteBuffer: ByteBuffer(bytes: value.bytes + [0x0a])))
}

private func headers(_ contentType: String) -> HTTPFields {
  var headers = HTTPFields()
  headers[.contentType] = contentType
  headers[.cacheControl] = "no-store"
  if let name = HTTPField.Name("X-Content-Type-Options") { headers[name] = "nosniff" }
  return headers
}

/// Lets a request pass only with the right token and a loopback Host.
///
/// The token stops other users of the machine; the Host check stops web pages whose name was rebound to 127.0.0.1.
private struct Guard: RouterMiddleware {
  typealias Context = BasicRequestContext

  let token: String
  let logger: Logger

  @concurrent func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    let host = request.head.authority ?? ""
    let address = ListenAddress(host) ?? ListenAddress(host + ":80")
    guard host.isEmpty || address?.isLoopback == true else {
      return response(.misdirectedRequest, ["error": "this API answers only on loopback names"])
    }
    guard Self.equal(request.headers[.authorization] ?? "", "Bearer " + token) else {
      logger.warning("API call without the right token", metadata: ["path": "\(request.uri.path)"])
      return response(
        .unauthorized,
        ["error": "no permission", "hint": "the token is in the file 'api.token' of the controller's state folder"])
    }
    return try await next(request, context)
  }

  /// Compares in a time that does not depend on where the first difference is.
  private static func equal(_ a: String, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    return zip(a.utf8, b.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
