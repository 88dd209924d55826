import Model
import TestSupport
import Testing

@testable import Trust

/// RFC 8032 section 7.1.
struct SignatureVector: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var secret: String
  var message: String
  var signature: String
  var publicKey: String

  static let all = [
    SignatureVector(
      testDescription: "TEST 1",
      secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    SignatureVector(
      testDescription: "TEST 2",
      secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
      publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
    SignatureVector(
      testDescription: "TEST 3",
      secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    SignatureVector(
      testDescription: "TEST SHA(abc)",
      secret: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
      publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"),
  ]
}

@Suite struct Ed25519Tests {
  @Test(arguments: SignatureVector.all) func vector(_ row: SignatureVector) throws {
    let key = try SigningKey(seed: hex(row.secret))
    #expect(hexText(key.publicKey.bytes) == row.publicKey)
    #expect(hexText(try key.sign(hex(row.message))) == row.signature)
    #expect(key.publicKey.verify(signature: hex(row.signature), of: hex(row.message)))
  }

  @Test func anyBitOfSignatureOrMessageMatters() throws {
    let message = Array("run it".utf8)
    let signature = try controllerKey.sign(message)
    for bit in 0..<512 {
      var changed = signature
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!controllerKey.publicKey.verify(signature: changed, of: message), "bit \(bit)")
    }
    for bit in 0..<message.count * 8 {
      var changed = message
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!controllerKey.publicKey.verify(signature: signature, of: changed), "bit \(bit)")
    }
    #expect(!otherKey.publicKey.verify(signature: signature, of: message))
    for count in [0, 63, 65, 128] {
      let wrong = Array((signature + signature).prefix(count))
      #expect(!controllerKey.publicKey.verify(signature: wrong, of: message))
    }
  }

  /// A verifier that does not check S < L accepts a second signature for each message (RFC 8032 section 8.4).
  @Test func signaturesAreNotMalleable() throws {
    let message = Array("run it".utf8)
    var signature = try controllerKey.sign(message)
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var carry = 0
    for index in 0..<32 {
      let sum = Int(signature[32 + index]) + Int(order[index]) + carry
      signature[32 + index] = UInt8(sum & 0xff)
      carry = sum >> 8
    }
    #expect(carry == 0)
    #expect(!controllerKey.publicKey.verify(signature: signature, of: message))
  }

  @Test func generatedKeysDifferAndWork() throws {
    let (a, b) = (try SigningKey.generate(), try SigningKey.generate())
    #expect(a.publicKey != b.publicKey)
    #expect(a.publicKey.keyID != b.publicKey.keyID)
    #expect(a.publicKey.verify(signature: try a.sign([1, 2]), of: [1, 2]))
  }

  @Test func keysWorkOnManyThreadsAtOnce() async throws {
    let good = try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in 0..<8 {
        group.addTask {
          var good = 0
          for round in 0..<50 {
            let message = [UInt8(worker), UInt8(round)]
            if controllerKey.publicKey.verify(signature: try controllerKey.sign(message), of: message) { good += 1 }
            // A failure on one thread must not disturb the others.
            if otherKey.publicKey.verify(signature: [UInt8](repeating: 1, count: 64), of: message) { good += 1_000 }
          }
          return good
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(good == 400)
  }

  @Test func theSecretIsNotPrinted() throws {
    let key = try SigningKey(seed: hex(SignatureVector.all[0].secret))
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped, "\([key])"] {
      #expect(!text.contains("9d61b1") && !text.contains("157, 97"))
      #expect(text.contains(key.publicKey.keyID.short))
    }
  }
}
