import Foundation

/// A mounted file system in memory of a few kilobytes, gone with the value. Needs root.
public final class SmallDisk: Sendable {
  private let folder: TemporaryFolder
  /// Where it is mounted.
  public let path: String

  public init(kilobytes: Int) throws {
    folder = try TemporaryFolder("belfry-disk")
    path = folder.path("disk")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let result = try command(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path])
    guard result.status == 0 else { throw CommandFailure(description: result.errors) }
  }

  deinit { umount2(path, 2) }  // MNT_DETACH

  /// Writes until nothing fits any more.
  public func fill() throws { try command(["sh", "-c", "cat /dev/zero > \(path)/filler 2>/dev/null; :"]) }

  /// Writes until so many kilobytes are left.
  public func fill(leaving kilobytes: Int) throws {
    try fill()
    let size = try FileManager.default.attributesOfItem(atPath: path + "/filler")[.size] as? Int ?? 0
    try command(["truncate", "-s", "\(max(0, size - kilobytes * 1024))", path + "/filler"])
  }

  /// Takes out again what it was filled with.
  public func free() { unlink(path + "/filler") }
}
