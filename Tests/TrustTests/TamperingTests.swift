import Model
import TestSupport
import Testing

@testable import Trust

/// Whoever sits between signer and reader can change bytes at will, and must get nowhere.
@Suite struct TamperingTests {
  @Test(arguments: Kind.all) func untouchedItIsAccepted(_ kind: Kind) throws {
    #expect(try kind.verify(kind.valid) == kind.valid)
  }

  @Test(arguments: Kind.all) func everyFlippedByteIsRefused(_ kind: Kind) {
    var random = SeededGenerator(seed: testSeed)
    for place in kind.valid.indices {
      var bytes = kind.valid
      bytes[place] ^= UInt8.random(in: 1...255, using: &random)
      #expect(refusal { try kind.verify(bytes) } != nil, "seed \(testSeed), byte \(place) became \(bytes[place])")
    }
  }

  @Test(arguments: Kind.all) func everyFlippedBitOfTheEndsIsRefused(_ kind: Kind) {
    // The beginning, the last bytes of the payload (where base64 has spare bits), key id and signature.
    for place in kind.valid.indices where place < 100 || place > kind.valid.count - 210 {
      for bit in 0..<8 {
        var bytes = kind.valid
        bytes[place] ^= 1 << UInt8(bit)
        #expect(refusal { try kind.verify(bytes) } != nil, "byte \(place), bit \(bit)")
      }
    }
  }

  @Test(arguments: Kind.all) func everyTruncationAndExtensionIsRefused(_ kind: Kind) {
    for count in kind.valid.indices {
      #expect(refusal { try kind.verify(Array(kind.valid.prefix(count))) } == .malformed)
    }
    for extra in [0x00, 0x0a, 0x20, 0x7d] as [UInt8] {
      #expect(refusal { try kind.verify(kind.valid + [extra]) } == .malformed)
      #expect(refusal { try kind.verify([extra] + kind.valid) } == .malformed)
    }
  }

  @Test(arguments: Kind.all) func insertedDeletedAndSwappedBytesAreRefused(_ kind: Kind) {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<500 {
      var bytes = kind.valid
      let place = Int.random(in: 1..<bytes.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
      case 1: bytes.remove(at: place)
      default: bytes.swapAt(place - 1, place)
      }
      guard bytes != kind.valid else { continue }
      #expect(refusal { try kind.verify(bytes) } != nil, "seed \(testSeed), at \(place)")
    }
  }

  @Test(arguments: Kind.all) func anotherKeyIsRefused(_ kind: Kind) throws {
    #expect(refusal { try kind.verify(kind.valid, otherKey.publicKey) } == .unknownKey)
    // With the trusted key's id on it: the id proves nothing.
    let payload = try Envelope.parse(kind.valid, limit: kind.limit).payload
    let forged = try Envelope.sign(payload, type: kind.type, key: otherKey)
    let renamed = Envelope(
      payloadType: kind.type, payload: payload, keyID: kind.signer.publicKey.keyID, signature: forged.signature)
    #expect(refusal { try kind.verify(renamed.bytes) } == .badSignature)
  }

  @Test(arguments: Kind.all) func oversizeIsRefusedUnread(_ kind: Kind) throws {
    let noise = [UInt8](repeating: 0x41, count: Envelope.largestSize(payload: kind.limit) + 1)
    #expect(refusal { try kind.verify(noise) } == .tooLarge)
    // Well formed and well signed, one byte over.
    let large = try Envelope.sign([UInt8](repeating: 0x20, count: kind.limit + 1), type: kind.type, key: kind.signer)
    #expect(refusal { try kind.verify(large.bytes) } == .tooLarge)
  }

  /// One type's genuine envelope where another is wanted; even with one key for everything.
  @Test(arguments: Kind.all, Kind.all) func noKindPassesForAnother(offered: Kind, wanted: Kind) throws {
    guard offered.type != wanted.type else { return }
    #expect(refusal { try wanted.verify(offered.valid, offered.signer.publicKey) } == .wrongType)
    // The same payload under the wanted type, signature untouched: the type is part of what was signed.
    let envelope = try Envelope.parse(offered.valid, limit: offered.limit)
    let relabelled = Envelope(
      payloadType: wanted.type, payload: envelope.payload, keyID: envelope.keyID, signature: envelope.signature)
    #expect(refusal { try wanted.verify(relabelled.bytes, offered.signer.publicKey) } == .badSignature)
    // Signed anew by the trusted key under the wanted type: the content must be of that kind too.
    let resigned = try Envelope.sign(envelope.payload, type: wanted.type, key: wanted.signer)
    #expect(refusal { try wanted.verify(resigned.bytes) } == .malformed)
  }

  @Test func typesAreAllDifferent() {
    #expect(Set(Kind.all.map(\.type)).count == Kind.all.count)
    #expect(Kind.all.count == Inspection.Kind.allCases.count)
  }
}
