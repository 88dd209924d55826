import Model
import Results
import Schedule

/// What became of one occurrence, and how that is known.
struct WhyAnswer {
  enum Verdict: String {
    /// On every agent that recorded it, and it succeeded.
    case ran
    /// It ran, and did not succeed everywhere.
    case failed
    /// It did not run, and the records say why.
    case skipped
    /// It ran on some agents and not on others.
    case partly
    /// It is yet to come.
    case future
    /// The schedule has no occurrence near that time.
    case notDue
    /// The source held no such job then.
    case noJob
    /// There is no record, and a suspension was in force.
    case suspended
    /// There is no record, and a blackout was in force.
    case blackout
    /// It was due, and nothing is known of it.
    case noRecord

    /// Nothing failed and nothing was left out.
    var isGood: Bool { self == .ran }
  }

  /// One agent's record.
  struct Row {
    var stored: StoredReceipt
    /// When it was to start there.
    var due: Timestamp
    /// `path:line` on the branch.
    var place: String

    var receipt: Receipt { stored.receipt }
    /// From when it was to start to when it did; nil when nothing ran.
    var lateness: Duration? { receipt.started.map { $0 - due } }
    var jitter: Duration { due - receipt.occurrence.nominal }
  }

  struct Evidence: Hashable {
    /// One word.
    var label: String
    var text: String
  }

  var job: JobName
  /// The instant that was asked for.
  var asked: Timestamp
  /// The occurrence that the answer is about; nil when there is none near the time.
  var due: Due?
  /// The zone in which times are shown.
  var zone: TimeZoneRules
  var verdict: Verdict
  /// One sentence, without the job.
  var headline: String
  var rows: [Row] = []
  var evidence: [Evidence] = []
  var previous: Due?
  var next: Due?
  /// The commit of the source's branch at that time, by the commits' dates.
  var commit: CommitID?
  /// Nil when no results branch could be read.
  var results: CommitID?

  mutating func note(_ label: String, _ text: String) { evidence.append(Evidence(label: label, text: text)) }
}

extension WhyAnswer.Verdict {
  /// What the records of an occurrence say; nil without any.
  init?(_ receipts: [Receipt]) {
    guard !receipts.isEmpty else { return nil }
    let ran = receipts.filter { if case .ran = $0.outcome { true } else { false } }
    if ran.isEmpty {
      self = .skipped
    } else if ran.count < receipts.count {
      self = .partly
    } else {
      self = ran.allSatisfy(\.outcome.isSuccess) ? .ran : .failed
    }
  }

  /// The records in a sentence: `ran and succeeded on 3 agents`.
  static func sentence(_ receipts: [Receipt]) -> String {
    let ran = receipts.filter { if case .ran = $0.outcome { true } else { false } }
    let good = ran.count { $0.outcome.isSuccess }
    if receipts.count == 1, let receipt = receipts.first {
      guard case .ran = receipt.outcome else { return "did not run: \(receipt.why)" }
      return receipt.outcome.isSuccess ? "ran and succeeded" : "ran and did not succeed: \(receipt.why)"
    }
    let agents = "of \(receipts.count) agents"
    if ran.isEmpty {
      let reasons = Set(receipts.map(\.why)).sorted()
      let more = reasons.count > 1 ? ", and \(reasons.count - 1) other reasons" : ""
      return "did not run on any \(agents): \(reasons.first ?? "")\(more)"
    }
    if good == receipts.count { return "ran and succeeded on \(receipts.count) agents" }
    let failed = ran.count > good ? ", did not succeed on \(ran.count - good)" : ""
    let skipped = receipts.count > ran.count ? ", did not run on \(receipts.count - ran.count)" : ""
    return "ran and succeeded on \(good) \(agents)\(failed)\(skipped)"
  }
}

extension Receipt {
  /// The outcome with what explains it.
  fileprivate var why: String {
    let note = self.note
    return note.isEmpty ? outcome.description : "\(outcome), \(note)"
  }
}
