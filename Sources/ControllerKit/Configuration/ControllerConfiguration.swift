public import Git

/// All that a controller is told, from `controller.yaml` or from `belfry dev`.
public struct ControllerConfiguration: Sendable {
  /// Where the desired state is.
  public struct Source: Sendable {
    public var remote: Remote
    public var branch: String
    /// Between two looks when all is well.
    public var poll: Duration

    public init(remote: Remote, branch: String = "main", poll: Duration = .seconds(15)) {
      self.remote = remote
      self.branch = branch
      self.poll = poll
    }
  }

  /// Where the history goes.
  public struct Results: Sendable {
    public var remote: Remote
    public var branch: String
    /// How long receipts are gathered for one commit.
    public var flush: Duration
    /// The least time between two pushes, unless a thousand receipts wait, or 128 or 16 MiB of one agent.
    public var push: Duration

    public init(
      remote: Remote, branch: String = "belfry/results", flush: Duration = .seconds(2), push: Duration = .seconds(10)
    ) {
      self.remote = remote
      self.branch = branch
      self.flush = flush
      self.push = push
    }
  }

  /// Where agents dial in.
  public struct Agents: Sendable {
    public var listen: ListenAddress
    public var heartbeat: Duration
    /// Gets the address listened on, as `host:port`, once it is known; for port 0.
    public var addressFile: String?
    /// Whether an agent's name stays its own while it is away; not for agents that are thrown away at the end.
    public var bindsNames: Bool

    public init(
      listen: ListenAddress = ListenAddress(host: "127.0.0.1", port: 7420), heartbeat: Duration = .seconds(5),
      addressFile: String? = nil, bindsNames: Bool = true
    ) {
      self.listen = listen
      self.heartbeat = heartbeat
      self.addressFile = addressFile
      self.bindsNames = bindsNames
    }
  }

  public var source: Source
  public var results: Results
  /// A folder for mirrors, the API's token and address. All of it can be deleted while the controller is down.
  public var state: String
  /// The private key's file, PEM.
  public var key: String
  public var agents: Agents
  public var api: ListenAddress
  /// Allows plain text on loopback.
  public var insecure: Bool
  /// The lowest epoch that is claimed, 1 to ``epochLimit``: for a controller that has lost its state folder and its
  /// results branch, and whose agents know a higher one.
  public var leastEpoch: Int64
  /// How much is kept of what agents send back.
  public var artifacts = ArtifactRoom()

  /// Far from where agents' positions end, so that a false number leaves room to count on.
  public static let epochLimit: Int64 = 1 << 40

  public init(
    source: Source, results: Results, state: String, key: String, agents: Agents = Agents(),
    api: ListenAddress = ListenAddress(host: "127.0.0.1", port: 7421), insecure: Bool = false,
    leastEpoch: Int64 = 1
  ) {
    self.source = source
    self.results = results
    self.state = state
    self.key = key
    self.agents = agents
    self.api = api
    self.insecure = insecure
    self.leastEpoch = leastEpoch
  }
}

/// A host and a port to listen on; port 0 takes any that is free.
public struct ListenAddress: Hashable, Sendable {
  public var host: String
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port` or `[v6]:port`.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65_535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    self.init(host: String(host), port: port)
  }

  /// Whether only this machine can reach it.
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    // All four parts are numbers: 127.evil.example.com is a name like any other.
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
