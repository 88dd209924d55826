import Foundation
import Model
import TestSupport

/// Compares what the jobs saw with what stands on the results branch. Says what is wrong; an empty list is right.
struct FaultAccount {
  /// By run.
  private(set) var receipts: [String: SeenReceipt] = [:]
  private var commit = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  // git's empty tree
  private(set) var problems: [String] = []
  /// What the faults of this life and of the two before excuse; receipts come a little later than their runs.
  private var excuses: [Excuses] = []
  private let jobs = Dictionary(uniqueKeysWithValues: FaultJob.all.map { ($0.name, $0) })

  /// What may become of a run because of a fault.
  struct Excuses: OptionSet {
    let rawValue: Int
    static let lost = Excuses(rawValue: 1)
    static let failed = Excuses(rawValue: 2)
  }

  mutating func begin(_ fault: Fault) { excuses = [fault.excuses] + excuses.prefix(2) }

  // MARK: - Receipts

  /// Reads what has come to the results branch since the last look.
  mutating func readReceipts(_ site: Site) throws {
    let tip = try command(["git", "rev-parse", "--verify", "-q", Site.branch], in: site.results)
    let next = tip.output.filter { !$0.isWhitespace }
    guard tip.status == 0, next != commit else { return }
    let changes = try git("diff", "--unified=0", "--no-color", commit, next, "--", "runs/", in: site.results)
    commit = next
    for line in changes.split(separator: "\n") {
      if line.hasPrefix("-{") { problems.append("a receipt was taken out again: \(line)") }
      guard line.hasPrefix("+{"), line.contains("\"predicate\"") else { continue }
      let statement = try JSONValue(parsing: Array(line.dropFirst().utf8), limit: 1 << 20)
      guard let predicate = statement["predicate"] else { continue }
      take(SeenReceipt(json: predicate))
    }
  }

  private mutating func take(_ receipt: SeenReceipt) {
    if receipts.updateValue(receipt, forKey: receipt.run) != nil {
      problems.append("two receipts of \(receipt.run): \(receipt.json.text)")
    }
    let name = receipt.json["job"]?.stringValue ?? ""
    guard let job = jobs[name] else { return }
    let allowed = excuses.reduce(into: Excuses()) { $0.formUnion($1) }
    let states = receipt.attempts.compactMap { $0["state"]?.stringValue }
    for attempt in receipt.attempts where attempt["state"]?.stringValue == "Succeeded" {
      problems += job.problems(of: attempt, run: receipt.run, mayMiss: allowed.contains(.failed))
    }
    for state in Set(states + [receipt.outcome]) {
      if !isExcused(state, of: job, isFinal: state == receipt.outcome, allowed) {
        problems.append("\(state) without a reason that the fault gives: \(receipt.json.text)")
      }
    }
  }

  private func isExcused(_ state: String, of job: FaultJob, isFinal: Bool, _ allowed: Excuses) -> Bool {
    switch state {
    case job.outcome: true
    case "Lost": allowed.contains(.lost)
    case "Failed": allowed.contains(.failed) || job.name == "fault/again" && !isFinal
    // It may just have got to its end, or have been killed before it could be cancelled.
    case "Succeeded": job.name == "fault/newest"
    case "RefusedVerification", "TimedOut", "Cancelled": false
    default: SkipReason(rawValue: state) != nil
    }
  }

  // MARK: - Both together

  /// What must hold at any time.
  mutating func check(_ lines: [WitnessLine]) {
    var begun: Set<String> = []
    var ended: Set<String> = []
    /// The attempt that is going, by run; and the run that is going, by job.
    var going: [String: WitnessLine] = [:]
    for line in lines {
      if line.isBegin {
        if !begun.insert(line.name).inserted { problems.append("begun twice: \(line)") }
        going[line.job] = line
      } else {
        ended.insert(line.name)
        if jobs[line.job]?.mayOverlap == false, let other = going[line.job], other.name != line.name {
          problems.append("\(line) ended after \(other) had begun")
        }
      }
      if receipts[line.run]?.attempts.isEmpty == true {
        problems.append("\(line) is in no receipt: \(receipts[line.run]?.json.text ?? "")")
      }
    }
    for receipt in receipts.values where jobs[receipt.json["job"]?.stringValue ?? ""] != nil {
      for attempt in receipt.attempts where attempt["state"]?.stringValue == "Succeeded" {
        let name = "\(receipt.run).\(attempt["number"]?.integerValue ?? 0)"
        if !ended.contains(name) { problems.append("it says that \(name) succeeded, and nobody saw its end") }
      }
    }
    for line in lines where line.isBegin {
      guard let receipt = receipts[line.run] else { continue }
      if receipt.attempts.count < line.attempt {
        problems.append("attempt \(line.name) is missing: \(receipt.json.text)")
      }
    }
  }

  /// Runs that began and have no receipt yet.
  func missing(_ lines: some Sequence<WitnessLine>) -> Set<String> {
    Set(lines.lazy.filter(\.isBegin).map(\.run)).subtracting(receipts.keys)
  }

  /// At the end: each second at which a job was due is spoken for.
  mutating func checkCoverage() {
    for job in FaultJob.all {
      guard let step = job.every else { continue }
      let own = receipts.values.filter { $0.json["job"]?.stringValue == job.name }
      let covered = own.reduce(into: Set<Int64>()) { $0.formUnion($1.seconds) }
      guard let first = covered.min(), let last = covered.max() else {
        problems.append("\(job.name) has no receipts")
        continue
      }
      let missing = stride(from: first, through: last, by: step).filter { !covered.contains($0) }
      if !missing.isEmpty { problems.append("\(job.name): nothing is known of the seconds \(missing.prefix(10))") }
    }
  }

  /// At the end: what attempts printed is on the branch, whole, where they ended well.
  mutating func checkLogs(_ site: Site) throws {
    let found = try command(["git", "grep", "-h", "-e", "^", Site.branch, "--", "logs/fault/"], in: site.results)
    // Behind the time, the stream and whether the line is full.
    let texts = found.output.split(separator: "\n").compactMap {
      $0.split(separator: " ", maxSplits: 3).dropFirst(3).first
    }
    let printed = Set(texts.map(String.init))
    for receipt in receipts.values {
      for attempt in receipt.attempts where attempt["state"]?.stringValue == "Succeeded" {
        let name = "\(receipt.run).\(attempt["number"]?.integerValue ?? 0)"
        let isNoted = attempt["reason"]?.stringValue?.contains("output could not be written") == true
        if !printed.contains(name), !isNoted { problems.append("the log of \(name) is not what it printed") }
      }
    }
  }
}

extension Fault {
  var excuses: FaultAccount.Excuses {
    switch self {
    case .shimDies, .killed(.shim), .killed(.agentAndShims): [.lost]
    // A file that was to be sent back may have been on its way to the disk.
    case .killed(.everything), .powerCut: [.lost, .failed]
    case .killed(.job), .fullDisk, .call(_, of: .agent, error: _, place: _): [.failed]
    case .call(_, of: .shim, error: _, place: _): [.lost, .failed]
    case .agentDies, .killed(.agent), .clockSet, .controllerDies, .controllerDiesAt, .restart: []
    }
  }
}
