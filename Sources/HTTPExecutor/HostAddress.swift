import Glibc

/// An address that a host's name stands for.
struct HostAddress: Hashable, Sendable, CustomStringConvertible {
  /// 4 or 16 bytes.
  let bytes: [UInt8]

  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Where hosts in a cloud find their credentials, and what else is on the same wire: 169.254.0.0/16, fe80::/10,
  /// fd00:ec2::254, and the forms in which IPv6 writes an address of IPv4 (mapped, compatible, translated by RFC 6052, 6to4).
  var isLinkLocal: Bool {
    if bytes.count == 4 { return bytes[0] == 169 && bytes[1] == 254 }
    if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 { return true }
    if bytes == [0xfd, 0x00, 0x0e, 0xc2] + [UInt8](repeating: 0, count: 10) + [0x02, 0x54] { return true }
    let zeros = [UInt8](repeating: 0, count: 10)
    let isMapped = bytes.starts(with: zeros + [0xff, 0xff]) || bytes.starts(with: zeros + [0, 0])
    let isTranslated = bytes.starts(with: [0x00, 0x64, 0xff, 0x9b])
    if isMapped || isTranslated { return HostAddress(bytes: Array(bytes[12...])).isLinkLocal }
    if bytes.starts(with: [0x20, 0x02]) { return HostAddress(bytes: Array(bytes[2..<6])).isLinkLocal }
    return false
  }

  /// All addresses of a name, or of an address in any spelling, as getaddrinfo(3) orders them. Blocks.
  static func addresses(of host: String) throws(RequestFailure) -> [HostAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var first: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &first)
    guard status == 0 else {
      throw RequestFailure("the host \(host) is not found: \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(first) }
    var addresses: [HostAddress] = []
    var next = first
    while let entry = next {
      next = entry.pointee.ai_next
      guard let address = entry.pointee.ai_addr else { continue }
      if entry.pointee.ai_family == AF_INET {
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
          withUnsafeBytes(of: address.pointee.sin_addr) { addresses.append(HostAddress(bytes: Array($0))) }
        }
      } else if entry.pointee.ai_family == AF_INET6 {
        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
          withUnsafeBytes(of: address.pointee.sin6_addr) { addresses.append(HostAddress(bytes: Array($0))) }
        }
      }
    }
    guard !addresses.isEmpty else { throw RequestFailure("the host \(host) has no address") }
    return addresses
  }
}
