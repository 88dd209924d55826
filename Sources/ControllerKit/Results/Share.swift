import Model
import Results
import Trust
import Wire

/// What of one agent's receipts waits here to be pushed. Bounded, so that one agent cannot take the room of all others.
struct Share: Sendable {
  /// Twice what an agent sends before it waits for an acknowledgement.
  static let runsLimit = 2 * WireLimits.receiptWindow
  /// Bytes of receipts and logs. One delivery may go beyond it.
  static let byteLimit = 32 << 20

  /// Half of what an agent sends before it waits for an acknowledgement: from here on the next push is waited for.
  static let pressingRuns = WireLimits.receiptWindow / 2

  private(set) var runs: [RunID: Int] = [:]
  private(set) var bytes = 0

  mutating func add(_ run: RunID, _ size: Int) {
    bytes += size - (runs.updateValue(size, forKey: run) ?? 0)
  }

  mutating func remove(_ run: RunID) { bytes -= runs.removeValue(forKey: run) ?? 0 }

  var isPressing: Bool { runs.count >= Self.pressingRuns || bytes >= Self.byteLimit / 2 }

  /// Whether there is room for so much that it is worth asking again.
  var hasDrained: Bool { runs.count <= Self.runsLimit / 2 && bytes <= Self.byteLimit / 2 }
}

extension ReceiptDelivery {
  /// What it holds in memory, about.
  var bytes: Int { signed.line.count + logs.values.reduce(0) { $0 + $1.count } }
}
