import Glibc
import Model
import Synchronization
import TestSupport
import Testing
import Trust

@testable import Execution

/// Where a job runs: a fresh folder or one that is kept, and one for temporary files.
@Suite(.timeLimit(.minutes(10))) struct WorkFolderTests {
  /// A place for folders that are kept, and what was put out of the way there.
  final class Place: Sendable {
    let bench: Workbench
    let path: String
    private let list = Mutex<[String]>([])

    init() throws {
      bench = try Workbench()
      path = bench.files.path("work")
      mkdir(path, 0o711)
      chmod(bench.files.path(""), 0o711)
    }

    var folders: KeptFolders { KeptFolders(path: path) { gone in self.list.withLock { $0.append(gone) } } }
    /// Each once, the disk's word.
    var discarded: [String] { Set(list.withLock { $0 }).filter { access($0, F_OK) == 0 }.sorted() }

    func start(_ line: String, run: String = "run", user: String? = nil, keeps: Bool = true) throws -> Shim {
      var spec = RunSpec(program: .command(["/bin/sh", "-c", line]))
      spec.user = user
      spec.workFolder = keeps ? .keep : .fresh
      return try bench.launcher.start(
        bench.attempt(spec), from: bench.store, in: bench.runPath(run), kept: folders)
    }

    func output(_ line: String, run: String = "run", user: String? = nil, keeps: Bool = true) async throws -> String {
      let shim = try start(line, run: run, user: user, keeps: keeps)
      _ = try await shim.record()
      return try shim.folder.text()
    }
  }

  @Test func `temporary files have a fresh folder of the job's own, gone with the run`() async throws {
    let place = try Place()
    let line = #"ls -A "$TMPDIR"; stat -c %a "$TMPDIR"; f=$(mktemp) && echo made && ls -d "$f" | xargs dirname"#
    let output = try await place.output(line, keeps: false)
    let folder = RunFolder(path: place.bench.runPath())
    #expect(output == "700\nmade\n\(folder.temporary)\n")
    try folder.remove()
    #expect(!place.bench.exists("run"))
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `temporary files of another user are its own`() async throws {
    let place = try Place()
    #expect(
      try await place.output(#"stat -c %U "$TMPDIR"; mktemp -d >/dev/null && echo made"#, user: "nobody")
        == "nobody\nmade\n")
  }

  @Test func `what a run leaves in a folder that is kept the next one finds, under the same path`() async throws {
    let place = try Place()
    let first = try await place.output("pwd; echo left > mark", run: "1")
    let second = try await place.output("pwd; cat mark", run: "2")
    #expect(first == "\(place.path)/team+job/work\n")
    #expect(second == first + "left\n")
    #expect(try await place.output("ls -A", run: "3", keeps: false) == "")
    // A run's own folder goes, and the kept one stays.
    for run in ["1", "2", "3"] { try RunFolder(path: place.bench.runPath(run)).remove() }
    #expect(access("\(place.path)/team+job/work/mark", F_OK) == 0 && place.discarded.isEmpty)
  }

  @Test func `a folder that is kept is never two runs' at once`() async throws {
    let place = try Place()
    let gate = try place.bench.fifo("gate")
    let first = try place.start("cat \(gate)", run: "1")
    // The first one is at work as soon as it has opened the fifo.
    try await touchLater(gate) {
      let second = try place.start("echo never", run: "2")
      let record = try await second.record()
      #expect(record.ending == .neverBegan(.workFolder, error: EWOULDBLOCK))
      #expect(try second.folder.text() == "")
      // Nor is it taken away under the one that is at work.
      try place.folders.removeAll(but: [])
      #expect(place.discarded.isEmpty)
    }
    #expect(try await first.record().ending == .exited(0))
    #expect(try await place.output("echo mine", run: "3") == "mine\n")
  }

  /// Opens the fifo for writing, which its reader waits for, runs the body, and closes it again.
  private func touchLater(_ path: String, _ body: () async throws -> Void) async throws {
    let file = try await blocking { open(path, O_WRONLY | O_CLOEXEC) }
    defer { close(file) }
    try await body()
  }

  @Test func `folders of jobs that are gone are put out of the way, others stay`() async throws {
    let place = try Place()
    _ = try await place.output("touch a")
    let other = try JobName("other")
    _ = try place.folders.prepare(other, for: nil)
    mkdir(place.path + "/NOT A JOB", 0o700)
    try place.folders.removeAll(but: [other])
    #expect(place.discarded.count == 1 && place.discarded[0].hasPrefix(place.path + "/.removed-"))
    #expect(access(place.path + "/team+job", F_OK) != 0 && access(place.path + "/other/work", F_OK) == 0)
    #expect(access(place.path + "/NOT A JOB", F_OK) == 0)
    let gone = place.discarded[0]
    try RunFolder(path: gone).remove()
    #expect(access(gone, F_OK) != 0)
    // What an agent that died has not removed is found by the next one.
    mkdir(place.path + "/.removed-x", 0o700)
    try place.folders.removeAll(but: [other])
    #expect(place.discarded == [place.path + "/.removed-x"])
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `another user gets an empty folder, and nothing of the former one's is given to it`() async throws {
    let place = try Place()
    let canary = try place.bench.files.write("canary", "secret")
    _ = try await place.output("ln \(canary) hard; ln -s \(canary) soft; echo mine > file")
    #expect(
      try await place.output("ls -A; stat -c %U .; pwd", run: "2", user: "nobody")
        == "nobody\n\(place.path)/team+job/work\n")
    var status = stat()
    lstat(canary, &status)
    #expect(status.st_uid == 0)
    #expect(place.discarded.count == 1)
    // The former folder is not found again, the new one is.
    #expect(try await place.output("touch x; ls -A", run: "3", user: "nobody") == "x\n")
    #expect(try await place.output("ls -A", run: "4", user: "nobody") == "x\n")
    #expect(place.discarded.count == 1)
  }

  @Test(arguments: ["ln -s /etc work", "touch work", "mkfifo work", "ln -s nowhere work"])
  func `what stands in the place of a kept folder is not taken for it`(_ trap: String) async throws {
    let place = try Place()
    _ = try await place.output("true")
    try command(["sh", "-c", "rm -rf work && \(trap)"], in: place.path + "/team+job")
    let output = try await place.output("pwd -P; ls -A", run: "2")
    #expect(output == "\(place.path)/team+job/work\n")
  }

  @Test(.enabled(if: isRoot(), "needs root: to mount"))
  func `what a job has mounted is not removed with its folder`() async throws {
    let place = try Place()
    let canary = try place.bench.files.write("host/canary", "precious")
    let folder = try RunFolder.create(at: place.bench.runPath())
    let mount = folder.work + "/deep/mount"
    try command(["sh", "-c", "mkdir -p \(mount) && mount --bind \(place.bench.files.path("host")) \(mount)"])
    defer { umount2(mount, 2) }
    #expect(throws: ExecutionError.self) { try folder.remove() }
    #expect(access(canary, F_OK) == 0)
    try command(["sh", "-c", "umount $(grep -F '\(folder.path)' /proc/mounts | cut -d ' ' -f 2)"])
    try folder.remove()
    #expect(access(canary, F_OK) == 0 && !place.bench.exists("run"))
  }
}
