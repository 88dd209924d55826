import Model
import Testing

@testable import Execution

@Suite struct JudgementTests {
  static func record(_ change: (inout ExitRecord) -> Void = { _ in }) -> ExitRecord {
    var record = ExitRecord(
      ending: .exited(0), timedOut: false, cancelled: false, disarmed: false, outputFailed: false, unkillable: false,
      outOfMemory: false, hostOutOfMemory: false, diskExceeded: false,
      syncError: nil,
      started: Timestamp(seconds: 1_000), elapsed: .seconds(2), endedByWallClock: Timestamp(seconds: 4_602),
      resources: Receipt.Resources(), written: 0, recorded: 0, leftBehind: 0)
    change(&record)
    return record
  }

  struct End: CustomTestStringConvertible {
    var name: String
    var record = JudgementTests.record()
    var success = [0]
    var changed: [String] = []
    var given: [String] = []
    var state: RunState
    var reason: String?
    var exitCode: Int?
    var signal: Int?
    var testDescription: String { name }
  }

  @Test(arguments: [
    End(name: "success", state: .succeeded, exitCode: 0),
    End(
      name: "other code", record: record { $0.ending = .exited(3) }, state: .failed, reason: "exit code 3", exitCode: 3),
    End(
      name: "code that counts", record: record { $0.ending = .exited(3) }, success: [0, 3], state: .succeeded,
      exitCode: 3),
    End(name: "0 does not count", success: [1], state: .failed, reason: "exit code 0", exitCode: 0),
    End(
      name: "signal", record: record { $0.ending = .signalled(9) }, state: .failed, reason: "ended by signal 9 (KILL)",
      signal: 9),
    End(
      name: "real-time signal", record: record { $0.ending = .signalled(40) }, state: .failed,
      reason: "ended by signal 40", signal: 40),
    End(
      name: "timeout with exit 0", record: record { $0.timedOut = true }, state: .timedOut,
      reason: "its timeout expired", exitCode: 0),
    End(
      name: "cancel with exit 0", record: record { $0.cancelled = true }, state: .cancelled, reason: "cancelled",
      exitCode: 0),
    End(
      name: "cancel before start",
      record: record {
        $0.cancelled = true; $0.ending = .neverBegan(.none, error: 0)
      },
      state: .cancelled, reason: "cancelled before it started"),
    End(
      name: "no program", record: record { $0.ending = .neverBegan(.exec, error: 13) }, state: .failed,
      reason: "could not start: its program cannot be executed: Permission denied"),
    End(
      name: "a path that is not given",
      record: record {
        $0.ending = .neverBegan(.writable, error: 2); $0.failedPath = 2
      },
      given: ["/a", "/b c"], state: .failed,
      reason: "could not start: /b c cannot be given to it (run.write of the manifest): No such file or directory"),
    End(
      name: "one that nobody knows",
      record: record {
        $0.ending = .neverBegan(.writable, error: 2); $0.failedPath = 2
      },
      given: ["/a"], state: .failed,
      reason:
        "could not start: what it may write cannot be given to it (run.write of the manifest): No such file or directory"
    ),
    End(
      name: "a file at its limit", record: record { $0.fileLimitReached = true }, state: .succeeded,
      reason: "a file of it reached its limits.disk, which cuts off what is written behind", exitCode: 0),
    End(
      name: "one of too much",
      record: record {
        $0.fileLimitReached = true; $0.diskExceeded = true
      }, state: .failed, reason: "it wrote more than its limits.disk", exitCode: 0),
    End(
      name: "left behind", record: record { $0.leftBehind = 1 }, state: .succeeded,
      reason: "1 process that it left behind had to be ended", exitCode: 0),
    End(
      name: "unkillable",
      record: record {
        $0.ending = .unknown; $0.timedOut = true; $0.unkillable = true
      },
      state: .timedOut, reason: "its timeout expired; processes of it could not be killed"),
    End(
      name: "disk",
      record: record {
        $0.outputFailed = true; $0.syncError = 5
      }, state: .succeeded,
      reason:
        "its output could not be written to disk in full; its record could not be made durable: Input/output error",
      exitCode: 0),
    End(
      name: "changed", changed: ["a.sh", "b.sh"], state: .failed,
      reason: "files of the bundle were changed while it ran: a.sh, b.sh", exitCode: 0),
  ])
  func `an end means`(_ end: End) {
    let judgement = classify(
      AttemptEnd(.finished(end.record), changedFiles: end.changed), success: end.success, given: end.given)
    #expect(judgement == Judgement(state: end.state, reason: end.reason, exitCode: end.exitCode, signal: end.signal))
  }

