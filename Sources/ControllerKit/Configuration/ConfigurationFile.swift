import Git
public import Manifest
public import Model
import Platform

/// What is wrong with a configuration: all of it, at its places.
public struct ConfigurationError: Error, CustomStringConvertible {
  public let diagnostics: [Diagnostic]
  public var description: String { diagnostics.map(\.rendered).joined(separator: "\n") }
}

extension ControllerConfiguration {
  /// Reads `controller.yaml`. Secrets stand in files of their own, whose paths it names. Relative paths count from the
  /// configuration's folder.
  ///
  /// Throws a ``ConfigurationError`` with all mistakes, or a `FileError` when the file cannot be read.
  public static func load(_ path: String) throws -> ControllerConfiguration {
    let bytes = try DurableFile.read(path, limit: 256 * 1024)
    return try ConfigurationFile(path: path, bytes: bytes).read()
  }
}

/// The keys of `controller.yaml`: what is read, what suggestions are chosen from, and what documentation lists.
public enum ControllerFields {
  public static let root = FieldTable(
    "controller.yaml",
    [
      Field("source", "a mapping", "the repository with the jobs", isRequired: true),
      Field("results", "a mapping", "where history goes; default: the branch belfry/results of the source"),
      Field("state", "a folder's path", "caches, and the API's token; default /var/lib/belfry"),
      Field("key", "a file's path", "the controller's private key, PEM", isRequired: true),
      Field("agents", "a mapping", "where agents dial in"),
      Field("api", "a mapping", "the local HTTP API"),
      Field("epoch", "a mapping", "the lowest epoch to claim"),
      Field("artifacts", "a mapping", "how much is kept of what runs give back"),
      Field("insecure", "true or false", "allows plain text on loopback; required until there are certificates"),
    ])
  public static let source = FieldTable(
    "source",
    [
      Field("url", "a git URL or a path", "the repository", isRequired: true),
      Field("branch", "a branch's name", "default main"),
      Field("poll", "a duration, 500ms to 1h", "how often to look; default 15s"),
    ] + credentials)
  public static let results = FieldTable(
    "results",
    [
      Field("url", "a git URL or a path", "the repository; default the source's"),
      Field("branch", "a branch's name", "default belfry/results"),
      Field("flush", "a duration, 100ms to 1m", "how long receipts are gathered for a commit; default 2s"),
      Field("push", "a duration, 100ms to 10m", "the least time between pushes; default 10s"),
    ] + credentials)
  static let credentials = [
    Field("user", "a name", "with tokenFile; default git"),
    Field("tokenFile", "a file's path", "holds the token or password for https"),
    Field("sshKey", "a file's path", "the private key for ssh"),
    Field("sshPassphraseFile", "a file's path", "holds the key's passphrase"),
    Field("knownHosts", "a file's path", "the ssh servers to trust; default ~/.ssh/known_hosts"),
  ]
  public static let artifacts = FieldTable(
    "artifacts",
    [
      Field("total", "a size, 1M to 1024T", "of all agents together; default 10G"),
      Field("agent", "a size, 1M to 1024T", "of one agent; default 2G"),
    ])
  public static let agents = FieldTable(
    "agents",
    [
      Field("listen", "host:port", "default 127.0.0.1:7420; port 0 takes a free one"),
      Field("heartbeat", "a duration, 100ms to 5m", "default 5s"),
      Field("addressFile", "a file's path", "gets the address listened on"),
    ])
  public static let epoch = FieldTable(
    "epoch",
    [
      Field(
        "least", "a number, 1 to \(ControllerConfiguration.epochLimit)",
        "for a controller whose agents know a higher epoch than the results branch; 'belfry status' says which")
    ])
  public static let api = FieldTable(
    "api", [Field("listen", "host:port on loopback", "default 127.0.0.1:7421; port 0 takes a free one")])
}

private struct ConfigurationFile {
  let path: String
  let folder: String
  let file: ParsedFile
  let sink = DiagnosticSink()

