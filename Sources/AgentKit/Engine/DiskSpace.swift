import Glibc
import Platform

/// How much of the disk an agent may take, and how much it leaves.
public struct DiskLimits: Sendable, Hashable {
  /// With less than this left on the file system of the state folder nothing starts. Bytes.
  public var reserve: Int64
  /// What the ledger may hold: runs, receipts and logs. Bytes.
  public var ledger: Int64
  /// What the store may hold: bundles and their files. Bytes.
  public var store: Int64

  public init(reserve: Int64 = 64 << 20, ledger: Int64 = 1 << 30, store: Int64 = 1 << 30) {
    self.reserve = reserve
    self.ledger = ledger
    self.store = store
  }
}

/// The room for the agent's own records: how much there is, and a ballast, a file that holds nothing, which is thrown
/// overboard when the disk is full, so that receipts of what runs can be written.
final class DiskSpace: Sendable {
  let limits: DiskLimits
  private let folder: String
  private var ballast: String { folder + "/ballast" }

  /// Enough for the ends of a few hundred runs with all of their output.
  static let ballastSize: Int64 = 4 << 20

  init(folder: String, limits: DiskLimits) {
    self.folder = folder
    self.limits = limits
  }

  /// Why nothing may start; nil when there is room enough, and then there is a ballast too. `isHeld`: it was so before, and a
  /// little more is asked for, so that it does not go to and fro.
  func shortage(isHeld: Bool) -> String? {
    guard limits.reserve > 0, let free = free() else { return nil }
    var needed = isHeld ? limits.reserve + limits.reserve / 8 : limits.reserve
    if access(ballast, F_OK) != 0 {
      if free >= needed + Self.ballastSize, takeBallast() { return nil }
      needed += Self.ballastSize
    }
    guard free < needed else { return nil }
    return "\(Self.text(free)) left on the file system of \(folder), and nothing starts below \(Self.text(needed)) "
      + "(disk-reserve of the agent)"
  }

  /// Why nothing may start, when it is for the ledger's size.
  func ledgerShortage(_ used: Int64) -> String? {
    guard used > limits.ledger else { return nil }
    return
      "the ledger holds \(Self.text(used)), more than \(Self.text(limits.ledger)) (ledger-limit of the agent), and all of "
      + "it is receipts that no controller has taken"
  }

  /// Makes the ballast; false when that fails.
  private func takeBallast() -> Bool {
    let file = open(ballast, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    let failure = posix_fallocate(file, 0, off_t(Self.ballastSize))
    close(file)
    if failure != 0 { unlink(ballast) }
    return failure == 0
  }

  /// Throws it overboard; false when there is none.
  func dropBallast() -> Bool { unlink(ballast) == 0 }

  /// Bytes that are left to whoever is not root; nil when the system does not say.
  private func free() -> Int64? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    return Int64(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }

  /// In whole units, as people write it: `63M`.
  static func text(_ bytes: Int64) -> String {
    for (unit, letter) in [(Int64(1) << 30, "G"), (1 << 20, "M"), (1 << 10, "K")] where bytes >= unit {
      return "\(bytes / unit)\(letter)"
    }
    return "\(bytes) bytes"
  }
}
