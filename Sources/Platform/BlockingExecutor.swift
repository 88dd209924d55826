import Dispatch

/// A serial executor with a thread of its own while it has work. Give it to an actor as its `unownedExecutor`.
///
/// Calls that block (libgit2, fsync, hashing much data) run here, so that they never hold a thread of the cooperative
/// pool, which has only as many as the machine has cores.
public final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  /// `label` shows up in debuggers. What is in the background gives way to everything else.
  public init(label: String, isBackground: Bool = false) {
    queue = DispatchQueue(label: label, qos: isBackground ? .background : .unspecified)
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { [self] in job.runSynchronously(on: asUnownedSerialExecutor()) }
  }
}
