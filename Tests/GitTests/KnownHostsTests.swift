import TestSupport
import Testing

@testable import Git

@Suite struct KnownHostsTests {
  /// The length and the name of the key's type, then the key.
  static let key: [UInt8] = [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 2, 1, 2]
  static let other: [UInt8] = [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 2, 9, 9]
  static var text: String { Base64.encode(key) }
  static var otherText: String { Base64.encode(other) }

  struct Row: CustomTestStringConvertible {
    var lines: String
    var host = "host.example"
    var port = 22
    var isKnown: Bool
    var testDescription: String { "\(lines) \(host) \(port)" }
  }

  @Test(arguments: [
    Row(lines: "host.example ssh-ed25519 \(text)", isKnown: true),
    Row(lines: "# a comment\n\nhost.example\tssh-ed25519  \(text)== root@x", isKnown: true),
    Row(lines: "a.example,HOST.example ssh-ed25519 \(text)", isKnown: true),
    Row(lines: "*.example ssh-ed25519 \(text)", isKnown: true),
    Row(lines: "h?st.* ssh-ed25519 \(text)", isKnown: true),
    Row(lines: "*.example,!host.example ssh-ed25519 \(text)", isKnown: false),
    Row(lines: "host.example ssh-ed25519 \(otherText)\nhost.example ssh-ed25519 \(text)", isKnown: true),
    Row(lines: "host.example ssh-ed25519 \(otherText)", isKnown: false),
    Row(lines: "host.example ssh-rsa \(otherText)", isKnown: false),
    Row(lines: "other.example ssh-ed25519 \(text)", isKnown: false),
    Row(lines: "host.example ssh-ed25519 \(text)\n@revoked * ssh-ed25519 \(text)", isKnown: false),
    Row(lines: "@cert-authority * ssh-ed25519 \(text)", isKnown: false),
    Row(lines: "host.example ssh-ed25519 \(text)", port: 2222, isKnown: false),
    Row(lines: "[host.example]:2222 ssh-ed25519 \(text)", port: 2222, isKnown: true),
    Row(lines: "[host.example]:2222 ssh-ed25519 \(text)", isKnown: false),
    Row(lines: "", isKnown: false), Row(lines: "host.example", isKnown: false), Row(lines: "@revoked", isKnown: false),
  ]) func judgement(_ row: Row) {
    let error = gitError {
      try KnownHosts(row.lines, path: "hosts").check(host: row.host, port: row.port, key: Self.key)
    }
    #expect(error?.kind == (row.isKnown ? nil : .untrusted))
  }

  @Test func namesHashedBySSHKeygen() throws {
    let folder = try TemporaryFolder()
    try command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.path("key")])
    let words = try command(["cat", folder.path("key.pub")]).output.split(separator: " ")
    let file = try folder.write("hosts", "host.example \(words[0]) \(words[1])\n")
    try command(["ssh-keygen", "-q", "-H", "-f", file])
    let hashed = try command(["cat", file]).output
    #expect(hashed.hasPrefix("|1|"))
    let key = try #require(Base64.decode(words[1]))
    let hosts = try KnownHosts(file: file)
    #expect(gitError { try hosts.check(host: "host.example", port: 22, key: key) } == nil)
    #expect(gitError { try hosts.check(host: "other.example", port: 22, key: key) }?.kind == .untrusted)
  }
}
