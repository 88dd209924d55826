import Foundation
import Model

/// What the agent writes to an executor's standard input, as far as this one wants to know it.
struct RequestedRun {
  let request: HTTPRequest
  let params: [String: ParameterValue]

  init(parsing bytes: [UInt8]) throws(RequestFailure) {
    do throws(JSONError) {
      let json = try JSONValue(parsing: bytes, limit: 1 << 20, decimals: true)
      guard json["version"] == 1 else { throw JSONError("this is not version 1 of an executor's input") }
      guard let with = json["with"], case .object(let members)? = json["params"] else {
        throw JSONError("there are no 'with' and 'params'")
      }
      request = try HTTPRequest(json: with)
      var params: [String: ParameterValue] = [:]
      for member in members { params[member.key] = try ParameterValue(json: member.value) }
      self.params = params
    } catch {
      throw RequestFailure("the input of the executor cannot be read: \(error)")
    }
  }
}

/// The request with everything in its place.
struct FilledRequest {
  var method: HTTPRequest.Method
  var url: URL
  /// In ascending order; `isSecret`: it holds a secret, which no other host gets to see.
  var headers: [(name: String, value: String, isSecret: Bool)]
  var body: [UInt8]?
  var bodyIsSecret = false

  init(_ run: RequestedRun, secrets: String?) throws(RequestFailure) {
    let request = run.request
    method = request.method
    func filled(_ text: String, _ place: RequestTemplate.Place, _ what: String) throws(RequestFailure) -> (
      text: String, isSecret: Bool
    ) {
      do throws(NameError) {
        let template = try RequestTemplate(text)
        var values: [SecretName: String] = [:]
        for name in template.secrets { values[name] = try Self.secret(name, in: secrets) }
        let text = try template.filled(for: place, parameter: { run.params[$0] }, secret: { values[$0] })
        return (text, !template.secrets.isEmpty)
      } catch {
        throw RequestFailure("\(what): \(error)")
      }
    }
    let address = try filled(request.url, .url, "the URL").text
    // Servers and proxies take these for a step up, encoded too.
    let path = address.prefix { $0 != "?" }
    guard !path.split(separator: "/").dropFirst(2).contains(where: { $0 == "." || $0 == ".." }) else {
      throw RequestFailure("the URL has a '.' or '..' in its path")
    }
    guard let url = URL(string: address), url.host != nil else {
      throw RequestFailure("\(address.prefix(200)) is not a URL")
    }
    self.url = url
    headers = []
    for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
      let filled = try filled(value, .plain, "the header \(name)")
      // A value with a line break would begin a header of its own.
      guard filled.text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        throw RequestFailure("what the header \(name) would hold has line breaks or control characters")
      }
      headers.append((name, filled.text, filled.isSecret))
    }
    if let body = request.body {
      let type = headers.first { $0.name.lowercased() == "content-type" }?.value.lowercased() ?? ""
      let kind = type.prefix { $0 != ";" }.filter { $0 != " " }
      let place: RequestTemplate.Place =
        kind == "application/json" || kind.hasSuffix("+json")
        ? .json : kind == "application/x-www-form-urlencoded" ? .url : .plain
      let filled = try filled(body, place, "the body")
      self.body = Array(filled.text.utf8)
      bodyIsSecret = filled.isSecret
    }
  }

  private static func secret(_ name: SecretName, in folder: String?) throws(NameError) -> String {
    guard let folder, let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
      throw NameError("there is no secret \(name)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw NameError("the secret \(name) is not UTF-8")
    }
    return text
  }
}
