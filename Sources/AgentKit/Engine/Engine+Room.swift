import Logging
import Model
import Planning
import Platform

// Whether there is room for more runs.
extension Engine {
  /// Whether nothing may start at present, because there is no room. Looks, and tells the machine and the controller.
  func holdsBack(at now: Timestamp) -> Bool {
    guard let disk = guards.disk else { return false }
    if ledgerLooked.map({ now - $0 > .seconds(30) || now < $0 }) ?? true {
      ledgerLooked = now
      do { try shrinkLedger() } catch { troubled("ledger", error) }
    }
    let shortage = disk.shortage(isHeld: machine.isHeld) ?? isLedgerFull
    do {
      if let shortage {
        if !machine.isHeld { logger.error("nothing starts", metadata: ["reason": "\(shortage)"]) }
        try change { $0.hold(shortage, at: now) }
        if problems["room"] == nil { stateChanged.raise() }
        problems["room"] = "nothing starts: \(shortage)"
      } else if machine.isHeld {
        try change { $0.resume(at: now) }
        logger.notice("there is room again")
        solved("room")
      }
    } catch {
      troubled("ledger", error)
    }
    return machine.isHeld
  }

  /// Oldest first, and never what a controller may still take.
  func shrinkLedger() throws {
    guard let disk = guards.disk else { return }
    var forgotten = 1
    while forgotten > 0, disk.ledgerShortage(try ledger.usedBytes()) != nil {
      forgotten = 0
      try writeLedger { forgotten = try $0.forgetOldest(1_000, now: clock.now) }
    }
    isLedgerFull = disk.ledgerShortage(try ledger.usedBytes())
  }
}
