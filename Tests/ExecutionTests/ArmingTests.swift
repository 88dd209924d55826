import Foundation
import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// Attempts that are made ready ahead of their time. Serial, because one of them sets the machine's clock, which disarms
/// all others: whatever is armed and must start belongs in here.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ArmingTests {
  private static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  private static func start(in pause: Duration, by margin: Duration = .seconds(30)) -> ShimSpec.StartTime {
    let instant = now + pause
    return ShimSpec.StartTime(at: instant, by: instant + margin)
  }

  private func armed(_ bench: Workbench, _ start: ShimSpec.StartTime) throws -> Shim {
    try bench.shell("date +%s%N > \(bench.files.path("witness")); exit 5") { $0.start = start }
  }

  @Test func `it starts at its instant and not before`() async throws {
    let bench = try Workbench()
    let start = Self.start(in: .milliseconds(300))
    let end = try await armed(bench, start).ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.ending == .exited(5) && !record.disarmed && end.mayHaveRun)
    #expect(record.started >= start.at)
    let shown = try #require(Int64(try bench.text("witness").dropLast()))
    #expect(shown / 1_000 >= start.at.microseconds)
  }

  @Test func `an instant that is just past is as good as now`() async throws {
    let bench = try Workbench()
    #expect(try await armed(bench, Self.start(in: .milliseconds(-200))).record().ending == .exited(5))
  }

  /// Why the gate stays closed.
  struct Dismissal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var pause = Duration.seconds(30)
    var margin = Duration.seconds(30)
    var act: @Sendable (Shim) throws -> Void = { _ in }
    var cancelled = false
  }

  static let dismissals = [
    Dismissal(testDescription: "cancelled", act: { try $0.cancel() }, cancelled: true),
    Dismissal(testDescription: "disarmed", act: { try $0.disarm() }),
    Dismissal(testDescription: "long past", pause: .seconds(-2), margin: .seconds(1)),
    Dismissal(testDescription: "further ahead than any agent arms", pause: .seconds(90)),
  ]
  /// Only who may set the clock can see what that does.
  static let clockDismissals =
    maySetClock() ? [Dismissal(testDescription: "the clock is set", act: setClockUntilItEnds)] : []

  @Test(arguments: dismissals + clockDismissals)
  func `what is dismissed has not run and says so`(_ row: Dismissal) async throws {
    let bench = try Workbench()
    let shim = try armed(bench, Self.start(in: row.pause, by: row.margin))
    try await bench.waitUntilForked(shim)
    try row.act(shim)
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.ending == .neverBegan(.none, error: 0))
    #expect(record.disarmed == !row.cancelled && record.cancelled == row.cancelled)
    #expect(!end.mayHaveRun && !bench.exists("witness"))
    #expect(classify(end, success: [0]).state == .cancelled)
    // Another agent comes to the same answer.
    guard case .ended(let again) = try shim.folder.adopt() else { throw Unexpected("running?") }
    #expect(!again.mayHaveRun)
  }

  @Test func `a disarm that comes too late changes nothing`() async throws {
    let bench = try Workbench()
    let (ready, go) = (try bench.fifo("ready"), try bench.fifo("go"))
    let shim = try bench.shell("echo > \(ready); read x < \(go); exit 5") {
      $0.start = Self.start(in: .milliseconds(50))
    }
    _ = try await readToEnd(ready)
    try shim.disarm()
    try await touch(go)
    let record = try await shim.record()
    #expect(record.ending == .exited(5) && !record.disarmed && !record.cancelled)
  }

  @Test func `what the process at the gate could not do is told and may be tried again`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("true") { $0.start = Self.start(in: .seconds(30)) }
    try await bench.waitUntilForked(shim)
    let children = "/proc/\(shim.pid)/task/\(shim.pid)/children"
    let child = try await blocking { () -> Int32 in
      while try !shim.hasRecord() {
        let text = (try? String(contentsOfFile: children, encoding: .utf8)) ?? ""
        if let pid = Int32(text.filter(\.isNumber)) { return pid }
      }
      throw Unexpected("no process at the gate")
    }
    kill(child, SIGKILL)
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.ending == .neverBegan(.child, error: ECHILD) && !end.mayHaveRun)
  }

  @Test func `with its shim the process at the gate goes too`() async throws {
    let bench = try Workbench()
    let shim = try armed(bench, Self.start(in: .seconds(30)))
    try await bench.waitUntilForked(shim)
    kill(shim.pid, SIGKILL)
    let end = try await shim.ended()
    #expect(end.ending == .lost(.neverStarted) && !end.mayHaveRun && !bench.exists("witness"))
  }

  @Test func `one that is stopped at its gate still has a timeout, and can be cancelled`() async throws {
    let bench = try Workbench()
    for (name, timeout) in [("late", Duration.milliseconds(300)), ("cancelled", .seconds(60))] {
      let begun = Self.now
      let shim = try bench.shell(
        "echo ran",
        {
          $0.timeout = timeout
          $0.start = ShimSpec.StartTime(at: begun + .seconds(4), by: begun + .seconds(60))
        }, run: name)
      // Its process is the shim's only child.
      let child = try await eventually("the process at the gate") {
        let text = try? command(["cat", "/proc/\(shim.pid)/task/\(shim.pid)/children"]).output
        return text.flatMap { Int32($0.split(separator: " ").first ?? "") }
      }
      kill(child, SIGSTOP)
      if name == "cancelled" {
        // The mark that is there before the gate is opened: from then on it counts as begun.
        _ = try await eventually("its start") {
          let file = try shim.folder.open().open(StatusFile.name, O_RDONLY)
          let bytes = try file.read(at: 0, limit: StatusFile.size, name: StatusFile.name)
          return StatusFile.started(in: bytes) == .absent ? nil : true
        }
        try shim.cancel()
      }
      let record = try await shim.record()
      #expect(record.ending == .signalled(9) && record.timedOut == (name == "late"), "\(record)")
      #expect(record.cancelled == (name == "cancelled"))
      #expect(try shim.folder.text(record).isEmpty)
    }
  }

  /// Root need not be allowed to, such as in a container.
  private static func maySetClock() -> Bool {
    var now = timespec()
    return clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0
  }

  /// Makes every timer that asked for it notice that the clock was set, and leaves the time as it is. Again and again,
  /// because the shim may not have set its timer yet.
  @Sendable private static func setClockUntilItEnds(_ shim: Shim) throws {
    while try !shim.hasRecord() {
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      guard clock_settime(CLOCK_REALTIME, &now) == 0 else { throw Unexpected("clock_settime: \(errno)") }
      sched_yield()
    }
  }
}

extension Workbench {
  fileprivate func text(_ name: String) throws -> String {
    let file = try Descriptor(open: files.path(name), O_RDONLY)
    return String(decoding: try file.read(at: 0, limit: 4096, name: name), as: UTF8.self)
  }

  /// Until the shim has its lock: from then on it is in charge of what it is sent.
  fileprivate func waitUntilForked(_ shim: Shim) async throws {
    try await blocking {
      let status = try Descriptor(open: shim.folder.path + "/status", O_RDWR)
      while try status.lockHolder() == nil, try !shim.hasRecord() { sched_yield() }
    }
  }
}

extension Shim {
  /// Whether the exit record is written.
  fileprivate func hasRecord() throws -> Bool {
    let status = try Descriptor(open: folder.path + "/status", O_RDONLY)
    return StatusFile.ended(in: try status.read(at: 0, limit: StatusFile.size, name: "status")) != .absent
  }
}
