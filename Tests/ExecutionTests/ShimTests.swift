import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

@Suite(.timeLimit(.minutes(10))) struct ShimTests {
  struct End: CustomTestStringConvertible {
    var line: String
    var ending: ExitRecord.Ending
    var output = ""
    var testDescription: String { line }
  }

  @Test(arguments: [
    End(line: "echo hello; echo world >&2", ending: .exited(0), output: "hello\nworld\n"),
    End(line: "exit 7", ending: .exited(7)),
    End(line: "exit 255", ending: .exited(255)),
    End(line: "kill -KILL $$", ending: .signalled(9)),
    End(line: "kill -SEGV $$", ending: .signalled(11)),
    End(line: "printf 'a\\000b\\377\\r\\n'", ending: .exited(0), output: "a\0b\u{fffd}\r\n"),
    End(line: "cat; readlink /proc/self/fd/0", ending: .exited(0), output: "/dev/null\n"),
    End(line: "umask", ending: .exited(0), output: "0022\n"),
    End(line: "ls /proc/self/fd | tr '\\n' ' '", ending: .exited(0), output: "0 1 2 3 "),
  ])
  func `an attempt ends as its program does`(_ end: End) async throws {
    let bench = try Workbench()
    let shim = try bench.shell(end.line)
    let record = try await shim.record()
    #expect(record.ending == end.ending)
    #expect(try shim.folder.text(record) == end.output)
    #expect(!record.timedOut && !record.cancelled && !record.outputFailed && record.syncError == nil)
    #expect(record.leftBehind == 0)
  }

  @Test func `the job starts clean`() async throws {
    let bench = try Workbench()
    // A descriptor that the agent forgot to close must not reach the job.
    let leaked = open("/dev/null", O_RDONLY)
    defer { close(leaked) }
    signal(SIGUSR1, SIG_IGN)
    let shim = try bench.shell(
      "pwd; env | grep -v ^PWD= | cut -d= -f1 | sort; grep ^Sig[BI] /proc/self/status; ls /proc/$$/fd")
    let text = try shim.folder.text(try await shim.record())
    #expect(
      text == """
        \(shim.folder.work)
        BELFRY_ATTEMPT
        BELFRY_RUN_ID
        PATH
        SigBlk:\t0000000000000000
        SigIgn:\t0000000000000000
        0
        1
        2

        """)
  }

  @Test func `the job has a process group of its own in the shim's session`() async throws {
    let bench = try Workbench()
    let shim = try bench.shell("cut -d' ' -f 5,6 /proc/$$/stat; echo $$")
    let record = try await shim.record()
    let words = try shim.folder.text(record).split { $0 == " " || $0 == "\n" }.map(String.init)
    #expect(words == [words[2], String(shim.pid), words[2]])
  }

  @Test func `times and resources are those of the job`() async throws {
    let bench = try Workbench()
    let before = now()
    let shim = try bench.shell(
      "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; head -c 30000000 /dev/zero | tail -c 1")
    let record = try await shim.record()
    #expect(record.started >= before)
    #expect(record.ended <= now() + .milliseconds(1))
    #expect(record.ended == record.started + record.elapsed)
    #expect(record.elapsed > .zero)
    #expect(record.resources.user > .zero)
    #expect(record.resources.peakMemory > 100_000)
    #expect(record.written == 1)
  }

  struct NoProgram: CustomTestStringConvertible {
    var program: String
    var step: ExitRecord.Step = .exec
    var error: Int32
    var testDescription: String { program }
  }

  @Test(arguments: [
    NoProgram(program: "/no/such/program", error: ENOENT),
    NoProgram(program: "no-such-program", error: ENOENT),
    NoProgram(program: "/etc/passwd", error: EACCES),
    NoProgram(program: "/etc", error: EACCES),
    NoProgram(program: "/etc/passwd/x", error: ENOENT),
  ])
  func `a program that cannot be executed is said with its error`(_ row: NoProgram) async throws {
    let bench = try Workbench()
    let shim = try bench.shell("", { $0.program = row.program })
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    #expect(record.ending == .neverBegan(row.step, error: row.error))
    #expect(classify(end, success: [0]).state == .failed)
  }

  @Test func `a name is looked up on the run's own PATH`() async throws {
    let bench = try Workbench()
    try bench.files.write("one/tool", "#!/bin/sh\necho not executable\n")
    try bench.files.write("two/tool", "#!/bin/sh\necho \"$0 $1\"\n", executable: true)
    let shim = try bench.shell("") {
      $0.program = "tool"
      $0.arguments = ["tool", "x y"]
      $0.environment["PATH"] = "/no/such:\(bench.files.path("one")):\(bench.files.path("two"))"
    }
    let record = try await shim.record()
    #expect(try shim.folder.text(record) == "\(bench.files.path("two/tool")) x y\n")
  }

  @Test func `one run folder runs once`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let gate = try bench.fifo("gate")
    let shim = try bench.shell("echo ran >> \(bench.files.path("witness")); echo > \(ready); cat \(gate)")
    _ = try await readToEnd(ready)
    #expect(try command([bench.launcher.path, shim.folder.path]).status == 69)
    try await touch(gate)
    _ = try await shim.record()
    #expect(try command([bench.launcher.path, shim.folder.path]).status == 68)
    #expect(try command(["cat", bench.files.path("witness")]).output == "ran\n")
  }

  @Test func `the shim is small`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let gate = try bench.fifo("gate")
    let shim = try bench.shell("echo 1 > \(ready); cat \(gate)")
    _ = try await readToEnd(ready)
    let rss = try command(["grep", "VmRSS", "/proc/\(shim.pid)/status"]).output
    try await touch(gate)
    _ = try await shim.record()
    let kilobytes = rss.split { !$0.isNumber }.compactMap { Int($0) }.first ?? 0
    if ProcessEnvironment["BELFRY_TEST_SHIM"] == nil { #expect((1..<1024).contains(kilobytes), "\(rss)") }
  }
}

func now() -> Timestamp {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
}
