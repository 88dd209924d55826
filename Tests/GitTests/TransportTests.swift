import Foundation
import Git
import Model
import TestSupport
import Testing

/// The same conversation over every transport, with real servers on this machine.
@Suite struct TransportTests {
  enum Transport: String, CaseIterable, CustomTestStringConvertible {
    case path, fileURL, git, http, ssh
    var testDescription: String { rawValue }
  }

  /// Repositories behind a server: `remote(name)` is how we reach the one in `folder/name`.
  struct Site {
    let server: Server?
    let remote: @Sendable (String) -> Remote
  }

  /// Nil, with the reason printed, when the machine lacks the server.
  private func site(_ transport: Transport, _ folder: TemporaryFolder) async throws -> Site? {
    let root = folder.path
    switch transport {
    case .path: return Site(server: nil) { Remote(url: root + "/" + $0) }
    case .fileURL: return Site(server: nil) { Remote(url: "file://" + root + "/" + $0) }
    case .git:
      let server = try await Server.gitDaemon(root)
      return Site(server: server) { [port = server.port] in Remote(url: "git://127.0.0.1:\(port)/\($0)") }
    case .http:
      let server = try await Server.http(root)
      return Site(server: server) { [port = server.port] in Remote(url: "http://127.0.0.1:\(port)/\($0)") }
    case .ssh:
      guard let keys = try SSHKeys(folder) else { return nil }
      let server = try await Server.ssh(root, hostKey: keys.host, authorized: keys.client + ".pub")
      let known = try keys.knownHosts(port: server.port)
      return Site(server: server) { [port = server.port] in
        Remote(
          url: "ssh://\(NSUserName())@127.0.0.1:\(port)\(root)/\($0)",
          credentials: .sshKey(path: keys.client, passphrase: nil), knownHosts: known)
      }
    }
  }

