import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

/// What an agent takes of a job's folders to send it back, however the job has arranged them.
@Suite(.timeLimit(.minutes(10))) struct ArtifactTests {
  final class Place: Sendable {
    let bench: Workbench
    let limits: ArtifactLimits
    let spoolPath: String

    init(_ limits: ArtifactLimits = ArtifactLimits(), spoolPath: String? = nil) throws {
      bench = try Workbench()
      chmod(bench.files.path(""), 0o711)
      mkdir(bench.files.path("work"), 0o711)
      self.limits = limits
      self.spoolPath = spoolPath ?? bench.files.path("artifacts")
    }

    func spool() throws -> ArtifactSpool { try ArtifactSpool(path: spoolPath, limits: limits) }

    func run(
      _ line: String, run: String = "run", user: String? = nil, keeps: Bool = false
    ) async throws -> RunFolder {
      var spec = RunSpec(program: .command(["/bin/sh", "-c", line]))
      spec.user = user
      spec.workFolder = keeps ? .keep : .fresh
      let shim = try bench.launcher.start(
        bench.attempt(spec), from: bench.store, in: bench.runPath(run),
        kept: KeptFolders(path: bench.files.path("work")) { _ in })
      let record = try await shim.record()
      guard record.ending == .exited(0) else { throw Unexpected("\(record.ending): \(try shim.folder.text())") }
      return shim.folder
    }
  }

  private func text(_ artifact: Artifact?, in spool: ArtifactSpool) throws -> String? {
    guard let artifact else { return nil }
    let bytes = try spool.read(artifact.digest, at: 0, limit: Int(artifact.size) + 1)
    #expect(SHA256.hash(bytes) == artifact.digest && bytes.count == Int(artifact.size))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `files of both folders are taken by their names`() async throws {
    let place = try Place()
    let folder = try await place.run(
      """
      mkdir -p out/deep "$BELFRY_ARTIFACTS/a/b"; echo one > out/1.gz; echo two > out/2.gz; echo no > out/3.txt
      echo deep > out/deep/4.gz; echo given > "$BELFRY_ARTIFACTS/a/b/é file"; : > "$BELFRY_ARTIFACTS/empty"
      """)
    let spool = try place.spool()
    #expect(folder.mayHaveArtifacts(patterns: []) && folder.mayHaveArtifacts(patterns: ["out/*.gz"]))
    let found = try folder.collectArtifacts(patterns: ["out/*.gz"], into: spool)
    #expect(found.problems.isEmpty && found.notes.isEmpty, "\(found)")
    #expect(found.files.map(\.name) == ["a/b/é file", "empty", "out/1.gz", "out/2.gz"])
    #expect(try text(found.files[0], in: spool) == "given\n" && text(found.files[1], in: spool) == "")
    #expect(try text(found.files[3], in: spool) == "two\n")
    // Told again, it gives the same; and what is in the spool stays when the run's folder goes.
    #expect(try folder.collectArtifacts(patterns: ["out/*.gz"], into: spool) == found)
    try folder.remove()
    #expect(try text(found.files[2], in: spool) == "one\n")
    #expect(spool.size == 6 + 0 + 4 + 4)
  }

  @Test func `a run without artifacts costs a look at an empty folder`() async throws {
    let place = try Place()
    let folder = try await place.run("true")
    #expect(!folder.mayHaveArtifacts(patterns: []))
    #expect(access(folder.path + "/taken", F_OK) != 0)
    let found = try folder.collectArtifacts(patterns: ["out/*.gz", "**/x"], into: try place.spool())
    #expect(found.files.isEmpty && found.problems.isEmpty)
    #expect(found.notes == ["nothing matches out/*.gz", "nothing matches **/x"])
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `what is taken is the agent's alone, and moved where nothing else needs it`() async throws {
    let place = try Place()
    let folder = try await place.run(
      "echo x > $BELFRY_ARTIFACTS/f; stat -c %i $BELFRY_ARTIFACTS/f; echo y > w", user: "nobody")
    let inode = try folder.text().trimmingNewline
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: ["w"], into: spool)
    #expect(found.files.map(\.name) == ["f", "w"] && found.problems.isEmpty, "\(found)")
    var status = stat()
    lstat("\(place.spoolPath)/\(found.files[0].digest.hex)", &status)
    #expect("\(status.st_ino)" == inode)
    #expect(status.st_uid == 0 && status.st_mode & 0o7777 == 0o400)
    #expect(access(folder.artifacts + "/f", F_OK) != 0 && access(folder.work + "/w", F_OK) != 0)
  }

  @Test func `a folder that is kept loses nothing`() async throws {
    let place = try Place()
    let folder = try await place.run("echo x > f; chmod 600 f", keeps: true)
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: ["f"], into: spool)
    #expect(try text(found.files.first, in: spool) == "x\n")
    let again = try await place.run("cat f; echo y >> f; cat f", run: "2", keeps: true)
    #expect(try again.text() == "x\nx\ny\n")
    #expect(try text(found.files.first, in: spool) == "x\n")
  }

  /// What a job leaves, and what is said of it.
  struct Trap: Sendable, CustomTestStringConvertible {
    var line: String
    var files: [String] = []
    var problem: String?
    var note: String?
    var testDescription: String { line }
  }

  @Test(arguments: [
    Trap(line: "ln -s /etc/passwd $A/f", note: "f is not a regular file"),
    Trap(line: "ln -s /etc $A/d", note: "d is not a regular file"),
    Trap(line: "mkfifo $A/f; echo x > $A/g", files: ["g"], note: "f is not a regular file"),
    Trap(line: "rmdir $A; ln -s /etc $A", note: nil),
    Trap(line: "rmdir $A; mkfifo $A", note: nil),
    Trap(line: "rmdir $A; touch $A", note: nil),
    Trap(line: "rmdir $A", note: nil),
    Trap(line: "printf x > $A/$(printf '\\377')", problem: "is not a name in UTF-8"),
    Trap(line: "printf x > \"$A/$(printf 'a\\nb')\"", problem: "a\\nb: the path holds a control character"),
    Trap(
      line: "printf x > \"$A/$(printf 'a\\342\\200\\256b')\"",
      problem: "a<U+202E>b: the path holds a character that does not show"),
    Trap(line: "printf x > \"$A/a\\\\b\"", problem: "the path holds a control character or a backslash"),
    Trap(line: "mkdir $A/.git; printf x > $A/.git/config", problem: "must not contain '.git'"),
    Trap(line: "mkdir -p $A/$(seq -s / 1 40); printf x > $A/f", files: ["f"], problem: "has too many folders above it"),
    Trap(
      line: "cd $A; d=$(printf %0200d 0); mkdir $d; printf x > $d/$(printf %060d 0)", problem: "more than 255 bytes"),
    Trap(line: "printf x > $A/f; chmod 0 $A/f", files: ["f"]),
    Trap(
      line: "mkdir $A/d; printf x > $A/d/f; chmod 0 $A/d", files: isRoot() ? ["d/f"] : [],
      problem: isRoot() ? nil : "Permission denied"),
    Trap(line: "truncate -s 2G $A/f", problem: "f: it has 2147483648 bytes, more than 1073741824"),
    Trap(
      line: "for i in $(seq 101); do echo $i > $A/$i; done",
      problem: "there are 101 files, and no more than 100 are taken"),
    Trap(line: "printf x > $A/f; ln $A/f $A/g", files: ["f", "g"]),
  ])
  func `whatever a job leaves, nothing hangs, nothing leaks, and it is said`(_ trap: Trap) async throws {
    let place = try Place()
    let folder = try await place.run("A=$BELFRY_ARTIFACTS; \(trap.line)")
    let found = try folder.collectArtifacts(patterns: [], into: try place.spool())
    if trap.files.count > 0 || trap.problem == nil { #expect(found.files.map(\.name) == trap.files, "\(found)") }
    if let problem = trap.problem {
      #expect(found.problems.contains { $0.contains(problem) }, "\(found)")
    } else {
      #expect(found.problems.isEmpty, "\(found)")
    }
    if let note = trap.note { #expect(found.notes == [note], "\(found)") }
    try folder.remove()
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `a file of somebody else is not told to a job that cannot read it`() async throws {
    let place = try Place()
    let folder = try await place.run("true", user: "nobody")
    // As a host without protected_hardlinks would let it.
    let secret = try place.bench.files.write("secret", "root's own")
    chmod(secret, 0o600)
    link(secret, folder.artifacts + "/hard")
    try place.bench.files.write("run/artifacts/moved", "root's too")
    let found = try folder.collectArtifacts(patterns: [], into: try place.spool())
    #expect(found.files.isEmpty)
    #expect(found.problems == ["hard: it belongs to another user", "moved: it belongs to another user"])
    var status = stat()
    lstat(secret, &status)
    #expect(status.st_nlink >= 1 && status.st_mode & 0o777 == 0o600)
  }

  @Test(.enabled(if: isRoot(), "needs root: to mount"))
  func `nothing is taken from what is mounted below`() async throws {
    let place = try Place()
    try place.bench.files.write("host/canary", "precious")
    let folder = try await place.run("mkdir $BELFRY_ARTIFACTS/m")
    let mount = folder.artifacts + "/m"
    try command(["mount", "--bind", place.bench.files.path("host"), mount])
    defer { umount2(mount, 2) }
    let found = try folder.collectArtifacts(patterns: [], into: try place.spool())
    #expect(found.files.isEmpty && found.problems.count == 1 && found.problems[0].contains("Invalid cross-device link"))
  }

  @Test func `who still has a file open for writing cannot change what was taken`() async throws {
    let place = try Place()
    let folder = try await place.run("echo first > $BELFRY_ARTIFACTS/f")
    // A process that outlived its run's end, say.
    let writer = open(folder.artifacts + "/f", O_WRONLY)
    defer { close(writer) }
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: [], into: spool)
    #expect(found.problems.isEmpty && found.files.count == 1)
    pwrite(writer, "FALSE", 5, 0)
    #expect(try text(found.files.first, in: spool) == "first\n")
    #expect(try spool.isWhole(found.files[0].digest))
  }

  @Test func `what waits already has a limit`() async throws {
    let place = try Place(ArtifactLimits(file: 1_000, spool: 1_500))
    let folder = try await place.run(
      "cd $BELFRY_ARTIFACTS; head -c 1000 /dev/zero > a; head -c 900 /dev/urandom > b; head -c 1001 /dev/zero > c; cp a d"
    )
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: [], into: spool)
    // The same bytes take no room twice.
    #expect(found.files.map(\.name) == ["a", "d"])
    #expect(
      found.problems == [
        "b: 1000 bytes wait for the controller already, and no more than 1500 may",
        "c: it has 1001 bytes, more than 1000",
      ])
    #expect(spool.size == 1_000)
    let attempt = AttemptEnd(.lost(.shimDied)).attempt(
      number: 1, success: [0], output: KeptOutput(), artifacts: found, started: Timestamp(seconds: 0),
      now: Timestamp(seconds: 0))
    #expect(attempt.artifacts == found.files)
    spool.unpin(found.files.map(\.digest))
    try spool.collect(keeping: [])
    #expect(spool.size == 0 && access("\(place.spoolPath)/\(found.files[0].digest.hex)", F_OK) != 0)
  }

  @Test func `a copy is made only when there is room for it`() async throws {
    let place = try Place(ArtifactLimits(file: 1 << 20, spool: 1_500_000))
    // They take nothing on the disk where they are.
    let folder = try await place.run("for i in 1 2 3; do truncate -s 1000000 $i; printf $i >>$i; done", keeps: true)
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: ["*"], into: spool)
    #expect(found.files.map(\.name) == ["1"])
    #expect(
      found.problems
        == ["2", "3"].map {
          "\($0): 1000001 bytes wait for the controller already, and no more than 1500000 may"
        })
    #expect(spool.size == 1_000_001)
    let taken = try Descriptor(open: folder.path + "/taken", O_RDONLY | O_DIRECTORY).entries(limit: 9).map {
      String(decoding: $0.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    #expect(taken.sorted() == ["0", "plan.json"])
    // What was held for copies is given back, whatever became of them.
    let again = try await place.run("true", run: "2", keeps: true)
    #expect(try again.collectArtifacts(patterns: ["1"], into: spool).problems.count == 1)
    spool.unpin(found.files.map(\.digest))
    try spool.collect(keeping: [])
    #expect(spool.size == 0)
    let late = try await place.run("true", run: "3", keeps: true)
    #expect(try late.collectArtifacts(patterns: ["1"], into: spool).problems.isEmpty && spool.size == 1_000_001)
  }

  @Test func `the size is known before anything is taken, and afterwards`() async throws {
    let place = try Place()
    let folder = try await place.run("truncate -s 100M $BELFRY_ARTIFACTS/f; echo x > g")
    #expect(folder.sizeOfArtifacts(patterns: ["g"]) == 100 << 20 + 2)
    _ = try folder.collectArtifacts(patterns: ["g"], into: try place.spool())
    #expect(folder.sizeOfArtifacts(patterns: ["g"]) == 100 << 20 + 2)
  }

  @Test func `after a restart of the host only what had been sealed counts`() async throws {
    let place = try Place()
    let folder = try await place.run("echo x > $BELFRY_ARTIFACTS/f; echo y > $BELFRY_ARTIFACTS/g")
    let whole = try folder.collectArtifacts(patterns: [], into: try place.spool())
    #expect(whole.files.map(\.name) == ["f", "g"])
    // The second one was not taken yet; the machine is in another run of its life.
    rename(folder.path + "/taken/1", folder.artifacts + "/g")
    let status = StatusFile.fresh(bootID: "00000000-0000-4000-8000-000000000000", of: "run")
    try place.bench.files.write("run/status", bytes: status)
    let found = try folder.collectArtifacts(patterns: [], into: try place.spool())
    #expect(found.files == [whole.files[0]])
    #expect(found.problems == ["g: the host stopped before it was taken, and its disk may not have all of it"])
  }

  @Test func `what nobody has spoken for yet is not removed under whom it is for`() async throws {
    let place = try Place()
    let folder = try await place.run("echo x > $BELFRY_ARTIFACTS/f")
    let spool = try place.spool()
    let found = try folder.collectArtifacts(patterns: [], into: spool)
    try spool.collect(keeping: [])
    #expect(try text(found.files.first, in: spool) == "x\n")
    // The next life of the agent knows better: it collects again what was not written down.
    try place.spool().collect(keeping: [])
    #expect(try folder.collectArtifacts(patterns: [], into: try place.spool()) == found)
  }

  @Test func `an agent that stops leaves files to the next one`() async throws {
    let place = try Place()
    let folder = try await place.run("echo x > $BELFRY_ARTIFACTS/f")
    let spool = try place.spool()
    let stopped = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try folder.collectArtifacts(patterns: [], into: spool)
    }
    await #expect(throws: CancellationError.self) { try await stopped.value }
    #expect(spool.size == 0)
    let found = try folder.collectArtifacts(patterns: [], into: spool)
    #expect(found.problems.isEmpty && found.files.map(\.name) == ["f"])
  }

  /// An agent that died after each of its steps.
  @Test(arguments: ["", "moved", "vetted", "copy"]) func `an agent that died goes on where it was`(_ step: String)
    async throws
  {
    let place = try Place()
    let folder = try await place.run("echo x > $BELFRY_ARTIFACTS/f; echo y > $BELFRY_ARTIFACTS/g")
    let whole = try await place.run("echo x > $BELFRY_ARTIFACTS/f; echo y > $BELFRY_ARTIFACTS/g", run: "other")
    let expected = try whole.collectArtifacts(patterns: [], into: try place.spool())
    var plan = ArtifactPlan(folder: nil, work: nil, patterns: [])
    plan.entries = [.init(name: "f", isInWorkFolder: false), .init(name: "g", isInWorkFolder: false)]
    mkdir(folder.path + "/taken", 0o700)
    try place.bench.files.write("run/taken/plan.json", String(decoding: plan.bytes, as: UTF8.self))
    switch step {
    case "moved", "vetted": rename(folder.artifacts + "/f", folder.path + "/taken/0.\(step)")
    case "copy": try place.bench.files.write("run/taken/0.copy", "half")
    default: break
    }
    #expect(try folder.collectArtifacts(patterns: [], into: try place.spool()) == expected)
  }

  @Test func `a plan is read as it was written`() throws {
    var plan = ArtifactPlan(folder: nil, work: nil, patterns: [])
    plan.entries = [.init(name: "é\"/b", isInWorkFolder: true), .init(name: "x", isInWorkFolder: false)]
    (plan.problems, plan.notes) = (["p"], ["n", "m"])
    #expect(try ArtifactPlan(parsing: plan.bytes) == plan)
  }

  @Test func `a problem fails an attempt that had succeeded, a note does not`() throws {
    let record = JudgementTests.record()
    func attempt(_ found: CollectedArtifacts) -> Receipt.Attempt {
      AttemptEnd(.finished(record)).attempt(
        number: 1, success: [0], output: KeptOutput(), artifacts: found, started: Timestamp(seconds: 0),
        now: Timestamp(seconds: 0))
    }
    var found = CollectedArtifacts()
    found.notes = ["nothing matches x"]
    #expect(attempt(found).state == .succeeded && attempt(found).reason == "artifacts: nothing matches x")
    found.problems = ["a: b", "c: d", "e: f", "g: h", "i: j"]
    #expect(attempt(found).state == .failed)
    #expect(attempt(found).reason == "artifacts: a: b, c: d, e: f, g: h, and 2 more")
  }
}

