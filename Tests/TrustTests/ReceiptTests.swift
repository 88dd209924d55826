import Model
import TestSupport
import Testing

@testable import Trust

@Suite struct ReceiptTests {
  @Test func aLineAndItsSignatureAreTheEnvelope() throws {
    let signed = try agentKey.sign(Sample.receipt)
    let joined = try Envelope(receiptLine: signed.line, signatureLine: signed.signatureLine)
    #expect(joined == signed.envelope)
    #expect(joined.bytes == signed.bytes)
    #expect(try Envelope.keyID(ofSignatureLine: signed.signatureLine) == agentKey.publicKey.keyID)
    let verified = try verifyReceipt(
      line: signed.line, signatureLine: signed.signatureLine, key: agentKey.publicKey, agent: agentID)
    #expect(verified == signed)
    #expect(verified.value == Sample.receipt)
    #expect(
      String(decoding: signed.signatureLine, as: UTF8.self)
        == #"{"keyid":"\#(agentKey.publicKey.keyID)","sig":"\#(Base64.text(signed.envelope.signature))"}"#)
  }

  @Test func everyFlippedByteOfEitherLineIsRefused() throws {
    let signed = try agentKey.sign(Sample.receipt)
    var random = SeededGenerator(seed: testSeed)
    func refused(_ line: [UInt8], _ signatureLine: [UInt8]) -> Bool {
      refusal {
        try verifyReceipt(line: line, signatureLine: signatureLine, key: agentKey.publicKey, agent: agentID)
      } != nil
    }
    for place in signed.line.indices {
      var line = signed.line
      line[place] ^= UInt8.random(in: 1...255, using: &random)
      #expect(refused(line, signed.signatureLine), "seed \(testSeed), byte \(place)")
    }
    for place in signed.signatureLine.indices {
      for bit in 0..<8 {
        var line = signed.signatureLine
        line[place] ^= 1 << UInt8(bit)
        #expect(refused(signed.line, line), "byte \(place), bit \(bit)")
      }
    }
    #expect(refused(signed.line + [0x0a], signed.signatureLine))
    #expect(refused(signed.line, signed.signatureLine + [0x0a]))
    #expect(refused(signed.line, []))
    #expect(refused([], signed.signatureLine))
  }

  @Test func linesCannotBeExchanged() throws {
    let first = try agentKey.sign(Sample.receipt)
    var receipt = Sample.receipt
    receipt.reason = "exit 4"
    let second = try agentKey.sign(receipt)
    #expect(
      refusal {
        try verifyReceipt(
          line: first.line, signatureLine: second.signatureLine, key: agentKey.publicKey, agent: agentID)
      } == .badSignature)
  }

  /// An agent is hostile to the controller: its key is good for its own runs only.
  @Test func anAgentCannotSpeakForAnother() throws {
    let signed = try agentKey.sign(Sample.receipt)
    #expect(refusal { try verifyReceipt(signed.bytes, key: agentKey.publicKey, agent: otherAgentID) } == .wrongAgent)
    #expect(refusal { try verifyReceipt(signed.bytes, key: otherKey.publicKey, agent: agentID) } == .unknownKey)
  }

  @Test func oversize() {
    let line = [UInt8](repeating: 0x20, count: Receipt.payloadLimit + 1)
    #expect(refusal { try Envelope(receiptLine: line, signatureLine: []) } == .tooLarge)
  }
}
