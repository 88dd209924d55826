/// A repository somewhere else, and how to get in.
///
/// URLs: a path, `file://`, `git://`, `http://`, `https://`, `ssh://` or `user@host:path`.
public struct Remote: Hashable, Sendable {
  public var url: String
  public var credentials: Credentials
  /// A file in OpenSSH's known_hosts format. An ssh host that it does not list is refused.
  public var knownHosts: String?
  public var timeouts: Timeouts

  public init(
    url: String, credentials: Credentials = .none, knownHosts: String? = nil, timeouts: Timeouts = Timeouts()
  ) {
    self.url = url
    self.credentials = credentials
    self.knownHosts = knownHosts
    self.timeouts = timeouts
  }
}

/// How we prove who we are.
public enum Credentials: Hashable, Sendable {
  case none
  /// HTTP basic authentication; most forges take any user name with a token.
  case token(username: String, secret: Secret)
  /// An OpenSSH private key file. The user is the URL's, else `git`.
  case sshKey(path: String, passphrase: Secret?)
}

/// A text that never shows up in logs: its description is redacted.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The text itself, for the one place that has to send it.
  public let revealed: String

  public init(_ text: String) { revealed = text }

  public var description: String { "<redacted>" }
  public var debugDescription: String { "<redacted>" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// When a network operation is given up.
public struct Timeouts: Hashable, Sendable {
  /// For the TCP connection to stand.
  public var connect: Duration
  /// Without a single byte or sign of progress.
  public var idle: Duration
  /// For the whole operation.
  public var total: Duration

  public init(connect: Duration = .seconds(10), idle: Duration = .seconds(30), total: Duration = .seconds(600)) {
    self.connect = connect
    self.idle = idle
    self.total = total
  }
}
