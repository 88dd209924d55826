// Which names a commit may use for files and folders. The strictest of what git itself refuses to check out anywhere.

enum EntryName {
  /// Why a name is not allowed; nil when it is.
  static func problem(_ name: some Collection<UInt8>) -> String? {
    guard let first = name.first else { return "a name is empty" }
    if name.count > 255 { return "a name is longer than 255 bytes" }
    var isASCII = true
    for byte in name {
      if byte == 0x2f { return "a name has a slash in it" }
      if byte < 0x20 || byte == 0x7f { return "a name has a control character in it" }
      if byte >= 0x80 { isASCII = false }
    }
    if !isASCII, let problem = unicodeProblem(name) { return problem }
    // Only names that begin like these can be special, so that the rest costs no allocation.
    guard first == 0x2e || first | 0x20 == 0x67 else { return nil }
    let lower = name.map { (0x41...0x5a).contains($0) ? $0 + 32 : $0 }
    if lower == Array(".".utf8) || lower == Array("..".utf8) { return "a name is '.' or '..'" }
    // `.git` on file systems that drop trailing dots and spaces or streams, and its short name on FAT.
    let plain = lower.prefix { $0 != 0x3a }.reversed().drop { $0 == 0x2e || $0 == 0x20 }.reversed()
    if Array(plain) == Array(".git".utf8) || Array(plain) == Array("git~1".utf8) { return "a name stands for '.git'" }
    return nil
  }

  private static func unicodeProblem(_ name: some Collection<UInt8>) -> String? {
    guard let text = String(validating: name, as: UTF8.self) else { return "a name is not valid UTF-8" }
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x80...0x9f: return "a name has a control character in it"
      case 0x200b...0x200f, 0x202a...0x202e, 0x2060...0x206f, 0xfeff:
        return "a name has an invisible character in it"
      case 0x2028, 0x2029: return "a name has a line break in it"
      default: continue
      }
    }
    return nil
  }

  /// Bytes as text that can be printed safely: everything but printable ASCII becomes `\xNN`.
  static func escaped(_ name: some Collection<UInt8>) -> String {
    var text = ""
    for byte in name {
      if (0x20..<0x7f).contains(byte), byte != 0x5c {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16)
        text += digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
      }
    }
    return text
  }

  /// The names along a path that is to be written. Throws `unsupported` for a path that a listing would refuse.
  static func components(ofPath path: String) throws(GitError) -> [[UInt8]] {
    let names = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).map { Array($0) }
    for name in names {
      if let problem = problem(name) {
        throw GitError(.unsupported, "the path '\(escaped(Array(path.utf8)))' cannot be in a commit: \(problem)")
      }
    }
    return names
  }
}
