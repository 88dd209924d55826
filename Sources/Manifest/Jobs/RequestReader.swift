import Model

// `run.http`.

extension JobReader {
  func request(_ value: ValueReader, _ needs: inout FileNeeds) -> HTTPRequest? {
    guard var fields = value.fields(JobFields.http) else { return nil }
    let method = fields.take("method").map(method)
    let url = (isDefaults ? fields.take("url") : fields.require("url")).flatMap {
      checked($0, HTTPRequest.problem(inURL:))
    }
    var request = HTTPRequest(method: (method ?? .get) ?? .get, url: url ?? "http://localhost")
    request.headers = fields.take("headers").flatMap(headers) ?? [:]
    if let body = fields.take("body") {
      request.body = checked(body, least: 0, HTTPRequest.problem(inBody:))
      // A method that was not understood is one mistake, and not two.
      if method != .some(nil), request.method == .get || request.method == .head {
        sink.error(
          at: body.keyPlace, "a \(request.method.rawValue) request has no 'body'",
          suggestion: "set 'method', such as POST")
      }
    }
    fields.take("expect").map { expect($0, &request) }
    request.timeout = fields.take("timeout")?.duration(in: HTTPRequest.timeoutRange) ?? request.timeout
    request.follow = fields.take("follow")?.integer(in: HTTPRequest.followRange) ?? 0
    fields.take("tls").map { tls($0, &request, &needs) }
    fields.finish()
    return url == nil || method.map({ $0 == nil }) == true ? nil : request
  }

  private func method(_ value: ValueReader) -> HTTPRequest.Method? {
    let foreign = Dictionary(
      uniqueKeysWithValues: HTTPRequest.Method.allCases.map { ($0.rawValue.lowercased(), $0.rawValue) })
    return value.choice(
      [
        "GET": .get, "HEAD": .head, "POST": .post, "PUT": .put, "PATCH": .patch, "DELETE": .delete, "OPTIONS": .options,
      ],
      foreign: foreign)
  }

  private func checked(_ value: ValueReader, least: Int = 1, _ problem: (String) -> String?) -> String? {
    guard let text = value.string(bytes: least...ManifestLimits.stringBytes) else { return nil }
    guard let problem = problem(text) else { return text }
    value.fail(problem)
    return nil
  }

  private func headers(_ value: ValueReader) -> [String: String]? {
    var headers: [String: String] = [:]
    var names: Set<String> = []
    for entry in value.entries(count: 1...HTTPRequest.headerLimit, of: "headers") ?? [] {
      if let problem = HTTPRequest.problem(inHeader: entry.name) {
        sink.error(at: entry.keyPlace, problem)
      } else if !names.insert(entry.name.lowercased()).inserted {
        sink.error(at: entry.keyPlace, "the header '\(entry.name)' stands twice, in other letters")
      }
      headers[entry.name] = checked(entry, least: 0, HTTPRequest.problem(inHeaderValue:))
    }
    return headers
  }

  private func expect(_ value: ValueReader, _ request: inout HTTPRequest) {
    guard var fields = value.fields(JobFields.httpExpect) else { return }
    let statuses = fields.take("status")?.list(count: 1...HTTPRequest.statusLimit, of: "statuses") { element in
      guard let text = element.string(), let range = HTTPRequest.statuses(text) else {
        element.wants("a status such as 204, or a range such as 200-299")
        return nil as ClosedRange<Int>?
      }
      return range
    }
    request.statuses = statuses ?? request.statuses
    if let body = fields.take("body"), let text = body.string(bytes: 1...TextPattern.limit) {
      do throws(PatternError) { request.bodyPattern = try TextPattern(text).text } catch {
        body.fail("the expression \(error)")
      }
      if request.method == .head {
        sink.error(at: body.keyPlace, "the answer to a HEAD request has no body to look at")
      }
    }
    fields.finish()
  }

  private func tls(_ value: ValueReader, _ request: inout HTTPRequest, _ needs: inout FileNeeds) {
    guard var fields = value.fields(JobFields.httpTLS) else { return }
    request.isInsecure = fields.take("insecure")?.boolean() ?? false
    if let ca = fields.take("ca"), let path = checked(ca, HTTPRequest.problem(inAuthorities:)) {
      request.authorities = path
      if request.isInsecure {
        ca.fail("'ca' and 'insecure' exclude each other", suggestion: "with 'ca', a certificate is looked at")
      }
      // A path of the repository travels with the job.
      if !path.hasPrefix("/") {
        do throws(GlobError) { needs.patterns.append((try Glob(Self.literal(path)), ca.node.place)) } catch {
          ca.fail(error.message)
        }
      }
    }
    fields.finish()
  }

  /// The pattern that matches this path and no other.
  private static func literal(_ path: String) -> String {
    path.map { "*?[]\\".contains($0) ? "[\($0)]" : String($0) }.joined()
  }

  /// Parameters that the request fills in and that the job does not declare.
  func checkParameters(of request: HTTPRequest, declared: [String: ParameterValue], at value: ValueReader) {
    guard !isDefaults, !isPartial else { return }
    for name in request.parameterNames.subtracting(declared.keys).sorted() {
      sink.error(
        at: value.keyPlace, "${param.\(Legible.text(name))} is not a parameter of the job",
        suggestion: Suggestion.nearest(to: name, among: declared.keys.sorted()).map { "did you mean '\($0)'?" }
          ?? "declare it under 'params'")
    }
  }
}
