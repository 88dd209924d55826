@testable import AgentKit
import Execution
import Foundation
import Model
import Planning
import TestSupport
import Testing
import Trust

/// What an agent does when there is no room: on disks that are full, and with limits that are reached.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RoomTests {
  private static let isRoot = geteuid() == 0

  @Test(.enabled(if: isRoot, "needs root: to mount a small file system"))
  func aDiskThatIsNearlyFullHoldsEverythingBackAndSaysWhy() async throws {
    let disk = try SmallDisk(kilobytes: 32 << 10)
    let space = DiskSpace(folder: disk.path, limits: DiskLimits(reserve: 4 << 20))
    let bench = try Bench()
    let engine = try await bench.started(try minutely(), guards: EngineGuards(disk: space))
    _ = await engine.tick()
    try disk.fill(leaving: 3 << 10)
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(bench.runner.launched.isEmpty)
    let problem = try #require(await engine.problems["room"])
    #expect(problem.contains("nothing starts: 3M left on") && problem.contains("below 4M"))
    // A little more is not enough yet.
    try disk.fill(leaving: (4 << 10) + 100)
    bench.clock.now = at(130)
    _ = await engine.tick()
    #expect(bench.runner.launched.isEmpty)
    disk.free()
    bench.clock.now = at(140)
    _ = await engine.tick()
    #expect(await engine.problems["room"] == nil)
    #expect(bench.runner.launched.map(\.run) == [try bench.run(120)])
    let spool = try await bench.spool(engine)
    #expect(spool.map(\.outcome) == [.skipped(.noRoom)])
    #expect(spool.first?.occurrence.nominal == at(60))
  }

  @Test(.enabled(if: isRoot, "needs root: to mount a small file system"))
  func theBallastMakesRoomForTheEndsOfWhatRuns() async throws {
    let disk = try SmallDisk(kilobytes: 32 << 10)
    let space = DiskSpace(folder: disk.path, limits: DiskLimits(reserve: 1 << 20))
    let bench = try Bench(ledgerPath: disk.path + "/ledger.sqlite")
    let engine = try await bench.started(try minutely(), guards: EngineGuards(disk: space))
    bench.clock.now = at(60)
    _ = await engine.tick()
    #expect(FileManager.default.fileExists(atPath: disk.path + "/ballast"))
    // All at once, faster than anybody looks.
    try disk.fill()
    let run = try bench.run(60)
    let record = Receipt.Attempt(number: 1, started: at(60), ended: at(61), state: .succeeded, exitCode: 0)
    let log = [UInt8](repeating: 7, count: 65_536)
    try await engine.ended([
      EndedAttempt(attempt: AttemptID(run: run, number: 1), outcome: AttemptOutcome(record: record, log: log))
    ])
    #expect(try await bench.spool(engine).map(\.run) == [run])
    #expect(!FileManager.default.fileExists(atPath: disk.path + "/ballast"))
    bench.clock.now = at(120)
    _ = await engine.tick()
    #expect(bench.runner.launched.count == 1, "nothing new starts")
    disk.free()
    bench.clock.now = at(125)
    _ = await engine.tick()
    #expect(bench.runner.launched.count == 2)
    #expect(FileManager.default.fileExists(atPath: disk.path + "/ballast"), "there is a new one")
  }

  @Test func theLedgerForgetsTheOldestCommittedRunsAndNeverAReceipt() async throws {
    let bench = try Bench()
    let space = DiskSpace(folder: bench.folder.path, limits: DiskLimits(reserve: 0, ledger: 1 << 20))
    let engine = try await bench.started(try minutely(), guards: EngineGuards(disk: space))
    var runs: [RunID] = []
    for minute: Int64 in 1...40 {
      bench.clock.now = at(60 * minute)
      _ = await engine.tick()
      let run = try bench.run(60 * minute)
      runs.append(run)
      let record = Receipt.Attempt(
        number: 1, started: bench.clock.now, ended: bench.clock.now, state: .succeeded, exitCode: 0)
      let log = [UInt8](repeating: 7, count: 60_000)
      if await engine.activeRuns == 1 {
        try await engine.ended([
          EndedAttempt(attempt: AttemptID(run: run, number: 1), outcome: AttemptOutcome(record: record, log: log))
        ])
      }
    }
    // 60 kB each: after some twenty there is no room, and nothing of it may go.
    let problem = try #require(await engine.problems["room"])
    #expect(problem.contains("receipts that no controller has taken"))
    let receipts = try await bench.spool(engine).map(\.run)
    #expect((10...25).contains(receipts.count))
    #expect(receipts == Array(runs.prefix(receipts.count)))
    try await engine.acknowledged(receipts)
    bench.clock.now = at(60 * 41)
    _ = await engine.tick()
    #expect(await engine.problems["room"] == nil)
    #expect(bench.runner.launched.last?.run == (try bench.run(60 * 41)))
  }

  @Test func theStoreKeepsWhatMayComeBackAndRemovesTheOldestFirst() throws {
    let folder = try TemporaryFolder()
    let store = try BundleStore(path: folder.path("store"))
    var digests: [Digest] = []
    for number: UInt8 in 0..<6 {
      let bytes = [UInt8](repeating: number, count: 1_000)
      digests.append(SHA256.hash(bytes))
      try store.store(file: bytes, named: digests[digests.count - 1])
      try command([
        "touch", "-d", "@\(1_700_000_000 + Int(number))", folder.path("store/blobs/\(digests.last?.hex ?? "")"),
      ])
    }
    func there() -> [Int] { digests.indices.filter { (try? store.file(digests[$0])) != nil } }
    // The first is in use; all of the rest may stay.
    try store.collect(keeping: [], files: [digests[0]], limit: 6_000)
    #expect(there() == [0, 1, 2, 3, 4, 5])
    let collected = try store.collect(keeping: [], files: [digests[0]], limit: 4_500)
    #expect(there() == [0, 3, 4, 5] && collected.files == 2 && collected.bytes == 2_000)
    try store.collect(keeping: [], files: [digests[0], digests[4]], limit: 10)
    #expect(there() == [0, 4], "what is needed stays, whatever the limit")
  }
}
