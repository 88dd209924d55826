import Model
import Platform
import Trust

/// Signed objects in files.
enum SignedFile {
  /// Bytes of a file at the most.
  private static let limit = 64 << 20

  /// The file's bytes; a link is followed. Throws a `FileError`.
  static func read(_ path: String, _ surroundings: Surroundings, limit: Int = Self.limit) throws(FileError) -> [UInt8] {
    try DurableFile.read(surroundings.resolved(path) ?? surroundings.absolute(path), limit: limit)
  }

  static func item(envelope bytes: [UInt8], at path: String, _ keys: Keyring) throws -> VerifyReport.Item {
    try VerifyReport.Item(title: path, keys) { () throws(TrustError) in
      try Inspection(file: bytes)
    } script: { inspection, key in
      inspection.opensslScript(file: path, key: key)
    }
  }

  /// One item for each line of receipts.
  static func items(
    receipts: (path: String, bytes: [UInt8]), signatures: (path: String, bytes: [UInt8]), _ keys: Keyring
  ) throws -> [VerifyReport.Item] {
    let lines = receipts.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).dropLastEmpty()
    let signatureLines = signatures.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).dropLastEmpty()
    var items: [VerifyReport.Item] = []
    for (index, line) in lines.enumerated() {
      let title = "\(receipts.path):\(index + 1)"
      guard index < signatureLines.count else {
        items.append(VerifyReport.Item(title: title, verdict: .bad("\(signatures.path) has no line \(index + 1)")))
        continue
      }
      items.append(
        try VerifyReport.Item(title: title, keys) { () throws(TrustError) in
          try Inspection(receiptLine: Array(line), signatureLine: Array(signatureLines[index]))
        } script: { inspection, key in
          inspection.opensslScript(receipts: receipts.path, signatures: signatures.path, line: index + 1, key: key)
        })
    }
    if signatureLines.count > lines.count {
      let counts = "\(signatureLines.count) signatures for \(Humane.count(lines.count, "receipt"))"
      items.append(VerifyReport.Item(title: signatures.path, verdict: .bad(counts)))
    }
    if items.isEmpty { items.append(VerifyReport.Item(title: receipts.path, verdict: .bad("the file is empty"))) }
    return items
  }
}

extension Array where Element: Collection {
  /// Without the empty piece behind the last line break.
  fileprivate func dropLastEmpty() -> ArraySlice<Element> { last?.isEmpty ?? false ? dropLast() : self[...] }
}
