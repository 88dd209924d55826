import Foundation
import Platform
import Synchronization

extension Surroundings {
  /// Those of this process.
  public static let process = Surroundings(
    environment: ProcessInfo.processInfo.environment, folder: FileManager.default.currentDirectoryPath,
    clock: .system, isTerminal: isatty(STDOUT_FILENO) == 1, columns: columns(),
    output: { try StandardStream.output.write($0) },
    errors: { try? StandardStream.errors.write($0) },
    answer: { readLine() })

  /// The terminal's width, else what COLUMNS says, as for other programs; between 40 and 1,000.
  private static func columns() -> Int {
    var size = winsize()
    let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let told = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }
    return min(max(isKnown ? Int(size.ws_col) : told ?? standardColumns, 40), 1_000)
  }
}

/// One of the process's two streams.
private final class StandardStream: Sendable {
  static let output = StandardStream(STDOUT_FILENO, "standard output")
  static let errors = StandardStream(STDERR_FILENO, "standard error")

  private let descriptor: Int32
  private let name: String
  /// Nobody reads any more. The command goes on without printing, so that its exit code is still the right one.
  private let isClosed = Mutex(false)

  private init(_ descriptor: Int32, _ name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  func write(_ bytes: [UInt8]) throws(CommandError) {
    try isClosed.withLock { (isClosed) throws(CommandError) in
      var rest = bytes[...]
      while !isClosed, !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
          rest = rest.dropFirst(count)
        } else if errno == EPIPE {
          isClosed = true
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&waiting, 1, -1)
        } else if errno != EINTR {
          throw CommandError(errno: errno, "cannot write to \(name)")
        }
      }
    }
  }
}
