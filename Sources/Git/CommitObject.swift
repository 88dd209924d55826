import Model

/// The bytes of a commit object (git-commit-tree(1)). Made here, so that a signature can be put where git looks for it.
struct CommitObject {
  var tree: ObjectID
  var parents: [CommitID]
  var author: GitSignature
  var message: String

  /// Without a signature: what gets signed.
  var payload: [UInt8] { header + [0x0a] + body }

  /// With the signature in a `gpgsig` header, its lines continued by a space.
  func signed(_ armored: String) -> [UInt8] {
    let lines = armored.split(whereSeparator: \.isNewline).joined(separator: "\n ")
    return header + Array("gpgsig \(lines)\n\n".utf8) + body
  }

  private var header: [UInt8] {
    var text = "tree \(tree.hex)\n"
    for parent in parents { text += "parent \(parent.text)\n" }
    return Array((text + "author \(author.line)\ncommitter \(author.line)\n").utf8)
  }

  private var body: [UInt8] {
    // A NUL would end the message for most readers.
    let bytes = message.utf8.filter { $0 != 0 }
    return bytes.last == 0x0a || bytes.isEmpty ? bytes : bytes + [0x0a]
  }
}

extension GitSignature {
  /// `Name <email> seconds +hhmm`; characters that would end a part are left out.
  fileprivate var line: String {
    func clean(_ text: String) -> String {
      let kept = text.unicodeScalars.filter { $0.value >= 0x20 && $0 != "<" && $0 != ">" && $0.value != 0x7f }
      let plain = String(String.UnicodeScalarView(kept)).split(separator: " ").joined(separator: " ")
      return plain.isEmpty ? "unknown" : plain
    }
    let sign = offset < 0 ? "-" : "+"
    let zone = sign + padded(abs(offset) / 60, 2) + padded(abs(offset) % 60, 2)
    return "\(clean(name)) <\(clean(email))> \(max(0, time.seconds)) \(zone)"
  }
}
