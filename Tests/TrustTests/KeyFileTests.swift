import Model
import TestSupport
import Testing

@testable import Trust

/// Key files, with the openssl and ssh-keygen programs as the other side.
@Suite struct KeyFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  struct Failed: Error {
    let words: [String]
    let errors: String
  }

  @discardableResult
  private func run(_ words: String...) throws -> String {
    let result = try command(words)
    guard result.status == 0 else { throw Failed(words: words, errors: result.errors) }
    return result.output
  }

  @Test func opensslReadsOurKeys() throws {
    let file = try folder.write("key.pem", try controllerKey.pem)
    let publicFile = try folder.write("pub.pem", controllerKey.publicKey.pem)
    #expect(try run("openssl", "pkey", "-in", file) == controllerKey.pem)
    #expect(try run("openssl", "pkey", "-in", file, "-pubout") == controllerKey.publicKey.pem)
    #expect(try run("openssl", "pkey", "-pubin", "-in", publicFile) == controllerKey.publicKey.pem)
  }

  @Test func weReadOpensslsKeys() throws {
    for _ in 0..<5 {
      let file = folder.path("key.pem")
      let text = try run("openssl", "genpkey", "-algorithm", "ed25519")
      try folder.write("key.pem", text)
      let key = try SigningKey(pem: text)
      #expect(try key.pem == text)
      let publicText = try run("openssl", "pkey", "-in", file, "-pubout")
      #expect(key.publicKey.pem == publicText)
      #expect(try PublicKey(pem: publicText) == key.publicKey)
      // The key's id is what anybody gets from the file.
      let id = try run("sh", "-c", "openssl pkey -in '\(file)' -pubout -outform DER | sha256sum | cut -c 1-64")
      #expect(id == key.publicKey.keyID.hex + "\n")
    }
  }

  @Test func signaturesCrossOver() throws {
    let file = try folder.write("key.pem", try controllerKey.pem)
    let publicFile = try folder.write("pub.pem", controllerKey.publicKey.pem)
    let message = try folder.write("message", "run the backup")
    let ours = try controllerKey.sign(Array("run the backup".utf8))
    let signature = try folder.write("sig", bytes: ours)
    try run(
      "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", publicFile, "-rawin", "-in", message, "-sigfile", signature)
    // Ed25519 is deterministic, so openssl's signature is the same as ours.
    try run("openssl", "pkeyutl", "-sign", "-inkey", file, "-rawin", "-in", message, "-out", folder.path("theirs"))
    #expect(try run("base64", "-w0", folder.path("theirs")) == Base64.text(ours))
  }

  @Test func textAroundTheBlockDoesNotMatter() throws {
    let text = "Our controller's key, made on Friday\n\n" + (try controllerKey.pem) + "\n\n"
    #expect(try SigningKey(pem: text).publicKey == controllerKey.publicKey)
    let crlf = String(controllerKey.publicKey.pem.map { $0 == "\n" ? "\r\n" : $0 })
    #expect(try PublicKey(pem: crlf) == controllerKey.publicKey)
  }

  struct BadFile: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var command: String
    var says: String
  }

  @Test(arguments: [
    BadFile(
      testDescription: "encrypted PKCS#8", command: "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret",
      says: "encrypted"),
    BadFile(
      testDescription: "encrypted traditional RSA",
      command: "openssl genrsa -aes128 -passout pass:secret -traditional 2048", says: "another algorithm"),
    BadFile(
      testDescription: "RSA", command: "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048", says: "RSA"),
    BadFile(
      testDescription: "P-256", command: "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256", says: "EC"),
    BadFile(testDescription: "X25519", command: "openssl genpkey -algorithm x25519", says: "X25519"),
    BadFile(testDescription: "Ed448", command: "openssl genpkey -algorithm ed448", says: "ED448"),
    BadFile(
      testDescription: "public key", command: "openssl genpkey -algorithm ed25519 | openssl pkey -pubout",
      says: "public key"),
    BadFile(
      testDescription: "OpenSSH's own form",
      command: "d=$(mktemp -d); ssh-keygen -q -t ed25519 -N '' -f $d/k; cat $d/k; rm -r $d", says: "OpenSSH"),
    BadFile(
      testDescription: "two keys", command: "openssl genpkey -algorithm ed25519; openssl genpkey -algorithm ed25519",
      says: "2 PEM blocks"),
    BadFile(testDescription: "empty", command: "true", says: "no PEM"),
    BadFile(testDescription: "noise", command: "head -c 400 /dev/urandom | base64", says: "no PEM"),
    BadFile(
      testDescription: "cut off", command: "openssl genpkey -algorithm ed25519 | head -n 2", says: "no key"),
    BadFile(
      testDescription: "damaged", command: "openssl genpkey -algorithm ed25519 | sed '2s/^MC4C/MC5C/'", says: "no key"),
    BadFile(
      testDescription: "huge",
      command: "openssl genpkey -algorithm ed25519; head -c 17000 /dev/zero | tr '\\0' x", says: "16 KiB"),
  ])
  func refusedAsPrivateKey(_ row: BadFile) throws {
    let text = try run("sh", "-c", row.command)
    let error = #expect(throws: TrustError.self) { try SigningKey(pem: text) }
    #expect(error?.code == .unusableKey)
    #expect(error?.message.contains(row.says) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    BadFile(testDescription: "private key", command: "openssl genpkey -algorithm ed25519", says: "private key"),
    BadFile(
      testDescription: "RSA",
      command: "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkey -pubout",
      says: "RSA"),
    BadFile(
      testDescription: "Ed448", command: "openssl genpkey -algorithm ed448 | openssl pkey -pubout", says: "ED448"),
    BadFile(
      testDescription: "certificate",
      command: "openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -subj /CN=x 2>/dev/null", says: "CERTIFICATE"
    ),
  ])
  func refusedAsPublicKey(_ row: BadFile) throws {
    let text = try run("sh", "-c", row.command)
    let error = #expect(throws: TrustError.self) { try PublicKey(pem: text) }
    #expect(error?.code == .unusableKey)
    #expect(error?.message.contains(row.says) == true, "\(String(describing: error))")
  }

  @Test func everyTruncationOfAKeyFileIsRefused() throws {
    let text = try controllerKey.pem
    let publicText = controllerKey.publicKey.pem
    // Without the last line break it is still whole.
    for count in 0..<text.count - 1 {
      #expect(refusal { try SigningKey(pem: String(text.prefix(count))) } == .unusableKey)
    }
    for count in 0..<publicText.count - 1 {
      #expect(refusal { try PublicKey(pem: String(publicText.prefix(count))) } == .unusableKey)
    }
  }
}
