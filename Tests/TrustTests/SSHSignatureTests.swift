import TestSupport
import Testing

import Trust

/// Our signatures, judged by ssh-keygen and git.
@Suite struct SSHSignatureTests {
  let folder: TemporaryFolder
  let allowed: String

  init() throws {
    folder = try TemporaryFolder()
    allowed = try folder.write("allowed", controllerKey.publicKey.allowedSignersLine(principal: "belfry") + "\n")
  }

  private func verify(_ message: String, _ signature: String, namespace: String = "git") throws -> CommandResult {
    let file = try folder.write("sig", signature)
    return try command(
      ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "belfry", "-n", namespace, "-s", file], input: message)
  }

  @Test func sshKeygenVerifies() throws {
    for message in ["", "x", "a message\nof lines\n", String(repeating: "long ", count: 10_000)] {
      let signature = try SSHSignature.sign(Array(message.utf8), key: controllerKey)
      let result = try verify(message, signature)
      #expect(result.status == 0, "\(result)")
      #expect(result.output.contains("Good \"git\" signature for belfry"))
      #expect(try verify(message, signature + "\n").status == 0)
      #expect(try verify(message + ".", signature).status != 0)
      #expect(try verify(message, signature, namespace: "file").status != 0)
      let foreign = try SSHSignature.sign(Array(message.utf8), key: otherKey)
      #expect(try verify(message, foreign).status != 0)
      let elsewhere = try SSHSignature.sign(Array(message.utf8), key: controllerKey, namespace: "file")
      #expect(try verify(message, elsewhere).status != 0)
    }
  }

  @Test func theFormIsThatOfSSHKeygen() throws {
    let lines = try SSHSignature.sign([1, 2, 3], key: controllerKey).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.first == "-----BEGIN SSH SIGNATURE-----")
    #expect(lines.last == "-----END SSH SIGNATURE-----")
    #expect(lines.dropFirst().dropLast(2).allSatisfy { $0.count == 70 })
  }

  @Test func sshKeygenReadsThePublicKey() throws {
    let file = try folder.write("key.pub", controllerKey.publicKey.opensshText + "\n")
    let result = try command(["ssh-keygen", "-l", "-f", file])
    #expect(result.status == 0)
    #expect(result.output.contains("(ED25519)"))
  }

  @Test func aPrincipalCannotWriteASecondField() {
    let line = controllerKey.publicKey.allowedSignersLine(principal: "a b\n*,\"c#é")
    #expect(line.hasPrefix("abc namespaces=\"git\" ssh-ed25519 "))
  }

  @Test func gitVerifiesCommits() throws {
    let repository = folder.path("repository")
    try git("init", "-q", repository, in: folder.path)
    let tree = try git("write-tree", in: repository)
    let head = "tree \(tree)\nauthor B <b@example.com> 1790000000 +0000\ncommitter B <b@example.com> 1790000000 +0000\n"
    let message = "\nresults: 3 succeeded, 1 failed (orders/backup)\n\nBelfry-Epoch: 3\n"
    let signature = try SSHSignature.sign(Array((head + message).utf8), key: controllerKey)
    let header = "gpgsig " + signature.split(separator: "\n").joined(separator: "\n ") + "\n"

    func store(_ commit: String) throws -> String {
      let result = try command(["git", "hash-object", "-t", "commit", "-w", "--stdin"], in: repository, input: commit)
      return String(result.output.dropLast())
    }
    func check(_ words: String..., commit: String) throws -> CommandResult {
      try command(
        ["git", "-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile=\(allowed)"] + words + [commit],
        in: repository)
    }
    let commit = try store(head + header + message)
    let verified = try check("verify-commit", commit: commit)
    #expect(verified.status == 0, "\(verified)")
    #expect(verified.errors.contains("Good \"git\" signature for belfry with ED25519 key"))
    let log = try check("log", "-1", "--format=%G? %GS", commit: commit)
    #expect(log.output == "G belfry\n")
    #expect(try check("log", "-1", "--show-signature", commit: commit).output.contains("Good \"git\" signature"))

    let forged = try store(head + header + message.replacing("1 failed", with: "0 failed"))
    #expect(try check("verify-commit", commit: forged).status != 0)
    #expect(try check("log", "-1", "--format=%G?", commit: forged).output == "B\n")
  }
}
