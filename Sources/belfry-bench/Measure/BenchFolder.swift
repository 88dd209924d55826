import Foundation
import Synchronization

/// A folder for one benchmark below the system's temporary folder, removed with everything in it.
struct BenchFolder {
  /// Absolute.
  let path: String

  static func with<Value>(_ name: String, _ body: (BenchFolder) async throws -> Value) async throws -> Value {
    let path = FileManager.default.temporaryDirectory.path + "/belfry-bench-\(name)-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    Leftovers.add(folder: path)
    defer { Leftovers.remove(folder: path) }
    return try await body(BenchFolder(path: path))
  }

  subscript(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self[name]))
    return self[name]
  }

  /// Bytes of all files below a folder.
  static func size(of folder: String) -> Int {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.reduce(0) { sum, name in
      let values = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
      guard values?[.type] as? FileAttributeType == .typeRegular else { return sum }
      return sum + (values?[.size] as? Int ?? 0)
    }
  }
}

/// What must not outlive this process, however it ends (but for `kill -9`).
enum Leftovers {
  private struct State {
    var folders: Set<String> = []
    var processes: Set<pid_t> = []
  }

  private static let state = Mutex(State())

  static func add(folder: String) { _ = state.withLock { $0.folders.insert(folder) } }
  static func add(process: pid_t) { _ = state.withLock { $0.processes.insert(process) } }
  static func forget(process: pid_t) { _ = state.withLock { $0.processes.remove(process) } }

  static func remove(folder: String) {
    try? FileManager.default.removeItem(atPath: folder)
    _ = state.withLock { $0.folders.remove(folder) }
  }

  static func remove() {
    let (processes, folders) = state.withLock { ($0.processes, $0.folders) }
    for process in processes { kill(process, SIGKILL) }
    for folder in folders { remove(folder: folder) }
  }

  static func removeWhenInterrupted() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Not SIG_IGN, which the programs started here would inherit.
      signal(number) { _ in }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        remove()
        Output.exit(128 + number)
      }
      source.resume()
      // It watches for as long as it lives, which is as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }
}