  init(path: String, bytes: [UInt8]) {
    self.path = path
    folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    file = ParsedFile(path: path, bytes: bytes)
  }

  func read() throws -> ControllerConfiguration {
    let configuration = file.onlyDocument(sink).flatMap(root)
    let problems = file.diagnostics + sink.diagnostics
    guard let configuration, !problems.contains(where: { $0.severity == .error }) else {
      throw ConfigurationError(diagnostics: problems.sorted())
    }
    return configuration
  }

  private func root(_ node: YAMLNode) -> ControllerConfiguration? {
    guard var fields = FieldReader(node, ControllerFields.root, sink) else { return nil }
    let source = fields.require("source").flatMap(source)
    let results = fields.take("results")
    let state = fields.take("state").flatMap(filePath) ?? "/var/lib/belfry"
    let key = fields.require("key").flatMap(filePath)
    let agents = fields.take("agents").map(agents) ?? ControllerConfiguration.Agents()
    let apiValue = fields.take("api")
    let api = apiValue.map(api) ?? ListenAddress(host: "127.0.0.1", port: 7421)
    let leastEpoch = fields.take("epoch").flatMap(leastEpoch) ?? 1
    let artifacts = fields.take("artifacts").map(artifacts) ?? ArtifactRoom()
    let insecure = fields.take("insecure")?.boolean() ?? false
    fields.finish()
    if !api.isLoopback {
      apiValue?.fail("the API listens on loopback only", suggestion: "write listen: 127.0.0.1:\(api.port)")
    }
    if !insecure || !agents.listen.isLoopback {
      sink.error(
        at: node.place, "agents can only be served in plain text on loopback in this version",
        suggestion: "set 'insecure: true' and a loopback address for agents.listen")
    }
    guard let source, let key else { return nil }
    var configuration = ControllerConfiguration(
      source: source, results: self.results(results, source), state: state, key: key, agents: agents, api: api,
      insecure: insecure, leastEpoch: leastEpoch)
    configuration.artifacts = artifacts
    return configuration
  }

  private func artifacts(_ value: ValueReader) -> ArtifactRoom {
    var room = ArtifactRoom()
    guard var fields = value.fields(ControllerFields.artifacts) else { return room }
    if let total = fields.take("total")?.size(in: 1 << 20...1 << 50) { room.total = Int64(total) }
    if let agent = fields.take("agent")?.size(in: 1 << 20...1 << 50) { room.agent = Int64(agent) }
    fields.finish()
    return room
  }

  private func leastEpoch(_ value: ValueReader) -> Int64? {
    guard var fields = value.fields(ControllerFields.epoch) else { return nil }
    let least = fields.take("least")?.integer(in: 1...Int(ControllerConfiguration.epochLimit))
    fields.finish()
    return least.map(Int64.init)
  }

  private func source(_ value: ValueReader) -> ControllerConfiguration.Source? {
    guard var fields = value.fields(ControllerFields.source) else { return nil }
    let url = fields.require("url").flatMap(url)
    let branch = fields.take("branch").flatMap { $0.string(bytes: 1...200) } ?? "main"
    let poll = fields.take("poll")?.duration(in: .milliseconds(500) ... .seconds(3600)) ?? .seconds(15)
    let credentials = credentials(&fields)
    fields.finish()
    return url.map { ControllerConfiguration.Source(remote: remote($0, credentials), branch: branch, poll: poll) }
  }

  private func results(
    _ value: ValueReader?, _ source: ControllerConfiguration.Source
  ) -> ControllerConfiguration.Results {
    guard let value, var fields = value.fields(ControllerFields.results) else {
      return ControllerConfiguration.Results(remote: source.remote)
    }
    let url = fields.take("url").flatMap(url)
    let branch = fields.take("branch").flatMap { $0.string(bytes: 1...200) } ?? "belfry/results"
    let flush = fields.take("flush")?.duration(in: .milliseconds(100) ... .seconds(60)) ?? .seconds(2)
    let push = fields.take("push")?.duration(in: .milliseconds(100) ... .seconds(600)) ?? .seconds(10)
    let hasOwn = ControllerFields.credentials.contains { fields.has($0.name) }
    let own = credentials(&fields)
    fields.finish()
    if url == nil, hasOwn { value.fail("credentials of results without a url", suggestion: "give results.url as well") }
    let target = url.map { remote($0, own) } ?? source.remote
    if url == nil || url == source.remote.url, branch == source.branch {
      value.fail("the results branch must not be the source branch", suggestion: "such as belfry/results")
    }
    return ControllerConfiguration.Results(remote: target, branch: branch, flush: flush, push: push)
  }

