import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// Where cgroups are, which attempt gets which, and that none is left.
@Suite(.timeLimit(.minutes(10))) struct CgroupTests {
  static let unified =
    "29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
  static let hybrid = """
    40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

    """

  @Test func `the hierarchy is found wherever it is mounted`() {
    #expect(CgroupMount(mountinfo: Self.unified)?.folder(of: "/") == "/sys/fs/cgroup")
    #expect(
      CgroupMount(mountinfo: Self.unified)?.folder(of: "/a.slice/b.service") == "/sys/fs/cgroup/a.slice/b.service")
    #expect(CgroupMount(mountinfo: Self.hybrid)?.folder(of: "/x") == "/sys/fs/cgroup/unified/x")
    let readOnly = Self.unified.replacing(" rw,nosuid", with: " ro,nosuid")
    #expect(CgroupMount(mountinfo: readOnly) == nil && CgroupMount(mountinfo: readOnly + Self.hybrid) != nil)
    // Part of it, as a container without a cgroup namespace sees it; a folder whose name holds a space.
    let part = CgroupMount(mountinfo: "1 2 0:3 /docker/c1 /my\\040cgroups rw shared:1 master:2 - cgroup2 none rw\n")
    #expect(part?.folder(of: "/docker/c1/x") == "/my cgroups/x" && part?.folder(of: "/docker/c2") == nil)
    #expect(part?.folder(of: "/docker/c1") == "/my cgroups")
    for hostile in ["", "a", "/../x", "/docker/c1/../../x", "docker/c1"] { #expect(part?.folder(of: hostile) == nil) }
    for broken in ["", "\n", "1 2 3", "- cgroup2", "1 2 0:3 / /x rw - ext4 a rw", "1 2 0:3 / /x rw cgroup2 cgroup2 rw"]
    {
      #expect(CgroupMount(mountinfo: broken) == nil)
    }
  }

  @Test func `a process's own cgroup is read`() {
    #expect(CgroupMount.own(in: "1:name=systemd:/x\n0::/system.slice/a.service\n") == "/system.slice/a.service")
    #expect(CgroupMount.own(in: "0::/\n") == "/")
    #expect(CgroupMount.own(in: "8:pids:/\n") == nil && CgroupMount.own(in: "") == nil)
  }

  @Test func `a place that is not there is said`() {
    guard case .none(let why) = Cgroups.find(place: "/no/such/cgroup", owner: "test") else {
      Issue.record("found")
      return
    }
    #expect(why.contains("/no/such/cgroup") || why.contains("no hierarchy"))
  }

  @Test(.enabled(if: hasCgroups(), "needs a cgroup of version 2 to divide"))
  func `each attempt has its own from its first instruction on, and none is left`() async throws {
    let bench = try Workbench(cgroups: true)
    let tree = try bench.tree()
    let files = try bench.put([("job.sh", "#!/bin/sh\ngrep ^0:: /proc/self/cgroup; setsid sleep 1000 &\n")])
    var attempt = try bench.attempt(RunSpec(program: .script("job.sh")), files: files)
    attempt.linger = .zero
    let shim = try bench.launcher.start(attempt, from: bench.store, in: bench.runPath())
    let record = try await shim.record()
    #expect(record.ending == .exited(0))
    let line = try shim.folder.text(record)
    #expect(line.hasSuffix("/\(tree.prefix)\(attempt.run.text).1\n"), "\(line)")
    #expect(tree.names().isEmpty)
  }

  /// As systemd does when the unit that holds the runs' cgroups is started again.
  @Test(.enabled(if: hasCgroups([.memory, .pids]) && isRoot(), "needs root, and controllers"))
  func `a place that was made anew is furnished again`() throws {
    let top = try Workbench(cgroups: true).tree().folder
    let name = "belfry-place-\(UInt64.random(in: 0 ... .max))"
    let place = "\(top)/\(name)"
    try #require(mkdir(place, 0o755) == 0)
    defer { rmdir(place) }
    let cgroup = try #require(CgroupMount.own(in: command(["cat", "/proc/self/cgroup"]).output))
    let below = (cgroup == "/" ? "" : cgroup.replacing("/belfry-rest", with: "")) + "/" + name
    guard case .tree(let tree) = Cgroups.find(place: below, owner: "test") else { throw Unexpected("no tree") }
    rmdir(place)
    try #require(mkdir(place, 0o755) == 0)
    let path = try tree.make("r.1", RunSpec.Limits(memory: 8 << 20, processes: 5))
    #expect(try command(["cat", path + "/memory.max", path + "/pids.max"]).output == "8388608\n5\n")
    tree.end("r.1")
    #expect(tree.names().isEmpty)
  }

  @Test(.enabled(if: hasCgroups(), "needs a cgroup of version 2 to divide"))
  func `an attempt that does not begin leaves none`() async throws {
    let bench = try Workbench(cgroups: true)
    let missing = try bench.shell("", { $0.program = "/no/such/program" }, run: "missing")
    guard case .neverBegan(.exec, _) = try await missing.record().ending else { throw Unexpected("it began") }
    let armed = try bench.shell(
      "", { $0.start = .init(at: now() + .seconds(50), by: now() + .seconds(60)) }, run: "armed")
    try armed.disarm()
    #expect(try await armed.record().disarmed)
    #expect(throws: ExecutionError.self) {
      try bench.launcher.start(
        bench.attempt(RunSpec(program: .script("nowhere.sh"))), from: bench.store, in: bench.runPath("none"))
    }
    #expect(try bench.tree().names().isEmpty)
  }

  @Test(.enabled(if: hasCgroups(), "needs a cgroup of version 2 to divide"))
  func `a cgroup that is gone is an end with a reason`() async throws {
    let bench = try Workbench(cgroups: true)
    let shim = try bench.shell("") { $0.cgroup = "/sys/fs/cgroup/gone" }
    let end = try await shim.ended()
    let words = classify(end, success: [0]).reason
    #expect(words == "could not start: it could not be put into its cgroup: No such file or directory")
    #expect(!end.mayHaveRun)
    try bench.tree().end("run")
  }

  /// What no sweep can find: it is no descendant, carries no mark of the run, and was put there by somebody else.
  @Test(.enabled(if: hasCgroups() && isRoot(), "needs root: to move a process of somebody else's"))
  func `whatever is in the cgroup at the end goes with it`() async throws {
    let bench = try Workbench(cgroups: true)
    let go = try bench.fifo("go")
    let shim = try bench.shell("cat \(go); exit 3")
    let stranger = try await Stranger()
    #expect(
      try CgroupTree.write("\(stranger.pid)", to: "\(bench.tree().folder)/\(bench.tree().prefix)run/cgroup.procs") == 0)
    try await touch(go)
    #expect(try await shim.record().ending == .exited(3))
    #expect(try await stranger.ending() == .signalled(9))
    #expect(try bench.tree().names().isEmpty)
  }

  @Test(.enabled(if: hasCgroups() && isRoot(), "needs root: to make cgroups as a job"))
  func `cgroups that a job made below its own are removed`() async throws {
    let bench = try Workbench(cgroups: true)
    let shim = try bench.shell(
      "d=$(dirname $(ls -d \(bench.tree().folder)/\(bench.tree().prefix)run/cgroup.procs)); mkdir -p $d/a/b $d/c; (echo 0 > $d/a/b/cgroup.procs; exec sleep 1000) & echo made"
    ) { $0.linger = .milliseconds(200) }
    let record = try await shim.record()
    #expect(try shim.folder.text(record) == "made\n" && record.leftBehind == 1)
    #expect(try bench.tree().names().isEmpty)
  }

  /// A killed shim's processes that neither carry the run's id nor have a parent that does.
  @Test(.enabled(if: hasCgroups(), "needs a cgroup of version 2 to divide"))
  func `what a killed shim left is found by its cgroup`() async throws {
    let bench = try Workbench(cgroups: true)
    let (ready, held) = (try bench.fifo("ready"), try bench.fifo("held"))
    let shim = try bench.shell("env -i setsid sleep 1000 9>\(held) & echo > \(ready); wait")
    async let gone = readToEnd(held)
    _ = try await readToEnd(ready)
    kill(shim.pid, SIGKILL)
    #expect(try await shim.ended().ending == .lost(.shimDied))
    _ = try await gone
    #expect(try bench.tree().names().isEmpty)
  }

  @Test(.enabled(if: hasCgroups() && isRoot(), "needs root: to move a process of somebody else's"))
  func `a name that is taken from a former try is taken over`() async throws {
    let bench = try Workbench(cgroups: true)
    let tree = try bench.tree()
    let first = try tree.make("r.1")
    let stranger = try await Stranger()
    #expect(CgroupTree.write("\(stranger.pid)", to: "\(first)/cgroup.procs") == 0)
    #expect(try tree.make("r.1") == first)
    #expect(try await stranger.ending() == .signalled(9))
    #expect(tree.names() == ["r.1"])
    tree.end("r.1")
    tree.end("r.1")
    #expect(tree.names().isEmpty)
  }
}

/// A process that has nothing to do with the run in question: the job of another bench.
private struct Stranger {
  let pid: Int32
  private let bench: Workbench
  private let shim: Shim

  init() async throws {
    bench = try Workbench()
    let told = try bench.fifo("pid")
    shim = try bench.shell("echo $$ > \(told); exec sleep 1000")
    pid = try #require(Int32(try await readToEnd(told).dropLast()))
  }

  func ending() async throws -> ExitRecord.Ending { try await shim.record().ending }
}
