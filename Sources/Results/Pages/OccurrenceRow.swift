import Model

/// One line of a job's page: an occurrence with all its runs, added up as they come in, so that a fleet of ten thousand
/// takes no more memory than one agent. The order in which runs are added makes no difference.
struct OccurrenceRow: Hashable {
  /// Newest first, and at one time the scheduled occurrence before those that people asked for.
  struct Key: Hashable, Comparable {
    var nominal: Timestamp
    /// Empty for a scheduled occurrence.
    var request: String

    static func < (a: Key, b: Key) -> Bool {
      a.nominal == b.nominal ? a.request < b.request : a.nominal > b.nominal
    }
  }

  enum Verdict: String {
    case succeeded, failed
    /// Nothing ran; says nothing about the job's program.
    case notRun
  }

  /// The run that a row with several speaks of: of those that went worst, the first by agent.
  struct Spokesman: Hashable, Comparable {
    var rank: Int
    var agentName: AgentName
    var note: String

    static func < (a: Self, b: Self) -> Bool { (a.rank, a.agentName, a.note) < (b.rank, b.agentName, b.note) }
  }

  let key: Key
  private(set) var runs = 1
  private(set) var started: Timestamp?
  private(set) var ended: Timestamp
  private(set) var folded: Int
  private(set) var firstNominal: Timestamp?
  private(set) var spokesman: Spokesman
  private(set) var hasLogs: Bool
  /// Of the first run added. Most rows have one, and rows are many, so a dictionary is made only for the others.
  let outcome: Outcome
  private var others: [Outcome: Int] = [:]
  private let logAttempt: Int?
  private let logRun: RunID?

  init(_ receipt: Receipt, ownsPlainLogs: Bool) {
    key = Key(receipt)
    outcome = receipt.outcome
    started = receipt.started
    ended = receipt.ended
    folded = receipt.count
    firstNominal = receipt.firstNominal
    spokesman = Spokesman(receipt)
    logAttempt = receipt.lastLoggedAttempt
    logRun = ownsPlainLogs ? nil : receipt.run
    hasLogs = logAttempt != nil
  }

  /// Adds a run that is not in the row yet.
  mutating func add(_ receipt: Receipt) {
    runs += 1
    others[receipt.outcome, default: 0] += 1
    started = [started, receipt.started].compactMap { $0 }.min()
    ended = max(ended, receipt.ended)
    folded = max(folded, receipt.count)
    firstNominal = [firstNominal, receipt.firstNominal].compactMap { $0 }.min()
    spokesman = min(spokesman, Spokesman(receipt))
    hasLogs = hasLogs || receipt.lastLoggedAttempt != nil
  }

  var counts: [Outcome: Int] { others.merging([outcome: 1], uniquingKeysWith: +) }

  /// Of the only run; nil when there are several or it wrote nothing.
  func log(of job: JobName) -> LogFile? {
    guard runs == 1, let logAttempt else { return nil }
    return LogFile(job: job, nominal: key.nominal, agent: spokesman.agentName, run: logRun, attempt: logAttempt)
  }

  var verdict: Verdict {
    others.keys.reduce(Self.verdict(of: outcome)) { verdict, outcome in
      let other = Self.verdict(of: outcome)
      return verdict == .failed || other == .notRun ? verdict : other
    }
  }

  private static func verdict(of outcome: Outcome) -> Verdict {
    guard case .ran(let state) = outcome else { return .notRun }
    return state == .succeeded ? .succeeded : .failed
  }
}

extension OccurrenceRow.Key {
  init(_ receipt: Receipt) {
    nominal = receipt.occurrence.nominal
    request = if case .person(let request) = receipt.occurrence.cause { request } else { "" }
  }
}

extension OccurrenceRow.Spokesman {
  init(_ receipt: Receipt) {
    rank = receipt.outcome.pageOrder
    agentName = receipt.agentName
    note = receipt.pageNote
  }
}

extension Outcome {
  /// The worst first.
  static let inPageOrder: [Outcome] =
    [.failed, .timedOut, .lost, .cancelled].map(Outcome.ran) + SkipReason.allCases.map(Outcome.skipped) + [
      .ran(.succeeded)
    ]

  var pageOrder: Int { Self.inPageOrder.firstIndex(of: self) ?? Self.inPageOrder.count }
}

extension Receipt {
  /// The number of the last attempt of which output is kept.
  fileprivate var lastLoggedAttempt: Int? {
    attempts.last { $0.log.kept > 0 && (1...LogFile.attemptLimit).contains($0.number) }?.number
  }

  /// Why it went as it did: the reason given, else how the last attempt ended.
  fileprivate var pageNote: String {
    var parts: [String] = []
    if let reason, !reason.isEmpty {
      parts.append(reason)
    } else if let last = attempts.last, last.state != .succeeded {
      if let reason = last.reason, !reason.isEmpty {
        parts.append(reason)
      } else if let code = last.exitCode {
        parts.append("exit code \(code)")
      } else if let signal = last.signal {
        parts.append("signal \(signal)")
      }
    }
    if attempts.count > 1 { parts.append("\(attempts.count) attempts") }
    if let outputs = attempts.last?.outputsText { parts.append(outputs) }
    if let count = attempts.last?.artifacts.count, count > 0 {
      parts.append("\(count) artifact\(count == 1 ? "" : "s")")
    }
    return parts.joined(separator: "; ")
  }
}
