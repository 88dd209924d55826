import Model
import TestSupport
import Testing

@testable import Trust

@Suite struct EnvelopeTests {
  let envelope: Envelope
  let bytes: [UInt8]
  let text: String

  init() throws {
    envelope = try Envelope.sign(Array("hello world".utf8), type: "application/x.test+json", key: controllerKey)
    bytes = envelope.bytes
    text = String(decoding: bytes, as: UTF8.self)
  }

  /// The example of secure-systems-lab/dsse, protocol.md.
  @Test func preAuthenticationEncoding() {
    let pae = Envelope.preAuthentication(type: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
    #expect(String(decoding: pae, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
    // Lengths count bytes, not characters, and an empty payload has a length too.
    #expect(Envelope.preAuthentication(type: "é", payload: []) == Array("DSSEv1 2 é 0 ".utf8))
  }

  @Test func theForm() {
    let signature = Base64.text(envelope.signature)
    #expect(
      text == #"{"payloadType":"application/x.test+json","payload":"aGVsbG8gd29ybGQ=","signatures":[{"keyid":""#
        + controllerKey.publicKey.keyID.hex + #"","sig":""# + signature + #""}]}"#)
  }

  @Test func readingUndoesPrinting() throws {
    #expect(try Envelope.parse(bytes, limit: 11) == envelope)
    var random = SeededGenerator(seed: testSeed)
    for count in 0..<60 {
      let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let one = try Envelope.sign(payload, type: "a/b", key: otherKey)
      #expect(try Envelope.parse(one.bytes, limit: count) == one, "seed \(testSeed)")
      #expect(one.bytes.count <= Envelope.largestSize(payload: count))
    }
  }

  @Test func sizes() throws {
    #expect(refusal { try Envelope.parse(bytes, limit: 10) } == .tooLarge)
    #expect(refusal { try Envelope.parse([UInt8](repeating: 0x7b, count: 1_000_000), limit: 1_000) } == .tooLarge)
    // The largest payload with the longest type still fits into what is announced.
    let type = String(repeating: "x", count: Envelope.largestType)
    let one = try Envelope.sign([UInt8](repeating: 0, count: 1_000), type: type, key: controllerKey)
    #expect(one.bytes.count <= Envelope.largestSize(payload: 1_000))
    #expect(try Envelope.parse(one.bytes, limit: 1_000) == one)
  }

  @Test func everyTruncationIsRefused() {
    for count in 0..<bytes.count {
      #expect(refusal { try Envelope.parse(Array(bytes.prefix(count)), limit: 11) } == .malformed, "\(count)")
    }
  }

  struct Rewriting: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var from: String
    var to: String
  }

  /// Each of these is the same object for a lenient reader, or another object for another reader.
  @Test(arguments: [
    Rewriting(testDescription: "a line break at the end", from: "}]}", to: "}]}\n"),
    Rewriting(testDescription: "a space before", from: #"{"payloadType""#, to: #" {"payloadType""#),
    Rewriting(testDescription: "a space after a colon", from: #""payload":"#, to: #""payload": "#),
    Rewriting(testDescription: "an escape in a key", from: #""payload":"#, to: #""p\u0061yload":"#),
    Rewriting(testDescription: "an escape in the type", from: "application/x", to: #"application\/x"#),
    Rewriting(testDescription: "upper case in the type", from: "application/x", to: "Application/x"),
    Rewriting(testDescription: "an empty type", from: "application/x.test+json", to: ""),
    Rewriting(testDescription: "a duplicate member", from: #""payload":"#, to: #""payload":"YQ==","payload":"#),
    Rewriting(testDescription: "an unknown member", from: #","signatures""#, to: #","extra":1,"signatures""#),
    Rewriting(testDescription: "an unknown member in the signature", from: #"","sig""#, to: #"","cert":"","sig""#),
    Rewriting(testDescription: "no signature", from: #"[{"keyid""#, to: #"[],[{"keyid""#),
    Rewriting(testDescription: "a second signature", from: "}]}", to: #"},{"keyid":"","sig":""}]}"#),
    Rewriting(testDescription: "a base64 line break", from: "aGVsbG8gd29ybGQ=", to: #"aGVsbG8g\nd29ybGQ="#),
    Rewriting(testDescription: "spare bits in base64", from: "aGVsbG8gd29ybGQ=", to: "aGVsbG8gd29ybGR="),
    Rewriting(testDescription: "base64 without padding", from: "aGVsbG8gd29ybGQ=", to: "aGVsbG8gd29ybGQ"),
    Rewriting(testDescription: "URL-safe base64", from: "aGVsbG8gd29ybGQ=", to: "aGVsbG8gd29y_-Q="),
    Rewriting(testDescription: "text after the end", from: "}]}", to: "}]}{}"),
    Rewriting(testDescription: "a NUL at the end", from: "}]}", to: "}]}\0"),
    Rewriting(testDescription: "a byte order mark", from: #"{"payloadType""#, to: "\u{feff}{\"payloadType\""),
    Rewriting(testDescription: "a key id in upper case", from: "keyid\":\"", to: "keyid\":\"A"),
    Rewriting(testDescription: "a shorter signature", from: #""sig":""#, to: #""sig":"AAAA","x":""#),
  ])
  func otherFormsAreRefused(_ row: Rewriting) throws {
    let parts = text.split(separator: row.from, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(parts.count == 2)
    #expect(refusal { try Envelope.parse(Array((parts[0] + row.to + parts[1]).utf8), limit: 1_000) } == .malformed)
  }

  /// DSSE allows any order of members; here there is one.
  @Test func anotherOrderIsRefused() {
    let reordered =
      #"{"payload":"aGVsbG8gd29ybGQ=","payloadType":"application/x.test+json","signatures":[{"keyid":""#
      + envelope.keyID.hex + #"","sig":""# + Base64.text(envelope.signature) + #""}]}"#
    #expect(refusal { try Envelope.parse(Array(reordered.utf8), limit: 1_000) } == .malformed)
  }
}
