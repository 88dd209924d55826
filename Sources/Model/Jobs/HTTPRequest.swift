/// `run.http`: a request, and which answers to it are good ones.
public struct HTTPRequest: Hashable, Sendable {
  public enum Method: String, Hashable, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
  }

  public var method: Method
  /// A ``RequestTemplate`` with parameters behind the host; see ``problem(inURL:)``.
  public var url: String
  /// ``RequestTemplate``s by name, names as they are sent.
  public var headers: [String: String]
  /// A ``RequestTemplate``, at most ``bodyLimit`` bytes.
  public var body: String?
  /// Good statuses, 1...20 ranges within ``statusRange``.
  public var statuses: [ClosedRange<Int>]
  /// A ``TextPattern`` that the answer's body has to match somewhere.
  public var bodyPattern: String?
  /// Of each request, redirects included: 1 s to 1 h.
  public var timeout: Duration
  /// How many redirects are followed, 0...10.
  public var follow: Int
  /// Certificates (PEM) to trust in place of the host's: a path of the repository, or an absolute one on the agent.
  public var authorities: String?
  /// Whoever answers is believed, without a look at its certificate.
  public var isInsecure: Bool

  public init(
    method: Method = .get, url: String, headers: [String: String] = [:], body: String? = nil,
    statuses: [ClosedRange<Int>] = HTTPRequest.goodStatuses, bodyPattern: String? = nil,
    timeout: Duration = HTTPRequest.usualTimeout, follow: Int = 0, authorities: String? = nil, isInsecure: Bool = false
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.statuses = statuses
    self.bodyPattern = bodyPattern
    self.timeout = timeout
    self.follow = follow
    self.authorities = authorities
    self.isInsecure = isInsecure
  }

  public static let goodStatuses = [200...299]
  public static let statusRange = 100...599
  public static let statusLimit = 20
  public static let usualTimeout = Duration.seconds(30)
  public static let timeoutRange = Duration.seconds(1)...Duration.seconds(3_600)
  public static let followRange = 0...10
  public static let headerLimit = 50
  /// Bytes of a header's value, and of a URL.
  public static let lineLimit = 4_096
  public static let bodyLimit = 64 << 10

  /// The secrets that the request needs.
  public var secretNames: Set<SecretName> {
    Set((Array(headers.values) + [body].compactMap { $0 }).flatMap { (try? RequestTemplate($0))?.secrets ?? [] })
  }

  /// The parameters that the request needs.
  public var parameterNames: Set<String> {
    Set(
      ([url] + Array(headers.values) + [body].compactMap { $0 }).flatMap {
        (try? RequestTemplate($0))?.parameters ?? []
      })
  }

  // MARK: - What is wrong with a part of it, or nil

  /// `http` or `https`, a host that stands there as it is, and behind it what may hold parameters. No user and password, and no
  /// secret: URLs are in the logs of everything that they pass.
  public static func problem(inURL text: String) -> String? {
    guard text.utf8.count <= lineLimit else { return "a URL has at most \(lineLimit) bytes" }
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      return "a URL holds neither blanks nor characters beyond ASCII: percent-encode them"
    }
    guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else {
      return "a URL begins with http:// or https://"
    }
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if authority.contains("@") { return "a URL holds no user and no password: put a secret into a header" }
    if authority.contains("$") {
      return "the host of a URL cannot be a parameter: whom a job calls is for its manifest to say"
    }
    guard isAuthority(authority) else { return "'\(authority.prefix(80))' is not a host, or a host and a port" }
    if text.contains("#") { return "a URL that is requested has no '#'" }
    do throws(NameError) {
      let template = try RequestTemplate(text)
      return template.secrets.isEmpty ? nil : "a URL holds no secrets, because it is logged: put them into a header"
    } catch {
      return error.description
    }
  }

  private static func isAuthority(_ text: Substring) -> Bool {
    var host = text
    if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
      guard let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port) else { return false }
      host = text[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      return host.utf8.dropFirst().dropLast().allSatisfy {
        isDigit($0) || (0x61...0x66).contains($0 | 0x20) || [0x3a, 0x2e].contains($0)
      }
    }
    guard !host.isEmpty, host.utf8.count <= 253 else { return false }
    return host.utf8.allSatisfy { isDigit($0) || (0x61...0x7a).contains($0 | 0x20) || [0x2d, 0x2e, 0x5f].contains($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// A token of RFC 9110, and none of those that follow from the request itself.
  public static func problem(inHeader name: String) -> String? {
    let marks = Set("!#$%&'*+-.^_`|~".utf8)
    guard !name.isEmpty, name.utf8.count <= 100,
      name.utf8.allSatisfy({ isDigit($0) || (0x61...0x7a).contains($0 | 0x20) || marks.contains($0) })
    else { return "'\(name.prefix(60))' is not a header's name" }
    let own = ["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"]
    guard !own.contains(name.lowercased()), !name.lowercased().hasPrefix("proxy-") else {
      return "the header '\(name)' follows from the request and cannot be set"
    }
    return nil
  }

  public static func problem(inHeaderValue text: String) -> String? {
    guard text.utf8.count <= lineLimit else { return "a header has at most \(lineLimit) bytes" }
    guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { return "a header holds one line of ASCII" }
    do throws(NameError) { _ = try RequestTemplate(text) } catch { return error.description }
    return nil
  }

  public static func problem(inBody text: String) -> String? {
    guard text.utf8.count <= bodyLimit else { return "a body has at most \(bodyLimit) bytes" }
    do throws(NameError) { _ = try RequestTemplate(text) } catch { return error.description }
    return nil
  }

  /// `200`, or `200-299`.
  public static func statuses(_ text: String) -> ClosedRange<Int>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1], first <= last,
      statusRange.contains(first), statusRange.contains(last)
    else { return nil }
    return first...last
  }

  public static func text(_ statuses: ClosedRange<Int>) -> String {
    statuses.count == 1 ? "\(statuses.lowerBound)" : "\(statuses.lowerBound)-\(statuses.upperBound)"
  }
}

