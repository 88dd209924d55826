import Glibc
import Synchronization

/// Places where tests make a process die as if by `kill -9`, to show that nothing is lost or run twice.
///
/// Only debug builds look: in a release build reaching a point does nothing.
public enum CrashPoint {
  #if DEBUG
    private static let armed = getenv("BELFRY_CRASH_AT").map { String(cString: $0) }?.split(separator: ":")
    private static let left = Atomic(armed?.dropFirst().first.flatMap { Int($0) } ?? 1)
  #endif

  /// Dies here when `BELFRY_CRASH_AT` in the process's environment has this name; with `:N` behind it, when the place is
  /// reached for the N-th time.
  public static func reach(_ name: String) {
    #if DEBUG
      guard let armed, armed.first.map({ $0 == name }) == true else { return }
      if left.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    #endif
  }
}
