@testable import AgentKit
import Dispatch
@testable import Execution
import Glibc
import Model
import Synchronization
import TestSupport
import Testing

/// Whose artifacts wait for whose.
@Suite(.timeLimit(.minutes(10))) struct ArtifactCollectorTests {
  private func run(_ name: String, bytes: Int, in folder: TemporaryFolder) throws -> RunFolder {
    try folder.write("\(name)/spec", bytes: try ShimSpec(program: "/bin/true", arguments: ["true"]).bytes())
    try folder.write("\(name)/artifacts/f", name)
    truncate(folder.path("\(name)/artifacts/f"), off_t(bytes))
    return RunFolder(path: folder.path(name))
  }

  @Test func aSmallFileDoesNotWaitForALargeOne() async throws {
    let folder = try TemporaryFolder()
    let collector = ArtifactCollector(spool: try ArtifactSpool(path: folder.path("spool")), quick: 1, slow: 1)
    let large = try run("large", bytes: Int(ArtifactCollector.much), in: folder)
    let small = try run("small", bytes: 5, in: folder)
    // A disk that does not answer.
    let gate = DispatchSemaphore(value: 0)
    let (started, begin) = AsyncStream.makeStream(of: Void.self)
    async let stuck: Void = collector.slow.perform {
      begin.yield()
      gate.wait()
    }
    _ = await started.first { _ in true }
    async let late = collector.collect(large, patterns: [])
    #expect(try await collector.collect(small, patterns: []).files.map(\.size) == [5])
    gate.signal()
    #expect(try await late.files.map(\.size) == [ArtifactCollector.much])
    try await stuck
  }

  @Test func nobodyIsForgottenAndNoMoreAreAtWorkThanThereAreLanes() async throws {
    let lanes = CollectorLanes("test", 3)
    let counts = Counts()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          try? await lanes.perform {
            counts.begin()
            sched_yield()
            counts.end()
            if number % 3 == 0 { throw CancellationError() }
          }
        }
      }
    }
    #expect(counts.most <= 3 && counts.done == 200)
  }

  private final class Counts: Sendable {
    private struct State {
      var working = 0
      var most = 0
      var done = 0
    }

    private let state = Mutex(State())

    func begin() {
      state.withLock {
        $0.working += 1
        $0.most = max($0.most, $0.working)
      }
    }

    func end() {
      state.withLock {
        $0.working -= 1
        $0.done += 1
      }
    }

    var most: Int { state.withLock(\.most) }
    var done: Int { state.withLock(\.done) }
  }
}
