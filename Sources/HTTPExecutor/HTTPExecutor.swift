// HTTPExecutor: what runs `run.http`, in a process of its own below a shim.
//
// Lives here: reading the run from standard input, filling parameters and secrets into the request, which addresses may be
// asked, the request itself with its redirects, and the judgement on the answer. Must not: know of agents or ledgers, or take
// anything from the environment but BELFRY_SECRETS, BELFRY_ANSWER, BELFRY_BUNDLE and BELFRY_HTTP_LINK_LOCAL; proxies least of all.

public import Model

/// Performs one request and says what came of it.
public struct HTTPExecutor: Sendable {
  /// Folder of the secrets' files; nil when the run has none.
  var secrets: String?
  /// Folder of the bundle's files.
  var bundle: String?
  /// Whether addresses may be asked where hosts in a cloud find their credentials.
  var allowsLinkLocal: Bool
  /// Gets lines for the log.
  var log: @Sendable (String) -> Void

  public init(
    secrets: String?, bundle: String?, allowsLinkLocal: Bool = false, log: @escaping @Sendable (String) -> Void
  ) {
    self.secrets = secrets
    self.bundle = bundle
    self.allowsLinkLocal = allowsLinkLocal
    self.log = log
  }

  /// `input` is what the agent wrote to standard input. Never throws: what goes wrong is an answer.
  public func answer(to input: [UInt8]) async -> ExecutorAnswer {
    do throws(RequestFailure) {
      let run = try RequestedRun(parsing: input)
      let filled = try FilledRequest(run, secrets: secrets)
      let exchange = try await Exchange(
        request: run.request, authorities: authorities(of: run.request), allowsLinkLocal: allowsLinkLocal, log: log
      ).perform(filled)
      return Self.judge(exchange, run.request)
    } catch {
      return ExecutorAnswer(hasSucceeded: false, reason: error.description)
    }
  }

  private func authorities(of request: HTTPRequest) -> String? {
    request.authorities.map { $0.hasPrefix("/") ? $0 : "\(bundle ?? "")/\($0)" }
  }

  /// Pure.
  static func judge(_ answer: Answer, _ request: HTTPRequest) -> ExecutorAnswer {
    let outputs = JSONValue.members([
      "status": .integer(Int64(answer.status)), "bytes": .integer(Int64(answer.size)),
      "milliseconds": .integer(Int64(answer.milliseconds)),
    ])
    func failed(_ reason: String) -> ExecutorAnswer {
      ExecutorAnswer(hasSucceeded: false, reason: reason, outputs: outputs)
    }
    guard request.statuses.contains(where: { $0.contains(answer.status) }) else {
      return failed(
        "the answer was \(answer.status), and not \(request.statuses.map(HTTPRequest.text).joined(separator: " or "))"
          + (answer.location.map { ": it leads to \(Exchange.shown($0))" } ?? ""))
    }
    if let text = request.bodyPattern, let pattern = try? TextPattern(text) {
      guard pattern.matches(String(decoding: answer.body, as: UTF8.self)) else {
        return failed(
          answer.isCut
            ? "the first \(Answer.bodyLimit) bytes of the answer do not match \(text.debugDescription)"
            : "the answer does not match \(text.debugDescription)")
      }
    }
    return ExecutorAnswer(hasSucceeded: true, outputs: outputs)
  }
}

/// Why there is no answer, in words for a receipt.
struct RequestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What came back.
struct Answer: Sendable {
  var status: Int
  /// Where a redirect leads, as the server wrote it.
  var location: String?
  /// At most ``bodyLimit`` bytes.
  var body: [UInt8]
  /// Bytes that were read.
  var size: Int
  /// There were more bytes than `body` has, and they were not read.
  var isCut: Bool
  var milliseconds = 0

  static let bodyLimit = 1 << 20
}
