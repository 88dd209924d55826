import Model
import TestSupport
import Testing

@testable import Trust

@Suite struct InspectionTests {
  @Test(arguments: Kind.all) func everyKindIsToldAndChecked(_ kind: Kind) throws {
    let inspection = try Inspection(file: kind.valid)
    #expect(inspection.kind.rawValue == kind.description)
    #expect(inspection.text.contains("orders/backup"))
    #expect(inspection.text.contains(inspection.digest.hex))
    #expect(inspection.agent == (kind.description == "bundle" ? nil : agentID))
    try inspection.check(key: kind.signer.publicKey)
    #expect(refusal { try inspection.check(key: otherKey.publicKey) } == .unknownKey)
    #expect(try Inspection(file: kind.valid + [0x0a]).envelope == inspection.envelope)
    #expect(refusal { try Inspection(file: kind.valid + [0x0a, 0x0a]) } == .malformed)
  }

  @Test(arguments: Kind.all) func everyFlippedByteIsFound(_ kind: Kind) {
    var random = SeededGenerator(seed: testSeed)
    for place in kind.valid.indices {
      var bytes = kind.valid
      bytes[place] ^= UInt8.random(in: 1...255, using: &random)
      let code = refusal { try Inspection(file: bytes).check(key: kind.signer.publicKey) }
      #expect(code != nil, "seed \(testSeed), byte \(place) became \(bytes[place])")
    }
  }

  @Test func foreignTypesAreRefused() throws {
    let envelope = try Envelope.sign(Array("{}".utf8), type: "application/vnd.in-toto+json", key: controllerKey)
    #expect(refusal { try Inspection(file: envelope.bytes) } == .wrongType)
    #expect(refusal { try Inspection(file: []) } == .malformed)
    #expect(refusal { try Inspection(file: [UInt8](repeating: 0, count: 20 << 20)) } == .tooLarge)
  }

  @Test func whatIsPrintedCannotSteerATerminal() throws {
    var bundle = Sample.bundle
    bundle.source.branch = "main\u{1b}[2J\u{202e}\u{9b}x\nkind: fine"
    let text = try Inspection(file: controllerKey.sign(bundle).bytes).text
    #expect(text.contains(#"main\u{1b}[2J\u{202e}\u{9b}x\u{a}kind: fine"#))
  }

  @Test func longTextsAreCut() {
    #expect(printable(String(repeating: "x", count: 300)) == String(repeating: "x", count: 200) + "…")
    #expect(printable("plain é 漢") == "plain é 漢")
  }
}

/// The scripts run with the real openssl; a script that accepts everything, or nothing, fails here.
@Suite struct OpenSSLScriptTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("it's a folder") }

  private func run(_ script: String) throws -> CommandResult {
    try command(["sh", try folder.write("check.sh", script)], in: folder.path)
  }

  @Test(arguments: Kind.all) func envelope(_ kind: Kind) throws {
    let key = try folder.write("a key.pem", kind.signer.publicKey.pem)
    let file = try folder.write("-file.json", bytes: kind.valid)
    let script = try Inspection(file: kind.valid).opensslScript(file: file, key: key)
    let result = try run(script)
    #expect(result.status == 0, "\(result)\n\(script)")
    #expect(result.output == "Signature Verified Successfully\n")

    // A name that looks like an option, and a line break at the file's end.
    try folder.write("-file.json", bytes: kind.valid + [0x0a])
    #expect(try run(try Inspection(file: kind.valid).opensslScript(file: "-file.json", key: "a key.pem")).status == 0)

    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<25 {
      let place = Int.random(in: 0..<kind.valid.count - 1, using: &random)
      // The character before the padding has bits that the base64 program ignores.
      guard kind.valid[place + 1] != UInt8(ascii: "=") else { continue }
      var bytes = kind.valid
      bytes[place] ^= 1
      try folder.write("-file.json", bytes: bytes)
      #expect(try run(script).status != 0, "seed \(testSeed), byte \(place)")
    }
  }

  @Test func anotherKeyFails() throws {
    let kind = Kind.all[0]
    let file = try folder.write("file.json", bytes: kind.valid)
    let key = try folder.write("key.pem", otherKey.publicKey.pem)
    let result = try run(try Inspection(file: kind.valid).opensslScript(file: file, key: key))
    #expect(result.status != 0)
    #expect(result.errors.contains("the signature names"))
  }

  @Test func receiptLines() throws {
    var receipts: [Signed<Receipt>] = []
    for reason in ["exit 1", "it's \\n 100% \"bad\" é", "exit 3"] {
      var receipt = Sample.receipt
      receipt.reason = reason
      receipts.append(try agentKey.sign(receipt))
    }
    let key = try folder.write("key.pem", agentKey.publicKey.pem)
    let lines = try folder.write("3000Z.ndjson", bytes: receipts.flatMap { $0.line + [0x0a] })
    let signatures = try folder.write("3000Z.sigs", bytes: receipts.flatMap { $0.signatureLine + [0x0a] })
    for (index, receipt) in receipts.enumerated() {
      let inspection = try Inspection(receiptLine: receipt.line, signatureLine: receipt.signatureLine)
      try inspection.check(key: agentKey.publicKey)
      let script = inspection.opensslScript(receipts: lines, signatures: signatures, line: index + 1, key: key)
      let result = try run(script)
      #expect(result.status == 0, "\(result)\n\(script)")
    }
    let inspection = try Inspection(receiptLine: receipts[1].line, signatureLine: receipts[1].signatureLine)
    let script = inspection.opensslScript(receipts: lines, signatures: signatures, line: 2, key: key)
    var changed = receipts[1].line
    changed[changed.count / 2] ^= 1
    for line in [changed, receipts[0].line, Array(receipts[1].line.dropLast()), []] {
      try folder.write("3000Z.ndjson", bytes: receipts[0].line + [0x0a] + line + [0x0a])
      #expect(try run(script).status != 0)
    }
  }
}
