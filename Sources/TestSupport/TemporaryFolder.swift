import Foundation

/// A folder below the system's temporary folder, removed with everything in it when the value goes away.
public final class TemporaryFolder: Sendable {
  /// Absolute, symbolic links resolved.
  public let path: String

  /// Throws when the folder cannot be made.
  public init(_ name: String = "belfry-test") throws {
    let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    path = base + "/" + name + "-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of something in the folder.
  public func path(_ name: String) -> String { path + "/" + name }

  /// Writes a file, its parent folders included, and gives back its path.
  @discardableResult
  public func write(_ name: String, _ text: String, executable: Bool = false) throws -> String {
    try write(name, bytes: Array(text.utf8), executable: executable)
  }

  @discardableResult
  public func write(_ name: String, bytes: [UInt8], executable: Bool = false) throws -> String {
    let target = path(name)
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: target))
    try FileManager.default.setAttributes([.posixPermissions: executable ? 0o755 : 0o644], ofItemAtPath: target)
    return target
  }
}

/// The environment of this process.
public enum ProcessEnvironment {
  public static subscript(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
