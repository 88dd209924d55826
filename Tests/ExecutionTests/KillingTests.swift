import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// That a timeout, a cancel and the end of the job leave nothing running. Every process that must go holds a fifo open:
/// reading it to its end is waiting for all of them, and a test that fails to kill one does not end in time.
@Suite(.timeLimit(.minutes(10))) struct KillingTests {
  @Test func `a timeout sends TERM first`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("trap 'echo bye; exit 3' TERM; while :; do sleep 0.01; done") {
      $0.timeout = .milliseconds(100)
    }
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.timedOut && record.ending == .exited(3))
    #expect(try shim.folder.text(record).hasSuffix("bye\n"))
    let judgement = classify(end, success: [0, 3])
    #expect(judgement.state == .timedOut && judgement.exitCode == 3)
  }

  @Test func `a job that ignores TERM is killed after the grace`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("trap '' TERM; while :; do sleep 0.01; done") {
      $0.timeout = .milliseconds(100)
      $0.grace = .milliseconds(150)
    }
    let record = try await shim.record()
    #expect(record.timedOut && record.ending == .signalled(9))
    #expect((.milliseconds(250)...Duration.seconds(5)).contains(record.elapsed))
  }

  struct Escape: CustomTestStringConvertible {
    var name: String
    /// FIFO stands for the path of the fifo.
    var line: String
    var testDescription: String { name }
  }

  static let escapes = [
    Escape(name: "child", line: "sleep 1000 9>FIFO & wait"),
    Escape(name: "setsid", line: "setsid sleep 1000 9>FIFO & wait"),
    Escape(
      name: "double fork, own session, deaf",
      line:
        "(setsid sh -c 'trap \"\" TERM HUP INT; sh -c \"trap \\\"\\\" TERM; while :; do sleep 1; done\" & exit 0' 9>FIFO &); sleep 1000"
    ),
    Escape(
      name: "tree", line: "for a in 1 2 3; do (for b in 1 2 3; do sleep 1000 & done; sleep 1000) & done 9>FIFO; wait"),
    Escape(name: "stopped", line: "sh -c 'kill -STOP $$; sleep 1000' 9>FIFO"),
    Escape(
      name: "forking on TERM",
      line: "trap 'setsid sleep 1000 & setsid sleep 1000 &' TERM; exec 9>FIFO; while :; do sleep 0.01; done"),
    Escape(
      name: "a chain that forks itself away",
      line:
        "echo 'n=$1; [ $n -gt 0 ] || exec sleep 1000; setsid sh $0 $((n-1)) & exit 0' > s; sh s 200 9>FIFO & sleep 1000 9>FIFO"
    ),
  ]

  /// All of them at once, and one that writes to the end: gone within the grace and a second, and the log complete.
  @Test(arguments: surroundings)
  func `whatever it started is gone within the grace and a second, and its log is complete`(cgroup: Bool) async throws {
    let bench = try Workbench(cgroups: cgroup)
    let ready = try bench.fifo("ready")
    let line = """
      trap '' TERM
      (setsid sh -c 'trap "" TERM; (setsid sh -c "trap \\"\\" TERM HUP; while :; do sleep 1; done" &) ; exec sleep 1000' &)
      (exec python3 -c 'import os,time; os.setpgid(0,0); os.fork(); time.sleep(1000)') 2>/dev/null &
      sh -c 'kill -STOP $$' & setsid sh -c 'kill -STOP $$' &
      (trap '' TERM; exec sleep 1000) &
      i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "line $i"; done
      echo > \(ready); while :; do sleep 0.01; done
      """
    let shim = try bench.shell(line) { $0.grace = .milliseconds(500) }
    _ = try await readToEnd(ready)
    let asked = ContinuousClock.now
    try shim.cancel()
    let record = try await shim.record()
    let took = ContinuousClock.now - asked
    // On a machine that does nothing else: within the grace and a second. Here a thousand tests may be at work beside.
    #expect(took >= .milliseconds(500) && took < .seconds(45), "\(took)")
    #expect(record.cancelled && record.ending == .signalled(9) && !record.unkillable)
    let text = try shim.folder.text(record)
    #expect(text.hasPrefix("line 1\nline 2\n") && text.hasSuffix("line 1999\nline 2000\n"))
    #expect(record.written == Int64((1...2_000).reduce(0) { $0 + "line \($1)\n".utf8.count }))
    let left = try command(["grep", "-lsz", "BELFRY_RUN_ID=\(bench.runPath())", "-r", "/proc", "--include=environ"])
    #expect(left.output.isEmpty, "\(left.output)")
  }

  /// With and without a cgroup of its own.
  static let surroundings = hasCgroups() ? [false, true] : [false]

  @Test(arguments: escapes, surroundings)
  func `nothing survives a timeout`(_ escape: Escape, cgroup: Bool) async throws {
    let bench = try Workbench(cgroups: cgroup)
    let fifo = try bench.fifo("alive")
    let shim = try bench.shell(escape.line.replacing("FIFO", with: fifo)) {
      $0.timeout = .milliseconds(300)
      $0.grace = .milliseconds(200)
    }
    _ = try await readToEnd(fifo)
    let record = try await shim.record()
    #expect(record.timedOut)
  }

  @Test(arguments: escapes, surroundings)
  func `nothing survives a cancel`(_ escape: Escape, cgroup: Bool) async throws {
    let bench = try Workbench(cgroups: cgroup)
    let fifo = try bench.fifo("alive")
    let ready = try bench.fifo("ready")
    let shim = try bench.shell("echo > \(ready); " + escape.line.replacing("FIFO", with: fifo)) {
      $0.grace = .milliseconds(200)
    }
    async let gone = readToEnd(fifo)
    _ = try await readToEnd(ready)
    try shim.cancel()
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.cancelled && !record.timedOut)
    #expect(classify(end, success: [0]).state == .cancelled)
    // Nobody may have opened it before the cancel.
    let writer = open(fifo, O_WRONLY | O_NONBLOCK)
    if writer >= 0 { close(writer) }
    _ = try await gone
  }

  @Test func `a cancel before the shim is ready is not lost`() async throws {
    let bench = try Workbench()
    for run in 0..<20 {
      let shim = try bench.shell("exec sleep 1000", run: "run\(run)")
      try shim.cancel()
      #expect(try await shim.record().cancelled)
    }
  }

  @Test func `a cancel of an ended attempt is told so`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("exit 0")
    _ = try await shim.record()
    #expect(throws: ExecutionError.self) { try shim.cancel() }
  }

  @Test func `what is left behind may linger, then goes`() async throws {
    let bench = try Workbench()
    let fifo = try bench.fifo("alive")
    let shim = try bench.shell(
      "(trap '' HUP; exec sleep 1000) 9>\(fifo) & (exec setsid sleep 1000) 9>\(fifo) & echo done"
    ) {
      $0.linger = .seconds(1)
    }
    _ = try await readToEnd(fifo)
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.ending == .exited(0) && record.leftBehind == 2 && !record.timedOut)
    #expect(record.elapsed < .seconds(1), "the job's own time ends with the job")
    #expect(try shim.folder.text(record) == "done\n")
    let judgement = classify(end, success: [0])
    #expect(judgement.state == .succeeded)
    #expect(judgement.reason == "2 processes that it left behind had to be ended")
  }

  @Test func `output of a child that outlives the job a little is kept`() async throws {
    let bench = try Workbench()
    let gate = try bench.fifo("gate")
    let shim = try bench.shell("(cat \(gate) > /dev/null; echo late) & echo early") { $0.linger = .seconds(30) }
    try await touch(gate)
    let record = try await shim.record()
    #expect(try shim.folder.text(record) == "early\nlate\n")
    #expect(record.leftBehind == 0)
  }

  @Test func `a flood of output does not keep the timeout away`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("trap '' TERM; exec cat /dev/zero") {
      $0.timeout = .milliseconds(200)
      $0.grace = .milliseconds(100)
    }
    let record = try await shim.record()
    // On a busy machine TERM can come before the shell has got as far as its trap.
    #expect(record.timedOut && [.signalled(9), .signalled(15)].contains(record.ending))
    #expect(record.elapsed < .seconds(10))
  }
}