  private func agents(_ value: ValueReader) -> ControllerConfiguration.Agents {
    var agents = ControllerConfiguration.Agents()
    guard var fields = value.fields(ControllerFields.agents) else { return agents }
    if let listen = fields.take("listen").flatMap(listenAddress) { agents.listen = listen }
    agents.heartbeat = fields.take("heartbeat")?.duration(in: .milliseconds(100) ... .seconds(300)) ?? agents.heartbeat
    agents.addressFile = fields.take("addressFile").flatMap(filePath)
    fields.finish()
    return agents
  }

  private func api(_ value: ValueReader) -> ListenAddress {
    let standard = ListenAddress(host: "127.0.0.1", port: 7421)
    guard var fields = value.fields(ControllerFields.api) else { return standard }
    let listen = fields.take("listen").flatMap(listenAddress)
    fields.finish()
    return listen ?? standard
  }

  private struct CredentialFiles {
    var credentials: Credentials
    var knownHosts: String?
  }

  private func credentials(_ fields: inout FieldReader) -> CredentialFiles {
    let user = fields.take("user")?.string(bytes: 1...200) ?? "git"
    let token = fields.take("tokenFile")
    let ssh = fields.take("sshKey")
    let passphrase = fields.take("sshPassphraseFile").flatMap(secret)
    let knownHosts = fields.take("knownHosts").flatMap(filePath)
    if token != nil, ssh != nil { ssh?.fail("tokenFile and sshKey exclude each other") }
    var credentials = Credentials.none
    if let token, let secret = secret(token) { credentials = .token(username: user, secret: secret) }
    if let path = ssh.flatMap(filePath) { credentials = .sshKey(path: path, passphrase: passphrase) }
    return CredentialFiles(credentials: credentials, knownHosts: knownHosts)
  }

  private func remote(_ url: String, _ files: CredentialFiles) -> Remote {
    Remote(url: url, credentials: files.credentials, knownHosts: files.knownHosts)
  }

  /// A file's first line.
  private func secret(_ value: ValueReader) -> Secret? {
    guard let path = filePath(value) else { return nil }
    do throws(FileError) {
      let text = String(decoding: try DurableFile.read(path, limit: 64 * 1024), as: UTF8.self)
      return Secret(String(text.prefix { !$0.isNewline }))
    } catch {
      value.fail("\(error)", suggestion: "make the file, with mode 0600, or correct the path")
      return nil
    }
  }

  private func url(_ value: ValueReader) -> String? {
    guard let text = value.string(bytes: 1...2_000) else { return nil }
    if let scheme = text.firstRange(of: "://"), let at = text[scheme.upperBound...].firstIndex(of: "@"),
      text[scheme.upperBound..<at].contains(":"), !text[scheme.upperBound..<at].contains("/")
    {
      value.fail("a password in a URL ends up in logs and process lists", suggestion: "use tokenFile")
      return nil
    }
    let isPath = !text.contains("://") && !text.contains(":") && !text.hasPrefix("/")
    return isPath ? folder + "/" + text : text
  }

  private func filePath(_ value: ValueReader) -> String? {
    value.string(bytes: 1...4_096).map { $0.hasPrefix("/") ? $0 : folder + "/" + $0 }
  }

  private func listenAddress(_ value: ValueReader) -> ListenAddress? {
    guard let text = value.string(bytes: 1...300) else { return nil }
    if let address = ListenAddress(text) { return address }
    value.wants("host:port, such as 127.0.0.1:7420")
    return nil
  }
}
