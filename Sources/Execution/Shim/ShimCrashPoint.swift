/// Where a test can make the shim die as if by `kill -9`; the same names stand in Sources/shim/crash.h.
public enum ShimCrashPoint: String, Hashable, Sendable, CaseIterable {
  /// Nothing has been run.
  case afterSpec
  /// The job's process waits at the gate; nothing has been run.
  case armed
  /// The status file says that the job is about to run; it did not.
  case beforeStart
  /// The job's process may pass the gate; whether it got as far as its program is not known.
  case afterStart
  /// The job runs and the status file says so.
  case afterStartedRecord
  /// The job is over and nothing is written about it.
  case afterJobEnd
  /// Output is durable, the exit record is not written.
  case beforeExitRecord
  /// Half of the exit record is written.
  case halfExitRecord
  /// The exit record is durable.
  case afterExitRecord
}
