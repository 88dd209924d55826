import Foundation
import Git
import Subprocess
import SystemPackage

/// A controller and an agent of the same build as real processes, on a repository of their own, with default settings.
struct RunningFleet {
  let controller: pid_t
  let agent: pid_t
  /// The bare repository with the source and, once there is one, the results branch.
  let repository: String

  /// Runs both until `body` returns. `manifests` are the jobs, by file name.
  static func with<Value: Sendable>(
    _ manifests: [String: String], in folder: BenchFolder, _ body: (RunningFleet) async throws -> Value
  ) async throws -> Value {
    let (belfry, agent) = (try Tool.sibling("belfry"), try Tool.sibling("belfry-agent"))
    let repository = folder["jobs.git"]
    try await Tool.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository])
    var stream = ImportStream()
    var files = manifests.map { ImportStream.File(path: "jobs/" + $0, bytes: Array($1.utf8)) }
    files.append(ImportStream.File(path: "belfry.yaml", bytes: Array("belfry: 1\n".utf8)))
    stream.commit(to: "main", at: 1_790_000_000, files: files)
    try await Tool.git("fast-import", "--quiet", in: repository, input: stream.bytes)
    try await Tool.run([belfry, "keys", "generate", folder["controller"]])
    let configuration = try folder.write(
      "controller.yaml",
      """
      source: {url: \(repository)}
      state: \(folder["controller-state"])
      key: \(folder["controller.key"])
      agents: {listen: 127.0.0.1:0}
      api: {listen: 127.0.0.1:0}
      insecure: true

      """.utf8)
    let controller = [belfry, "controller", "--config", configuration]
    return try await program(controller, log: folder["controller.log"]) { ready, first in
      guard let address = ready.split(separator: " ").first(where: { $0.hasPrefix("agents=") })?.dropFirst(7) else {
        throw BenchError("the controller does not say where agents dial in: \(ready)")
      }
      let words = [
        agent, "--insecure", "--name", "bench", "--controller", String(address), "--controller-key",
        folder["controller.pub"], "--state", folder["agent-state"],
      ]
      return try await program(words, log: folder["agent.log"]) { _, second in
        try await body(RunningFleet(controller: first, agent: second, repository: repository))
      }
    }
  }

  /// Runs one program until `body`, which gets the line that says that it is ready, returns; then ends it.
  private static func program<Value: Sendable>(
    _ words: [String], log: String, _ body: (String, pid_t) async throws -> Value
  ) async throws -> Value {
    var platform = PlatformOptions()
    platform.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(20))]
    let errors = try FileDescriptor.open(
      FilePath(log), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
    let result = try await Subprocess.run(
      .path(FilePath(words[0])), arguments: Arguments(Array(words.dropFirst())), platformOptions: platform,
      input: .none, output: .sequence, error: .fileDescriptor(errors, closeAfterSpawningProcess: true)
    ) { execution in
      let process = execution.processIdentifier.value
      Leftovers.add(process: process)
      defer { Leftovers.forget(process: process) }
      for try await line in execution.standardOutput.strings() where line.hasPrefix("ready") {
        let value = try await body(line, process)
        try execution.send(signal: .terminate)
        return value
      }
      let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
      throw BenchError("\(words[0]) does not start:\n\(text.suffix(2_000))")
    }
    return result.closureResult
  }
}
