import Foundation
import Model
import Results
import TestSupport
import Testing
import Trust

@testable import CommandKit

/// `verify FILE` on envelopes of each kind.
@Suite struct VerifyFileTests {
  private let folder: TemporaryFolder
  private let signers: Signers

  init() throws {
    folder = try TemporaryFolder("verify")
    signers = try Signers()
    try folder.write("controller.pub", signers.controller.publicKey.pem)
    try folder.write("agent.pub", signers.agent.publicKey.pem)
  }

  private func envelope(_ kind: String) throws -> [UInt8] {
    let digest = try Digest(hex: String(repeating: "ab", count: 32))
    let job = Job(
      name: try JobName("data/backup"), triggers: [.every(.seconds(60))], run: RunSpec(program: .command(["true"])))
    switch kind {
    case "bundle":
      let place = SourceLocation(repository: "/srv/jobs.git", branch: "main", path: "jobs/backup.yaml")
      return try signers.controller.sign(Bundle(source: place, job: job, files: [])).bytes
    case "assignment":
      return try signers.controller.sign(
        Assignment(
          agent: signers.agentID, position: Position(epoch: 1, sequence: 2), issued: Stage.now,
          expires: Stage.now + .seconds(60), entries: [])
      ).bytes
    case "dispatch":
      return try signers.controller.sign(
        Dispatch(
          agent: signers.agentID, epoch: 1, nonce: "nonce", job: job.name, bundle: digest, request: "api-1",
          nominal: Stage.now, startBy: Stage.now + .seconds(60))
      ).bytes
    default: return try signers.receipt().signed.bytes
    }
  }

  @Test(arguments: ["bundle", "assignment", "dispatch", "receipt"]) func goodAndFlipped(_ kind: String) async throws {
    let stage = Stage(folder: folder.path)
    let key = kind == "receipt" ? "agent.pub" : "controller.pub"
    let bytes = try envelope(kind)
    try folder.write("object", bytes: bytes + [0x0a])
    let good = await stage.run("verify", "object", "--key", key)
    #expect(good.status == .fine, "\(good.output)")
    #expect(good.output.contains("\(kind)\n") && good.output.contains("\nGOOD  object: signed by key "))
    let script = await stage.run("verify", "object", "--key", key, "--openssl").output
    try folder.write("check.sh", "#!/bin/sh" + (script.components(separatedBy: "\n\n#!/bin/sh").last ?? ""))
    #expect(try command(["sh", "check.sh"], in: folder.path).status == 0)
    let other = await stage.run("verify", "object", "--key", kind == "receipt" ? "controller.pub" : "agent.pub")
    #expect(other.status == .bad && other.output.contains("\nBAD   object: "))
    // Every byte would take long; each part of the envelope is hit all the same.
    for index in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
      var flipped = bytes
      flipped[index] ^= 1
      try folder.write("object", bytes: flipped)
      let bad = await stage.run("verify", "object", "--key", key)
      #expect(bad.status == .bad && !bad.output.contains("GOOD"), "byte \(index)")
    }
  }

  @Test func withoutAKeyNothingIsGood() async throws {
    try folder.write("object", bytes: try envelope("bundle"))
    let ran = await Stage(folder: folder.path).run("verify", "object")
    #expect(ran.status == .usage && ran.output.isEmpty, "\(ran)")
    #expect(ran.errors.hasPrefix("error: nothing was checked: this bundle needs the controller's public key\n"))
    #expect(ran.errors.contains("--key FILE") && ran.errors.contains("-C PATH"))
    try folder.write("no-object", "hello\n")
    let nonsense = await Stage(folder: folder.path).run("verify", "no-object")
    #expect(nonsense.status == .bad && nonsense.output.contains("BAD   no-object: "), "\(nonsense)")
    // What is bad without any key is said, though others of the file need one.
    let receipt = try signers.receipt().signed
    try folder.write("r.ndjson", bytes: receipt.line + [0x0a] + Array("hello\n".utf8))
    try folder.write("r.sigs", bytes: receipt.signatureLine + [0x0a] + receipt.signatureLine + [0x0a])
    let both = await Stage(folder: folder.path).run("verify", "r.ndjson")
    #expect(both.status == .bad && both.output.contains("NOKEY r.ndjson:1: not checked: no key was given"), "\(both)")
    #expect(both.output.contains("BAD   r.ndjson:2: "), "\(both)")
    // A branch that has keys, and not this one's.
    let clone = try Clone()
    try signers.publish(
      [try signers.receipt()], to: clone.bare, cache: clone.folder.path("cache.git"))
    let stranger = try Signers(agentID: AgentID(random: (7, 7)), name: "db-9")
    try folder.write("object", bytes: try stranger.receipt().signed.bytes)
    let unknown = await Stage(folder: folder.path).run("verify", "object", "-C", clone.bare)
    #expect(unknown.status == .bad && unknown.output.contains("NOKEY object: not checked: the results branch has no"))
    #expect(!unknown.output.contains("BAD"))
    let missing = await Stage(folder: folder.path).run("verify", "nothing", "--key", "agent.pub")
    #expect(missing.status == .unreachable && missing.errors.contains("No such file"))
    try folder.write("bad.pub", "no key\n")
    let bad = await Stage(folder: folder.path).run("verify", "object", "--key", "bad.pub")
    #expect(bad.status == .bad && bad.errors.hasPrefix("error: "))
  }

  @Test func asJSON() async throws {
    try folder.write("object", bytes: try envelope("bundle"))
    let ran = await Stage(folder: folder.path).run("verify", "object", "--key", "controller.pub", "--format", "json")
    let item = ran.json?.arrayValue?.first
    #expect(item?["valid"]?.boolValue == true && item?["kind"]?.stringValue == "bundle")
    #expect(item?["keyid"]?.stringValue == signers.controller.publicKey.keyID.hex)
  }
}
