/// Signatures in OpenSSH's form (PROTOCOL.sshsig), as git writes them into commits with `gpg.format=ssh`.
public enum SSHSignature {
  /// The armored signature of `message`, without a line break at the end.
  ///
  /// For a commit, `message` is the commit object without its `gpgsig` header, and the namespace is `git`. The
  /// namespace is part of what is signed, so that a signature made for one purpose is no good for another.
  public static func sign(
    _ message: [UInt8], key: SigningKey, namespace: String = "git"
  ) throws(TrustError) -> String {
    // The hash that ssh-keygen takes by default.
    let digest = message.withUnsafeBytes { HashFunction.sha512.hash($0) }
    let rest = field(namespace) + field("") + field("sha512")
    let signature = try key.sign(magic + rest + field(digest))
    let version: [UInt8] = [0, 0, 0, 1]
    let blob =
      magic + version + field(key.publicKey.opensshBlob) + rest + field(field(PublicKey.opensshName) + field(signature))
    return "-----BEGIN SSH SIGNATURE-----\n" + PEM.wrapped(Base64.text(blob), at: 70) + "-----END SSH SIGNATURE-----"
  }

  private static let magic = Array("SSHSIG".utf8)

  /// A `string` of RFC 4251 section 5: its count as a big-endian word of 32 bits, then the bytes.
  fileprivate static func field(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt32(bytes.count)
    return [UInt8(count >> 24), UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff)] + bytes
  }

  fileprivate static func field(_ text: String) -> [UInt8] { field(Array(text.utf8)) }
}

extension PublicKey {
  fileprivate static var opensshName: String { "ssh-ed25519" }

  /// RFC 8709 section 4.
  fileprivate var opensshBlob: [UInt8] { SSHSignature.field(Self.opensshName) + SSHSignature.field(bytes) }

  /// As in `authorized_keys`, without a comment: `ssh-ed25519 AAAA…`.
  public var opensshText: String { "\(Self.opensshName) \(Base64.text(opensshBlob))" }

  /// A line of git's `gpg.ssh.allowedSignersFile` that accepts this key for commits: `principal` is the name that git
  /// shows, such as `belfry-controller`.
  public func allowedSignersLine(principal: String) -> String {
    // Anything else could end the field, or be a pattern or a comment.
    let name = principal.utf8.filter { (0x21...0x7e).contains($0) && !"\",*?!#".utf8.contains($0) }
    return "\(String(decoding: name, as: UTF8.self)) namespaces=\"git\" \(opensshText)"
  }
}
