import AsyncHTTPClient
import Glibc
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Platform

/// Asks a controller's HTTP API.
struct ControllerClient {
  let endpoint: ControllerEndpoint

  /// An answer of the API, whatever its status.
  struct Answer: Hashable {
    var status: UInt
    var body: JSONValue
  }

  /// A fleet of thousands of agents with thousands of jobs each fits.
  private static let answerLimit = 256 << 20
  private static let patience = TimeAmount.seconds(30)

  init(_ endpoint: ControllerEndpoint) { self.endpoint = endpoint }

  /// Throws a ``CommandError`` for anything but success.
  func get(_ path: String) async throws -> JSONValue { try await ask(path).value() }

  /// Throws a ``CommandError`` when there was no answer.
  func ask(_ path: String) async throws -> Answer { try await send(.GET, path) }

  /// Throws a ``CommandError`` when there was no answer.
  func post(_ path: String, _ body: JSONValue) async throws -> Answer { try await send(.POST, path, body) }

  /// Has each piece of an answer's body handed to `take` as it comes. Throws a ``CommandError`` for anything but success.
  func download(_ path: String, _ take: (ByteBuffer) throws -> Void) async throws {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(5)
    configuration.timeout.read = Self.patience
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let result: Result<Void, any Error>
    do {
      result = .success(try await download(path, client, take))
    } catch {
      result = .failure(error)
    }
    try? await client.shutdown()
    try result.get()
  }

  private func download(_ path: String, _ client: HTTPClient, _ take: (ByteBuffer) throws -> Void) async throws {
    var request = HTTPClientRequest(url: endpoint.url + path)
    request.headers.add(name: "Authorization", value: "Bearer \(endpoint.token)")
    do {
      let response = try await client.execute(request, timeout: .hours(24))
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1 << 20)
        _ = try Self.answer(response.status.code, Array(body.readableBytesView), from: endpoint.url).value()
        throw CommandError(.unreachable, "the controller answered with status \(response.status.code)")
      }
      for try await piece in response.body { try take(piece) }
    } catch let error as CommandError {
      throw error
    } catch let error as FileError {
      throw error
    } catch {
      throw CommandError(
        .unreachable, "the controller at \(endpoint.url) did not send all of it: \(Self.words(error))",
        hint: "is it running? its log says at which address it listens")
    }
  }

  private func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
    // A redirect would carry the token to wherever it points.
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(5)
    // Nobody listens: say so at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let result: Result<Answer, any Error>
    do {
      result = .success(try await exchange(method, path, body, client))
    } catch {
      result = .failure(error)
    }
    try? await client.shutdown()
    return try result.get()
  }

  /// Calls back with each line of a long answer as it comes, until it gives back false or the answer ends. Throws a
  /// ``CommandError`` for an answer other than success, and when the connection breaks.
  func lines(_ path: String, _ body: (JSONValue) throws -> Bool) async throws {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(5)
    // The controller says something at least every 15 seconds.
    configuration.timeout.read = .seconds(60)
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let result: Result<Void, any Error>
    do {
      try await stream(path, client, body)
      result = .success(())
    } catch let error as CommandError {
      result = .failure(error)
    } catch is CancellationError {
      result = .failure(CancellationError())
    } catch let error where error is IOError || error is HTTPClientError || error is NIOConnectionError {
      result = .failure(unreachable(error))
    } catch {
      result = .failure(error)
    }
    try? await client.shutdown()
    try result.get()
  }

  private func stream(_ path: String, _ client: HTTPClient, _ body: (JSONValue) throws -> Bool) async throws {
    var request = HTTPClientRequest(url: endpoint.url + path)
    request.headers.add(name: "Authorization", value: "Bearer \(endpoint.token)")
    let response = try await client.execute(request, deadline: .distantFuture)
    guard response.status == .ok else {
      let bytes = try await response.body.collect(upTo: Self.lineLimit)
      _ = try Self.answer(response.status.code, Array(bytes.readableBytesView), from: endpoint.url).value()
      throw CommandError(.unreachable, "the controller answered with status \(response.status.code)")
    }
    var pending: [UInt8] = []
    for try await buffer in response.body {
      pending += buffer.readableBytesView
      while let end = pending.firstIndex(of: 0x0a) {
        guard try body(JSONValue(parsing: pending[..<end], limit: Self.lineLimit)) else { return }
        pending.removeFirst(end + 1)
      }
      guard pending.count <= Self.lineLimit else {
        throw CommandError(.unreachable, "what listens at \(endpoint.url) sends lines that are too long")
      }
    }
  }

  /// Bytes of one line, or of an error. A part of a log has at most 64 KiB, and each byte may take six in JSON.
  private static let lineLimit = 1 << 20

  private func unreachable(_ error: any Error) -> CommandError {
    CommandError(
      .unreachable, "cannot reach the controller at \(endpoint.url): \(Self.words(error))",
      hint: "is it running? its log says at which address it listens")
  }

  private func exchange(
    _ method: HTTPMethod, _ path: String, _ body: JSONValue?, _ client: HTTPClient
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: endpoint.url + path)
    request.method = method
    request.headers.add(name: "Authorization", value: "Bearer \(endpoint.token)")
    request.headers.add(name: "Accept", value: "application/json")
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body.bytes))
    }
    let status: UInt
    let bytes: ByteBuffer
    do {
      let response = try await client.execute(request, timeout: Self.patience)
      status = response.status.code
      bytes = try await response.body.collect(upTo: Self.answerLimit)
    } catch {
      throw unreachable(error)
    }
    return try Self.answer(status, Array(bytes.readableBytesView), from: endpoint.url)
  }

  /// Reads an answer's body. Throws when it is not the API's JSON: something else listens there.
  static func answer(_ status: UInt, _ body: [UInt8], from url: String) throws(CommandError) -> Answer {
    do throws(JSONError) {
      return Answer(status: status, body: try JSONValue(parsing: body, limit: answerLimit))
    } catch {
      throw CommandError(
        .unreachable, "what listens at \(url) is not a controller's API: status \(status), \(error)",
        hint: "check --api, or api.address in the controller's state folder")
    }
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded: "no answer in time"
    case let error as HTTPClientError: error.shortDescription
    case let error as NIOConnectionError: error.connectionErrors.first.map { words($0.error) } ?? "no address answers"
    case let error as IOError where error.errnoCode == ECONNREFUSED: "connection refused"
    case let error as IOError: error.description
    case let error as CommandError: error.message
    default: "\(type(of: error))"
    }
  }
}

extension ControllerClient.Answer {
  /// The body of a success. Throws a ``CommandError`` with the controller's own words for anything else.
  func value() throws(CommandError) -> JSONValue {
    if (200..<300).contains(status) { return body }
    let exit: ExitStatus =
      switch status {
      case 401, 403, 421, 500...: .unreachable
      default: .bad
      }
    throw CommandError(
      exit, body["error"]?.stringValue ?? "the controller answered with status \(status)",
      hint: body["hint"]?.stringValue)
  }
}
