import Model
import TestSupport
import Testing

@testable import Trust

/// What the payloads look like, and that each has one form only, even for who holds the key.
@Suite struct ContentTests {
  @Test func bundleIsAStatementAboutItsFiles() throws {
    let json = Sample.bundle.payloadJSON
    #expect(json["_type"] == "https://in-toto.io/Statement/v1")
    #expect(json["predicateType"] == "urn:belfry:bundle:v1")
    #expect(
      json["subject"]?.text == #"[{"name":"jobs/backup.sh","digest":{"sha256":"\#(Sample.digest)"}},"#
        + #"{"name":"lib/é.sh","digest":{"sha256":"\#(SHA256.hash([]))"}}]"#)
  }

  @Test func bundleWithoutFilesHasTheJobAsSubject() throws {
    var bundle = Sample.bundle
    bundle.files = []
    bundle.job.run.program = .command(["/bin/true"])
    let signed = try controllerKey.sign(bundle)
    #expect(signed.value == bundle)
    #expect(
      bundle.payloadJSON["subject"]?.text
        == #"[{"name":"orders/backup","digest":{"sha256":"\#(SHA256.hash(bundle.job.json.bytes))"}}]"#)
    #expect(try verifyBundle(signed.bytes, key: controllerKey.publicKey, named: bundle.digest) == signed)
  }

