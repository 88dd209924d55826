import Dispatch

/// Runs what may block on a thread of its own: tests wait for each other's jobs, and a shared pool has too few threads.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue(label: "test").async { continuation.resume(with: Swift.Result(catching: body)) }
  }
}
