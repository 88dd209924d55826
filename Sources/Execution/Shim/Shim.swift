import Dispatch
import Glibc

/// A living shim, and through it the attempt that it looks after.
///
/// It is known by a descriptor of its process (pidfd), so neither waiting nor signalling can meet another process that
/// got its pid later. Letting go of the value changes nothing for the shim.
public final class Shim: Sendable {
  public let folder: RunFolder
  public let pid: Int32
  private let process: Descriptor
  private let sealedFolder: SealedFolder?
  /// The attempt's, as its spec says.
  private let cgroup: String?
  /// What its folder looked like when it began; nil where the folder is not to be used again.
  public let untouched: UntouchedFolder?

  /// Of a child that was just started and is not reaped yet, which keeps its pid its own.
  init(
    child pid: Int32, in folder: RunFolder, sealedFolder: SealedFolder?, cgroup: String?, untouched: UntouchedFolder?
  ) throws(ExecutionError) {
    let process = LinuxCalls.pidfdOpen(pid)
    guard process >= 0 else {
      throw ExecutionError(.notWatched, "the attempt was started, but cannot be watched: \(systemMessage(errno))")
    }
    self.folder = folder
    self.pid = pid
    self.process = Descriptor(owning: process)
    self.sealedFolder = sealedFolder
    self.cgroup = cgroup
    self.untouched = untouched
  }

  /// Of whoever holds the lock of the folder; nil when that is not `pid` any more.
  init?(adopting pid: Int32, in folder: RunFolder) throws(ExecutionError) {
    let process = LinuxCalls.pidfdOpen(pid)
    guard process >= 0 else {
      if errno == ESRCH { return nil }
      throw ExecutionError(errno: errno, "cannot watch the shim")
    }
    self.folder = folder
    self.pid = pid
    self.process = Descriptor(owning: process)
    self.sealedFolder = nil
    self.cgroup = folder.spec()?.cgroup
    self.untouched = nil
    // Asked after the descriptor was taken: whoever holds the lock now has held it all the time, so the descriptor is his.
    guard try folder.open().open(StatusFile.name, O_RDWR).lockHolder() == pid else { return nil }
  }

  /// Asks the shim to end the attempt: TERM to everything that the job started, KILL after the grace. Comes back at
  /// once; an attempt that has ended already is not changed. Throws `notRunning` when the shim is gone.
  public func cancel() throws(ExecutionError) {
    try send(SIGTERM, "cancel")
  }

  private func send(_ signal: Int32, _ what: String) throws(ExecutionError) {
    guard LinuxCalls.pidfdSendSignal(process.number, signal) == 0 else {
      if errno == ESRCH { throw ExecutionError(.notRunning, "the attempt has ended") }
      throw ExecutionError(errno: errno, "cannot \(what)")
    }
  }

  /// Asks the shim not to start an attempt that is armed. Comes back at once; one that has started is not changed, and
  /// the end says which it was. Throws `notRunning` when the shim is gone.
  public func disarm() throws(ExecutionError) { try send(SIGUSR1, "disarm") }

  /// Waits until the shim is gone and reads out how the attempt ended. What a killed shim left running is killed.
  /// Throws `CancellationError` when the waiting task is cancelled first, which leaves the attempt as it is.
  public func ended() async throws -> AttemptEnd {
    // Dispatch objects may be cancelled from any thread; on Linux their types do not say so.
    nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: process.number, queue: Self.queue)
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        source.setEventHandler { source.cancel() }
        // Called exactly once, whichever of the two cancels.
        source.setCancelHandler { continuation.resume() }
        source.activate()
      }
    } onCancel: {
      source.cancel()
    }
    guard hasEnded else { throw CancellationError() }
    let end = try await Self.queue.run { try self.readEnd() }
    if case .lost(let reason) = end.ending, reason.mayHaveRun {
      // Looks through all processes: not in front of the ends of others.
      await Self.leftovers.run { _ = self.folder.killLeftovers() }
    }
    return end
  }

  /// Whether the process is gone, or a zombie.
  private var hasEnded: Bool {
    var look = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
    return poll(&look, 1, 0) == 1
  }

  private func readEnd() throws(ExecutionError) -> AttemptEnd {
    // By descriptor: by pid a second call could reap another child. It fails for an adopted shim, which is not ours.
    var information = siginfo_t()
    waitid(idtype_t(3), id_t(process.number), &information, WEXITED | WNOHANG)
    let changed = sealedFolder?.changedFiles() ?? []
    switch judge(try folder.observe()) {
    case .running: throw ExecutionError(.system, "the shim is gone and its lock is held")
    case .ended(let ending):
      // The shim has removed it, unless it was killed or the job has made cgroups below.
      if let cgroup { CgroupTree.end(cgroup) }
      return AttemptEnd(ending, changedFiles: changed)
    }
  }

  // Serial queues, because they have threads of their own. Concurrent ones share a pool with everybody, which has no
  // more threads than the machine has cores; who blocks them all would keep every end of an attempt waiting.
  private static let queue = DispatchQueue(label: "belfry.shims")
  private static let leftovers = DispatchQueue(label: "belfry.leftovers")
}

extension DispatchQueue {
  /// Runs what may block on this queue and comes back with its result.
  fileprivate func run<Success: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Success
  ) async throws(Failure) -> Success {
    let result = await withCheckedContinuation { continuation in
      self.async { continuation.resume(returning: Result { () throws(Failure) in try body() }) }
    }
    return try result.get()
  }
}
