public import Model

// A receipt on the results branch is two lines in two files: the payload, which people read, and its signature.

extension Signed where Value == Receipt {
  /// Exactly the bytes that were signed: compact JSON, without the line break that ends it in a file.
  public var line: [UInt8] { envelope.payload }
  /// `{"keyid":"…","sig":"…"}`, without the line break.
  public var signatureLine: [UInt8] { envelope.signatureLine }
}

extension Envelope {
  /// Joins a receipt's line and its signature's line to the envelope that the agent sent. Verifies nothing.
  ///
  /// Throws `tooLarge` or `malformed`.
  public init(receiptLine: [UInt8], signatureLine: [UInt8]) throws(TrustError) {
    guard receiptLine.count <= Receipt.payloadLimit else {
      throw TrustError(.tooLarge, "a receipt of \(receiptLine.count) bytes, over the limit of \(Receipt.payloadLimit)")
    }
    try self.init(payloadType: Receipt.payloadType, payload: receiptLine, signatureLine: signatureLine)
  }

  /// The key that a signature's line names, to look the key up; throws `malformed`.
  public static func keyID(ofSignatureLine line: [UInt8]) throws(TrustError) -> Digest {
    try Envelope(payloadType: Receipt.payloadType, payload: [], signatureLine: line).keyID
  }
}
