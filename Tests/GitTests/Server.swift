import Foundation
import Git
import TestSupport

/// Another program that serves repositories on a port of this machine, until the value goes away.
final class Server: Sendable {
  let port: Int
  private let process: pid_t

  /// Starts the program and waits until it accepts connections.
  ///
  /// Not with Foundation's `Process`: it passes on the signals that pool threads block, and then sshd never hears of
  /// its children's end; and it takes a program for ended when that closes the files that it inherited, as sshd does.
  private init(_ words: [String], port: Int, in folder: String) async throws {
    self.port = port
    let log = folder + "/server.log"
    let variables = ProcessInfo.processInfo.environment.merging(quietGit) { $1 }.map { "\($0.key)=\($0.value)" }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_adddup2(&files, 1, 2)
    var arguments = words.map { strdup($0) } + [nil]
    var environment = variables.map { strdup($0) } + [nil]
    var id: pid_t = 0
    let code = posix_spawnp(&id, words[0], &files, &attributes, &arguments, &environment)
    for text in arguments + environment { free(text) }
    posix_spawn_file_actions_destroy(&files)
    posix_spawnattr_destroy(&attributes)
    guard code == 0 else { throw GitError(.other, "cannot start \(words[0]): \(String(cString: strerror(code)))") }
    process = id
    _ = try await eventually("\(words[0]) listens") { () throws -> Bool? in
      // Without collecting it: until that its number stays its own, and `deinit` cannot hit another process.
      var info = siginfo_t()
      guard waitid(P_PID, id_t(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == 0 else {
        throw GitError(.other, "\(words[0]) ended: \(try String(contentsOfFile: log, encoding: .utf8))")
      }
      return Self.accepts(port) ? true : nil
    }
  }

  deinit {
    kill(process, SIGKILL)
    var status: Int32 = 0
    waitpid(process, &status, 0)
  }

  static func gitDaemon(_ folder: String) async throws -> Server {
    let port = try freePort()
    return try await Server(
      [
        "/usr/lib/git-core/git-daemon", "--listen=127.0.0.1", "--port=\(port)", "--export-all",
        "--enable=receive-pack", "--base-path=\(folder)", "--reuseaddr", folder,
      ], port: port, in: folder)
  }

  /// Smart HTTP by git's own CGI program. With `login`, as `user:secret`, it asks for that. With `certificate`, TLS.
  static func http(_ folder: String, login: String? = nil, certificate: String? = nil) async throws -> Server {
    let script = folder + "/server.py"
    try Data(httpScript.utf8).write(to: URL(fileURLWithPath: script))
    let port = try freePort()
    return try await Server(
      ["python3", script, "\(port)", folder, login ?? "", certificate ?? ""], port: port, in: folder)
  }

  /// An ssh server of our own, with keys of its own, that lets in whoever has `authorized`.
  static func ssh(_ folder: String, hostKey: String, authorized: String) async throws -> Server {
    let port = try freePort()
    let configuration = """
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey \(hostKey)
      AuthorizedKeysFile \(authorized)
      PidFile none
      UsePAM no
      StrictModes no
      PermitRootLogin prohibit-password
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder + "/sshd_config"))
    // sshd wants this folder of its package, which the init script makes at boot.
    try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
    return try await Server(["/usr/sbin/sshd", "-D", "-e", "-f", folder + "/sshd_config"], port: port, in: folder)
  }

  /// A port that nobody listens on at the moment.
  static func freePort() throws -> Int {
    let (socket, port) = try listen()
    close(socket)
    return port
  }

  /// A socket that listens and whose connections nobody serves.
  static func listen() throws -> (socket: Int32, port: Int) {
    let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(socket, address, size) == 0 && Foundation.listen(socket, 8) == 0
          && getsockname(socket, address, &size) == 0
      }
    }
    guard isBound else { throw GitError(.other, "cannot bind a port") }
    return (socket, Int(UInt16(bigEndian: address.sin_port)))
  }

  private static func accepts(_ port: Int) -> Bool {
    let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private static let httpScript = """
    import base64, http.server, os, ssl, subprocess, sys
    port, root, login, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=b"", headers=()):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def body(self):
            if self.headers.get("Transfer-Encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while True:
                size = int(self.rfile.readline(), 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)

        def serve(self):
            body = self.body() if self.command == "POST" else b""
            if self.path.startswith("/moved"):
                return self.answer(302, headers=[("Location", "http://localhost.example:1" + self.path[6:])])
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if login and base64.b64decode(given).decode() != login:
                return self.answer(401, headers=[("WWW-Authenticate", 'Basic realm="test"')])
            path, _, query = self.path.partition("?")
            environment = dict(os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                QUERY_STRING=query, REQUEST_METHOD=self.command, REMOTE_USER="test", REMOTE_ADDR="127.0.0.1",
                CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)))
            out = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE).stdout
            head, _, rest = out.partition(b"\\r\\n\\r\\n")
            headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\\r\\n")]
            status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
            self.answer(status, rest, [h for h in headers if h[0] != "Status"])

        do_GET = do_POST = serve

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
    """
}
