import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// How secrets reach a run, and where they do not get.
@Suite(.timeLimit(.minutes(10))) struct SecretRunTests {
  private static let value = "hunter2/hunter2+hunter2"

  private final class Site {
    let bench: Workbench
    let folders: SecretFolders

    init() throws {
      folders = SecretFolders(owner: "test-\(getpid())-\(UInt64.random(in: 0 ... .max))")
      bench = try Workbench(
        launcher: ShimLauncher(path: ProcessEnvironment["BELFRY_TEST_SHIM"], secretFolders: folders))
      chmod(bench.files.path(""), 0o711)
    }

    deinit {
      for attempt in folders.all() { try? folders.remove(attempt) }
      for place in folders.places { rmdir("\(place)/\(folders.name)") }
    }

    func start(
      _ line: String, _ secrets: RunSpec.Secrets, _ values: SecretValues, path: String = "run",
      _ change: (inout AttemptSpec) -> Void = { _ in }
    ) throws -> Shim {
      let files = try bench.put([("job.sh", "#!/bin/sh\n\(line)\n")])
      var spec = RunSpec(program: .script("job.sh"))
      spec.secrets = secrets
      var attempt = try bench.attempt(spec, files: files)
      change(&attempt)
      return try bench.launcher.start(attempt, secrets: values, from: bench.store, in: bench.runPath(path))
    }

    /// Every byte that is in the run folder and its parents.
    func holds(_ needle: String) throws -> Bool {
      try command(["grep", "-rqaF", needle, bench.files.path]).status == 0
    }
  }

  private func values(_ pairs: KeyValuePairs<String, String>) throws -> SecretValues {
    var values: SecretValues = [:]
    for (name, value) in pairs { values[try SecretName(name)] = Secret(Array(value.utf8)) }
    return values
  }

  @Test func `secrets are variables and files, and gone afterwards`() async throws {
    let site = try Site()
    let line = #"""
      test "$PGPASSWORD" = "$(cat "$BELFRY_SECRETS/db")" && echo same
      test "$(stat -c '%a %u' "$BELFRY_SECRETS")" = "500 $(id -u)" && echo closed
      test "$(stat -c '%a %u' "$BELFRY_SECRETS"/*)" = "400 $(id -u)" && echo closed too
      stat -f -c %T "$BELFRY_SECRETS"; ls "$BELFRY_SECRETS"
      grep core /proc/self/limits | tr -s ' '; ls /proc/self/fd | wc -l
      echo "it is $PGPASSWORD, printed"; printf %s "$PGPASSWORD" | base64; echo "$BELFRY_SECRETS"
      """#
    let shim = try site.start(
      line, .variables(["PGPASSWORD": try SecretName("db")]),
      try values(["db": Self.value, "unasked": "unasked value"]))
    let record = try await shim.record()
    #expect(record.ending == .exited(0))
    let output = try shim.folder.text(record).split(separator: "\n").map(String.init)
    #expect(
      output.dropLast() == [
        "same", "closed", "closed too", "tmpfs", "db", "Max core file size 1 1 bytes ", "4", "it is ***, printed",
        "***=",
      ], "\(output)")
    #expect(access(String(output.last ?? ""), F_OK) != 0, "the folder is gone")
    #expect(site.folders.all().isEmpty)
    #expect(try !site.holds("hunter2"))
  }

  @Test func `a list gives files alone`() async throws {
    let site = try Site()
    let shim = try site.start(
      #"cd "$BELFRY_SECRETS" && wc -c * && env | grep -c key- ; od -An -c binary"#,
      .files([try SecretName("binary"), try SecretName("tls")]), try values(["binary": "a\0b\0c", "tls": "key-of-tls"]))
    #expect(try await shim.record().ending == .exited(0))
    let output = try shim.folder.text()
    #expect(output.contains("5 binary") && output.contains("10 tls") && output.contains("\n0\n"), "\(output)")
  }

  @Test(.enabled(if: isRoot(), "needs root: to become another user"))
  func `a job's user reads its own and nobody else does`() async throws {
    let site = try Site()
    let line = """
      cat "$BELFRY_SECRETS/db" >/dev/null && stat -c %U "$BELFRY_SECRETS" "$BELFRY_SECRETS/db"
      ls "$BELFRY_SECRETS/.." 2>/dev/null || echo unlisted
      chmod 700 "$BELFRY_SECRETS" 2>/dev/null || echo "not its own"
      mkdir "$BELFRY_SECRETS/deep" 2>/dev/null || echo full
      (echo more >>"$BELFRY_SECRETS/db") 2>/dev/null || echo "no larger"
      (chmod 600 "$BELFRY_SECRETS/db") 2>/dev/null || echo "to read only"
      ls "$BELFRY_SECRETS"
      """
    let shim = try site.start(line, .files([try SecretName("db")]), try values(["db": Self.value])) {
      $0.program.user = "nobody"
    }
    #expect(try await shim.record().ending == .exited(0))
    #expect(
      try shim.folder.text() == "root\nroot\nunlisted\nnot its own\nfull\nno larger\nto read only\ndb\n")
    #expect(site.folders.all().isEmpty)
  }

  @Test func `values are masked in place, and left alone where there is nothing to mask`() async throws {
    let site = try Site()
    let lines = [
      (#"printf 'n=1\nt=%s\nm=2\n' "$A" >$BELFRY_OUTPUT"#, "n=1\nt=***\nm=2\n"),
      (#"printf '%s' "$A" >$BELFRY_OUTPUT"#, "***"),
      (#"printf 'n=1\n' >$BELFRY_OUTPUT; chmod 0 $BELFRY_OUTPUT; touch -d @1000000000 $BELFRY_OUTPUT"#, "n=1\n"),
    ]
    for (number, (line, text)) in lines.enumerated() {
      let shim = try site.start(
        line, .variables(["A": try SecretName("db")]), try values(["db": Self.value]), path: "run\(number)")
      #expect(try await shim.record().ending == .exited(0))
      let file = site.bench.runPath("run\(number)") + "/outputs"
      #expect(try command(["cat", file]).output == text)
      var status = stat()
      #expect(stat(file, &status) == 0)
      #expect((status.st_mtim.tv_sec == 1_000_000_000) == (number == 2))
    }
  }

  @Test func `a killed shim leaves the files for the agent to remove`() async throws {
    let site = try Site()
    let ready = try site.bench.fifo("ready")
    let shim = try site.start(
      "echo > \(ready); exec sleep 600", .variables(["A": try SecretName("db")]), try values(["db": Self.value]))
    _ = try await readToEnd(ready)
    let line = try command(["cat", "/proc/\(shim.pid)/cmdline"]).output
    #expect(!line.contains("hunter2"))
    kill(shim.pid, SIGKILL)
    guard case .lost = try await shim.ended().ending else { throw Unexpected("a dead shim made a record") }
    #expect(try !site.holds("hunter2"))
    #expect(site.folders.all().count == 1)
    for attempt in site.folders.all() { try site.folders.remove(attempt) }
    #expect(site.folders.all().isEmpty)
  }

  @Test func `the shim shows its memory to nobody`() async throws {
    let site = try Site()
    let ready = try site.bench.fifo("ready")
    let shim = try site.start(
      "echo > \(ready); exec sleep 600", .variables(["A": try SecretName("db")]), try values(["db": Self.value]))
    _ = try await readToEnd(ready)
    // Not dumpable: its folder in /proc is root's, whoever runs it, and a core dump has a byte at most.
    let limits = try command(["grep", "core", "/proc/\(shim.pid)/limits"]).output
    #expect(limits.split(separator: " ").filter { $0 == "1" }.count == 2, "\(limits)")
    try shim.cancel()
    #expect(try await shim.record().cancelled)
  }

  @Test func `an armed run that is dismissed leaves nothing`() async throws {
    let site = try Site()
    let shim = try site.start("true", .variables(["A": try SecretName("db")]), try values(["db": Self.value])) {
      let now = Timestamp(seconds: Int64(time(nil)))
      $0.start = ShimSpec.StartTime(at: now + .seconds(30), by: now + .seconds(31))
    }
    #expect(site.folders.all().count == 1)
    try shim.disarm()
    #expect(try await shim.record().disarmed)
    #expect(site.folders.all().isEmpty)
  }

  @Test func `what cannot be handed over is said, and nothing is left`() throws {
    let site = try Site()
    func problem(_ secrets: RunSpec.Secrets, _ values: SecretValues, _ code: ExecutionError.Code, _ words: String) {
      let error = #expect(throws: ExecutionError.self) { _ = try site.start("true", secrets, values) }
      #expect(error?.code == code && error?.message.contains(words) == true, "\(error as Any)")
      #expect(site.folders.all().isEmpty)
      #expect(access(site.bench.runPath(), F_OK) != 0)
    }
    let db = try SecretName("db")
    problem(.variables(["A": db]), [:], .noSecret, "no secret db")
    problem(.variables(["A": db]), try values(["db": "a\0bcd"]), .noSecret, "holds a NUL")
    problem(.variables(["LD_PRELOAD": db]), try values(["db": Self.value]), .refused, "must not be set")
    problem(.variables(["BELFRY_JOB": db]), try values(["db": Self.value]), .refused, "must not be set")
    let nowhere = SecretFolders(owner: "test", places: ["/proc", "/nowhere"])
    #expect(throws: ExecutionError.self) { try nowhere.make("x", try values(["db": Self.value]), for: nil) }
  }

  @Test(.enabled(if: isRoot(), "needs root: to make a file unchangeable"))
  func `values that cannot be masked are told`() async throws {
    let site = try Site()
    let line = #"printf 't=%s\n' "$A" >$BELFRY_OUTPUT; chattr +i $BELFRY_OUTPUT || rm $BELFRY_OUTPUT"#
    let shim = try site.start(line, .variables(["A": try SecretName("db")]), try values(["db": Self.value]))
    let record = try await shim.record()
    let file = site.bench.runPath("run") + "/outputs"
    // Where the file system has no such attribute the job has removed it.
    #expect(record.givenBackUnmasked == (access(file, F_OK) == 0))
    #expect(!record.givenBackUnmasked || classify(AttemptEnd(.finished(record)), success: [0]).reason != nil)
    _ = try? command(["chattr", "-i", file])
  }

  @Test func `what is taken out leaves room for the rest`() async throws {
    let site = try Site()
    let count = 30_000
    let shim = try site.start(
      #"yes "$A" | head -n \#(count)"#, .variables(["A": try SecretName("db")]), try values(["db": Self.value]))
    #expect(try await shim.record().recorded == 4 * Int64(count))
    guard let output = try shim.folder.outputRecord() else { throw Unexpected("no record") }
    let chunks = try output.chunks(from: 0, limit: .max)
    let isAll = chunks.flatMap(\.bytes) == Array(String(repeating: "***\n", count: count).utf8)
    #expect(isAll && chunks.count < count / 10, "\(chunks.count) records")
  }

  /// A look at the working folder's size is no silence.
  @Test func `a beginning of a secret is held back for a second`() async throws {
    let line = #"printf "hun"; sleep 0.35; printf 'ter2/hunter2+hunter2\n'"#
    var text = ""
    // On a busy machine a third of a second may become more than one.
    for _ in 0..<5 where text != "***\n" {
      let site = try Site()
      let shim = try site.start(line, .files([try SecretName("db")]), try values(["db": Self.value])) {
        $0.program.limits.disk = 1 << 30
      }
      text = try shim.folder.text(try await shim.record())
    }
    #expect(text == "***\n")
  }

  @Test func `a file or a link in the place of a folder hides no other place`() throws {
    let owner = "test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let files = try TemporaryFolder()
    let taken = files.path("taken")
    mkdir(taken, 0o777)
    let folders = SecretFolders(owner: owner, places: [taken, "/dev/shm"])
    let made = try folders.make("x", try values(["db": Self.value]), for: nil)
    for block in [{ symlink("/", $0) }, { close(creat($0, 0o666)) }] as [(String) -> Int32] {
      let path = "\(taken)/\(folders.name)"
      unlink(path)
      #expect(block(path) == 0)
      try folders.remove("unknown")
    }
    try folders.remove("x")
    #expect(access(made, F_OK) != 0 && folders.all().isEmpty)
    rmdir("/dev/shm/\(folders.name)")
  }

  @Test func `memory that is not ours is passed over`() throws {
    let site = try Site()
    let name = site.folders.name
    try #require(mkdir("/dev/shm/\(name)", 0o777) == 0)
    if isRoot() {
      chown("/dev/shm/\(name)", 65_534, 65_534)
      let only = SecretFolders(owner: String(name.dropFirst("belfry-secrets.".count)), places: ["/dev/shm"])
      let error = #expect(throws: ExecutionError.self) { try only.make("x", try values(["db": Self.value]), for: nil) }
      #expect(error?.code == .noMemory && error?.message.contains("belongs to user 65534") == true)
      #expect(only.all().isEmpty)
    }
    rmdir("/dev/shm/\(name)")
  }

  /// The shim believes no memory that is not as it should be.
  @Test func `broken memory is refused by the shim`() async throws {
    let site = try Site()
    func field(_ tag: UInt32, _ bytes: [UInt8]) -> [UInt8] {
      var out: [UInt8] = []
      out.append(littleEndian: tag)
      out.append(littleEndian: UInt32(bytes.count))
      return out + bytes
    }
    let magic = Array("BFSECR01".utf8)
    let end = field(0xffff_ffff, [])
    let variable = field(1, Array("A=b\0".utf8))
    let good = magic + variable + field(2, Array("abcd".utf8)) + end
    let broken: [[UInt8]] = [
      [], magic, magic + variable, Array(good.dropLast()), good + [0], Array("BFSECR02".utf8) + good[8...],
      magic + field(2, Array("abcd".utf8)) + variable + end, magic + field(1, Array("A=b".utf8)) + end,
      magic + field(1, Array("=b\0".utf8)) + end, magic + field(1, Array("Ab\0".utf8)) + end,
      magic + field(2, Array("abc".utf8)) + end, magic + field(3, Array("abcd".utf8)) + end,
      magic + field(1, Array("A=b\0c\0".utf8)) + end, magic + (0..<257).flatMap { _ in variable } + end,
      magic + [2, 0, 0, 0, 255, 255, 255, 255] + end, good + [UInt8](repeating: 0, count: 1 << 20),
    ]
    for (index, bytes) in (broken + [good]).enumerated() {
      let folder = try RunFolder.create(at: site.bench.runPath("memory\(index)"))
      var spec = site.bench.shellSpec("echo ran $A abcd", run: "memory\(index)")
      spec.secrets = SecretMemory.numberInShim
      try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
      try folder.write(spec.bytes(), to: "spec")
      let memory = try site.bench.files.write("memory", bytes: bytes)
      let line = #"exec 101<"$1" "$2" "$3""#
      let status = try command(["bash", "-c", line, "bash", memory, site.bench.launcher.path, folder.path]).status
      #expect(status == 0)
      guard case .ended(let end) = try folder.adopt(), case .finished(let record) = end.ending else {
        throw Unexpected("no record for \(index)")
      }
      if index == broken.count {
        #expect(record.ending == .exited(0))
        #expect(try folder.text() == "ran b ***\n")
      } else {
        #expect(record.ending == .neverBegan(.secrets, error: EBADMSG), "\(index)")
      }
    }
  }
}
