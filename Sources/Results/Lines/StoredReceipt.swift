public import Model
import Trust

/// A receipt as it stands on the branch: read, but NOT verified. Whoever may push to the branch may have written it;
/// ``ResultsReader/verify(_:)`` tells.
public struct StoredReceipt: Hashable, Sendable {
  public var receipt: Receipt
  public var file: RunFile
  /// From 1.
  public var line: Int
  /// Exactly the line's bytes, without the line break: what the agent signed.
  public var bytes: [UInt8]
  /// The same line of the file of signatures; nil when there is none.
  public var signature: [UInt8]?
  /// Whether the run's logs have plain names; see ``LogFile/run``.
  var ownsPlainLogs: Bool

  /// Where the log of an attempt stands, if there is one; nil for an attempt's number that no log can have.
  public func logPath(attempt: Int) -> String? {
    guard (1...LogFile.attemptLimit).contains(attempt) else { return nil }
    return ResultsLayout.log(
      LogFile(
        job: file.job, nominal: file.nominal, agent: receipt.agentName, run: ownsPlainLogs ? nil : receipt.run,
        attempt: attempt))
  }
}

/// Something on the branch that is not as Belfry writes it. Never fatal: the rest is read all the same.
public struct ResultsProblem: Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// From 1; zero when the whole file is meant.
  public var line: Int
  /// Safe to print.
  public var message: String

  init(path: String, line: Int = 0, message: String) {
    self.path = path
    self.line = line
    self.message = TerminalText.neutralised(String(message.prefix(300)))
  }

  public var description: String { path + (line > 0 ? ":\(line)" : "") + ": \(message)" }
}

/// What a file of receipts holds.
struct RunFileContent {
  var receipts: [StoredReceipt] = []
  var problems: [ResultsProblem] = []

  /// Bytes of one line at the most: the size of the largest receipt.
  static let lineLimit = Receipt.payloadLimit
  static let problemLimit = 20

  init(_ file: RunFile, receipts bytes: [UInt8], signatures: [UInt8]) {
    let lines = RunFileLines(bytes)
    let owners = lines.ownersOfPlainLogs()
    let signatureLines = RunFileLines.split(signatures)
    for (index, range) in lines.lines.enumerated() {
      let line = Array(bytes[range])
      do throws(JSONError) {
        let receipt = try Self.receipt(line)
        guard receipt.occurrence.job == file.job, receipt.occurrence.nominal == file.nominal else {
          throw JSONError("a receipt of \(receipt.occurrence.job) at \(receipt.occurrence.nominal) stands here")
        }
        let signature = index < signatureLines.count ? Array(signatures[signatureLines[index]]) : []
        self.receipts.append(
          StoredReceipt(
            receipt: receipt, file: file, line: index + 1, bytes: line, signature: signature.isEmpty ? nil : signature,
            ownsPlainLogs: file.part == 1 && owners[index]))
      } catch {
        report(ResultsLayout.receipts(file), index + 1, "not a receipt: \(error)")
      }
    }
  }

  private mutating func report(_ path: String, _ line: Int, _ message: String) {
    guard problems.count < Self.problemLimit else { return }
    problems.append(ResultsProblem(path: path, line: line, message: message))
  }

  /// Reads the receipt out of its statement, without verifying anything.
  static func receipt(_ line: [UInt8]) throws(JSONError) -> Receipt {
    try Receipt(payloadJSON: JSONValue(parsing: line, limit: lineLimit))
  }
}
