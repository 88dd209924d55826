import Foundation
import Glibc
import Synchronization

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
  /// fd00:ec2::254, fd20:ce::254, 100.100.100.200, and the forms in which IPv6 writes an address of IPv4 (mapped, compatible, translated by RFC 6052, 6to4).
  var isLinkLocal: Bool {
    if bytes.count == 4 { return bytes[0] == 169 && bytes[1] == 254 || bytes == [100, 100, 100, 200] }
    if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 { return true }
    let zeros = [UInt8](repeating: 0, count: 10)
    for prefix: [UInt8] in [[0xfd, 0x00, 0x0e, 0xc2], [0xfd, 0x20, 0x00, 0xce]]
    where bytes == prefix + zeros + [0x02, 0x54] { return true }
    let isMapped = bytes.starts(with: zeros + [0xff, 0xff]) || bytes.starts(with: zeros + [0, 0])
    let isTranslated = bytes.starts(with: [0x00, 0x64, 0xff, 0x9b])
    if isMapped || isTranslated { return HostAddress(bytes: Array(bytes[12...])).isLinkLocal }
    if bytes.starts(with: [0x20, 0x02]) { return HostAddress(bytes: Array(bytes[2..<6])).isLinkLocal }
    return false
  }

  /// All addresses of a name, or of an address in any spelling, as getaddrinfo(3) orders them. On a thread of its own, which is
  /// left behind when the task is cancelled: a resolver that gets no answer asks for longer than anybody waits.
  static func addresses(of host: String) async throws(RequestFailure) -> [HostAddress] {
    try await Waiting.result { () throws(RequestFailure) in try found(host) }.get()
  }

  /// Blocks.
  private static func found(_ host: String) throws(RequestFailure) -> [HostAddress] {
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

/// Waits for a blocking call without being held by it.
final class Waiting<Value: Sendable>: Sendable {
  private typealias Continuation = CheckedContinuation<Result<Value, RequestFailure>, Never>

  private enum State {
    case begun
    case waiting(Continuation)
    case over(Result<Value, RequestFailure>)
  }

  private let state = Mutex(State.begun)

  /// What the call gave or threw; a failure as soon as the task is cancelled.
  static func result(
    of call: @Sendable @escaping () throws(RequestFailure) -> Value
  ) async -> Result<Value, RequestFailure> {
    let waiting = Waiting()
    Thread.detachNewThread {
      do throws(RequestFailure) { waiting.end(.success(try call())) } catch { waiting.end(.failure(error)) }
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiting.begin($0) }
    } onCancel: {
      waiting.end(.failure(RequestFailure("it was given up")))
    }
  }

  private func begin(_ continuation: Continuation) {
    let result: Result<Value, RequestFailure>? = state.withLock { state in
      if case .over(let result) = state { return result }
      state = .waiting(continuation)
      return nil
    }
    if let result { continuation.resume(returning: result) }
  }

  /// The first end counts.
  private func end(_ result: Result<Value, RequestFailure>) {
    let continuation: Continuation? = state.withLock { state in
      defer { if case .over = state {} else { state = .over(result) } }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(returning: result)
  }
}