extension HTTPRequest {
  /// As it stands in a bundle, and as its executor gets it.
  public var json: JSONValue {
    let expect = JSONValue.members([
      "status": statuses == Self.goodStatuses ? nil : .strings(statuses.map(Self.text)),
      "body": bodyPattern.map(JSONValue.string),
    ])
    let tls = JSONValue.members(["ca": authorities.map(JSONValue.string), "insecure": isInsecure ? true : nil])
    return .members([
      "method": .string(method.rawValue), "url": .string(url),
      "headers": headers.isEmpty ? nil : .sorted(headers.mapValues(JSONValue.string)),
      "body": body.map(JSONValue.string), "expect": expect == .object([]) ? nil : expect,
      "timeoutMs": timeout == Self.usualTimeout ? nil : .milliseconds(timeout),
      "follow": follow == 0 ? nil : .integer(Int64(follow)), "tls": tls == .object([]) ? nil : tls,
    ])
  }

  /// Throws a ``JSONError`` for what no manifest could have said.
  public init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "job.run.http")
    self.init(
      method: try fields.required("method") { $0.stringValue.flatMap(Method.init) },
      url: try fields.required("url") { Self.text($0, Self.problem(inURL:)) },
      headers: try fields.map("headers") { Self.text($0, Self.problem(inHeaderValue:)) },
      body: try fields.optional("body") { Self.text($0, Self.problem(inBody:)) })
    guard headers.keys.allSatisfy({ Self.problem(inHeader: $0) == nil }), headers.count <= Self.headerLimit else {
      throw JSONError("job.run.http.headers: not headers that may be set")
    }
    if let value = fields.take("expect") {
      var expect = try JSONFields(value, "job.run.http.expect")
      if let found = try expect.optional("status", { try Self.statuses(json: $0) }) { statuses = found }
      bodyPattern = try expect.optional("body") { value in
        try value.stringValue.map { try TextPattern($0).text }
      }
      try expect.finish()
    }
    if let value = try fields.optional("timeoutMs", \.integerValue) { timeout = .milliseconds(value) }
    guard Self.timeoutRange.contains(timeout) else { throw JSONError("job.run.http.timeoutMs: out of range") }
    follow = try fields.optional("follow") { $0.integerValue.flatMap { Int(exactly: $0) } } ?? 0
    guard Self.followRange.contains(follow) else { throw JSONError("job.run.http.follow: out of range") }
    if let value = fields.take("tls") {
      var tls = try JSONFields(value, "job.run.http.tls")
      authorities = try tls.optional("ca") {
        $0.stringValue.flatMap { Self.problem(inAuthorities: $0) == nil ? $0 : nil }
      }
      isInsecure = try tls.optional("insecure", \.boolValue) ?? false
      try tls.finish()
    }
    try fields.finish()
  }

  /// A path of the repository, or an absolute one.
  public static func problem(inAuthorities path: String) -> String? {
    guard path.utf8.count <= lineLimit, !path.utf8.contains(0) else { return "this is not a path" }
    return path.hasPrefix("/") ? nil : RepositoryPath.problem(in: path)
  }

  private static func text(_ value: JSONValue, _ problem: (String) -> String?) -> String? {
    value.stringValue.flatMap { problem($0) == nil ? $0 : nil }
  }

  private static func statuses(json: JSONValue) throws(JSONError) -> [ClosedRange<Int>]? {
    guard let list = json.arrayValue, 1...statusLimit ~= list.count else { return nil }
    let found = list.compactMap { $0.stringValue.flatMap { statuses($0) } }
    return found.count == list.count ? found : nil
  }
}
