import CLibGit2
import Dispatch
import Glibc
import Synchronization

/// One conversation with a remote: its credentials, its deadline, and why it was given up.
///
/// libgit2's callbacks get it as their payload. A timer on another thread shuts the socket down when the peer is silent
/// for too long: reads that libssh2 makes by itself can be ended in no other way.
final class NetworkOperation: Sendable {
  private struct State {
    var socket: Int32 = -1
    var lastActivity: ContinuousClock.Instant
    var failure: GitError?
    var offers = 0
    var confirmed: [String: String?] = [:]
  }

  let remote: Remote
  let address: RemoteAddress
  /// The folder whose file system must not run full; nil when nothing is received.
  let receivesInto: String?
  private let started: ContinuousClock.Instant
  private let state: Mutex<State>

  init(_ remote: Remote, _ address: RemoteAddress, receivesInto: String? = nil) {
    self.remote = remote
    self.address = address
    self.receivesInto = receivesInto
    started = .now
    state = Mutex(State(lastActivity: started))
  }

  /// Runs libgit2 calls with this as the operation that new connections belong to, under its deadline.
  func run<Result>(_ body: (UnsafeMutableRawPointer) throws(GitError) -> Result) throws(GitError) -> Result {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue.global())
    let tick = DispatchTimeInterval.milliseconds(
      Int(max(10, min(remote.timeouts.idle, remote.timeouts.total) / .milliseconds(8))))
    timer.schedule(deadline: .now() + tick, repeating: tick)
    timer.setEventHandler { [self] in giveUpIfLate() }
    timer.activate()
    let previous = Self.current
    Self.current = self
    defer {
      timer.cancel()
      Self.current = previous
    }
    do throws(GitError) {
      return try body(Unmanaged.passUnretained(self).toOpaque())
    } catch {
      throw state.withLock { $0.failure } ?? error
    }
  }

  /// The operation that `run` is in on this thread.
  static var current: NetworkOperation? {
    get { pthread_getspecific(key).map { Unmanaged<NetworkOperation>.fromOpaque($0).takeUnretainedValue() } }
    set { pthread_setspecific(key, newValue.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }) }
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// A sign of life from the remote.
  func touch() { state.withLock { $0.lastActivity = .now } }

  /// The connection to shut down when the remote goes silent.
  func use(socket: Int32) { state.withLock { $0.socket = socket } }

  /// Under the lock, so that the timer never shuts down another file that got the same number.
  func closeSocket(_ socket: Int32) -> Int32 {
    state.withLock { state in
      if state.socket == socket { state.socket = -1 }
      return close(socket)
    }
  }

  /// The reason that is told instead of libgit2's; the first one counts.
  func fail(_ error: GitError) { state.withLock { $0.failure = $0.failure ?? error } }

  /// How often the credentials were offered before.
  func countOffer() -> Int {
    state.withLock { state in
      state.offers += 1
      return state.offers - 1
    }
  }

  /// The remote's word on a pushed reference; nil is yes.
  func confirm(_ reference: String, _ refusal: String?) { state.withLock { $0.confirmed[reference] = .some(refusal) } }

  /// Nil when the remote did not say anything.
  func confirmation(of reference: String) -> String?? { state.withLock { $0.confirmed[reference] } }

  private func giveUpIfLate() {
    state.withLock { state in
      let now = ContinuousClock.now
      let timeouts = remote.timeouts
      let reason: String
      if now - started > timeouts.total {
        reason = "took longer than \(timeouts.total)"
      } else if state.socket >= 0, now - state.lastActivity > timeouts.idle {
        reason = "was silent for \(timeouts.idle)"
      } else {
        return
      }
      state.failure = state.failure ?? GitError(.unreachable, "'\(remote.publicURL)' \(reason)")
      if state.socket >= 0 { shutdown(state.socket, Int32(SHUT_RDWR)) }
    }
  }
}
