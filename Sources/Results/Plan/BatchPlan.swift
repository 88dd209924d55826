import Model
import Trust

/// What a batch of receipts changes on the branch: a pure function of the receipts and of the files that they belong
/// in. The order in which the receipts are given makes no difference, and giving them again changes nothing.
struct BatchPlan {
  /// A receipt on its way into a file.
  struct Incoming {
    var receipt: Receipt
    /// What the agent signed, on one line, without a line break.
    var line: [UInt8]
    var signatureLine: [UInt8]
    var logs: [Int: [UInt8]] = [:]
  }

  struct Edit: Hashable {
    var path: String
    var bytes: [UInt8]
  }

  struct Added: Hashable {
    var receipt: Receipt
    var ownsPlainLogs: Bool
  }

  /// New content of files, each path once.
  private(set) var edits: [Edit] = []
  /// Logs of receipts that are on the branch already: to be written where they are missing.
  private(set) var logsOfPresent: [Edit] = []
  private(set) var added: [Added] = []
  /// Runs whose very receipt is on the branch already.
  private(set) var present: Set<RunID> = []
  private(set) var refused: [RefusedReceipt] = []
  /// Logs that are not what their receipt says, and so are left out.
  private(set) var problems: [String] = []

  /// `existing` gives all parts of the files of a job and nominal time, in order; empty when there is none yet.
  init<Failure: Error>(
    _ batch: [Incoming], existing: (RunFile) throws(Failure) -> [RunFilePart]
  ) throws(Failure) {
    for (file, group) in Dictionary(grouping: batch, by: \.file).sorted(by: { $0.key.precedes($1.key) }) {
      guard ResultsLayout.canHold(file.nominal) else {
        for incoming in group { refuse(incoming, .time) }
        continue
      }
      var files = OpenRunFiles(file, try existing(file))
      for incoming in group.sorted(by: { $0.precedes($1) }) { add(incoming, to: &files) }
      edits += files.edits
    }
  }

  private mutating func add(_ incoming: Incoming, to files: inout OpenRunFiles) {
    guard incoming.line.count <= RunFileContent.lineLimit, !incoming.line.contains(0x0a) else {
      return refuse(incoming, .size)
    }
    switch files.place(incoming) {
    case .conflict: refuse(incoming, .conflict)
    case .present(let ownsPlainLogs):
      present.insert(incoming.receipt.run)
      logsOfPresent += logs(of: incoming, ownsPlainLogs)
    case .added(let ownsPlainLogs):
      added.append(Added(receipt: incoming.receipt, ownsPlainLogs: ownsPlainLogs))
      edits += logs(of: incoming, ownsPlainLogs)
    }
  }

  private mutating func refuse(_ incoming: Incoming, _ reason: RefusedReceipt.Reason) {
    refused.append(
      RefusedReceipt(run: incoming.receipt.run, job: incoming.receipt.occurrence.job, reason: reason))
  }

  /// A log is only kept when it is what the agent signed: the controller or the wire could have changed it.
  private mutating func logs(of incoming: Incoming, _ ownsPlainLogs: Bool) -> [Edit] {
    let receipt = incoming.receipt
    var edits: [Edit] = []
    for (number, bytes) in incoming.logs.sorted(by: { $0.key < $1.key }) where !bytes.isEmpty {
      let digest = SHA256.hash(bytes)
      guard bytes.count <= ReceiptDelivery.logLimit, (1...LogFile.attemptLimit).contains(number),
        receipt.attempts.contains(where: { $0.number == number && $0.log.digest == digest })
      else {
        problems.append(
          "run \(receipt.run) of \(receipt.occurrence.job): the log of attempt \(number) is not the signed one")
        continue
      }
      let log = LogFile(
        job: receipt.occurrence.job, nominal: receipt.occurrence.nominal, agent: receipt.agentName,
        run: ownsPlainLogs ? nil : receipt.run, attempt: number)
      edits.append(Edit(path: ResultsLayout.log(log), bytes: bytes))
    }
    return edits
  }
}

extension BatchPlan.Incoming {
  var file: RunFile { RunFile(job: receipt.occurrence.job, nominal: receipt.occurrence.nominal) }

  /// The order of lines within one batch; the bytes decide between two receipts that claim the same run.
  fileprivate func precedes(_ other: Self) -> Bool {
    let a = (receipt.agentName.text, receipt.run.text)
    let b = (other.receipt.agentName.text, other.receipt.run.text)
    return a == b ? line.lexicographicallyPrecedes(other.line) : a < b
  }
}

extension RunFile {
  fileprivate func precedes(_ other: RunFile) -> Bool {
    (job, nominal, part) < (other.job, other.nominal, other.part)
  }
}
