import Glibc

/// Why a controller cannot begin, before it has changed anything.
public struct ControllerObstacle: Error, Hashable, Sendable {
  public let message: String
  /// What to do about it.
  public let hint: String
}

extension ListenAddress {
  /// Looks whether the address can be listened on, and lets go of it again. A controller that found out only when it has
  /// claimed its epoch would have stopped one that works. `key` names the setting. Throws a ``ControllerObstacle``.
  func check(_ key: String) throws(ControllerObstacle) {
    guard port != 0 else { return }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var first: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(numericHost, String(port), &hints, &first)
    guard status == 0, let found = first?.pointee else {
      throw obstacle(key, String(cString: gai_strerror(status)), "it wants an address of this host")
    }
    defer { freeaddrinfo(first) }
    let socket = socket(found.ai_family, found.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), found.ai_protocol)
    // Where there is none of the kind, listening says why.
    guard socket >= 0 else { return }
    defer { close(socket) }
    // As a listener sets it: what is left of connections that have ended is in nobody's way.
    var on: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard bind(socket, found.ai_addr, found.ai_addrlen) == 0 else {
      let hint =
        errno == EADDRINUSE
        ? "another program listens there, perhaps another controller: stop it, or choose another port"
        : "choose an address and a port of this host that its user may listen on"
      throw obstacle(key, String(cString: strerror(errno)), hint)
    }
  }

  private func obstacle(_ key: String, _ reason: String, _ hint: String) -> ControllerObstacle {
    ControllerObstacle(message: "\(key): cannot listen on \(text): \(reason)", hint: hint)
  }
}
