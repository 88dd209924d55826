import Glibc
import Model
import TestSupport
import Testing

import Trust

/// FIPS 180-4's examples and NIST's SHAVS short messages.
struct HashVector: Sendable, CustomTestStringConvertible {
  var message: [UInt8]
  var digest: String
  var testDescription: String { "\(message.count) bytes" }

  static let all = [
    HashVector(message: [], digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    HashVector(message: hex("bd"), digest: "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
    HashVector(message: hex("c98c8e55"), digest: "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504"),
    HashVector(
      message: Array("abc".utf8), digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    HashVector(
      message: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
      digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    HashVector(
      message: Array(
        ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8),
      digest: "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
    HashVector(
      message: [UInt8](repeating: 0x61, count: 1_000_000),
      digest: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ]
}

@Suite struct SHA256Tests {
  @Test(arguments: HashVector.all) func vector(_ row: HashVector) {
    #expect(SHA256.hash(row.message).hex == row.digest)
    #expect(SHA256.hash(row.message[...]).hex == row.digest)
  }

  @Test func anyCollectionOfBytesWillDo() {
    let text = "belfry"
    #expect(SHA256.hash(text.utf8) == SHA256.hash(Array(text.utf8)))
    // A reversed collection has no contiguous storage.
    #expect(SHA256.hash(Array(text.utf8.reversed()).reversed() as ReversedCollection) == SHA256.hash(text.utf8))
  }

  @Test func piecesMakeNoDifference() {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<200 {
      let message = (0..<Int.random(in: 0...500, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      var stream = SHA256.Stream()
      var rest = message[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 0...130, using: &random))
        stream.update(piece)
        rest = rest.dropFirst(piece.count)
      }
      let digest = stream.finish()
      #expect(digest == SHA256.hash(message), "seed \(testSeed)")
    }
  }

  @Test func agreesWithTheCommandLine() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("file", String(repeating: "Belfry\n", count: 3_000))
    let output = try command(["openssl", "dgst", "-sha256", "-r", file]).output
    #expect(output.hasPrefix(SHA256.hash(String(repeating: "Belfry\n", count: 3_000).utf8).hex))
  }

  @Test(arguments: [0, 1, 262_143, 262_144, 262_145, 600_000]) func descriptor(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    let folder = try TemporaryFolder()
    let descriptor = open(try folder.write("file", bytes: bytes), O_RDONLY)
    defer { close(descriptor) }
    lseek(descriptor, 5, SEEK_SET)
    let result = try SHA256.hash(descriptor: descriptor, limit: Int64(size))
    #expect(result.digest == SHA256.hash(bytes))
    #expect(result.size == Int64(size))
    #expect(lseek(descriptor, 0, SEEK_CUR) == 5)
    if size > 0 {
      #expect(refusal { try SHA256.hash(descriptor: descriptor, limit: Int64(size - 1)) } == .tooLarge)
    }
  }

  @Test func descriptorsThatCannotBeReadAreRefused() throws {
    #expect(refusal { try SHA256.hash(descriptor: -1, limit: 10) } == .unreadable)
    let folder = open("/tmp", O_RDONLY)
    defer { close(folder) }
    #expect(refusal { try SHA256.hash(descriptor: folder, limit: 10) } == .unreadable)
    // Without an end: the limit must stop it.
    let zeros = open("/dev/zero", O_RDONLY)
    defer { close(zeros) }
    #expect(refusal { try SHA256.hash(descriptor: zeros, limit: 1 << 20) } == .tooLarge)
  }
}
