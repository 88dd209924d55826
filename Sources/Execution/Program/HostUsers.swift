import Glibc
import Synchronization

/// Looks users up without ever waiting long: a directory service that hangs must cost the job that names its user, and not
/// every job of the host.
///
/// What was found counts for a minute. A look-up has a thread of its own; while one hangs that nobody waits for any more, no
/// other is begun.
final class HostUsers: Sendable {
  private struct State {
    var known: [String: (user: HostUser, at: Int)] = [:]
    /// Look-ups that took too long and have not come back.
    var hanging = 0
  }

  private final class Answer: Sendable {
    struct State {
      var result: Result<HostUser?, ExecutionError>?
      /// Nobody waits for it any more.
      var isAbandoned = false
    }

    let state = Mutex(State())
  }

  private let state = Mutex(State())
  private let find: @Sendable (String) throws(ExecutionError) -> HostUser?
  private let patience: Int32

  /// Milliseconds that a look-up may take.
  static let patience: Int32 = 2_000
  /// Seconds for which an answer counts.
  static let memory = 60

  init(
    patience: Int32 = HostUsers.patience,
    find: @escaping @Sendable (String) throws(ExecutionError) -> HostUser? = { (name) throws(ExecutionError) in
      try HostUser.find(name)
    }
  ) {
    self.patience = patience
    self.find = find
  }

  /// The user for a job that names one. Throws `noUser` when there is none, when that cannot be found out in time, or
  /// when the agent may not become it.
  func forJob(_ name: String) throws(ExecutionError) -> HostUser {
    guard let found = try look(up: name) else { throw ExecutionError(.noUser, "this host has no user \(name)") }
    guard geteuid() == 0 || geteuid() == found.user.id else {
      throw ExecutionError(.noUser, "the agent does not run as root, so it cannot run a job as \(name)")
    }
    return found
  }

  private func look(up name: String) throws(ExecutionError) -> HostUser? {
    let now = Self.now
    let (known, hanging) = state.withLock { state in
      state.known = state.known.filter { now - $0.value.at < Self.memory }
      return (state.known[name]?.user, state.hanging)
    }
    if let known { return known }
    guard hanging == 0 else {
      throw ExecutionError(.noUser, "the user \(name) cannot be looked up: an earlier look-up still hangs")
    }
    let found = try ask(name)
    if let found { state.withLock { $0.known[name] = (found, now) } }
    return found
  }

  /// Asks on a thread of its own, and gives up after a while.
  private func ask(_ name: String) throws(ExecutionError) -> HostUser? {
    let answer = Answer()
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw ExecutionError(errno: errno, "cannot look the user \(name) up")
    }
    let reader = Descriptor(owning: ends[0])
    let writer = ends[1]
    let started = DetachedThread.start { [self] in
      let result: Result<HostUser?, ExecutionError>
      do throws(ExecutionError) { result = .success(try find(name)) } catch { result = .failure(error) }
      let isAbandoned = answer.state.withLock { state in
        state.result = result
        return state.isAbandoned
      }
      if isAbandoned { state.withLock { $0.hanging -= 1 } }
      // The reader sees the end.
      close(writer)
    }
    guard started else {
      close(writer)
      throw ExecutionError(.noUser, "the user \(name) cannot be looked up: there is no thread for it")
    }
    var waiting = pollfd(fd: reader.number, events: Int16(POLLIN), revents: 0)
    let end = MonotonicTime.now + Int(patience)
    while poll(&waiting, 1, Int32(max(0, end - MonotonicTime.now))) < 0, errno == EINTR {}
    let result = answer.state.withLock { answer in
      answer.isAbandoned = answer.result == nil
      // Before the thread can see it, and count down.
      if answer.isAbandoned { state.withLock { $0.hanging += 1 } }
      return answer.result
    }
    guard let result else {
      throw ExecutionError(.noUser, "the user \(name) could not be looked up within \(patience) ms")
    }
    return try result.get()
  }

  private static var now: Int { MonotonicTime.now / 1_000 }
}
