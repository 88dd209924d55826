import Glibc
import Model
import Synchronization
import TestSupport
import Testing
import Trust

@testable import Execution

/// Whom a job runs as, what it may take, how it is asked to end, and what it reads.
@Suite(.timeLimit(.minutes(10))) struct ContainmentTests {
  private func run(
    _ bench: Workbench, _ line: String, path: String = "run", _ change: (inout RunSpec) -> Void
  ) async throws -> (record: ExitRecord, output: String, folder: RunFolder) {
    // So that another user can pass through to the run folder, as in an agent's state folder.
    chmod(bench.files.path(""), 0o711)
    let files = try bench.put([("job.sh", "#!/bin/sh\n\(line)\n")])
    var spec = RunSpec(program: .script("job.sh"))
    change(&spec)
    let attempt = try bench.attempt(spec, files: files)
    let shim = try bench.launcher.start(attempt, from: bench.store, in: bench.runPath(path))
    return (try await shim.record(), try shim.folder.text(), shim.folder)
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `a job runs as its user, in its groups and nothing more`() async throws {
    let line = """
      id -u; id -g; id -G; echo "$HOME $USER $LOGNAME $SHELL"
      touch mine && stat -c '%U' mine .
      grep -E '^(CapEff|CapPrm|CapAmb|NoNewPrivs)' /proc/self/status | tr -d '\\t\\n'; echo
      echo again > /dev/stdout; echo more > /dev/stderr
      cat ../spec ../status 2>/dev/null || echo hidden
      ls /proc/self/fd | wc -l
      """
    let result = try await run(try Workbench(), line) { $0.user = "nobody" }
    let nobody = try #require(try HostUser.find("nobody"))
    let none = String(repeating: "0", count: 16)
    let expected = """
      \(nobody.user.id)
      \(nobody.user.group)
      \(nobody.user.groups.map(String.init).joined(separator: " "))
      \(nobody.home) nobody nobody \(nobody.shell)
      nobody
      nobody
      CapPrm:\(none)CapEff:\(none)CapAmb:\(none)NoNewPrivs:1
      again
      hidden
      4
      """
    // One of them is on the other stream, and between two pipes there is no order.
    var lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.firstIndex(of: "more").map { lines.remove(at: $0) } != nil)
    #expect(lines.joined(separator: "\n") == expected)
    #expect(result.record.ending == .exited(0))
    // What another user made is removed all the same.
    try result.folder.remove()
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `the job of another user dies with its shim, and at its timeout`() async throws {
    let bench = try Workbench()
    chmod(bench.files.path(""), 0o711)
    let ready = try bench.fifo("ready")
    let held = try bench.fifo("held")
    // The reader's end comes when the last process that has the fifo open is gone.
    let files = try bench.put([("job.sh", "#!/bin/sh\nexec 9>\(held); echo > \(ready); exec sleep 600\n")])
    var spec = RunSpec(program: .script("job.sh"))
    spec.user = "nobody"
    let shim = try bench.launcher.start(bench.attempt(spec, files: files), from: bench.store, in: bench.runPath())
    async let end = readToEnd(held)
    _ = try await readToEnd(ready)
    kill(shim.pid, SIGKILL)
    _ = try await end
    guard case .lost = try await shim.ended().ending else { throw Unexpected("a dead shim made a record") }

    let late = try await run(bench, "trap '' TERM; sleep 600 & sleep 600", path: "late") {
      $0.user = "nobody"
      $0.timeout = .milliseconds(200)
      $0.kill.grace = .milliseconds(100)
    }
    #expect(late.record.timedOut && late.record.ending == .signalled(9))
  }

  @Test func `an unknown user is an end with a reason, and nothing is left`() throws {
    let bench = try Workbench()
    var spec = RunSpec(program: .command(["true"]))
    spec.user = "nobody-of-that-name"
    let error = #expect(throws: ExecutionError.self) {
      try bench.launcher.start(bench.attempt(spec), from: bench.store, in: bench.runPath())
    }
    #expect(error?.code == .noUser && error?.message == "this host has no user nobody-of-that-name")
    #expect(!bench.exists("run"))
  }

  @Test func `a look-up that hangs costs its own job and no other`() throws {
    final class Service: Sendable {
      let begun = Mutex(0)
      let hangs = Mutex(true)
      let gate = Mutex(())
    }
    let service = Service()
    // The thread that looks up waits for the lock that this test holds.
    let users = HostUsers(patience: 50) { (name) throws(ExecutionError) in
      service.begun.withLock { $0 += 1 }
      if service.hangs.withLock({ $0 }) { service.gate.withLock { _ in } }
      return try HostUser.find(name)
    }
    let me = String(cString: getpwuid(geteuid()).pointee.pw_name)
    // One that is not late is no reason to refuse another: this one asks while it is itself looked up.
    let asked = Mutex(false)
    let within = Mutex<HostUsers?>(nil)
    let nested = HostUsers { (name) throws(ExecutionError) in
      let isFirst = asked.withLock { asked in
        defer { asked = true }
        return !asked
      }
      if isFirst, let users = within.withLock({ $0 }) { return try users.forJob(name) }
      return try HostUser.find(name)
    }
    within.withLock { $0 = nested }
    #expect(try nested.forJob(me).user.id == geteuid())
    within.withLock { $0 = nil }
    service.gate.withLock { _ in
      let late = #expect(throws: ExecutionError.self) { try users.forJob(me) }
      #expect(late?.code == .noUser && late?.message.contains("within 50 ms") == true)
      let next = #expect(throws: ExecutionError.self) { try users.forJob(me) }
      #expect(next?.message.contains("still hangs") == true, "it did not wait again")
      #expect(service.begun.withLock { $0 } == 1)
    }
    service.hangs.withLock { $0 = false }
    while (try? users.forJob(me)) == nil { sched_yield() }
    let count = service.begun.withLock { $0 }
    #expect(try users.forJob(me).user.id == geteuid())
    #expect(service.begun.withLock { $0 } == count, "what was found counts for a while")
  }

  @Test(.enabled(if: isRoot(), "needs root: to give folders away"))
  func `nobody can go on filling what is removed`() throws {
    let bench = try Workbench()
    let folder = try RunFolder.create(at: bench.runPath())
    // What is mounted cannot be removed, so that it shows how far things had come.
    try command(["mkdir", "-p", folder.work + "/deep/mounted"])
    try command(["chown", "-R", "nobody", folder.work])
    let mount = try command(["mount", "-t", "tmpfs", "belfry-test", folder.work + "/deep/mounted"])
    try #require(mount.status == 0, "\(mount)")
    defer { _ = try? command(["sh", "-c", "umount \(folder.path)/*/mounted \(folder.path)/.*/mounted"]) }
    #expect(throws: ExecutionError.self) { try folder.remove() }
    let owners = try command(["find", folder.path, "-xdev", "-type", "d", "-name", ".moved-*", "-printf", "%u %m\n"])
    #expect(owners.output == "root 700\n", "taken from its owner before it is looked into")
    try command(["sh", "-c", "umount \(folder.path)/.moved-*/mounted"])
    try folder.remove()
    #expect(!bench.exists("run"))
  }

  @Test func `limits hold for everything that it starts`() async throws {
    let result = try await run(try Workbench(), "ulimit -n; ulimit -Hn; nice; sh -c 'ulimit -n; nice'") {
      $0.limits = RunSpec.Limits(files: 64, nice: 7)
    }
    #expect(result.output == "64\n64\n7\n64\n7\n")
    guard isRoot() else { return }
    // Where the kernel schedules by session, only the session's own value counts against other jobs.
    let session = try await run(try Workbench(), "sed 's/.* //' /proc/self/autogroup 2>/dev/null || echo 7") {
      $0.limits.nice = 7
    }
    #expect(session.output == "7\n")
  }

  @Test func `it reads what the manifest gives it`() async throws {
    let text = "first\n" + String(repeating: "x", count: RunSpec.inputLimit - 6)
    let result = try await run(try Workbench(), "read line; echo \"$line\"; cat | wc -c") {
      $0.input = text
    }
    #expect(result.output == "first\n\(RunSpec.inputLimit - 6)\n")
    let none = try await run(try Workbench(), "wc -c") { _ in }
    #expect(none.output == "0\n")
  }

  @Test(arguments: RunSpec.Kill.Signal.allCases)
  func `it is asked to end with the signal that it wants`(_ signal: RunSpec.Kill.Signal) async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let others = RunSpec.Kill.Signal.allCases.filter { $0 != signal }.map(\.rawValue).joined(separator: " ")
    let line = """
      trap 'echo wrong; exit 3' \(others); trap 'echo asked; exit 7' \(signal.rawValue)
      echo > \(ready); while :; do sleep 0.05; done
      """
    let files = try bench.put([("job.sh", "#!/bin/sh\n\(line)\n")])
    var spec = RunSpec(program: .script("job.sh"))
    spec.kill = RunSpec.Kill(signal: signal, grace: .seconds(60))
    let shim = try bench.launcher.start(bench.attempt(spec, files: files), from: bench.store, in: bench.runPath())
    _ = try await readToEnd(ready)
    try shim.cancel()
    let record = try await shim.record()
    #expect(record.ending == .exited(7) && record.cancelled)
    // A shell may say of its own children how they ended.
    let output = try shim.folder.text(record)
    #expect(output.hasSuffix("asked\n") && !output.contains("wrong"), "\(output)")
  }
}
