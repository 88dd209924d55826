import Foundation
import TestSupport
import Testing
import Trust

@testable import CommandKit

@Suite struct KeysTests {
  @Test func opensslReadsThemAndNothingIsOverwritten() async throws {
    let folder = try TemporaryFolder("keys")
    let stage = Stage(folder: folder.path)
    let ran = await stage.run("keys", "generate", "controller")
    #expect(ran.status == .fine)
    let pem = try String(contentsOfFile: folder.path("controller.pub"), encoding: .utf8)
    let key = try PublicKey(pem: pem)
    #expect(ran.output.contains("Key id           \(key.keyID)\n"))
    #expect(ran.output.contains("Allowed signers  belfry-controller namespaces=\"git\" ssh-ed25519 "))
    let mode =
      try FileManager.default.attributesOfItem(atPath: folder.path("controller.key"))[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let derived = try command(["openssl", "pkey", "-in", folder.path("controller.key"), "-pubout"])
    #expect(derived.output == pem)
    let again = await stage.run("keys", "generate", "controller")
    #expect(again.status == .bad && again.errors.contains("never overwritten"))
    #expect(try String(contentsOfFile: folder.path("controller.pub"), encoding: .utf8) == pem)
    // One of the two is enough to refuse.
    try FileManager.default.removeItem(atPath: folder.path("controller.key"))
    #expect(await stage.run("keys", "generate", "controller").status == .bad)
    #expect(!FileManager.default.fileExists(atPath: folder.path("controller.key")))
  }

  @Test func anEndingThatIsWrittenTooIsTheSame() async throws {
    let folder = try TemporaryFolder("keys")
    let ran = await Stage(folder: folder.path).run("keys", "generate", "other.key")
    #expect(ran.status == .fine && ran.output.contains("Public key       other.pub\n"), "\(ran.output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["other.key", "other.pub"])
  }

  @Test func aFolderThatIsMissing() async throws {
    let ran = await Stage(folder: "/").run("keys", "generate", "/nonexistent/controller")
    #expect(ran.status == .unreachable)
    #expect(ran.errors == "error: cannot make /nonexistent/controller.key: No such file or directory\n")
  }
}
