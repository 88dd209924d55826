import Glibc
public import Model

extension SHA256 {
  /// The digest and the count of the bytes of an open file, from its start to its end. Blocks.
  ///
  /// The descriptor must be of something with positions (a file, a memfd); its position is neither used nor moved, so
  /// whoever executes the descriptor afterwards is not disturbed. Throws `tooLarge` as soon as there are more than
  /// `limit` bytes, so that a file that grows without end ends here, and `unreadable` when reading fails.
  public static func hash(descriptor: Int32, limit: Int64) throws(TrustError) -> (digest: Digest, size: Int64) {
    var stream = Stream()
    var size: Int64 = 0
    var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    while true {
      let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(size)) }
      if count < 0 {
        let number = errno
        if number == EINTR { continue }
        throw TrustError(.unreadable, "a file cannot be read to hash it: \(String(cString: strerror(number)))")
      }
      if count == 0 { break }
      size += Int64(count)
      guard size <= limit else { throw TrustError(.tooLarge, "a file has more than \(limit) bytes") }
      stream.update(buffer[..<count])
    }
    return (stream.finish(), size)
  }
}
