import Glibc

/// A file in OpenSSH's known_hosts format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
/// Certificate authorities are ignored.
struct KnownHosts {
  private let path: String
  private let lines: [[Substring]]

  /// Throws `untrusted` when the file cannot be read.
  init(file path: String) throws(GitError) {
    guard let text = Self.read(path) else {
      throw GitError(.untrusted, "cannot read the known hosts in '\(path)'", hint: "make it with ssh-keyscan")
    }
    self.init(text, path: path)
  }

  init(_ text: String, path: String) {
    self.path = path
    lines = text.split(whereSeparator: \.isNewline).map { $0.split { $0 == " " || $0 == "\t" } }
      .filter { $0.first?.hasPrefix("#") == false }
  }

  /// Throws `untrusted` unless a line has this key for this host and none revokes it.
  func check(host: String, port: Int, key: [UInt8]) throws(GitError) {
    let offered = Base64.encode(key)
    var otherTypes: Set<Substring> = []
    var isKnown = false
    for words in lines {
      let marker = words[0].hasPrefix("@") ? words[0] : nil
      let rest = marker == nil ? words[...] : words.dropFirst()
      guard rest.count >= 3, marker == nil || marker == "@revoked", Self.matches(rest[rest.startIndex], host, port)
      else { continue }
      let isSame = Base64.isEqual(rest[rest.startIndex + 2], offered)
      if marker == "@revoked", isSame {
        throw GitError(.untrusted, "the host key of '\(host)' is revoked in '\(path)'")
      }
      guard marker == nil else { continue }
      if isSame { isKnown = true } else { otherTypes.insert(rest[rest.startIndex + 1]) }
    }
    guard !isKnown else { return }
    let name = port == 22 ? host : "[\(host)]:\(port)"
    let scan = "ssh-keyscan \(port == 22 ? "" : "-p \(port) ")\(host) >> \(path)"
    let type = Self.type(key)
    guard otherTypes.contains(Substring(type)) else {
      let known = otherTypes.isEmpty ? "it" : "a \(type) key of it"
      throw GitError(
        .untrusted, "the host '\(name)' offers a \(type) key, and '\(path)' does not list \(known)",
        hint: "compare the fingerprint, then: \(scan)")
    }
    throw GitError(
      .untrusted, "the host key of '\(name)' is not the one in '\(path)': this may be an attack",
      hint: "find out why it changed before you replace the line")
  }

  /// `pattern` is a list of names with `*`, `?` and `!`, or one hashed name (`|1|salt|hash`).
  private static func matches(_ pattern: Substring, _ host: String, _ port: Int) -> Bool {
    let names = port == 22 ? [host.lowercased()] : ["[\(host.lowercased())]:\(port)"]
    if pattern.hasPrefix("|1|") {
      let parts = pattern.split(separator: "|")
      guard parts.count == 3, let salt = Base64.decode(parts[1]), let hash = Base64.decode(parts[2]) else {
        return false
      }
      return names.contains { hmac(key: salt, Array($0.utf8)) == hash }
    }
    var isMatch = false
    for part in pattern.split(separator: ",") {
      let isNegated = part.hasPrefix("!")
      let glob = Array((isNegated ? part.dropFirst() : part).lowercased().utf8)
      guard names.contains(where: { globMatches(glob[...], Array($0.utf8)[...]) }) else { continue }
      if isNegated { return false }
      isMatch = true
    }
    return isMatch
  }

  private static func globMatches(_ glob: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    var (g, t) = (glob.startIndex, text.startIndex)
    var retry: (Int, Int)?
    while t < text.endIndex {
      if g < glob.endIndex, glob[g] == 0x2a {
        retry = (g, t)
        g += 1
      } else if g < glob.endIndex, glob[g] == 0x3f || glob[g] == text[t] {
        g += 1
        t += 1
      } else if let (star, from) = retry {
        retry = (star, from + 1)
        g = star + 1
        t = from + 1
      } else {
        return false
      }
    }
    return glob[g...].allSatisfy { $0 == 0x2a }
  }

  /// A key begins with the length and the text of its type (RFC 4253 section 6.6).
  private static func type(_ key: [UInt8]) -> String {
    let count = key.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    return count < 64 && key.count >= 4 + count ? EntryName.escaped(key[4..<4 + count]) : "strange"
  }

  /// HMAC-SHA1 (RFC 2104).
  private static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let padded = key.count > 64 ? SHA1.hash(key) : key
    let block = padded + [UInt8](repeating: 0, count: 64 - padded.count)
    return SHA1.hash(block.map { $0 ^ 0x5c } + SHA1.hash(block.map { $0 ^ 0x36 } + message))
  }

  /// At most a megabyte of it.
  private static func read(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return ferror(file) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}

/// RFC 4648 section 4.
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Without padding.
  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var (bits, count) = (0, 0)
    for byte in bytes {
      bits = bits << 8 | Int(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(digits[bits >> count & 63])
      }
      bits &= 0xff
    }
    if count > 0 { text.append(digits[bits << (6 - count) & 63]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil for anything but base 64.
  static func decode(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var (bits, count) = (0, 0)
    for digit in text.utf8 where digit != 0x3d {
      guard let value = digits.firstIndex(of: digit) else { return nil }
      bits = (bits << 6 | value) & 0xffff
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(bits >> count & 0xff))
      }
    }
    return bytes
  }

  /// Whether a text, padded or not, is this unpadded one.
  static func isEqual(_ text: Substring, _ encoded: String) -> Bool {
    text.utf8.prefix { $0 != 0x3d }.elementsEqual(encoded.utf8)
  }
}
