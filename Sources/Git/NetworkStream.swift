import CLibGit2
import Glibc

/// The TCP connections of libgit2's transports (plain, below TLS, and below ssh), with a limit for connecting.
/// Silence is watched by the ``NetworkOperation``.
enum NetworkStream {
  static func register() {
    var registration = git_stream_registration()
    registration.version = GIT_STREAM_VERSION
    registration.`init` = { out, host, port in
      guard let out, let host, let port else { return -1 }
      let stream = UnsafeMutablePointer<belfry_stream>.allocate(capacity: 1)
      stream.initialize(to: belfry_stream())
      stream.pointee.host = strdup(host)
      stream.pointee.port = strdup(port)
      stream.pointee.socket = -1
      stream.pointee.operation = NetworkOperation.current.map { Unmanaged.passRetained($0).toOpaque() }
      stream.pointee.parent.version = GIT_STREAM_VERSION
      stream.pointee.parent.connect = { NetworkStream.connect($0) }
      stream.pointee.parent.read = { NetworkStream.read($0, $1, $2) }
      stream.pointee.parent.write = { NetworkStream.write($0, $1, $2, $3) }
      stream.pointee.parent.close = { NetworkStream.close($0) }
      stream.pointee.parent.free = { NetworkStream.free($0) }
      out.pointee = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: git_stream.self)
      return 0
    }
    git_stream_register(GIT_STREAM_STANDARD, &registration)
  }

  private static func own(_ stream: UnsafeMutablePointer<git_stream>?) -> UnsafeMutablePointer<belfry_stream>? {
    UnsafeMutableRawPointer(stream)?.assumingMemoryBound(to: belfry_stream.self)
  }

  private static func operation(_ stream: UnsafeMutablePointer<belfry_stream>) -> NetworkOperation? {
    stream.pointee.operation.map { Unmanaged<NetworkOperation>.fromOpaque($0).takeUnretainedValue() }
  }

  private static func connect(_ stream: UnsafeMutablePointer<git_stream>?) -> Int32 {
    guard let stream = own(stream), let operation = operation(stream) else { return -1 }
    let host = String(cString: stream.pointee.host)
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_family = AF_UNSPEC
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(stream.pointee.host, stream.pointee.port, &hints, &list)
    guard code == 0 else {
      let text = "cannot find the host '\(host)': \(String(cString: gai_strerror(code)))"
      return refuse(operation, GitError(.unreachable, text, hint: "check the URL and the name server"))
    }
    defer { freeaddrinfo(list) }
    var reason = "no address"
    var next = list
    while let address = next?.pointee {
      let socket = Glibc.socket(
        address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.ai_protocol)
      if socket >= 0 {
        if let failure = connect(socket, address, within: operation.remote.timeouts.connect) {
          reason = failure
          Glibc.close(socket)
        } else {
          stream.pointee.socket = socket
          operation.touch()
          operation.use(socket: socket)
          return 0
        }
      } else {
        reason = String(cString: strerror(errno))
      }
      next = address.ai_next
    }
    return refuse(operation, GitError(.unreachable, "cannot connect to '\(operation.remote.publicURL)': \(reason)"))
  }

  /// Nil on success, else why not. The socket blocks afterwards.
  private static func connect(_ socket: Int32, _ address: addrinfo, within limit: Duration) -> String? {
    let flags = fcntl(socket, F_GETFL)
    _ = fcntl(socket, F_SETFL, flags | O_NONBLOCK)
    if Glibc.connect(socket, address.ai_addr, address.ai_addrlen) != 0 {
      guard errno == EINPROGRESS else { return String(cString: strerror(errno)) }
      var wanted = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
      let milliseconds = Int32(clamping: Int64(limit / .milliseconds(1)))
      var ready = poll(&wanted, 1, milliseconds)
      while ready < 0, errno == EINTR { ready = poll(&wanted, 1, milliseconds) }
      guard ready > 0 else { return ready == 0 ? "no answer within \(limit)" : String(cString: strerror(errno)) }
      var problem: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &size)
      guard problem == 0 else { return String(cString: strerror(problem)) }
    }
    _ = fcntl(socket, F_SETFL, flags)
    // Git talks in short turns: waiting to fill packets would cost 40 ms a turn.
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    return nil
  }

  private static func refuse(_ operation: NetworkOperation, _ error: GitError) -> Int32 {
    operation.fail(error)
    git_error_set_str(Int32(GIT_ERROR_NET.rawValue), error.message)
    return -1
  }

  private static func read(
    _ stream: UnsafeMutablePointer<git_stream>?, _ buffer: UnsafeMutableRawPointer?, _ size: Int
  ) -> Int {
    guard let stream = own(stream) else { return -1 }
    while true {
      let count = recv(stream.pointee.socket, buffer, size, 0)
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        git_error_set_str(Int32(GIT_ERROR_NET.rawValue), "cannot read: \(String(cString: strerror(errno)))")
      }
      if count > 0 { operation(stream)?.touch() }
      return count
    }
  }

  private static func write(
    _ stream: UnsafeMutablePointer<git_stream>?, _ bytes: UnsafePointer<CChar>?, _ size: Int, _ flags: Int32
  ) -> Int {
    guard let stream = own(stream) else { return -1 }
    while true {
      // Without the flag a peer that hung up would end the process.
      let count = send(stream.pointee.socket, bytes, size, flags | Int32(MSG_NOSIGNAL))
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        git_error_set_str(Int32(GIT_ERROR_NET.rawValue), "cannot send: \(String(cString: strerror(errno)))")
      }
      if count > 0 { operation(stream)?.touch() }
      return count
    }
  }

  private static func close(_ stream: UnsafeMutablePointer<git_stream>?) -> Int32 {
    guard let stream = own(stream), stream.pointee.socket >= 0 else { return 0 }
    let socket = stream.pointee.socket
    stream.pointee.socket = -1
    return operation(stream)?.closeSocket(socket) ?? Glibc.close(socket)
  }

  private static func free(_ stream: UnsafeMutablePointer<git_stream>?) {
    _ = close(stream)
    guard let stream = own(stream) else { return }
    Glibc.free(stream.pointee.host)
    Glibc.free(stream.pointee.port)
    if let operation = stream.pointee.operation { Unmanaged<NetworkOperation>.fromOpaque(operation).release() }
    stream.deallocate()
  }
}
