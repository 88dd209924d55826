import Model

extension Envelope {
  /// Reads an envelope whose payload has at most `limit` bytes.
  ///
  /// Throws `tooLarge` before it looks at anything, and `malformed` for whatever is not byte for byte what
  /// ``bytes`` would print: white space, other members or another order, escapes, loose base64.
  public static func parse(_ bytes: [UInt8], limit: Int) throws(TrustError) -> Envelope {
    guard bytes.count <= largestSize(payload: limit) else {
      throw TrustError(.tooLarge, "an envelope of \(bytes.count) bytes; its payload may have \(limit)")
    }
    var reader = FormReader(bytes, "envelope")
    try reader.expect(opening)
    let type = try reader.token()
    try reader.expect(beforePayload)
    let payload = try reader.base64()
    try reader.expect(beforeSignature)
    let (keyID, signature) = try reader.signature()
    try reader.expect(closing)
    try reader.end()
    guard payload.count <= limit else {
      throw TrustError(.tooLarge, "a payload of \(payload.count) bytes, over the limit of \(limit)")
    }
    return Envelope(payloadType: type, payload: payload, keyID: keyID, signature: signature)
  }

  /// `{"keyid":"…","sig":"…"}`: the envelope's signature alone, as it stands in a file of signatures.
  var signatureLine: [UInt8] {
    Array(#"{"keyid":"\#(keyID.hex)","sig":"\#(Base64.text(signature))"}"#.utf8)
  }

  /// The envelope of a payload and a signature that are kept apart.
  init(payloadType: String, payload: [UInt8], signatureLine: [UInt8]) throws(TrustError) {
    var reader = FormReader(signatureLine, "signature line")
    let (keyID, signature) = try reader.signature()
    try reader.end()
    self.init(payloadType: payloadType, payload: payload, keyID: keyID, signature: signature)
  }
}

/// Matches bytes against a form that leaves no choice, from left to right.
private struct FormReader {
  private let bytes: [UInt8]
  private let what: String
  private var index = 0

  init(_ bytes: [UInt8], _ what: String) {
    self.bytes = bytes
    self.what = what
  }

  mutating func expect(_ literal: String) throws(TrustError) {
    guard bytes[index...].starts(with: literal.utf8) else { throw malformed("want '\(literal)'") }
    index += literal.utf8.count
  }

  func end() throws(TrustError) {
    guard index == bytes.count else { throw malformed("want the end") }
  }

  /// A payload type: characters that JSON never escapes, so that it can be written in one way only.
  mutating func token() throws(TrustError) -> String {
    let token = takeString { byte in
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e, 0x2f].contains(byte)
    }
    guard (1...Envelope.largestType).contains(token.count) else { throw malformed("want a payload type") }
    return String(decoding: token, as: UTF8.self)
  }

  mutating func base64() throws(TrustError) -> [UInt8] {
    let start = index
    guard let decoded = Base64.decode(takeString { $0 != 0x22 }) else {
      index = start
      throw malformed("want base64 without line breaks or spare bits")
    }
    return decoded
  }

  mutating func signature() throws(TrustError) -> (keyID: Digest, signature: [UInt8]) {
    try expect(#"{"keyid":""#)
    let hex = String(decoding: takeString { $0 != 0x22 }.prefix(65), as: UTF8.self)
    guard let keyID = try? Digest(hex: hex) else { throw malformed("want a key id in hexadecimal") }
    try expect(#"","sig":""#)
    let signature = try base64()
    guard signature.count == 64 else { throw malformed("want a signature of 64 bytes") }
    try expect(#""}"#)
    return (keyID, signature)
  }

  /// The bytes up to the first that does not fit.
  private mutating func takeString(while fits: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let rest = bytes[index...]
    let end = rest.firstIndex { !fits($0) } ?? bytes.count
    defer { index = end }
    return rest[..<end]
  }

  private func malformed(_ problem: String) -> TrustError {
    TrustError(.malformed, "not in the form of a Belfry \(what): at byte \(index): \(problem)")
  }
}
