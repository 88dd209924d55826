import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// Run folders that are used again: as good as new ones to whoever runs in them, or not used again.
@Suite(.timeLimit(.minutes(10))) struct SpareFolderTests {
  /// A bench whose attempts get spare folders, one attempt after the other.
  struct Site {
    let bench: Workbench
    let spares: SpareFolders

    init(limit: Int = 1_024) throws {
      bench = try Workbench()
      try command(["mkdir", bench.files.path("runs")])
      spares = SpareFolders(path: bench.files.path("runs"), limit: limit)
    }

    func path(_ number: Int) -> String { bench.files.path("runs/run.\(number)") }

    func start(_ number: Int, _ run: RunSpec, files: [BundleFile] = []) throws -> Shim {
      let attempt = try bench.attempt(run, files: files, number: number)
      return try bench.launcher.start(attempt, from: bench.store, in: path(number), spares: spares)
    }

    /// Whether the folder was kept to be used again.
    func keep(_ shim: Shim, isOutputHeld: Bool = false) async throws -> Bool {
      let record = try await shim.record()
      let untouched = try #require(shim.untouched)
      return spares.keep(shim.folder, untouched, started: record.started, isOutputHeld: isOutputHeld)
    }

    /// Runs an attempt, and says what it printed and whether its folder was kept.
    func run(_ number: Int, _ run: RunSpec, files: [BundleFile] = []) async throws -> (text: String, isKept: Bool) {
      let shim = try start(number, run, files: files)
      let record = try await shim.record()
      #expect(record.ending == .exited(0))
      let text = try shim.folder.text(record)
      return (text, try await keep(shim))
    }
  }

  private static func shell(_ line: String, as user: String? = nil) -> RunSpec {
    var run = RunSpec(program: .command(["sh", "-c", line]))
    run.user = user
    return run
  }

  private static func inode(_ path: String) -> UInt {
    var status = stat()
    return stat(path, &status) == 0 ? UInt(status.st_ino) : 0
  }

  @Test func `a folder that nobody has touched is used again`() async throws {
    let site = try Site()
    #expect(try await site.run(1, Self.shell("true")).isKept)
    let shim = try site.start(2, Self.shell("true"))
    let first = Self.inode(site.path(2))
    #expect(try await site.keep(shim))
    _ = try site.start(3, Self.shell("true"))
    #expect(Self.inode(site.path(3)) == first && first != 0)
    #expect(access(site.path(1), F_OK) != 0)
  }

  @Test func `what runs in it finds what it would find in a new one`() async throws {
    let line = """
      ls -A . "$TMPDIR" "$BELFRY_ARTIFACTS" "$BELFRY_BUNDLE"; stat -c '%a %s' . "$TMPDIR" "$BELFRY_ARTIFACTS" \
      "$BELFRY_BUNDLE" "$BELFRY_OUTPUT" "$BELFRY_EVENT" | sed 's/ .*//'; cat "$BELFRY_OUTPUT" "$BELFRY_EVENT"
      """
    let site = try Site()
    let files = try site.bench.put([("a.sh", "#!/bin/sh\n\(line)\n"), ("b", "b\n")])
    let script = RunSpec(program: .script("a.sh"))
    var texts: [String] = []
    for number in 1...3 {
      let (text, isKept) = try await site.run(number, script, files: files)
      texts.append(
        text.replacing("run.\(number)", with: "run").replacing("\"attempt\":\(number)", with: "\"attempt\":0"))
      // It printed: the record goes, the folder stays.
      #expect(isKept)
    }
    #expect(texts[0].contains("a.sh") && texts[0].contains("\"attempt\":0"))
    #expect(texts[1] == texts[0] && texts[2] == texts[0])
    // Other files, or none, after some.
    #expect(try await site.run(4, Self.shell("ls \"$BELFRY_BUNDLE\"")).text == "")
    let other = try site.bench.put([("c.sh", "#!/bin/sh\nls \"$BELFRY_BUNDLE\"\n")])
    #expect(try await site.run(5, RunSpec(program: .script("c.sh")), files: other).text == "c.sh\n")
  }

  static let traces = [
    "touch x", "touch x; rm x", "mkdir x; rmdir x", "chmod 750 .", "chmod 700 \"$TMPDIR\"", "touch \"$TMPDIR/x\"",
    "touch \"$BELFRY_ARTIFACTS/x\"", "echo a=1 >> \"$BELFRY_OUTPUT\"", ": > \"$BELFRY_OUTPUT\"",
    "touch -d 2001-01-01 \"$BELFRY_OUTPUT\"", "ln \"$BELFRY_OUTPUT\" \"$TMPDIR/x\"; rm \"$TMPDIR/x\"",
    "rm \"$BELFRY_OUTPUT\"", "touch ../x", "mkdir ../taken",
    "rmdir \"$TMPDIR\"; mkdir \"$TMPDIR\"; chmod 700 \"$TMPDIR\"",
    "chmod 700 \"$BELFRY_BUNDLE\"", "echo x > \"$BELFRY_BUNDLE/x\"", "echo x > \"$BELFRY_EVENT\"",
    "rm ../spec; ln -s /etc/passwd ../spec", "chmod 777 ..", "chmod 666 ../status", "ln ../status \"$BELFRY_HOLD\"",
    "ln ../output \"$BELFRY_HOLD\"",
  ]

  @Test(arguments: traces)
  func `one in which a job has left a trace is not`(_ line: String) async throws {
    let site = try Site()
    let held = site.bench.files.path("held")
    let line = line.replacing("$BELFRY_HOLD", with: held)
    #expect(try await !site.run(1, Self.shell("echo; sleep 0.02; \(line)")).isKept)
    #expect(access(site.path(1), F_OK) == 0, "it stays where it is, to be removed")
    #expect(site.spares.take(for: nil, as: site.path(2)) == nil)
  }

  @Test(.enabled(if: isRoot())) func `no user gets the folder of another`() async throws {
    let site = try Site()
    #expect(try await site.run(1, Self.shell("true", as: "nobody")).isKept)
    #expect(site.spares.take(for: nil, as: site.path(2)) == nil)
    #expect(site.spares.take(for: JobUser(id: 1, group: 1, groups: []), as: site.path(2)) == nil)
    let line = "touch x \"$TMPDIR/x\" \"$BELFRY_ARTIFACTS/x\" && cat \"$BELFRY_EVENT\" && echo a=1 > \"$BELFRY_OUTPUT\""
    let (text, isKept) = try await site.run(2, Self.shell(line, as: "nobody"))
    #expect(text.contains("\"attempt\":2") && !isKept)
  }

  @Test func `no output of one attempt comes up in another`() async throws {
    let site = try Site()
    #expect(try await site.run(1, Self.shell("seq 1 10000")).isKept)
    #expect(try await site.run(2, Self.shell("true")).text == "")
    #expect(try await site.run(3, Self.shell("echo three")).text == "three\n")
    #expect(try await site.run(4, Self.shell("true")).text == "")
  }

  @Test func `who still reads the record of one attempt does not read the next one's`() async throws {
    let site = try Site()
    // Armed, so that there is a record of a silent one.
    var attempt = try site.bench.attempt(Self.shell("true"))
    attempt.start = ShimSpec.StartTime(at: now() + .milliseconds(50), by: now() + .seconds(60))
    let shim = try site.bench.launcher.start(attempt, from: site.bench.store, in: site.path(1), spares: site.spares)
    _ = try await shim.record()
    guard let held = try shim.folder.outputRecord() else { throw Unexpected("no record") }
    #expect(try await site.keep(shim, isOutputHeld: true))
    #expect(try await site.run(2, Self.shell("echo secret")).text == "secret\n")
    #expect(try held.chunks(from: 0, limit: 1000).isEmpty)
  }

  @Test func `there is a limit, and what is not needed goes`() async throws {
    let site = try Site(limit: 2)
    let shims = try (1...3).map { try site.start($0, Self.shell("true")) }
    var kept = 0
    for shim in shims where try await site.keep(shim) { kept += 1 }
    #expect(kept == 2)
    func trim() throws { for path in site.spares.trim() { try RunFolder(path: path).remove() } }
    func count() throws -> Int { try command(["ls", site.spares.path]).output.split(separator: "\n").count }
    try command(["rm", "-r"] + (1...3).map(site.path).filter { access($0, F_OK) == 0 })
    try trim()
    #expect(try count() == 2, "they came since the last look")
    // One of them is in use, the other one never was.
    let used = try site.start(4, Self.shell("true"))
    #expect(try await site.keep(used))
    try trim()
    #expect(try count() == 1)
    try trim()
    #expect(try count() == 0)
    #expect(site.spares.take(for: nil, as: site.path(5)) == nil)
  }

  @Test func `a folder that has gone meanwhile is passed over`() async throws {
    let site = try Site()
    #expect(try await site.run(1, Self.shell("true")).isKept)
    try command(["sh", "-c", "rm -r \(site.spares.path)/*"])
    #expect(try await site.run(2, Self.shell("echo two")).text == "two\n")
  }

  @Test func `one whose bundle has folders is not`() async throws {
    let site = try Site()
    let files = try site.bench.put([("a.sh", "#!/bin/sh\n:\n"), ("lib/b", "b\n")])
    let shim = try site.start(1, RunSpec(program: .script("a.sh")), files: files)
    _ = try await shim.record()
    #expect(shim.untouched == nil)
  }

  @Test func `the record of an earlier attempt's output is not taken for this one's`() async throws {
    let site = try Site()
    let shim = try site.start(1, Self.shell("echo one"))
    _ = try await shim.record()
    // A loss of power: the file is there again, and everything else is of the next attempt.
    #expect(rename(site.path(1), site.path(2)) == 0)
    let folder = RunFolder(path: site.path(2))
    #expect(try folder.text() == "one\n")
    try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
    #expect(try folder.text() == "")
  }

  // MARK: - What a loss of power leaves

  /// A status file of an attempt that ended, as its shim wrote it.
  private static func status(of folder: RunFolder) throws -> [UInt8] {
    try folder.open().open("status", O_RDONLY).readWhole(limit: 4096, name: "status")
  }

  @Test func `a folder's new name with the old one's records is no end`() async throws {
    let site = try Site()
    let shim = try site.start(1, Self.shell("true"))
    _ = try await shim.record()
    #expect(rename(site.path(1), site.path(2)) == 0)
    let folder = RunFolder(path: site.path(2))
    #expect(try folder.adopt().ending == .lost(.notMade))
    #expect(LostReason.notMade.mayHaveRun)
  }

  @Test func `a new first sector with the old records is no end`() async throws {
    let site = try Site()
    let shim = try site.start(1, Self.shell("true"))
    _ = try await shim.record()
    #expect(rename(site.path(1), site.path(2)) == 0)
    let folder = RunFolder(path: site.path(2))
    let old = try Self.status(of: folder)
    for boot in [StatusFile.currentBootID, "another"] {
      let new = StatusFile.fresh(bootID: boot, of: folder.name)
      try folder.write(Array(new[..<512] + old[512...]), to: "status")
      let ending = try folder.adopt().ending
      #expect(ending == .lost(boot == "another" ? .hostRestarted : .damagedRecord))
    }
  }

  @Test func `a folder whose new name was lost gets it back`() async throws {
    let site = try Site()
    let shim = try site.start(2, Self.shell("exit 0"))
    let record = try await shim.record()
    // As if the folder had not been given the second attempt's name, and had not been put aside before.
    #expect(rename(site.path(2), site.path(1)) == 0)
    SpareFolders.recover(["run.3", "run.1"], in: site.spares.path)
    #expect(access(site.path(1), F_OK) == 0, "nobody asks for it")
    SpareFolders.recover(["run.2"], in: site.spares.path)
    #expect(try RunFolder(path: site.path(2)).adopt().ending == .finished(record))
    // What is there is never replaced.
    try command(["cp", "-r", site.path(2), site.path(1)])
    SpareFolders.recover(["run.2"], in: site.spares.path)
    #expect(access(site.path(1), F_OK) == 0)
  }

  @Test func `the records of a former version are read`() async throws {
    let site = try Site()
    let folder = try RunFolder.create(at: site.path(1))
    let older = StatusFile.sealed(Array("BFMADE01\(StatusFile.currentBootID)".utf8))
    try folder.write(older + [UInt8](repeating: 0, count: StatusFile.size - older.count), to: "status")
    try folder.write(try site.bench.shellSpec("exit 7").bytes(), to: "spec")
    #expect(try command([site.bench.launcher.path, folder.path]).status == 0)
    guard case .finished(let record) = try folder.adopt().ending else { throw Unexpected("no end") }
    #expect(record.ending == .exited(7))
  }
}
