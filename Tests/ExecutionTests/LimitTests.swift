import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// `run.limits`: each holds, or the attempt does not begin and says why.
@Suite(.timeLimit(.minutes(10))) struct LimitTests {
  private func start(_ bench: Workbench, _ line: String, _ change: (inout RunSpec) -> Void) throws -> Shim {
    chmod(bench.files.path(""), 0o711)
    let files = try bench.put([("job.sh", "#!/bin/sh\n\(line)\n")])
    var spec = RunSpec(program: .script("job.sh"))
    change(&spec)
    return try bench.launcher.start(bench.attempt(spec, files: files), from: bench.store, in: bench.runPath())
  }

  /// The bench lives as long as its run, whose folder it removes.
  private func run(
    _ line: String, on bench: Workbench? = nil, _ change: (inout RunSpec) -> Void
  ) async throws -> (end: AttemptEnd, record: ExitRecord, text: String) {
    let bench = try bench ?? Workbench()
    let shim = try start(bench, line, change)
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    return (end, record, try withExtendedLifetime(bench) { try shim.folder.text(record) })
  }

  struct Unheld: CustomTestStringConvertible {
    var limits: RunSpec.Limits
    var words: String
    var testDescription: String { words }
  }

  @Test(arguments: [
    Unheld(limits: .init(memory: 64 << 20), words: "limits.memory cannot be held on this host: none here"),
    Unheld(limits: .init(cpusThousandths: 500), words: "limits.cpus cannot be held on this host: none here"),
    Unheld(
      limits: .init(processes: 5),
      words: "limits.processes cannot be held on this host for a job of root or of the agent's own user: none here"),
  ])
  func `a limit that cannot be held is an end with a reason`(_ row: Unheld) throws {
    let path = ProcessEnvironment["BELFRY_TEST_SHIM"]
    let bench = try Workbench(launcher: ShimLauncher(path: path, cgroups: .none("none here")))
    let error = #expect(throws: ExecutionError.self) { try start(bench, "exit 0") { $0.limits = row.limits } }
    #expect(error?.code == .unsupported && error?.message == row.words)
    #expect(!bench.exists("run"))
  }

  @Test(.enabled(if: hasCgroups() && !hasCgroups([.memory]), "needs cgroups without the memory controller"))
  func `a controller that is missing is named`() throws {
    let bench = try Workbench(cgroups: true)
    let error = #expect(throws: ExecutionError.self) { try start(bench, "exit 0") { $0.limits.memory = 64 << 20 } }
    #expect(
      error?.message
        == "limits.memory cannot be held on this host: the agent has no 'memory' controller of cgroup v2")
    #expect(try bench.tree().names().isEmpty)
  }

  @Test(.enabled(if: isRoot() && !hasCgroups([.pids]), "needs root, and no pids controller"))
  func `without a controller the processes of the job's user are bounded`() async throws {
    let result = try await run("grep 'Max processes' /proc/self/limits | tr -s ' ' | cut -d' ' -f3,4") {
      $0.user = "nobody"
      $0.limits.processes = 1_000
    }
    #expect(result.text == "1000 1000\n")
  }

  /// Each shell starts two more and goes on: within the bound, and gone when the time is up.
  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `a fork bomb stays within its processes and is gone in time`() async throws {
    // A shell that cannot fork ends; the one that has to be killed forks once only.
    let line = "bomb() { bomb & bomb & wait; }; trap '' TERM; (bomb; bomb; bomb) 2>/dev/null & while :; do :; done"
    let result = try await run(line, on: try Workbench(cgroups: hasCgroups([.pids]))) {
      $0.user = "games"
      $0.limits.processes = 40
      $0.timeout = .seconds(1)
      $0.kill.grace = .milliseconds(200)
    }
    #expect(result.record.timedOut && result.record.ending == .signalled(9) && !result.record.unkillable)
    // By the shim's clock: beside all other tests it may take long until it begins.
    #expect(result.record.elapsed < .seconds(30))
    let left = try command(["ps", "-o", "pid=", "-u", "games"])
    #expect(left.output.isEmpty, "\(left)")
  }

  // MARK: with controllers; `make vm` runs these where continuous integration has none

  @Test(.enabled(if: hasCgroups([.memory]), "needs the memory controller"))
  func `one that takes more memory than it may is killed, and that is said`() async throws {
    let bench = try Workbench(cgroups: true)
    // tail keeps the line that never ends.
    let result = try await run("sleep 1000 & tail /dev/zero", on: bench) { $0.limits.memory = 64 << 20 }
    #expect(result.record.ending == .signalled(9) && result.record.outOfMemory && !result.record.hostOutOfMemory)
    let judgement = classify(result.end, success: [0])
    #expect(judgement.state == .failed && judgement.reason == "out of memory: it reached its limits.memory")
    #expect(result.record.leftBehind == 0, "all of it goes at once")
    // Kernels before 5.19 know no peak of a cgroup; then it is the largest process's.
    #expect((32 << 20...64 << 20).contains(result.record.resources.peakMemory), "\(result.record.resources)")
    #expect(try bench.tree().names().isEmpty)
  }

  @Test(.enabled(if: hasCgroups([.memory]), "needs the memory controller"))
  func `one within its memory is none the worse for it`() async throws {
    let result = try await run("head -c 20000000 /dev/zero | tail -c 19999999 | wc -c", on: Workbench(cgroups: true)) {
      $0.limits.memory = 128 << 20
    }
    #expect(result.text == "19999999\n" && !result.record.outOfMemory)
    #expect(result.record.resources.peakMemory >= 10 << 20, "\(result.record.resources)")
  }

  @Test(.enabled(if: hasCgroups([.cpu]), "needs the cpu controller"))
  func `processors' time is divided`() async throws {
    let result = try await run("(while :; do :; done) & while :; do :; done", on: Workbench(cgroups: true)) {
      $0.limits.cpusThousandths = 250
      $0.timeout = .seconds(4)
      $0.kill.grace = .zero
    }
    let used = result.record.resources.user + result.record.resources.system
    #expect(used < result.record.elapsed / 2, "a quarter of one processor, of two loops: \(used)")
  }

  @Test(.enabled(if: hasCgroups([.pids]), "needs the pids controller"), arguments: IsolationTests.levels + [.none])
  func `processes are counted for the run alone, root's too`(_ level: RunSpec.Isolation) async throws {
    let line = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 1000 & done 2>/dev/null; :"
    let result = try await run(line, on: Workbench(cgroups: true)) {
      $0.limits.processes = 10
      $0.isolation = level
    }
    // The shell itself is one of the ten.
    #expect(result.record.leftBehind == 9, "\(result.record)")
  }

  // MARK: disk

  private static let tooMuch = "it wrote more than its limits.disk"

  @Test func `a folder that grows beyond its bound ends the run`() async throws {
    let result = try await run(
      "mkdir -p a/b; i=0; while :; do i=$((i+1)); head -c 100000 /dev/zero > a/b/$i; done"
    ) {
      $0.limits.disk = 4 << 20
      $0.kill.grace = .milliseconds(100)
    }
    #expect(result.record.diskExceeded && !result.record.timedOut)
    let judgement = classify(result.end, success: [0])
    #expect(judgement.state == .failed && judgement.reason?.hasPrefix(Self.tooMuch) == true, "\(judgement)")
  }

  @Test func `one that is over its bound at its end has failed`() async throws {
    let result = try await run("for i in 1 2 3 4; do head -c 50000 /dev/zero > $i; done") {
      $0.limits.disk = 100_000
    }
    let judgement = classify(result.end, success: [0])
    #expect(judgement.state == .failed && judgement.reason?.hasPrefix(Self.tooMuch) == true, "\(judgement)")
  }

  @Test func `one within its bound is none the worse for it`() async throws {
    // A file with two names, one that was removed, folders within folders, a symbolic link out.
    let line = """
      head -c 60000 /dev/zero > a; ln a b; head -c 60000 /dev/zero > c; rm c; mkdir -p d/e/f; ln -s /usr d/usr; echo ok
      """
    let result = try await run(line) { $0.limits.disk = 256 << 10 }
    #expect(result.record.ending == .exited(0) && !result.record.diskExceeded && result.text == "ok\n")
  }

  @Test func `a file counts with each of its names`() async throws {
    let line = "head -c 60000 /dev/zero > a; for i in 1 2 3 4 5; do ln a $i; done"
    #expect(try await run(line) { $0.limits.disk = 256 << 10 }.record.diskExceeded)
  }

  @Test func `what is to be sent back counts too`() async throws {
    let line = "for i in 1 2 3; do head -c 60000 /dev/zero > \"$BELFRY_ARTIFACTS/$i\"; done"
    #expect(try await run(line) { $0.limits.disk = 128 << 10 }.record.diskExceeded)
  }

  @Test(.enabled(if: isRoot(), "needs root: to mount"))
  func `what is mounted in its folder does not count`() async throws {
    let bench = try Workbench()
    defer { umount2(bench.runPath() + "/work/m", Int32(MNT_DETACH)) }
    let line = "mkdir m && mount -t tmpfs none m && for i in 1 2 3; do head -c 60000 /dev/zero > m/$i; done && echo ok"
    let result = try await run(line, on: bench) { $0.limits.disk = 100 << 10 }
    #expect(result.text == "ok\n" && !result.record.diskExceeded)
  }

  @Test func `no file grows beyond the bound, wherever it is`() async throws {
    let bench = try Workbench()
    let elsewhere = bench.files.path("elsewhere")
    let result = try await run("exec head -c 10000000 /dev/zero > \(elsewhere)", on: bench) { $0.limits.disk = 1 << 20 }
    let words = "ended by signal 25 (XFSZ): a file of it reached its limits.disk"
    #expect(classify(result.end, success: [0]).reason == words)
    #expect(try command(["stat", "-c", "%s", elsewhere]).output == "\(1 << 20)\n")
  }

  @Test func `a file that was cut off is told, whatever the program made of it`() async throws {
    let line = "trap '' XFSZ; head -c 200000 /dev/zero > a 2>/dev/null; stat -c %s a"
    let result = try await run(line) { $0.limits.disk = 128 << 10 }
    #expect(result.text == "\(128 << 10)\n" && result.record.ending == .exited(0))
    let judgement = classify(result.end, success: [0])
    #expect(
      judgement.state == .succeeded && judgement.reason?.hasPrefix("a file of it reached its limits.disk") == true)
    let within = try await run("head -c 100000 /dev/zero > a") { $0.limits.disk = 128 << 10 }
    #expect(!within.record.fileLimitReached && classify(within.end, success: [0]).reason == nil)
  }

  @Test func `what is too deep to look at counts as too much`() async throws {
    let result = try await run("i=0; while [ $i -lt 80 ]; do mkdir d; cd d; i=$((i+1)); done; exec sleep 1000") {
      $0.limits.disk = 1 << 30
      $0.kill.grace = .zero
    }
    #expect(result.record.diskExceeded)
  }

  @Test func `a folder of many files is looked at in small steps`() async throws {
    let result = try await run("mkdir d && cd d && seq 1 3000 | xargs touch && sleep 1 && echo made") {
      $0.limits.disk = 1 << 30
    }
    #expect(result.record.ending == .exited(0) && !result.record.diskExceeded && result.text == "made\n")
  }

  // MARK: always

  @Test func `every job has a clean surrounding`() async throws {
    let result = try await run(
      "ulimit -c; umask; cat /proc/self/oom_score_adj; ls /proc/self/fd | wc -l; ulimit -c unlimited; ulimit -c"
    ) { _ in }
    #expect(result.text == "0\n0022\n100\n4\nunlimited\n")
  }

  /// Containers may lack the capability although they are root.
  private static func mayLowerScore() -> Bool {
    let file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC)
    defer { close(file) }
    let may = file >= 0 && write(file, "-900", 4) == 4
    if may { _ = write(file, "0", 1) }
    return may
  }

  @Test(.enabled(if: mayLowerScore(), "needs the right to go later than others"))
  func `the shim goes after everybody else when memory runs out`() async throws {
    let bench = try Workbench()
    let (ready, go) = (try bench.fifo("ready"), try bench.fifo("go"))
    let shim = try bench.shell("echo > \(ready); cat \(go)")
    _ = try await readToEnd(ready)
    #expect(try command(["cat", "/proc/\(shim.pid)/oom_score_adj"]).output == "-900\n")
    try await touch(go)
    _ = try await shim.record()
  }

  // MARK: words

  @Test func `what ended it is told apart`() {
    var record = JudgementTests.record()
    func reason() -> String? { classify(AttemptEnd(.finished(record)), success: [0]).reason }
    record.ending = .signalled(9)
    #expect(reason() == "ended by signal 9 (KILL)")
    record.outOfMemory = true
    #expect(reason() == "out of memory: it reached its limits.memory")
    record.outOfMemory = false
    record.hostOutOfMemory = true
    #expect(reason() == "the host ran out of memory, and it was killed")
    record.timedOut = true
    #expect(reason() == "its timeout expired")
    record.timedOut = false
    record.ending = .exited(0)
    #expect(reason() == "processes of it were killed because the host ran out of memory")
    record.ending = .exited(137)
    record.hostOutOfMemory = false
    record.outOfMemory = true
    #expect(reason() == "exit code 137; processes of it were killed because it reached its limits.memory")
    let attempt = AttemptEnd(.finished(record)).attempt(
      number: 1, success: [0], output: KeptOutput(), started: record.started, now: record.started)
    #expect(attempt.outOfMemory && attempt.json.text.contains(#""outOfMemory":true"#))
    #expect((try? Receipt.Attempt(json: attempt.json)) == attempt)
  }
}
