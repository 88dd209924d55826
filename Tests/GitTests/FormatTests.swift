import Foundation
import TestSupport
import Testing

@testable import Git

/// The parts that need no repository.
@Suite struct FormatTests {
  /// FIPS 180-4's examples, and lengths around the block's.
  @Test func sha1() throws {
    func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    #expect(hex(SHA1.hash(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(hex(SHA1.hash([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(hex(SHA1.hash([UInt8](repeating: 0x61, count: 1_000_000))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    let folder = try TemporaryFolder()
    for count in [1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129] {
      let bytes = [UInt8](repeating: UInt8(count), count: count)
      let file = try folder.write("data", bytes: bytes)
      #expect(try command(["sha1sum", file]).output.hasPrefix(hex(SHA1.hash(bytes))))
      var inParts = SHA1()
      for byte in bytes { inParts.update([byte]) }
      #expect(inParts.finish() == SHA1.hash(bytes))
    }
  }

  @Test func treesAreReadAsTheyAreWritten() throws {
    var random = SeededGenerator(seed: testSeed)
    for _ in 0..<200 {
      let entries = (0..<Int.random(in: 0...20, using: &random)).map { _ in
        TreeEntry(
          mode: UInt32.random(in: 0...0o177777, using: &random),
          name: (0..<Int.random(in: 0...9, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) },
          id: ObjectID(bytes: (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }[...]) ?? zero)
      }
      let bytes = TreeObject.bytes(entries)
      #expect(try bytes.withUnsafeBytes { try TreeObject.parse($0) } == entries, "seed \(testSeed)")
      if let short = bytes.dropLast().isEmpty ? nil : Array(bytes.dropLast()) {
        #expect(gitError { _ = try short.withUnsafeBytes { try TreeObject.parse($0) } }?.kind == .corrupt)
      }
    }
  }

  private var zero: ObjectID { ObjectID(bytes: [UInt8](repeating: 0, count: 20)[...]) ?? self.zero }

  @Test func objectIDs() throws {
    let hex = "0123456789abcdef0123456789abcdef01234567"
    #expect(ObjectID(hex: hex)?.hex == hex)
    for bad in ["", "0", hex + "0", hex.uppercased(), hex.dropLast() + "g"] { #expect(ObjectID(hex: bad) == nil) }
  }

  struct Address: CustomTestStringConvertible {
    var url: String
    var address: RemoteAddress
    var shown: String
    var testDescription: String { url }
  }

  @Test(arguments: [
    Address(url: "/srv/a.git", address: .folder("/srv/a.git"), shown: "/srv/a.git"),
    Address(url: "../a:b", address: .folder("../a:b"), shown: "../a:b"),
    Address(url: "file:///srv/a%20b.git", address: .folder("/srv/a b.git"), shown: "file:///srv/a%20b.git"),
    Address(
      url: "https://u:p@host/a?token=x", address: .network(scheme: "https", host: "host", port: nil, user: "u"),
      shown: "https://host/a"),
    Address(
      url: "https://u:p@x@host:8443/a@b", address: .network(scheme: "https", host: "host", port: 8443, user: "u"),
      shown: "https://host:8443/a@b"),
    Address(
      url: "ssh://git:p@[::1]:2222/a", address: .network(scheme: "ssh", host: "::1", port: 2222, user: "git"),
      shown: "ssh://git@[::1]:2222/a"),
    Address(
      url: "git@host:a/b.git", address: .network(scheme: "ssh", host: "host", port: nil, user: "git"),
      shown: "git@host:a/b.git"),
    Address(
      url: "git://host/a", address: .network(scheme: "git", host: "host", port: nil, user: nil), shown: "git://host/a"),
  ]) func addresses(_ row: Address) throws {
    #expect(try RemoteAddress(row.url) == row.address)
    #expect(Remote(url: row.url).publicURL == row.shown)
  }

  @Test func secretsDoNotShow() {
    let remote = Remote(url: "https://host/a", credentials: .token(username: "u", secret: Secret("hidden")))
    #expect(!"\(remote)".contains("hidden"))
    #expect(!String(reflecting: remote).contains("hidden"))
    var text = ""
    dump(remote, to: &text)
    #expect(!text.contains("hidden"))
  }

  struct Failure: CustomTestStringConvertible {
    var code: Int32 = -1
    var category: UInt32
    var text: String
    var kind: GitError.Kind
    var testDescription: String { text }
  }

  @Test(arguments: [
    Failure(category: 2, text: "failed to write: No space left on device", kind: .disk),
    Failure(category: 2, text: "could not open '/x': Permission denied", kind: .disk),
    Failure(category: 12, text: "remote error: access denied or repository not exported: /x", kind: .notFound),
    Failure(category: 34, text: "unexpected http status code: 404", kind: .notFound),
    Failure(category: 34, text: "unexpected http status code: 403", kind: .authentication),
    Failure(category: 34, text: "unexpected http status code: 502", kind: .unreachable),
    Failure(category: 12, text: "failed to resolve address for x: Name or service not known", kind: .unreachable),
    Failure(category: 23, text: "ERROR: Repository not found.", kind: .notFound),
    Failure(code: -16, category: 0, text: "", kind: .authentication),
    Failure(code: -17, category: 0, text: "", kind: .untrusted),
    Failure(code: -3, category: 9, text: "object not found - no match for id", kind: .notFound),
    Failure(category: 15, text: "packfile is corrupted", kind: .corrupt),
    Failure(code: -14, category: 4, text: "failed to lock", kind: .nonFastForward),
  ]) func errorKinds(_ row: Failure) {
    #expect(errorKind(code: row.code, category: row.category, text: row.text) == row.kind)
  }
}
