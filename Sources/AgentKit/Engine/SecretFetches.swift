import Execution
import Model
import Planning

/// Asks for the secrets of one attempt.
struct SecretRequest: Sendable {
  let run: ActiveRun
  /// An attempt that was disarmed and armed again asks a second time.
  let number: Int
}

/// Which attempts wait for their secrets. Pure but for the stream that it asks by.
struct SecretFetches {
  private var pending: [AttemptID: Int] = [:]
  private var count = 0
  private let requests: AsyncStream<SecretRequest>.Continuation

  static func make() -> (AsyncStream<SecretRequest>, SecretFetches) {
    let (stream, continuation) = AsyncStream.makeStream(of: SecretRequest.self)
    return (stream, SecretFetches(requests: continuation))
  }

  private init(requests: AsyncStream<SecretRequest>.Continuation) { self.requests = requests }

  mutating func begin(_ run: ActiveRun) {
    count += 1
    pending[run.attemptID] = count
    requests.yield(SecretRequest(run: run, number: count))
  }

  /// Whether the answer is still wanted. It is taken once.
  mutating func end(_ request: SecretRequest) -> Bool {
    guard pending[request.run.attemptID] == request.number else { return false }
    return end(request.run.attemptID)
  }

  /// The attempt wants no secrets any more. False when it did not wait for any.
  mutating func end(_ attempt: AttemptID) -> Bool { pending.removeValue(forKey: attempt) != nil }
}

/// Fetches the secrets that attempts wait for, all at the same time.
struct SecretService {
  let engine: Engine
  let fetcher: SecretFetcher

  func run() async {
    await withDiscardingTaskGroup { group in
      for await request in engine.secretRequests {
        group.addTask {
          await engine.fetched(request, await fetcher.values(of: request.run.job.run.secretNames))
        }
      }
    }
  }
}
