import Glibc

/// What tells a file that was replaced or rewritten from the one that was read: its device and inode, size, and the
/// times at which its content and its attributes were last changed.
struct FileState: Hashable, Sendable {
  private var device: UInt64
  private var inode: UInt64
  private var size: Int64
  /// Whole seconds and nanoseconds; the second time catches a copy that keeps the first.
  private var times: [Int]

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }
}