  /// The line as it stands on the results branch: people and their tools read it, so it changes knowingly only.
  @Test func receiptLine() throws {
    let line = String(decoding: try agentKey.sign(Sample.receipt).line, as: UTF8.self)
    let receipt = Sample.receipt
    #expect(
      line.hasPrefix(
        #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"orders/backup","digest":{"sha256":""#
          + Sample.bundle.digest.hex + #""}}],"predicateType":"urn:belfry:receipt:v1","predicate":{"run":""#
          + receipt.run.text + #"","job":"orders/backup","#))
    #expect(!line.contains("\n"))
  }

  @Test func sameContentIsTheSameBundle() throws {
    let again = Bundle(source: Sample.bundle.source, job: Sample.bundle.job, files: Sample.bundle.files.reversed())
    #expect(again.digest == Sample.bundle.digest)
    #expect(try otherKey.sign(again).digest == Sample.bundle.digest)
    var changed = Sample.bundle
    changed.files[0].executable = false
    #expect(changed.digest != Sample.bundle.digest)
  }

  @Test func signingGivesBackWhatEverybodyWillRead() throws {
    var assignment = Sample.assignment
    assignment.entries[0].lease = .microseconds(60_000_999)
    #expect(try controllerKey.sign(assignment).value.entries[0].lease == .milliseconds(60_000))
  }

  @Test func whatNobodyCouldReadIsNotSigned() {
    var receipt = Sample.receipt
    receipt.ended = Timestamp(seconds: 1 << 40)
    #expect(refusal { try agentKey.sign(receipt) } == .malformed)
    receipt = Sample.receipt
    receipt.run = Sample.receipt.occurrence.run(on: otherAgentID)
    #expect(refusal { try agentKey.sign(receipt) } == .malformed)
    receipt = Sample.receipt
    receipt.reason = String(repeating: "x", count: Receipt.payloadLimit)
    #expect(refusal { try agentKey.sign(receipt) } == .tooLarge)
    var bundle = Sample.bundle
    bundle.files[0].path = "../etc/passwd"
    #expect(refusal { try controllerKey.sign(bundle) } == .malformed)
  }

  struct Rewriting: Sendable, CustomTestStringConvertible {
    var kind: Int
    var from: String
    var to: String
    /// What the message has to name, where more than one check would refuse.
    var says = ""
    var testDescription: String { "\(Kind.all[kind]): \(from) → \(to)" }
  }

  /// All of these are signed with the right key.
  @Test(arguments: [
    Rewriting(kind: 0, from: "{\"_type\"", to: "{ \"_type\""),
    Rewriting(kind: 0, from: "{\"_type\"", to: "{\"\\u005ftype\""),
    Rewriting(kind: 0, from: "{\"_type\"", to: "{\"extra\":1,\"_type\""),
    Rewriting(kind: 0, from: "{\"_type\"", to: "{\"_type\":\"https://in-toto.io/Statement/v1\",\"_type\""),
    Rewriting(kind: 0, from: "in-toto.io/Statement/v1", to: "in-toto.io/Statement/v2", says: "_type"),
    Rewriting(kind: 0, from: "urn:belfry:bundle:v1", to: "urn:belfry:receipt:v1", says: "predicateType"),
    Rewriting(kind: 0, from: "urn:belfry:bundle:v1", to: "urn:belfry:bundle:v2", says: "predicateType"),
    Rewriting(kind: 0, from: "\"name\":\"jobs/backup.sh\"", to: "\"name\":\"jobs/other.sh\""),
    Rewriting(kind: 0, from: "{\"sha256\":", to: "{\"sha1\":\"\",\"sha256\":"),
    Rewriting(kind: 0, from: "\"name\":\"lib/é.sh\"", to: "\"name\":\"lib/e\u{301}.sh\"", says: "its subjects"),
    Rewriting(kind: 0, from: "\"overlap\":\"skip\"", to: "\"overlap\":\"never\""),
    Rewriting(kind: 0, from: "\"size\":10", to: "\"size\":1e1"),
    Rewriting(kind: 0, from: "\"size\":10", to: "\"size\":-10"),
    Rewriting(kind: 0, from: "\"executable\":true", to: "\"executable\":null"),
    Rewriting(kind: 1, from: "\"sequence\":7", to: "\"sequence\":7,\"force\":true"),
    Rewriting(kind: 1, from: "\"sequence\":7", to: "\"sequence\":7,\"sequence\":8"),
    Rewriting(kind: 1, from: "\"sequence\":7", to: "\"sequence\":7.0"),
    Rewriting(kind: 1, from: "\"sequence\":7", to: "\"sequence\":\"7\""),
    Rewriting(kind: 1, from: "\"sequence\":7", to: "\"sequence\":99999999999999999999"),
    Rewriting(kind: 1, from: "\"issued\":\"2026-11-20T02:30:00Z\"", to: "\"issued\":\"2026-11-20T03:30:00+01:00\""),
    Rewriting(kind: 1, from: "\"issued\":\"2026-11-20T02:30:00Z\"", to: "\"issued\":\"2026-11-20T02:30:00.000Z\""),
    Rewriting(kind: 1, from: ",\"jobs\":[", to: ",\"jobs\":[null,"),
    Rewriting(kind: 2, from: "\"request\":\"req-1\"", to: "\"request\":\"Req 1\""),
    Rewriting(kind: 2, from: "\"params\":{", to: "\"params\":{\"depth\":1,"),
    Rewriting(kind: 2, from: "\"params\":{\"depth\":9}", to: "\"params\":null"),
    Rewriting(kind: 2, from: "}}", to: "}} "),
    Rewriting(kind: 2, from: "}}", to: "}}\n"),
    Rewriting(kind: 3, from: "\"reason\":\"exit 3\"", to: "\"reason\":\"exit 3\",\"request\":null"),
    Rewriting(kind: 3, from: "\"cause\":\"schedule\"", to: "\"cause\":\"person\""),
    Rewriting(kind: 3, from: "\"attempts\":", to: "\"count\":1,\"attempts\":"),
    Rewriting(kind: 3, from: "\"outcome\":\"Failed\"", to: "\"outcome\":\"Running\""),
    Rewriting(kind: 3, from: "\"name\":\"orders/backup\"", to: "\"name\":\"orders/restore\"", says: "its subject"),
    Rewriting(kind: 3, from: "\"nominal\":\"2026-11-20T02:30:00Z\"", to: "\"nominal\":\"2026-11-20T02:31:00Z\""),
  ])
  func otherFormsOfAPayloadAreRefused(_ row: Rewriting) throws {
    let kind = Kind.all[row.kind]
    let text = String(decoding: try Envelope.parse(kind.valid, limit: kind.limit).payload, as: UTF8.self)
    let parts = text.split(separator: row.from, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(parts.count == 2, "\(text)")
    let payload = Array((parts[0] + row.to + parts[1]).utf8)
    let envelope = try Envelope.sign(payload, type: kind.type, key: kind.signer)
    let error = #expect(throws: TrustError.self) { try kind.verify(envelope.bytes) }
    #expect(error?.code == .malformed)
    #expect(row.says.isEmpty || error?.message.contains(row.says) == true, "\(String(describing: error))")
  }

  /// Nesting, invalid UTF-8, nothing at all: signed, and refused without harm.
  @Test(arguments: [
    Array(String(repeating: "[", count: 100_000).utf8), [0x22, 0xff, 0x22], [], Array("null".utf8), Array("{}".utf8),
    Array("[]".utf8),
  ])
  func nonsenseBytesAreRefused(_ payload: [UInt8]) throws {
    for kind in Kind.all {
      let envelope = try Envelope.sign(payload, type: kind.type, key: kind.signer)
      #expect(refusal { try kind.verify(envelope.bytes) } == .malformed)
    }
  }

  @Test func errorTextsCannotSteerATerminal() throws {
    let payload = Array("{\"\u{9b}2J\u{202e}\":1}".utf8)
    let envelope = try Envelope.sign(payload, type: Dispatch.payloadType, key: controllerKey)
    let error = #expect(throws: TrustError.self) { try Kind.all[2].verify(envelope.bytes) }
    let text = error?.message ?? ""
    #expect(!text.unicodeScalars.contains { $0.value == 0x9b || $0.value == 0x202e || $0.value < 0x20 })
  }
}
