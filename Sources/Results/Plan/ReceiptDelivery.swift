public import Model
public import Trust

/// A receipt as an agent delivered it, with the logs that travelled beside it.
public struct ReceiptDelivery: Sendable {
  public var signed: Signed<Receipt>
  /// By attempt: what is kept of its output, at most ``logLimit`` bytes.
  public var logs: [Int: [UInt8]]

  public init(signed: Signed<Receipt>, logs: [Int: [UInt8]] = [:]) {
    self.signed = signed
    self.logs = logs
  }

  /// Bytes of one attempt's log on the branch: 32 KiB of its head and 32 KiB of its tail.
  public static let logLimit = 64 << 10
}

/// A receipt that will not be written, and why. Delivering it again gives the same answer.
public struct RefusedReceipt: Hashable, Sendable, CustomStringConvertible {
  public enum Reason: String, Sendable {
    /// Another receipt with the same run id is on the branch, or came first in the same batch. An agent signs one
    /// receipt for a run, so its ledger was tampered with or restored from an old copy.
    case conflict
    /// The branch has no place for an occurrence of that time: before 1970 or after 9999.
    case time
    /// The receipt is longer than a line may be.
    case size
  }

  public var run: RunID
  public var job: JobName
  public var reason: Reason

  public var description: String {
    switch reason {
    case .conflict: "run \(run) of \(job): another receipt with this run id exists"
    case .time: "run \(run) of \(job): its nominal time is outside of the years 1970 to 9999"
    case .size: "run \(run) of \(job): the receipt is too large"
    }
  }
}
