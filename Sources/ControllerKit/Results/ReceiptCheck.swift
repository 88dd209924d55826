import Model
import Results
import Trust
import Wire

/// What a delivery must be by itself, whoever the agent is: signed by it, of its own doing, of our time, and with the
/// logs that it speaks of. Pure.
enum ReceiptCheck {
  /// How far an agent's clock may be ahead. A host whose clock was set to local time is hours ahead of UTC, and what
  /// it ran meanwhile is an honest record.
  static let skew = Duration.seconds(86_400)

  struct Refused: Error, Hashable {
    /// Of the receipt, as it claims; nil when it cannot be read. The agent is told, so that it stops sending it.
    var run: RunID?
    var reason: String
  }

  /// `names` are all that the agent has and had.
  static func check(
    _ delivery: Belfry_V1_ReceiptDelivery, agent: AgentID, names: [AgentName], key: PublicKey, now: Timestamp
  ) throws(Refused) -> ReceiptDelivery {
    let signed: Signed<Receipt>
    do throws(TrustError) {
      signed = try verifyReceipt(
        line: Array(delivery.line), signatureLine: Array(delivery.signature), key: key, agent: agent)
    } catch {
      throw Refused(run: claimedRun(delivery), reason: "\(error)")
    }
    let receipt = signed.value
    guard names.contains(receipt.agentName) else {
      throw Refused(run: receipt.run, reason: "it is under the name '\(receipt.agentName)', which is not this agent's")
    }
    guard latestTime(receipt) < now + skew else {
      throw Refused(
        run: receipt.run,
        reason: "it lies more than a day in the future: the agent's clock or this one is wrong")
    }
    return ReceiptDelivery(signed: signed, logs: try logs(delivery, of: receipt))
  }

  private static func latestTime(_ receipt: Receipt) -> Timestamp {
    var latest = max(receipt.occurrence.nominal, receipt.ended)
    if let first = receipt.firstNominal { latest = max(latest, first) }
    if let started = receipt.started { latest = max(latest, started) }
    for attempt in receipt.attempts { latest = max(latest, attempt.started, attempt.ended) }
    return latest
  }

  private static func logs(
    _ delivery: Belfry_V1_ReceiptDelivery, of receipt: Receipt
  ) throws(Refused) -> [Int: [UInt8]] {
    let sent = Dictionary(
      delivery.logs.map { (Int($0.attempt), $0.data) }, uniquingKeysWith: { first, _ in first })
    var logs: [Int: [UInt8]] = [:]
    for attempt in receipt.attempts {
      guard let digest = attempt.log.digest, let data = sent[attempt.number] else { continue }
      guard data.count <= ReceiptDelivery.logLimit, SHA256.hash(Array(data)) == digest else {
        throw Refused(run: receipt.run, reason: "the log of attempt \(attempt.number) is not the one that was signed")
      }
      logs[attempt.number] = Array(data)
    }
    return logs
  }

  /// Which run a delivery that cannot be verified speaks of. Not trusted.
  private static func claimedRun(_ delivery: Belfry_V1_ReceiptDelivery) -> RunID? {
    let json = try? JSONValue(parsing: Array(delivery.line), limit: Receipt.payloadLimit)
    return (json?["predicate"]?["run"]?.stringValue).flatMap { try? RunID($0) }
  }
}
