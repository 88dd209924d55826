import Foundation
import Synchronization

/// The least lateness that this machine allows now: a thread that sleeps with `clock_nanosleep` until an absolute time
/// and spawns the command. Its instants lie half a second from those of the jobs, so that both see the same machine
/// and neither waits for the other.
final class LatenessFloor: Sendable {
  private struct State {
    var isRunning = false
    var isEnded = true
    /// Seconds after the instant, just before each spawn.
    var started: [Double] = []
    var problem: BenchError?
  }

  private let state = Mutex(State())
  private let jobs: Int
  private let words: [String]
  private let output: String

  init(jobs: Int, command: [String], folder: BenchFolder) {
    self.jobs = jobs
    words = command
    output = folder["floor.out"]
  }

  func start() {
    state.withLock {
      $0.isRunning = true
      $0.isEnded = false
    }
    let thread = Thread { [self] in
      while state.withLock({ $0.isRunning }) { fire() }
      state.withLock { $0.isEnded = true }
    }
    thread.start()
  }

  /// The instant that is being waited for is the last.
  func stop() { state.withLock { $0.isRunning = false } }

  struct Samples {
    /// Seconds after the instant, just before the program is spawned.
    var started: [Double]
    /// Seconds after the instant, as the programs print it.
    var shown: [Double]
  }

  /// What was measured, once the last programs have ended.
  func samples() throws -> Samples {
    while !state.withLock({ $0.isEnded }) { usleep(10_000) }
    if let problem = state.withLock({ $0.problem }) { throw problem }
    let text = FileManager.default.contents(atPath: output) ?? Data()
    let shown = text.split(separator: 0x0a).compactMap { Int64(nanosecondText: $0) }.map { nanoseconds in
      Double((nanoseconds + 500_000_000) % 1_000_000_000) / 1e9
    }
    return Samples(started: state.withLock { $0.started }, shown: shown)
  }

  private func fire() {
    let command = TimedCommand(words)
    var instant = Self.now
    instant.tv_sec += instant.tv_nsec >= 500_000_000 ? 1 : 0
    instant.tv_nsec = 500_000_000
    while clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &instant, nil) == EINTR {}
    var processes: [pid_t] = []
    for _ in 0..<jobs {
      let now = Self.now
      let late = Double(now.tv_sec - instant.tv_sec) + Double(now.tv_nsec - instant.tv_nsec) / 1e9
      do throws(BenchError) {
        processes.append(try command.spawn(input: "/dev/null", output: output))
        state.withLock { $0.started.append(late) }
      } catch {
        state.withLock {
          $0.problem = error
          $0.isRunning = false
        }
      }
    }
    for process in processes { _ = TimedCommand.wait(for: process) }
  }

  private static var now: timespec {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now
  }
}
