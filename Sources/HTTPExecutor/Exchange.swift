import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The request on the wire, and its redirects.
///
/// A name is looked up here, the addresses are looked at, and then exactly one of them is connected to, while the server and its
/// certificate go by the name: nobody can answer one thing to the look and another to the connection.
struct Exchange {
  let request: HTTPRequest
  /// A file of certificates; nil: the host's own.
  let authorities: String?
  let allowsLinkLocal: Bool
  let log: @Sendable (String) -> Void
  var resolve: @Sendable (String) async throws(RequestFailure) -> [HostAddress] = HostAddress.addresses

  /// Addresses of a name that are tried when nothing listens at the one before.
  private static let addressLimit = 4
  /// Of the answer's body, for the log.
  private static let logLimit = 16 << 10

  func perform(_ filled: FilledRequest) async throws(RequestFailure) -> Answer {
    let started = ContinuousClock.now
    let timeout = request.timeout
    let result = await withTaskGroup(of: Result<Answer, RequestFailure>?.self) { group in
      group.addTask {
        do throws(RequestFailure) { return .success(try await follow(filled)) } catch { return .failure(error) }
      }
      group.addTask {
        try? await Task.sleep(for: timeout)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    guard let result else { throw RequestFailure("there was no complete answer within \(timeout.manifestText)") }
    var answer = try result.get()
    answer.milliseconds = Int((ContinuousClock.now - started).wholeMilliseconds)
    log(
      "\(answer.status), \(answer.isCut ? "more than " : "")\(answer.size) bytes, \(answer.milliseconds) ms")
    if !answer.body.isEmpty {
      log(String(decoding: answer.body.prefix(Self.logLimit), as: UTF8.self))
      if answer.body.count > Self.logLimit { log("[… the rest of the answer is not logged]") }
    }
    return answer
  }

  private func follow(_ first: FilledRequest) async throws(RequestFailure) -> Answer {
    var filled = first
    for redirect in 0...HTTPRequest.followRange.upperBound {
      let answer = try await ask(filled)
      guard [301, 302, 303, 307, 308].contains(answer.status), redirect < request.follow, let location = answer.location
      else {
        if redirect > 0, redirect == request.follow, answer.location != nil, (300...399).contains(answer.status) {
          throw RequestFailure("there were more than \(request.follow) redirects")
        }
        return answer
      }
      filled = try Self.redirected(filled, to: location, status: answer.status)
    }
    throw RequestFailure("there were more than \(request.follow) redirects")
  }

  /// What is asked where a redirect leads (RFC 9110, 15.4). Another host gets no secret, and none gets one in plain text that had
  /// it encrypted.
  static func redirected(_ filled: FilledRequest, to location: String, status: Int) throws(RequestFailure)
    -> FilledRequest
  {
    guard location.utf8.count <= HTTPRequest.lineLimit,
      let url = URL(string: location, relativeTo: filled.url)?.absoluteURL,
      let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme), url.host != nil, url.user == nil
    else {
      throw RequestFailure(
        "a redirect leads to what is no URL: \(TerminalText.neutralised(String(location.prefix(200))))")
    }
    if filled.url.scheme?.lowercased() == "https", scheme == "http" {
      throw RequestFailure("a redirect leads from https to http: \(url.host ?? "")")
    }
    var next = filled
    next.url = url
    if status == 303 && filled.method != .head || [301, 302].contains(status) && filled.method == .post {
      next.method = .get
      next.body = nil
      next.bodyIsSecret = false
      next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
    }
    guard !isSameOrigin(filled.url, url) else { return next }
    next.headers.removeAll { $0.isSecret || ["authorization", "cookie"].contains($0.name.lowercased()) }
    if next.bodyIsSecret { throw RequestFailure("a redirect would take a body with a secret to \(url.host ?? "")") }
    return next
  }

  private static func isSameOrigin(_ a: URL, _ b: URL) -> Bool {
    func port(_ url: URL) -> Int { url.port ?? (url.scheme?.lowercased() == "https" ? 443 : 80) }
    return a.scheme?.lowercased() == b.scheme?.lowercased() && a.host?.lowercased() == b.host?.lowercased()
      && port(a) == port(b)
  }

  private func ask(_ filled: FilledRequest) async throws(RequestFailure) -> Answer {
    let host = Self.bare(filled.url.host ?? "")
    let addresses = try await resolve(host)
    if !allowsLinkLocal, let address = addresses.first(where: \.isLinkLocal) {
      throw RequestFailure(
        "\(host) is \(address), an address where hosts in a cloud find their credentials: the agent's settings do not allow it"
      )
    }
    var problem = RequestFailure("\(host) has no address")
    for address in addresses.prefix(Self.addressLimit) {
      log("\(filled.method.rawValue) \(Self.shown(filled.url)) at \(address)")
      do {
        return try await ask(filled, host: host, at: address)
      } catch let error where isUnconnected(error) {
        problem = RequestFailure("no connection to \(host) at \(address): \(Self.words(error))")
      } catch {
        throw RequestFailure("\(host) at \(address): \(Self.words(error))")
      }
    }
    throw problem
  }

  private func ask(_ filled: FilledRequest, host: String, at address: HostAddress) async throws -> Answer {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)), decompression: .disabled)
    configuration.httpVersion = .http1Only
    configuration.dnsOverride = [host: "\(address)"]
    var tls = TLSConfiguration.makeClientConfiguration()
    if let authorities { tls.trustRoots = .file(authorities) }
    if request.isInsecure { tls.certificateVerification = .none }
    configuration.tlsConfiguration = tls
    configuration.proxy = nil
    // Nobody listens: said at once. Whether to try again is for the job's own retries to say.
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      let answer = try await exchange(filled, by: client)
      try await client.shutdown()
      return answer
    } catch {
      try? await client.shutdown()
      throw error
    }
  }

  private func exchange(_ filled: FilledRequest, by client: HTTPClient) async throws -> Answer {
    var outgoing = HTTPClientRequest(url: filled.url.absoluteString)
    outgoing.method = HTTPMethod(rawValue: filled.method.rawValue)
    for header in filled.headers { outgoing.headers.add(name: header.name, value: header.value) }
    if !outgoing.headers.contains(name: "User-Agent") { outgoing.headers.add(name: "User-Agent", value: "belfry") }
    if let body = filled.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
    let response = try await client.execute(
      outgoing, timeout: .nanoseconds(request.timeout.wholeMilliseconds * 1_000_000))
    var answer = Answer(
      status: Int(response.status.code), location: response.headers.first(name: "Location"), body: [], size: 0,
      isCut: false)
    for try await part in response.body {
      answer.size += part.readableBytes
      answer.body.append(contentsOf: part.readableBytesView.prefix(Answer.bodyLimit - answer.body.count))
      if answer.size > Answer.bodyLimit {
        answer.isCut = true
        break
      }
    }
    return answer
  }

  /// Whether another address may be asked: nothing of the request has been sent, or it does no harm twice (RFC 9110, 9.2.2). A
  /// host may also become unreachable while a connection stands, and NIO does not always tell the two apart.
  func isUnconnected(_ error: any Error) -> Bool {
    if let error = error as? HTTPClientError { return error == .connectTimeout }
    if error is NIOConnectionError { return true }
    switch (error as? IOError)?.errnoCode {
    case ECONNREFUSED: return true
    case EHOSTUNREACH, ENETUNREACH: return ![.post, .patch].contains(request.method)
    default: return false
    }
  }

  /// In a line, without what the URL's query holds.
  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError where error == .connectTimeout: "no answer to the attempt to connect"
    case let error as HTTPClientError: error.shortDescription
    case let error as NIOConnectionError: error.connectionErrors.first.map { words($0.error) } ?? "no address answers"
    case let error as IOError: String(cString: strerror(error.errnoCode))
    default: TerminalText.neutralised(String("\(error)".prefix(300)))
    }
  }

  private static func shown(_ url: URL) -> String { shown(url.absoluteString) }

  /// Queries and fragments are where people put what should not be logged.
  static func shown(_ url: String) -> String {
    let end = url.firstIndex { $0 == "?" || $0 == "#" }
    return end.map { url[..<$0].prefix(200) + "?…" } ?? String(url.prefix(200))
  }

  private static func bare(_ host: String) -> String {
    host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
  }
}
