import Logging
import Model
import Planning
import Platform
import ServiceLifecycle

/// Looks at the source again and again, with growing pauses while it cannot be read.
struct SourceService: Service {
  let mirror: SourceMirror
  let state: SourceState
  let interval: Duration
  /// Raised when somebody wants a look at once.
  let poke: Signal
  let clock: WallClock
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var backoff = Backoff(first: interval, limit: max(interval, .seconds(300)))
      while !Task.isCancelled {
        var pause = interval
        do {
          try await look()
          backoff.reset()
        } catch {
          pause = backoff.pause(spread: Double.random(in: 0..<1))
          logger.error(
            "the source cannot be read", metadata: ["reason": "\(error)", "again in": "\(pause.manifestText)"])
          await state.lost("\(error)")
        }
        await poke.wait(atMost: pause)
      }
    }
  }

  private func look() async throws {
    switch try await mirror.poll() {
    case .unchanged(let status): await state.unchanged(status, at: clock.now)
    case .loaded(let desired, let commit, let diagnostics, let mistakes):
      let errors = diagnostics.filter { $0.severity == .error }
      logger.info(
        "source loaded",
        metadata: ["commit": "\(commit.short)", "jobs": "\(desired.jobs.count)", "errors": "\(errors.count)"])
      for diagnostic in errors.prefix(20) { logger.error("\(diagnostic.rendered)") }
      await state.loaded(desired, commit: commit, diagnostics: diagnostics, mistakes: mistakes, at: clock.now)
    }
  }
}
