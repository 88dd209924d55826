import Foundation

/// What a finished command left.
public struct CommandResult: Sendable {
  public let status: Int32
  public let output: String
  public let errors: String
}

/// Why a command that had to succeed did not.
public struct CommandFailure: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Runs a program found on PATH to its end, with git's own configuration silenced. Blocks.
///
/// Output goes through files, so that neither side can block on a full pipe.
@discardableResult
public func command(
  _ words: [String], in folder: String? = nil, environment: [String: String] = [:], input: String = ""
) throws -> CommandResult {
  let files = try TemporaryFolder("command")
  try files.write("in", input)
  try files.write("out", "")
  try files.write("err", "")
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  process.environment = ProcessInfo.processInfo.environment
    .merging(quietGit) { $1 }.merging(environment) { $1 }
  process.standardInput = FileHandle(forReadingAtPath: files.path("in"))
  process.standardOutput = FileHandle(forWritingAtPath: files.path("out"))
  process.standardError = FileHandle(forWritingAtPath: files.path("err"))
  try process.run()
  process.waitUntilExit()
  func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: files.path(name)) ?? Data(), as: UTF8.self)
  }
  return CommandResult(status: process.terminationStatus, output: text("out"), errors: text("err"))
}

/// Runs git to success in `folder` and gives back its standard output without the last line break.
@discardableResult
public func git(_ words: String..., in folder: String, environment: [String: String] = [:]) throws -> String {
  let result = try command(["git"] + words, in: folder, environment: environment)
  guard result.status == 0 else {
    throw CommandFailure(description: "git \(words.joined(separator: " ")): \(result.status): \(result.errors)")
  }
  return result.output.hasSuffix("\n") ? String(result.output.dropLast()) : result.output
}

/// Variables that keep a user's or a machine's git configuration out of a test.
public let quietGit = [
  "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
  "GIT_AUTHOR_NAME": "Test", "GIT_AUTHOR_EMAIL": "test@example.com",
  "GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.com",
]
