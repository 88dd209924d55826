import TestSupport
import Testing

import Trust

@Suite struct Base64Tests {
  /// RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func vector(plain: String, encoded: String) {
    #expect(Base64.text(plain.utf8) == encoded)
    #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
  }

  @Test(arguments: [
    "Z", "Zg", "Zg=", "Zg===", "=", "==", "===", "====", "Zm8", "Zm9v=", "Zm9v====", "Zg==Zg==", "Z===", "Zm=v", "Z=9v",
    "Zh==", "Zm9=", "Zg==\n", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9-", "Zm9_", "Zm9v\0", "Zm9é", "=Zm9", "Zg=a",
  ])
  func refused(_ text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }

  @Test func decodingUndoesEncodingAndNothingElseDecodesToTheSame() {
    var random = SeededGenerator(seed: testSeed)
    for count in 0..<100 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Base64.encode(bytes)
      #expect(Base64.decode(text) == bytes, "seed \(testSeed)")
      guard count > 0 else { continue }
      // Whatever one byte of the text becomes, the result is nothing or other bytes.
      let place = Int.random(in: max(0, text.count - 4)..<text.count, using: &random)
      for value in UInt8.min ... .max where value != text[place] {
        var changed = text
        changed[place] = value
        #expect(Base64.decode(changed) != bytes, "seed \(testSeed), \(place) becomes \(value)")
      }
    }
  }

  @Test func agreesWithTheCommandLine() throws {
    let folder = try TemporaryFolder()
    let bytes = (0...255).map { UInt8($0) }
    let file = try folder.write("file", bytes: bytes)
    #expect(try command(["base64", "-w0", file]).output == Base64.text(bytes))
  }
}