  @Test(arguments: Transport.allCases) func fetchAndPush(_ transport: Transport) async throws {
    let sandbox = try Sandbox()
    // Push access, which git's http server refuses to strangers.
    try git("config", "http.receivepack", "true", in: sandbox.bare)
    guard let site = try await site(transport, sandbox.folder) else { return }
    let remote = site.remote("remote.git")
    let mirror = try sandbox.mirror()

    // Nothing there yet.
    #expect(try Repository.remoteTip(of: "main", at: remote) == nil)
    #expect(gitError { _ = try mirror.fetch("main", from: remote, into: "main") }?.kind == .empty)

    // New commits.
    let first = try sandbox.commit(["a": "1", "folder/b": "2"])
    #expect(try Repository.remoteTip(of: "main", at: remote) == first)
    #expect(
      try mirror.fetch("main", from: remote, into: "main")
        == FetchOutcome(tip: first, previous: nil, isRewritten: false))
    let second = try sandbox.commit(["folder/b": "3"])
    #expect(
      try mirror.fetch("main", from: remote, into: "main")
        == FetchOutcome(tip: second, previous: first, isRewritten: false))
    #expect(try mirror.fetch("main", from: remote, into: "main").isChanged == false)
    #expect(try mirror.file(at: "folder/b", in: second) == Array("3".utf8))
    #expect(try git("fsck", "--strict", in: sandbox.folder.path("mirror.git")) == "")

    // History rewritten.
    try git("reset", "-q", "--hard", "HEAD~1", in: sandbox.work)
    let rewritten = try sandbox.commit(["a": "other"])
    #expect(
      try mirror.fetch("main", from: remote, into: "main")
        == FetchOutcome(tip: rewritten, previous: second, isRewritten: true))

    // What is not there.
    let missing = gitError { _ = try mirror.fetch("none", from: remote, into: "main") }
    #expect(missing?.kind == .notFound && missing?.hint == "it has main")
    let vanished = gitError { _ = try mirror.fetch("main", from: site.remote("gone.git"), into: "main") }
    #expect(vanished?.kind == .notFound, "\(String(describing: vanished))")
    #expect(try mirror.tip(ofBranch: "main") == rewritten)

    // Pushing a new branch, and on it.
    let one = try mirror.commit(batch(["r/1": "1"], on: nil), updating: "results", expecting: nil)
    try mirror.push(one, to: "results", of: remote, expecting: nil)
    #expect(try git("rev-parse", "results", in: sandbox.bare) == one.text)
    let two = try mirror.commit(batch(["r/2": "2"], on: one), updating: "results", expecting: one)
    try mirror.push(two, to: "results", of: remote, expecting: one)
    try mirror.push(two, to: "results", of: remote, expecting: one)
    #expect(try git("ls-tree", "-r", "--name-only", "results", in: sandbox.bare) == "r/1\nr/2")
    #expect(
      try git("for-each-ref", "--format=%(refname)", in: sandbox.folder.path("mirror.git"))
        == "refs/heads/main\nrefs/heads/results")

    // Somebody else was faster, in three ways.
    let other = try Repository.openOrCreateBare(at: sandbox.folder.path("other.git"))
    let tip = try other.fetch("results", from: remote, into: "results").tip
    let theirs = try other.commit(batch(["r/3": "3"], on: tip, "theirs"), updating: "results", expecting: tip)
    try other.push(theirs, to: "results", of: remote, expecting: tip)
    let ours = try mirror.commit(batch(["r/4": "4"], on: two, "ours"), updating: "results", expecting: two)
    for old in [two, theirs, one, nil] {
      #expect(gitError { try mirror.push(ours, to: "results", of: remote, expecting: old) }?.kind == .nonFastForward)
    }
    #expect(gitError { try mirror.push(ours, to: "none", of: remote, expecting: two) }?.kind == .nonFastForward)
    #expect(try git("rev-parse", "results", in: sandbox.bare) == theirs.text)
    #expect(try git("fsck", "--strict", "--no-dangling", in: sandbox.bare) == "")
  }

  @Test(arguments: [Transport.git, .http]) func aHookThatDeclines(_ transport: Transport) async throws {
    let sandbox = try Sandbox()
    try git("config", "http.receivepack", "true", in: sandbox.bare)
    try sandbox.folder.write("remote.git/hooks/update", "#!/bin/sh\nexit 1\n", executable: true)
    guard let site = try await site(transport, sandbox.folder) else { return }
    let mirror = try sandbox.mirror()
    let commit = try mirror.commit(batch(["a": "1"], on: nil), updating: "results", expecting: nil)
    let error = gitError { try mirror.push(commit, to: "results", of: site.remote("remote.git"), expecting: nil) }
    #expect(error?.kind == .rejected, "\(String(describing: error))")
    #expect(try git("for-each-ref", in: sandbox.bare) == "")
  }

  @Test func httpCredentials() async throws {
    let sandbox = try Sandbox()
    let tip = try sandbox.commit(["a": "1"])
    let server = try await Server.http(sandbox.folder.path, login: "bot:s3cr3t")
    let url = "http://127.0.0.1:\(server.port)/remote.git"
    func token(_ secret: String) -> Remote {
      Remote(url: url, credentials: .token(username: "bot", secret: Secret(secret)))
    }
    #expect(try Repository.remoteTip(of: "main", at: token("s3cr3t")) == tip)
    #expect(try sandbox.mirror().fetch("main", from: token("s3cr3t"), into: "main").tip == tip)
    for remote in [token("wrong"), Remote(url: url), Remote(url: url.replacing("://", with: "://bot:wr0ng@"))] {
      let error = gitError { _ = try Repository.remoteTip(of: "main", at: remote) }
      #expect(error?.kind == .authentication, "\(String(describing: error))")
      #expect(error?.description.contains("wr0ng") == false)
    }
    // A redirect to another host must not be followed: the token would go there.
    let moved = gitError {
      _ = try Repository.remoteTip(of: "main", at: Remote(url: url.replacing("/remote", with: "/moved/remote")))
    }
    #expect(moved?.message.contains("redirect") == true, "\(String(describing: moved))")
  }

  @Test func certificatesAreVerified() async throws {
    let sandbox = try Sandbox()
    let tip = try sandbox.commit(["a": "1"])
    let pem = sandbox.folder.path("server.pem")
    let made = try command([
      "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
      "subjectAltName=DNS:localhost", "-keyout", pem, "-out", sandbox.folder.path("cert.pem"),
    ])
    guard made.status == 0 else { return skip("no openssl: \(made.errors)") }
    try command(["sh", "-c", "cat cert.pem >> server.pem"], in: sandbox.folder.path)
    let server = try await Server.http(sandbox.folder.path, certificate: pem)
    let remote = Remote(url: "https://localhost:\(server.port)/remote.git")
    let error = gitError { _ = try Repository.remoteTip(of: "main", at: remote) }
    #expect(error?.kind == .untrusted, "\(String(describing: error))")
    try GitLibrary.trustCertificates(inFile: sandbox.folder.path("cert.pem"))
    #expect(try Repository.remoteTip(of: "main", at: remote) == tip)
    // The right authority, the wrong name.
    let byAddress = Remote(url: "https://127.0.0.1:\(server.port)/remote.git")
    #expect(gitError { _ = try Repository.remoteTip(of: "main", at: byAddress) }?.kind == .untrusted)
  }

  @Test func sshKeysAndHostKeys() async throws {
    let sandbox = try Sandbox()
    let tip = try sandbox.commit(["a": "1"])
    guard let keys = try SSHKeys(sandbox.folder) else { return }
    let server = try await Server.ssh(sandbox.folder.path, hostKey: keys.host, authorized: keys.client + ".pub")
    let url = "ssh://\(NSUserName())@127.0.0.1:\(server.port)\(sandbox.bare)"
    let known = try keys.knownHosts(port: server.port)
    func remote(key: String, known: String?) -> Remote {
      Remote(url: url, credentials: .sshKey(path: key, passphrase: nil), knownHosts: known)
    }
    #expect(try Repository.remoteTip(of: "main", at: remote(key: keys.client, known: known)) == tip)

    let stranger = sandbox.folder.path("stranger")
    try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger])
    let wrongHost = try sandbox.folder.write(
      "wrong_hosts", "[127.0.0.1]:\(server.port) " + String(contentsOfFile: stranger + ".pub", encoding: .utf8))
    let otherHost = try sandbox.folder.write("other_hosts", "example.com ssh-ed25519 AAAA\n")
    let protected = sandbox.folder.path("protected")
    try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "pass phrase", "-f", protected])
    let rows: [(Remote, GitError.Kind)] = [
      (remote(key: stranger, known: known), .authentication),
      (remote(key: sandbox.folder.path("none"), known: known), .authentication),
      (remote(key: protected, known: known), .authentication),
      (Remote(url: url, knownHosts: known), .authentication),
      (remote(key: keys.client, known: wrongHost), .untrusted),
      (remote(key: keys.client, known: otherHost), .untrusted),
      (remote(key: keys.client, known: sandbox.folder.path("none")), .untrusted),
      (remote(key: keys.client, known: nil), .untrusted),
    ]
    for (remote, kind) in rows {
      let error = gitError { _ = try Repository.remoteTip(of: "main", at: remote) }
      #expect(error?.kind == kind, "\(String(describing: error))")
    }
    try command(["sh", "-c", "cat protected.pub >> client.pub"], in: sandbox.folder.path)
    let passphrase = Credentials.sshKey(path: protected, passphrase: Secret("pass phrase"))
    #expect(
      try Repository.remoteTip(of: "main", at: Remote(url: url, credentials: passphrase, knownHosts: known)) == tip)
  }
}

/// A key pair for the server and one for us.
struct SSHKeys {
  let host: String
  let client: String
  private let folder: TemporaryFolder

  /// Nil, with the reason printed, when there is no ssh server on this machine.
  init?(_ folder: TemporaryFolder) throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/sshd"), isRoot else {
      skip("needs root and /usr/sbin/sshd (Debian: openssh-server)")
      return nil
    }
    (host, client, self.folder) = (folder.path("host"), folder.path("client"), folder)
    for key in [host, client] { try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]) }
  }

  func knownHosts(port: Int) throws -> String {
    let key = try String(contentsOfFile: host + ".pub", encoding: .utf8)
    return try folder.write("known_hosts", "# ours\n[127.0.0.1]:\(port) \(key)")
  }
}
