import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// `run.isolate`: what an isolated job can change, see and reach, and that it ends like any other.
@Suite(.timeLimit(.minutes(10))) struct IsolationTests {
  private struct Result {
    var end: AttemptEnd
    var record: ExitRecord
    var text: String
  }

  /// With `launcher.hidden` as in an agent: the folder above the run's.
  private func run(
    _ level: RunSpec.Isolation, _ line: String, on given: Workbench? = nil, run name: String = "run",
    _ change: (inout RunSpec) -> Void = { _ in }
  ) async throws -> Result {
    let bench = try given ?? Workbench(hides: true)
    chmod(bench.files.path(""), 0o711)
    let files = try bench.put([("job.sh", "#!/bin/sh\n\(line)\n")])
    var spec = RunSpec(program: .script("job.sh"))
    spec.isolation = level
    change(&spec)
    let shim = try bench.launcher.start(bench.attempt(spec, files: files), from: bench.store, in: bench.runPath(name))
    let end = try await shim.ended()
    guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
    return try withExtendedLifetime(bench) { Result(end: end, record: record, text: try shim.folder.text(record)) }
  }

  static let levels: [RunSpec.Isolation] = isRoot() ? [.files, .full] : [.files]
  static let users: [String?] = isRoot() ? [nil, "nobody"] : [nil]
  static let canIsolate = LinuxCalls.landlockVersion >= (isRoot() ? 2 : 3)

  @Test(.enabled(if: canIsolate, "needs landlock"), arguments: levels, users)
  func `it changes nothing but what it is given`(_ level: RunSpec.Isolation, user: String?) async throws {
    let bench = try Workbench(hides: true)
    let host = try TemporaryFolder("belfry-host")
    let given = host.path("given")
    let single = try host.write("single", "before")
    chmod(host.path(""), 0o711)
    // Not below /tmp, which root's agents make private.
    let mine = (isRoot() ? "/var/lib" : bench.files.path("")) + "/belfry-test-\(UInt64.random(in: 0 ... .max))"
    try Descriptor(open: mine, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666).write(Array("before".utf8), name: mine)
    defer { unlink(mine) }
    mkdir(given, 0o777)
    for path in [given, single, mine] { chmod(path, 0o777) }
    let line = """
      echo work > here && mkdir d && mv here d/there && cat d/there
      echo given > \(given)/file && echo single > \(single) && rm \(given)/file
      echo t > "${TMPDIR:-/tmp}/t" && cat "${TMPDIR:-/tmp}/t"
      (echo x > /etc/belfry-test) 2>/dev/null && echo wrote-etc
      (echo x > \(mine)) 2>/dev/null && echo wrote-mine
      (truncate -s 0 \(mine)) 2>/dev/null && echo cut-mine
      (rm -f \(mine)) 2>/dev/null && echo removed-mine
      (echo x > "$0") 2>/dev/null && echo wrote-bundle
      (rm -f "$0") 2>/dev/null; [ -e "$0" ] || echo removed-bundle
      (mknod dev c 1 3) 2>/dev/null && echo made-device
      (mount -t tmpfs none /mnt) 2>/dev/null && echo mounted
      (mount -o remount,rw /) 2>/dev/null && echo remounted
      (unshare -Urm sh -c 'mount -o remount,rw,bind / && echo > /etc/belfry-test') 2>/dev/null && echo unshared
      echo null > /dev/null && echo again > /dev/stdout
      """
    let result = try await run(level, line, on: bench) {
      $0.write = [given, single]
      $0.user = user
    }
    #expect(result.text == "work\nt\nagain\n")
    #expect(result.record.ending == .exited(0) && result.end.changedFiles.isEmpty, "\(result.end)")
    #expect(access("/etc/belfry-test", F_OK) != 0 && access(given + "/file", F_OK) != 0)
    #expect(try command(["cat", mine, single]).output == "beforesingle\n")
  }

  @Test(.enabled(if: isRoot() && canIsolate, "needs root, and landlock"), arguments: levels)
  func `root in it is not the host's root`(_ level: RunSpec.Isolation) async throws {
    let bench = try Workbench(hides: true)
    try bench.files.write("secret", "the agent's key")
    let line = """
      chmod 700 /etc/hostname 2>/dev/null && echo changed-mode
      cat \(bench.files.path("secret")) 2>/dev/null && echo saw-secret
      cat ../spec ../status 2>/dev/null && echo saw-records
      nsenter -t 1 -m true 2>/dev/null && echo entered
      (echo 1 > /proc/sys/vm/drop_caches) 2>/dev/null && echo wrote-proc
      grep -E '^(NoNewPrivs|CapInh|CapAmb)' /proc/self/status | tr -d '\\t\\n'; echo
      grep ^CapEff /proc/self/status | cut -f2 | tail -c 9
      ls / > /dev/null && head -c 1 /etc/passwd > /dev/null && echo reads
      """
    let result = try await run(level, line, on: bench)
    let none = String(repeating: "0", count: 16)
    let left = level == .files ? "008065fb" : "000005fb"
    #expect(result.text == "CapInh:\(none)CapAmb:\(none)NoNewPrivs:1\n\(left)\nreads\n")
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"), arguments: users)
  func `full: processes, network, names and devices are its own`(user: String?) async throws {
    let line = """
      echo $$ $PPID; ls /proc | grep -c '^[0-9]' | sed 's/[0-9]*/few/;q'
      ls /proc/1/fd 2>/dev/null | wc -l
      cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '
      python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); c=socket.create_connection(s.getsockname()); print("loopback")'
      python3 -c 'import socket; socket.create_connection(("10.0.0.1",80),2)' 2>/dev/null || echo unreachable
      echo $(ls /dev); ls /run | wc -l
      python3 -c 'import multiprocessing; multiprocessing.Semaphore(); print("shared memory")'
      kill -9 -1 2>/dev/null; sleep 0.05; echo survived
      """
    // The last: in a namespace of its own `kill -1` reaches neither the job itself nor anything of the host.
    let result = try await run(.full, line) { $0.user = user }
    let lines = result.text.split(separator: "\n").map(String.init)
    #expect(lines.first == "2 1" && result.record.ending == .exited(0), "\(result.text)")
    #expect(lines.contains("loopback") && lines.contains("unreachable") && lines.contains("shared memory"))
    #expect(lines.contains("lo"), "\(lines)")
    #expect(lines.contains("fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"), "\(lines)")
    #expect(lines.last == "survived")
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"), arguments: KillingTests.surroundings)
  func `full: what it leaves behind may linger, then goes`(cgroup: Bool) async throws {
    let line = """
      sleep 1000 & setsid sleep 1000 & (setsid sh -c 'trap "" TERM; while :; do sleep 1; done' &) ; echo done; exit 7
      """
    let result = try await run(.full, line, on: Workbench(cgroups: cgroup, hides: true)) {
      $0.kill.grace = .milliseconds(200)
    }
    #expect(result.record.ending == .exited(7) && result.text == "done\n")
    #expect(result.record.leftBehind >= 3 && !result.record.timedOut)
    #expect(result.record.elapsed < .seconds(1), "the job's own time ends with the job")
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"), arguments: users)
  func `full: how it ends is told`(user: String?) async throws {
    func end(_ line: String, _ change: @escaping (inout RunSpec) -> Void = { _ in }) async throws -> ExitRecord {
      try await run(.full, line) {
        $0.user = user
        change(&$0)
      }.record
    }
    #expect(try await end("kill -SEGV $$").ending == .signalled(11))
    #expect(try await end("exit 200").ending == .exited(200))
    let late = try await end("trap 'exit 3' TERM; while :; do sleep 0.01; done") { $0.timeout = .seconds(1) }
    #expect(late.timedOut && late.ending == .exited(3))
    let deaf = try await end("trap '' TERM; while :; do sleep 0.01; done") {
      $0.timeout = .seconds(2)
      $0.kill.grace = .milliseconds(100)
    }
    #expect(deaf.timedOut && deaf.ending == .signalled(9))
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"), arguments: KillingTests.surroundings)
  func `full: all of it dies with its shim`(cgroup: Bool) async throws {
    let bench = try Workbench(cgroups: cgroup, hides: true)
    let host = try Workbench()
    let (ready, held) = (try host.fifo("ready"), try host.fifo("held"))
    let files = try bench.put([("job.sh", "#!/bin/sh\nexec 9>\(held); setsid sleep 1000 & echo > \(ready); wait\n")])
    var spec = RunSpec(program: .script("job.sh"))
    spec.isolation = .full
    spec.write = [ready, held]
    let shim = try bench.launcher.start(bench.attempt(spec, files: files), from: bench.store, in: bench.runPath())
    async let gone = readToEnd(held)
    _ = try await readToEnd(ready)
    kill(shim.pid, SIGKILL)
    _ = try await gone
    #expect(try await shim.ended().ending == .lost(.shimDied))
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"))
  func `full: armed it waits, and is disarmed or cancelled like any other`() async throws {
    let bench = try Workbench(hides: true)
    for (name, stop) in [("disarmed", { (shim: Shim) in try shim.disarm() }), ("cancelled", { try $0.cancel() })] {
      var attempt = try bench.attempt(RunSpec(program: .command(["true"])))
      attempt.program.isolation = .full
      attempt.start = ShimSpec.StartTime(at: now() + .seconds(50), by: now() + .seconds(60))
      let shim = try bench.launcher.start(attempt, from: bench.store, in: bench.runPath(name))
      try stop(shim)
      let record = try await shim.record()
      #expect(record.ending == .neverBegan(.none, error: 0))
    }
  }

  @Test(.enabled(if: isRoot(), "needs root: to make namespaces"))
  func `what cannot be isolated or given is an end with a reason`() throws {
    #expect(ShimLauncher.lack(for: .full, isRoot: false, landlock: 7) == "the agent is not root")
    #expect(ShimLauncher.lack(for: .full, isRoot: true, landlock: 0) == nil)
    #expect(ShimLauncher.lack(for: .files, isRoot: true, landlock: 0)?.contains("no landlock") == true)
    #expect(ShimLauncher.lack(for: .files, isRoot: true, landlock: 1)?.contains("5.19") == true)
    #expect(ShimLauncher.lack(for: .files, isRoot: true, landlock: 2) == nil)
    #expect(ShimLauncher.lack(for: .files, isRoot: false, landlock: 2)?.contains("6.2") == true)
  }

  @Test(.enabled(if: canIsolate, "needs landlock"), arguments: levels)
  func `what is never given is an end with a reason`(_ level: RunSpec.Isolation) async throws {
    let bench = try Workbench(hides: true)
    let host = try TemporaryFolder("belfry-host")
    try bench.files.write("secret", "the agent's key")
    symlink(bench.files.path("secret"), host.path("link"))
    symlink("/proc/sys", host.path("kernel"))
    let never = [
      bench.files.path, bench.files.path("secret"), host.path("link"), host.path("kernel"), "/", "/proc/sys/kernel",
      "/sys",
      "/dev", "/dev/shm", host.path("../../proc"),
    ]
    for (number, path) in never.enumerated() {
      let result = try await run(level, "true", on: bench, run: "run\(number)") { $0.write = [path] }
      #expect(result.record.ending == .neverBegan(.writable, error: EPERM), "\(path)")
    }
    let result = try await run(level, "true", on: bench) {
      $0.write = [host.path, "/no/such/folder", host.path]
    }
    #expect(result.record.ending == .neverBegan(.writable, error: ENOENT) && result.record.failedPath == 2)
  }

  @Test(.enabled(if: isRoot() && canIsolate, "needs root, and landlock"), arguments: levels)
  func `a folder with the kernel mounted below it is not given`(_ level: RunSpec.Isolation) async throws {
    // Not below /tmp, which other tests give.
    let host = "/var/lib/belfry-jail-\(UInt64.random(in: 0 ... .max)) x"
    for path in [host, host + "/jail", host + "/jail/proc", host + "/other"] { mkdir(path, 0o755) }
    try #require(command(["mount", "-t", "proc", "proc", host + "/jail/proc"]).status == 0)
    defer {
      umount2(host + "/jail/proc", 2)
      _ = try? command(["rm", "-r", host])
    }
    let bench = try Workbench(hides: true)
    for (number, path) in [host, host + "/jail", host + "/jail/proc", host + "/jail/proc/sys"].enumerated() {
      let result = try await run(level, "true", on: bench, run: "run\(number)") { $0.write = [path] }
      #expect(result.record.ending == .neverBegan(.writable, error: EPERM), "\(path)")
    }
    let result = try await run(level, "true", on: bench) { $0.write = [host + "/other"] }
    #expect(result.record.ending == .exited(0))
  }

  @Test(.enabled(if: isRoot() && canIsolate, "needs root, and landlock"), arguments: levels)
  func `what is given uncovers nothing that is hidden below it`(_ level: RunSpec.Isolation) async throws {
    let bench = try Workbench(hides: true)
    let host = try TemporaryFolder("belfry-host")
    let secret = try bench.files.write("secret", "the agent's key")
    let line = """
      cat \(secret) ../spec ../status 2>/dev/null && echo saw-records
      (echo x > \(secret)) 2>/dev/null && echo wrote-secret
      echo work > here && cat here && echo given > \(host.path("file")) && head -c 9 "$0"
      """
    // The folder around the bench's.
    let result = try await run(level, line, on: bench) { $0.write = ["/tmp"] }
    #expect(result.text == "work\n#!/bin/sh" && result.record.ending == .exited(0))
    #expect(try command(["cat", secret, host.path("file")]).output == "the agent's keygiven\n")
  }

  @Test(.enabled(if: isRoot() && canIsolate, "needs root, and landlock"), arguments: levels)
  func `devices of the host are none in it, given or not`(_ level: RunSpec.Isolation) async throws {
    // Not below /tmp, which is private.
    let host = "/var/lib/belfry-test-\(UInt64.random(in: 0 ... .max))"
    mkdir(host, 0o755)
    mkdir(host + "/given", 0o755)
    defer { _ = try? command(["rm", "-r", host]) }
    let nodes = [host + "/node", host + "/given/node"]
    for node in nodes {
      try #require(mknod(node, S_IFCHR | 0o666, 1 << 8 | 3) == 0)
      try #require(command(["sh", "-c", "echo > \(node)"]).status == 0)
    }
    let line = """
      for node in \(nodes.joined(separator: " ")); do
        (echo x > $node) 2>/dev/null && echo wrote-node
        (head -c 1 < $node) 2>/dev/null && echo read-node
      done
      echo given > \(host)/given/file && echo x > /dev/null && head -c 1 /dev/urandom | wc -c
      echo $(ls -A /dev | grep -v log)
      """
    let result = try await run(level, line) { $0.write = [host + "/given"] }
    #expect(result.text == "1\nfd full null ptmx pts random shm stderr stdin stdout tty urandom zero\n")
  }

  @Test(.enabled(if: canIsolate, "needs landlock"), arguments: levels)
  func `its place among the host's processes is any job's`(_ level: RunSpec.Isolation) async throws {
    let line = "cat /proc/self/oom_score_adj; nice; sed 's/.* nice //' /proc/self/autogroup 2>/dev/null || echo 5"
    let result = try await run(level, line) { $0.limits.nice = 5 }
    #expect(result.text == "100\n5\n5\n")
  }

  @Test(.enabled(if: isRoot() && canIsolate, "needs root, and landlock"), arguments: levels)
  func `what it writes to its private folders counts, and is gone with the run`(_ level: RunSpec.Isolation) async throws
  {
    let bench = try Workbench(hides: true)
    let result = try await run(
      level, "head -c 90000 /dev/zero > /tmp/a; head -c 90000 /dev/zero > /var/tmp/b", on: bench
    ) {
      $0.limits.disk = 100_000
    }
    #expect(result.record.diskExceeded)
    #expect(access("/tmp/a", F_OK) != 0)
    try RunFolder(path: bench.runPath()).remove()
    #expect(!bench.exists("run"))
  }
}
