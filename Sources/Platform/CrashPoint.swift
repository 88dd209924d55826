import Glibc

/// Places where tests make a process die as if by `kill -9`, to show that nothing is lost or run twice.
///
/// Only debug builds look: in a release build reaching a point does nothing.
public enum CrashPoint {
  #if DEBUG
    private static let armed: String? = getenv("BELFRY_CRASH_AT").map { String(cString: $0) }
  #endif

  /// Dies here when `BELFRY_CRASH_AT` in the process's environment has this name.
  public static func reach(_ name: String) {
    #if DEBUG
      if armed == name { kill(getpid(), SIGKILL) }
    #endif
  }
}
