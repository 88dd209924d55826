import Glibc

/// The value of a secret. Whatever prints it, on purpose or by accident, gets to see that it is one and nothing of it; its
/// memory is overwritten when the last owner lets go.
///
/// `@unchecked Sendable`: after `init` the bytes are only read.
public final class Secret: @unchecked Sendable {
  private let bytes: UnsafeMutableRawBufferPointer

  /// Copies the bytes. Whoever has them may overwrite them then; see ``overwrite(_:)``.
  init(_ value: some Collection<UInt8>) {
    bytes = .allocate(byteCount: value.count, alignment: 1)
    bytes.copyBytes(from: value)
  }

  deinit {
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    bytes.deallocate()
  }

  /// How many bytes it has.
  public var count: Int { bytes.count }

  /// Lends the bytes. What is copied of them is the caller's care.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(UnsafeRawBufferPointer(bytes)) }

  /// Fewer would be found everywhere when output is searched for them.
  static let least = 4
  /// Bytes.
  public static let limit = 64 << 10

  /// Checks what a file or a command gave, and takes one newline off its end, which editors and `echo` put there. Throws
  /// `noSecret`.
  static func checked(_ given: ArraySlice<UInt8>, _ name: String) throws(ExecutionError) -> Secret {
    let value = given.last == UInt8(ascii: "\n") ? given.dropLast() : given
    guard value.count >= least else {
      throw ExecutionError(
        .noSecret,
        value.isEmpty ? "the secret \(name) is empty" : "the secret \(name) has fewer than \(least) bytes")
    }
    guard value.count <= limit else {
      throw ExecutionError(.noSecret, "the secret \(name) has more than \(limit) bytes")
    }
    return Secret(value)
  }

  /// Overwrites bytes that held a secret.
  static func overwrite(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
    }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "[secret]" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
