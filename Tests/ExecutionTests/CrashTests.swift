import Glibc
import Model
import TestSupport
import Testing

@testable import Execution

/// What is left when the shim is killed: at each named point, at any moment, and how another agent finds it.
@Suite(.timeLimit(.minutes(10))) struct CrashTests {
  struct Crash: CustomTestStringConvertible {
    var point: ShimCrashPoint
    var ending: LostReason?
    /// Whether the job may have left its mark; nil means either.
    var ran: Bool?
    var testDescription: String { point.rawValue }
  }

  static let crashes = [
    Crash(point: .afterSpec, ending: .neverStarted, ran: false),
    Crash(point: .armed, ending: .neverStarted, ran: false),
    Crash(point: .beforeStart, ending: .shimDied, ran: false),
    Crash(point: .afterStart, ending: .shimDied),
    Crash(point: .afterStartedRecord, ending: .shimDied),
    Crash(point: .afterJobEnd, ending: .shimDied, ran: true),
    Crash(point: .beforeExitRecord, ending: .shimDied, ran: true),
    Crash(point: .halfExitRecord, ending: .damagedRecord, ran: true),
    Crash(point: .afterExitRecord, ending: nil, ran: true),
  ]

  @Test(arguments: crashes)
  func `each crash point leaves an answer`(_ crash: Crash) async throws {
    let bench = try Workbench()
    let shim = try bench.shell("echo ran > \(bench.files.path("witness")); exit 5") { $0.crashAt = crash.point }
    let end = try await shim.ended()
    if let reason = crash.ending {
      #expect(end.ending == .lost(reason))
      #expect(reason.mayHaveRun || !bench.exists("witness"))
      #expect(classify(end, success: [0]).state == .lost)
    } else {
      guard case .finished(let record) = end.ending else { throw Unexpected("\(end)") }
      #expect(record.ending == .exited(5))
    }
    if let ran = crash.ran { #expect(bench.exists("witness") == ran) }
    // Another agent comes to the same answer.
    guard case .ended(let again) = try shim.folder.adopt() else { throw Unexpected("running?") }
    #expect(again.ending == end.ending)
  }

  @Test func `every point has a row`() { #expect(Set(Self.crashes.map(\.point)) == Set(ShimCrashPoint.allCases)) }

  @Test func `a killed shim takes everything with it, escapees included`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let fifo = try bench.fifo("alive")
    let shim = try bench.shell(
      """
      exec 9>\(fifo); trap '' TERM HUP
      (setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &)
      sleep 1000 & echo > \(ready); wait
      """)
    async let gone = readToEnd(fifo)
    _ = try await readToEnd(ready)
    kill(shim.pid, SIGKILL)
    #expect(try await shim.ended().ending == .lost(.shimDied))
    _ = try await gone
  }

  @Test func `output written before the shim was killed is kept`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let shim = try bench.shell("seq 1 20000; echo > \(ready); sleep 1000")
    _ = try await readToEnd(ready)
    // The shim has read all of it once the pipe is empty; the job cannot tell, so look at the count on disk.
    while try shim.folder.keptOutput().written < 108_894, kill(shim.pid, 0) == 0 { sched_yield() }
    kill(shim.pid, SIGKILL)
    #expect(try await shim.ended().ending == .lost(.shimDied))
    let kept = try shim.folder.keptOutput()
    #expect(kept.written == 108_894)
    let output = kept.output()
    let isRight = output.starts(with: Array("1\n2\n".utf8)) && output.suffix(6).elementsEqual("20000\n".utf8)
    #expect(isRight)
  }

  @Test func `killed at random moments, it never lies`() async throws {
    let bench = try Workbench()
    var random = SeededGenerator(seed: testSeed)
    for run in 0..<60 {
      let witness = bench.files.path("witness\(run)")
      let shim = try bench.shell("echo x >> \(witness); exit 5", run: "run\(run)")
      for _ in 0..<Int.random(in: 0...3000, using: &random) { sched_yield() }
      kill(shim.pid, SIGKILL)
      let end = try await shim.ended()
      let ran = bench.exists("witness\(run)")
      switch end.ending {
      case .finished(let record): #expect(record.ending == .exited(5) && ran, "seed \(testSeed)")
      case .lost(let reason): #expect(reason.mayHaveRun || !ran, "seed \(testSeed): \(reason)")
      }
    }
  }

  @Test func `a shim that was started elsewhere is adopted`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let gate = try bench.fifo("gate")
    let folder = try bench.orphan("echo > \(ready); cat \(gate); exit 4")
    _ = try await readToEnd(ready)
    guard case .running(let shim) = try folder.adopt() else { throw Unexpected("not running") }
    async let end = shim.ended()
    try await touch(gate)
    guard case .finished(let record) = try await end.ending else { throw Unexpected("lost") }
    #expect(record.ending == .exited(4))
    #expect(try folder.adopt().ending == .finished(record))
  }

  @Test func `an adopted attempt can be cancelled`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let folder = try bench.orphan("echo > \(ready); sleep 1000")
    _ = try await readToEnd(ready)
    guard case .running(let shim) = try folder.adopt() else { throw Unexpected("not running") }
    try shim.cancel()
    #expect(try await shim.record().cancelled)
  }

  @Test func `once an agent says never, never it is`() async throws {
    let bench = try Workbench()
    // An agent that died after writing the spec; its shim is still on its way.
    let folder = try RunFolder.create(at: bench.runPath())
    try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
    try folder.write(try bench.shellSpec("echo ran > \(bench.files.path("witness"))").bytes(), to: "spec")
    #expect(try folder.adopt().ending == .lost(.neverStarted))
    #expect(try command([bench.launcher.path, folder.path]).status == 67)
    #expect(!bench.exists("witness"))
    #expect(try folder.adopt().ending == .lost(.neverStarted))
  }

  @Test func `a pid that belongs to somebody else now is left alone`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let stranger = try bench.shell("echo > \(ready); sleep 1000", run: "stranger")
    _ = try await readToEnd(ready)
    // A dead run whose records carry the stranger's pid.
    let shim = try bench.shell(":", { $0.crashAt = .afterStartedRecord })
    _ = try await shim.ended()
    var status = try shim.folder.open().open("status", O_RDONLY).readWhole(limit: 4096, name: "status")
    var sector = Array(status[512..<1016])
    withUnsafeBytes(of: stranger.pid.littleEndian) { sector.replaceSubrange(12..<16, with: $0) }
    status.replaceSubrange(512..<1024, with: StatusFile.sealed(sector, seed: StatusFile.seed(in: status)))
    try bench.files.write("run/status", bytes: status)
    #expect(try shim.folder.adopt().ending == .lost(.shimDied))
    #expect(try Shim(adopting: stranger.pid, in: shim.folder) == nil)
    #expect(kill(stranger.pid, 0) == 0)
    try stranger.cancel()
    #expect(try await stranger.record().cancelled)
  }

  @Test func `waiting can be given up without harm`() async throws {
    let bench = try Workbench()
    let gate = try bench.fifo("gate")
    let shim = try bench.shell("cat \(gate)")
    let waiting = Task { try await shim.ended() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    try await touch(gate)
    #expect(try await shim.record().ending == .exited(0))
  }
}

extension Adoption {
  var ending: AttemptEnd.Ending? { if case .ended(let end) = self { end.ending } else { nil } }
}

extension Workbench {
  /// A run whose shim is no child of ours: somebody started it and is gone.
  func orphan(_ line: String) throws -> RunFolder {
    let folder = try RunFolder.create(at: runPath())
    try folder.write(StatusFile.fresh(bootID: StatusFile.currentBootID, of: folder.name), to: "status")
    try folder.write(try shellSpec(line).bytes(), to: "spec")
    try command(["sh", "-c", "setsid \"$0\" \"$1\" < /dev/null > /dev/null 2>&1 &", launcher.path, folder.path])
    return folder
  }
}
