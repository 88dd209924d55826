import Foundation
import Synchronization

/// A program of ours that runs as a real process with a clean environment, for end-to-end tests.
public final class Program: Sendable {
  private struct State {
    var text = ""
    var waiters: [(id: Int, needle: String, continuation: CheckedContinuation<String?, Never>)] = []
    var ended = false
    var status: Int32 = 0
    var endWaiters: [(id: Int, continuation: CheckedContinuation<Int32?, Never>)] = []
    var nextWaiter = 0

    mutating func newWaiter() -> Int {
      nextWaiter += 1
      return nextWaiter
    }
  }

  private let state = Mutex(State())
  public let pid: Int32
  public let name: String

  /// The folder that holds the built programs: where this test bundle is.
  public static let folder: String = {
    var path = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path } ?? ""
    while path.count > 1, !FileManager.default.isExecutableFile(atPath: path + "/belfry") {
      path = (path as NSString).deletingLastPathComponent
    }
    return path
  }()

  /// Starts `name` from ``folder``, or the program at that absolute path. Its two outputs come together, line by line.
  public init(_ name: String, _ arguments: [String], environment: [String: String] = [:], in workFolder: String? = nil)
    throws
  {
    self.name = name
    let process = Process()
    process.executableURL = URL(fileURLWithPath: name.hasPrefix("/") ? name : Self.folder + "/" + name)
    process.arguments = arguments
    if let workFolder { process.currentDirectoryURL = URL(fileURLWithPath: workFolder) }
    process.environment = quietGit.merging(
      [
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": ProcessEnvironment["LD_LIBRARY_PATH"] ?? "",
      ]
    ) { $1 }.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    let handle = pipe.fileHandleForReading
    try process.run()
    pid = process.processIdentifier
    handle.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      self?.append(String(decoding: data, as: UTF8.self))
    }
    process.terminationHandler = { [weak self] process in
      self?.ended(process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
    }
  }

  deinit { if !state.withLock(\.ended) { kill(pid, SIGKILL) } }

  /// All that it has printed.
  public var output: String { state.withLock(\.text) }

  /// Waits for a line that contains `needle`; nil when the program ended without one, or none came within the limit.
  public func line(containing needle: String, within limit: Duration = .seconds(30)) async -> String? {
    let id = state.withLock { $0.newWaiter() }
    return await limited(limit, giveUp: { self.giveUp(line: id) }) {
      await withCheckedContinuation { continuation in
        let known = self.state.withLock { state -> String?? in
          if let line = Self.line(in: state.text, needle) { return .some(line) }
          if state.ended || Task.isCancelled { return .some(nil) }
          state.waiters.append((id, needle, continuation))
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    }
  }

  /// Waits for its end: the exit code, or 128 and the signal's number; nil when it does not end within the limit.
  public func end(within limit: Duration = .seconds(30)) async -> Int32? {
    let id = state.withLock { $0.newWaiter() }
    return await limited(limit, giveUp: { self.giveUp(end: id) }) {
      await withCheckedContinuation { continuation in
        let status = self.state.withLock { state -> Int32?? in
          if state.ended { return .some(state.status) }
          if Task.isCancelled { return .some(nil) }
          state.endWaiters.append((id, continuation))
          return nil
        }
        if let status { continuation.resume(returning: status) }
      }
    }
  }

  /// A test that waits for ever would hide what it waited for.
  private func limited<T: Sendable>(
    _ limit: Duration, giveUp: @escaping @Sendable () -> Void, _ body: () async -> T
  ) async -> T {
    let clock = Task {
      if (try? await Task.sleep(for: limit)) != nil { giveUp() }
    }
    defer { clock.cancel() }
    return await withTaskCancellationHandler {
      await body()
    } onCancel: {
      giveUp()
    }
  }

  private func giveUp(line id: Int) {
    let waiter = state.withLock { state in
      state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
    }
    waiter?.resume(returning: nil)
  }

  private func giveUp(end id: Int) {
    let waiter = state.withLock { state in
      state.endWaiters.firstIndex { $0.id == id }.map { state.endWaiters.remove(at: $0).continuation }
    }
    waiter?.resume(returning: nil)
  }

  /// Whether it has ended.
  public var hasEnded: Bool { state.withLock(\.ended) }

  public func signal(_ number: Int32) { if !state.withLock(\.ended) { kill(pid, number) } }

  /// `kill -9`, and its end.
  public func destroy() async {
    signal(SIGKILL)
    _ = await end()
  }

  private func append(_ text: String) {
    let due = state.withLock { state -> [(CheckedContinuation<String?, Never>, String)] in
      state.text += text
      var due: [(CheckedContinuation<String?, Never>, String)] = []
      state.waiters.removeAll { waiter in
        guard let line = Self.line(in: state.text, waiter.needle) else { return false }
        due.append((waiter.continuation, line))
        return true
      }
      return due
    }
    for (continuation, line) in due { continuation.resume(returning: line) }
  }

  private func ended(_ status: Int32) {
    let (waiters, ends) = state.withLock { state in
      state.ended = true
      state.status = status
      defer {
        state.waiters = []
        state.endWaiters = []
      }
      return (state.waiters.map(\.continuation), state.endWaiters.map(\.continuation))
    }
    for waiter in waiters { waiter.resume(returning: nil) }
    for end in ends { end.resume(returning: status) }
  }

  /// The first whole line with the needle.
  private static func line(in text: String, _ needle: String) -> String? {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first { $0.contains(needle) }.map(
      String.init)
  }
}

/// Asks again and again until `condition` gives a value, at most for `limit`: for what other processes do and no
/// signal tells, such as a commit that arrives in a repository.
public func eventually<T>(
  _ what: String, within limit: Duration = .seconds(30), _ condition: () async throws -> T?
) async throws -> T {
  let end = ContinuousClock.now + limit
  while true {
    if let value = try await condition() { return value }
    guard ContinuousClock.now < end else {
      throw CommandFailure(description: "did not happen within \(limit): \(what)")
    }
    try await Task.sleep(for: .milliseconds(40))
  }
}