  @Test(arguments: LostReason.allCases)
  func `lost is lost, with its reason`(_ reason: LostReason) {
    #expect(classify(AttemptEnd(.lost(reason)), success: [0]) == Judgement(state: .lost, reason: reason.words))
  }

  @Test func `a clock that jumps changes no duration`() {
    let attempt = AttemptEnd(.finished(Self.record())).attempt(
      number: 1, success: [0], output: KeptOutput(), started: Timestamp(seconds: 0), now: Timestamp(seconds: 9_999))
    #expect(attempt.started == Timestamp(seconds: 1_000) && attempt.ended == Timestamp(seconds: 1_002))
    let lost = AttemptEnd(.lost(.shimDied)).attempt(
      number: 1, success: [0], output: KeptOutput(), started: Timestamp(seconds: 50), now: Timestamp(seconds: 20))
    #expect(lost.started == lost.ended && lost.state == .lost)
  }

  struct Standing: CustomTestStringConvertible {
    var name: String
    var seen: RunObservation
    var standing: RunStanding
    var testDescription: String { name }
  }

  static let started = StartedRecord(isRunning: true, shim: 5, job: 6, started: Timestamp(seconds: 1))

  @Test(arguments: [
    Standing(
      name: "disarmed, then made ready again, then a power cut",
      seen: RunObservation(sameBoot: false, exit: .intact(record { $0.ending = .neverBegan(.none, error: 0) })),
      standing: .ended(.lost(.hostRestarted))),
    Standing(name: "fresh", seen: RunObservation(shim: 5), standing: .running(shim: 5)),
    Standing(name: "running", seen: RunObservation(shim: 5, started: .intact(started)), standing: .running(shim: 5)),
    // The record is written and the shim about to go: it is not over before it is gone.
    Standing(
      name: "almost over", seen: RunObservation(shim: 5, started: .intact(started), exit: .intact(record())),
      standing: .running(shim: 5)),
    Standing(
      name: "over", seen: RunObservation(started: .intact(started), exit: .intact(record())),
      standing: .ended(.finished(record()))),
    Standing(
      name: "over before a restart",
      seen: RunObservation(sameBoot: false, started: .intact(started), exit: .intact(record())),
      standing: .ended(.finished(record()))),
    Standing(
      name: "torn", seen: RunObservation(started: .intact(started), exit: .damaged),
      standing: .ended(.lost(.damagedRecord))),
    Standing(name: "dead", seen: RunObservation(started: .intact(started)), standing: .ended(.lost(.shimDied))),
    Standing(
      name: "power cut", seen: RunObservation(sameBoot: false, started: .intact(started)),
      standing: .ended(.lost(.hostRestarted))),
    Standing(name: "torn start", seen: RunObservation(started: .damaged), standing: .ended(.lost(.shimDied))),
    Standing(name: "never", seen: RunObservation(), standing: .ended(.lost(.neverStarted))),
    Standing(name: "not whole", seen: RunObservation(isMade: false), standing: .ended(.lost(.notMade))),
    Standing(
      name: "cut short", seen: RunObservation(isMade: false, started: .damaged, exit: .damaged),
      standing: .ended(.lost(.notMade))),
    Standing(name: "gone", seen: RunObservation(exists: false), standing: .ended(.lost(.noFolder))),
  ])
  func `a folder tells`(_ row: Standing) { #expect(judge(row.seen) == row.standing) }
}
