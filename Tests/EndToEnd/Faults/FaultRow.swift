import Foundation
import TestSupport

/// Something that goes wrong in one life of the agent.
enum Fault: Hashable, Sendable {
  enum Victim: String, Sendable, CaseIterable { case agent, shim, job, agentAndShims, everything }

  /// The agent dies at a named point (CrashPoint).
  case agentDies(at: String)
  /// A shim dies at a named point (crash.h).
  case shimDies(at: String)
  /// `kill -9` at any moment.
  case killed(Victim)
  /// A system call on files whose path has the part.
  case call(FaultPage.Call, of: FaultPage.Who, error: Int32, place: String)
  case fullDisk
  /// Everything is killed, and what was not synced may be lost.
  case powerCut
  case clockSet(by: Int)
  case controllerDies
  /// The controller dies at a named point (CrashPoint).
  case controllerDiesAt(String)
  /// TERM, and a new start.
  case restart
}

/// A fault with the numbers that were drawn for it.
struct FaultRow: Sendable, CustomStringConvertible {
  var fault: Fault
  /// What fits and does not fail yet, or how many attempts begin before.
  var after = 0
  /// How many calls fail.
  var times = 1
  /// For what is drawn while it happens.
  var seed: UInt64 = 0

  var description: String {
    let name =
      switch fault {
      case .agentDies(let point): "the agent dies at \(point)"
      case .shimDies(let point): "a shim dies at \(point)"
      case .killed(let victim): "kill -9 of \(victim)"
      case .call(let call, let who, let error, let place):
        "\(call) of the \(who) on …\(place) gives \(error == EIO ? "EIO" : "ENOSPC"), \(times) times"
      case .fullDisk: "the disk is full"
      case .powerCut: "the power is cut"
      case .clockSet(let seconds): "the clock is set by \(seconds) s"
      case .controllerDies: "the controller dies"
      case .controllerDiesAt(let point): "the controller dies at \(point)"
      case .restart: "the agent is restarted"
      }
    return "\(name), after \(after)"
  }

  /// Whether it is reached only when an assignment comes.
  var needsAssignment: Bool {
    switch fault {
    case .agentDies(let point): ["agent.assignmentStored", "agent.installed"].contains(point)
    case .call(_, .agent, _, let place): place == "/assignments" || place == "/store"
    default: false
    }
  }
}

extension Fault {
  static let agentPoints = [
    "agent.ledgerWritten", "agent.beforeLaunch", "agent.launched", "agent.attemptEnded", "agent.endWritten",
    "agent.receiptsSent", "agent.beforeAcknowledged", "agent.acknowledged", "agent.assignmentStored", "agent.installed",
    "agent.artifactsTaken", "agent.artifactsReceived", "agent.secretsFetched",
  ]
  static let controllerPoints = [
    "controller.received", "controller.committed", "controller.pushed", "controller.artifactPiece",
    "controller.artifactsStored",
  ]
  static let shimPoints = [
    "afterSpec", "armed", "beforeStart", "afterStart", "afterStartedRecord", "afterJobEnd", "beforeExitRecord",
    "halfExitRecord", "afterExitRecord",
  ]

  private static let calls: [Fault] = [EIO, ENOSPC].flatMap { (error: Int32) -> [Fault] in
    let agent: [(FaultPage.Call, String)] = [
      (.pwrite, "/ledger.sqlite"), (.fdatasync, "/ledger.sqlite"), (.open, "/runs/"), (.write, "/runs/"),
      (.rename, "/runs/"), (.fsync, "/store"), (.write, "/store"), (.rename, "/store"), (.open, "/store"),
      (.fsync, "/assignments"), (.write, "/assignments"), (.rename, "/assignments"),
      (.open, "/artifacts/"), (.pread, "/artifacts/"), (.fsync, "/artifacts"), (.open, "/taken"), (.write, "/taken/"),
      (.fsync, "/taken"), (.rename, "/taken/"), (.link, "/taken/"), (.pread, "/taken/"),
    ]
    let shim: [(FaultPage.Call, String)] = [
      (.pwrite, "/status"), (.fdatasync, "/status"), (.open, "/status"), (.pwrite, "/output"), (.fdatasync, "/output"),
      (.open, "/output"), (.open, "/spec"),
    ]
    return agent.map { Fault.call($0, of: .agent, error: error, place: $1) }
      + shim.map { Fault.call($0, of: .shim, error: error, place: $1) }
  }

  /// All that there is, each once.
  static let matrix: [Fault] =
    agentPoints.map { .agentDies(at: $0) } + shimPoints.map { .shimDies(at: $0) } + Victim.allCases.map { .killed($0) }
    + calls + [.fullDisk, .powerCut, .powerCut, .clockSet(by: 70), .clockSet(by: 9), .clockSet(by: -3)]
    + [.controllerDies, .restart] + controllerPoints.map { .controllerDiesAt($0) }

  /// A cut through it for every day: each kind, each program, each of the calls.
  static let short: [Fault] = [
    .agentDies(at: "agent.ledgerWritten"), .shimDies(at: "beforeStart"), .killed(.agent),
    .call(.pwrite, of: .agent, error: ENOSPC, place: "/ledger.sqlite"), .shimDies(at: "halfExitRecord"),
    .clockSet(by: 70), .call(.write, of: .agent, error: ENOSPC, place: "/runs/"), .killed(.shim),
    .agentDies(at: "agent.launched"), .call(.pwrite, of: .shim, error: EIO, place: "/status"), .powerCut,
    .call(.fdatasync, of: .agent, error: EIO, place: "/ledger.sqlite"), .killed(.job), .fullDisk,
    .call(.fdatasync, of: .shim, error: ENOSPC, place: "/status"), .agentDies(at: "agent.endWritten"),
    .call(.rename, of: .agent, error: EIO, place: "/runs/"), .killed(.everything), .clockSet(by: -3),
    .call(.fsync, of: .agent, error: EIO, place: "/assignments"), .agentDies(at: "agent.artifactsTaken"),
    .call(.pread, of: .agent, error: EIO, place: "/artifacts/"), .controllerDiesAt("controller.artifactPiece"),
    .agentDies(at: "agent.secretsFetched"), .call(.link, of: .agent, error: ENOSPC, place: "/taken/"), .restart,
  ]

  /// With numbers of its own.
  func drawn(_ generator: inout SeededGenerator) -> FaultRow {
    var row = FaultRow(fault: self, seed: generator.next())
    row.after = Int.random(in: 0...3, using: &generator)
    row.times = Int.random(in: 1...4, using: &generator)
    if case .agentDies(let point) = self, ["agent.assignmentStored", "agent.installed"].contains(point) {
      row.after = 0
    }
    if row.needsAssignment { row.after = 0 }
    return row
  }
}

/// The faults of a whole test, all of them from the seed: the matrix in ever new orders, or the short cut once.
struct FaultSequence: Sequence, IteratorProtocol {
  private var generator: SeededGenerator
  private var left: [Fault]
  private let isEndless: Bool
  private let only: String?

  /// `only`: of the matrix what has the text in its description; some of it must.
  init(seed: UInt64, short: Bool, only: String? = nil) {
    generator = SeededGenerator(seed: seed)
    isEndless = !short
    left = short ? Fault.short.reversed() : []
    self.only = only
  }

  mutating func next() -> FaultRow? {
    for _ in 0..<2 where left.isEmpty && isEndless {
      left = Fault.matrix.shuffled(using: &generator).filter { fault in
        only.map { FaultRow(fault: fault).description.contains($0) } ?? true
      }
    }
    return left.popLast()?.drawn(&generator)
  }
}
