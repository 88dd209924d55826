import Foundation
import Subprocess
import SystemPackage

/// Runs programs to their end. For what is not timed; see ``TimedCommand`` for what is.
enum Tool {
  /// A program's standard output; throws when it fails.
  @discardableResult
  static func run(_ words: [String], input: [UInt8] = []) async throws -> String {
    guard let name = words.first else { return "" }
    let program: Executable = name.hasPrefix("/") ? .path(.init(name)) : .name(name)
    let result = try await Subprocess.run(
      program, arguments: Arguments(Array(words.dropFirst())), environment: .inherit.updating(quiet),
      input: .array(input), output: .string(limit: 256 << 20), error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      throw BenchError("\(words.joined(separator: " ")): \(result.terminationStatus): \(result.standardError)")
    }
    return result.standardOutput.trimmingCharacters(in: .newlines)
  }

  /// Runs git in a repository; throws when it fails.
  @discardableResult
  static func git(_ words: String..., in repository: String, input: [UInt8] = []) async throws -> String {
    try await run(["git", "-C", repository] + words, input: input)
  }

  /// Runs a part of a benchmark in a process of its own, so that its memory and its caches are its own.
  static func worker<Result: Decodable>(_ words: [String], _ type: Result.Type) async throws -> Result {
    let text = try await run([ownPath, "worker"] + words)
    return try JSONDecoder().decode(Result.self, from: Data(text.utf8))
  }

  /// This program's file. The others of the same build stand beside it.
  static let ownPath = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "belfry-bench"

  static func sibling(_ name: String) throws(BenchError) -> String {
    let path = ownPath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/" + name
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw BenchError("there is no \(path); build all programs with: swift build -c release")
    }
    return path
  }

  /// Keeps a user's and a machine's git configuration out.
  private static let quiet: [Environment.Key: String?] = Dictionary(
    uniqueKeysWithValues: QuietGit.variables.map { (Environment.Key(stringLiteral: $0), $1) })
}

/// The environment of every git that runs here.
enum QuietGit {
  static let variables = [
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": "bench@example.com", "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com", "LC_ALL": "C",
    // No repacking in the background while something is measured.
    "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "gc.auto", "GIT_CONFIG_VALUE_0": "0",
    "GIT_CONFIG_KEY_1": "maintenance.auto", "GIT_CONFIG_VALUE_1": "false",
  ]
}
