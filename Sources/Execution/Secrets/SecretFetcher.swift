import Dispatch
public import Model
import Synchronization

/// The values of the secrets that a run needs.
public typealias SecretValues = [SecretName: Secret]

/// Fetches secrets without ever keeping anybody else waiting: each run's on a thread of its own, with a deadline. A vault
/// that hangs costs the jobs that need it, and a disk that hangs too.
public final class SecretFetcher: Sendable {
  private let source: SecretSource
  private let patience: Duration
  /// How many are at work at a time; the others wait, and their time counts.
  private let slots: DispatchSemaphore
  private let threads = Mutex(0)

  /// How long a run's secrets may take.
  public static let patience = Duration.seconds(10)
  /// How many runs' secrets are fetched at a time.
  public static let width = 8
  /// Beyond so many threads, most of which hang then, no other is begun.
  static let mostThreads = 1_000
  /// Bytes of all secrets of a run: as much as there is room for beside them in what the shim takes.
  public static let limit = 512 << 10

  public init(source: SecretSource, patience: Duration = SecretFetcher.patience, width: Int = SecretFetcher.width) {
    self.source = source
    self.patience = patience
    slots = DispatchSemaphore(value: width)
  }

  /// All of them, or why one cannot be had: `noSecret`, and in words for a receipt.
  public func values(of names: Set<SecretName>) async -> Result<SecretValues, ExecutionError> {
    let milliseconds = Int(patience.wholeMilliseconds)
    let deadline = MonotonicTime.now + milliseconds
    let answer = Answer()
    return await withCheckedContinuation { continuation in
      answer.expect(continuation)
      guard begin() else {
        return answer.give(.failure(ExecutionError(.noSecret, "too many look-ups of secrets hang")))
      }
      let started = DetachedThread.start { [self] in
        defer { threads.withLock { $0 -= 1 } }
        guard slots.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return }
        defer { slots.signal() }
        guard MonotonicTime.now < deadline else { return }
        answer.give(Result { () throws(ExecutionError) in try fetch(names, before: deadline) })
      }
      if !started {
        threads.withLock { $0 -= 1 }
        answer.give(.failure(ExecutionError(.noSecret, "there is no thread to fetch secrets with")))
      }
      // A moment after the command's own deadline, whose words say more.
      Self.clock.asyncAfter(deadline: .now() + .milliseconds(milliseconds + 200)) {
        let all = names.sorted().map(\.text).joined(separator: ", ")
        answer.give(
          .failure(ExecutionError(.noSecret, "there was no answer for the secrets \(all) within \(milliseconds) ms")))
      }
    }
  }

  private func begin() -> Bool {
    threads.withLock { threads in
      guard threads < Self.mostThreads else { return false }
      threads += 1
      return true
    }
  }

  private func fetch(_ names: Set<SecretName>, before deadline: Int) throws(ExecutionError) -> SecretValues {
    var values: SecretValues = [:]
    var size = 0
    for name in names.sorted() {
      let value = try source.secret(name, before: deadline)
      size += value.count
      guard size <= Self.limit else {
        throw ExecutionError(.noSecret, "the secrets of the run have more than \(Self.limit) bytes together")
      }
      values[name] = value
    }
    return values
  }

  private static let clock = DispatchQueue(label: "belfry.secrets")

  /// Given once; what comes later is dropped.
  private final class Answer: Sendable {
    typealias Waiting = CheckedContinuation<Result<SecretValues, ExecutionError>, Never>
    private let waiting = Mutex<Waiting?>(nil)

    func expect(_ continuation: Waiting) { waiting.withLock { $0 = continuation } }

    func give(_ result: Result<SecretValues, ExecutionError>) {
      let taken = waiting.withLock { waiting in
        defer { waiting = nil }
        return waiting
      }
      taken?.resume(returning: result)
    }
  }
}