/// On a disk that has no room for them.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: isRoot(), "needs root: to mount a small file system"))
struct ArtifactDiskTests {
  @Test func `a spool without room says so, and keeps what it had`() async throws {
    let disk = try SmallDisk(kilobytes: 1_024)
    let place = try ArtifactTests.Place(spoolPath: disk.path + "/artifacts")
    let first = try await place.run("head -c 100000 /dev/urandom > $BELFRY_ARTIFACTS/f")
    let spool = try place.spool()
    let found = try first.collectArtifacts(patterns: [], into: spool)
    #expect(found.files.count == 1 && found.problems.isEmpty, "\(found)")
    let second = try await place.run("head -c 3000000 /dev/urandom > $BELFRY_ARTIFACTS/g", run: "2")
    let none = try second.collectArtifacts(patterns: [], into: spool)
    #expect(
      none.files.isEmpty && none.problems == ["g: there is no room on the disk: No space left on device"], "\(none)")
    try disk.fill()
    let third = try await place.run("head -c 50000 /dev/urandom > $BELFRY_ARTIFACTS/h", run: "3")
    #expect(try third.collectArtifacts(patterns: [], into: spool).problems.count == 1)
    #expect(try spool.isWhole(found.files[0].digest) && spool.size == 100_000)
    // With room again the very same attempt gives it back.
    disk.free()
    let late = try third.collectArtifacts(patterns: [], into: spool)
    #expect(late.files.count == 1 && late.problems.isEmpty, "\(late)")
  }
}

extension String {
  fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
