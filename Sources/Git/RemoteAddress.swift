// What a remote's URL says, without asking anybody.

/// Where a remote is.
enum RemoteAddress: Equatable {
  /// A folder of this machine.
  case folder(String)
  /// Reached through libgit2's transports; `port` is nil when the URL does not say.
  case network(scheme: String, host: String, port: Int?, user: String?)

  /// Throws `unsupported` for schemes that are not known.
  init(_ url: String) throws(GitError) {
    guard !url.isEmpty, !url.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
      throw GitError(.unsupported, "a remote's URL is empty or has control characters in it")
    }
    if let (scheme, rest) = Self.split(url, at: "://") {
      let scheme = scheme.lowercased()
      if scheme == "file" {
        // An authority in front of the path can only be this machine.
        let path = rest.hasPrefix("localhost/") ? rest.dropFirst(9) : rest
        guard path.hasPrefix("/") else {
          throw GitError(.unsupported, "a file URL has three slashes in front: 'file:///…'")
        }
        self = .folder(Self.decoded(path))
        return
      }
      guard ["git", "http", "https", "ssh"].contains(scheme) else {
        throw GitError(
          .unsupported, "the URL's scheme '\(scheme)' is not known", hint: "use a path, file, git, http, https or ssh")
      }
      let authority = rest.prefix { $0 != "/" }
      let (user, host, port) = Self.authority(authority)
      guard !host.isEmpty, authority.count < rest.count else {
        throw GitError(.unsupported, "a remote's URL needs a host and a path")
      }
      self = .network(scheme: scheme, host: host, port: port, user: user)
      return
    }
    // user@host:path, as scp has it: a colon before the first slash.
    if let colon = url.firstIndex(of: ":"), !url[..<colon].contains("/"), colon != url.startIndex {
      let (user, host, _) = Self.authority(url[..<colon])
      guard !host.hasSuffix("ext") || url[colon...].hasPrefix("::") == false, !host.isEmpty else {
        throw GitError(.unsupported, "helper programs as remotes are not supported")
      }
      self = .network(scheme: "ssh", host: host, port: nil, user: user)
      return
    }
    self = .folder(url)
  }

  private static func split(_ text: String, at mark: String) -> (Substring, Substring)? {
    var index = text.startIndex
    while index < text.endIndex {
      if text[index...].hasPrefix(mark) {
        return (text[..<index], text[text.index(index, offsetBy: mark.count)...])
      }
      index = text.index(after: index)
    }
    return nil
  }

  private static func authority(_ text: Substring) -> (user: String?, host: String, port: Int?) {
    var host = text
    var user: String?
    if let at = text.lastIndex(of: "@") {
      user = decoded(text[..<at].prefix { $0 != ":" })
      host = text[text.index(after: at)...]
    }
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      let rest = host[host.index(after: end)...]
      return (user, String(host[host.index(after: host.startIndex)..<end]), Int(rest.dropFirst()))
    }
    if let colon = host.lastIndex(of: ":") {
      return (user, String(host[..<colon]), Int(host[host.index(after: colon)...]))
    }
    return (user, String(host), nil)
  }

  /// Without percent escapes.
  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x25, rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Remote {
  /// The URL without password, query and fragment, for people. An ssh user stays, being part of the address.
  public var publicURL: String {
    guard let mark = url.range(of: "://") else { return url }
    let rest = url[mark.upperBound...]
    guard !url.hasPrefix("file:") else { return url }
    let isSSH = url.hasPrefix("ssh:")
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest.dropFirst(authority.count)
    var shown = authority
    if let at = authority.lastIndex(of: "@") {
      let user = authority[..<at].prefix { $0 != ":" }
      shown = authority[authority.index(after: at)...]
      if isSSH, !user.isEmpty { shown = user + "@" + shown }
    }
    return String(url[..<mark.upperBound] + shown) + path.prefix { $0 != "?" && $0 != "#" }
  }
}

extension String {
  /// The first place where `part` stands.
  fileprivate func range(of part: String) -> Range<Index>? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(part) { return index..<self.index(index, offsetBy: part.count) }
      index = self.index(after: index)
    }
    return nil
  }
}
