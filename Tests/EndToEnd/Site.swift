import Foundation
import Model
import Synchronization
import TestSupport

/// A whole installation in a temporary folder: repositories, keys, configuration, and the programs that run on it.
final class Site: Sendable {
  /// What differs between sites.
  struct Layout: Sendable {
    /// The results branch is in a repository of its own.
    var resultsElsewhere = false
    var flush = "100ms"
    var push = "200ms"
  }

  /// The site of the suite that is running; see ``SharedSite``.
  @TaskLocal static var shared: Site?

  static var current: Site {
    get throws {
      guard let shared else { throw CommandFailure(description: "the suite has no shared site") }
      return shared
    }
  }

  private struct State {
    var addresses: [String: String] = [:]
    var programs: [Program] = []
    var controller: Program?
    var agents: [String: Program] = [:]
  }

  let folder: TemporaryFolder
  let layout: Layout
  private let state = Mutex(State())
  static let branch = "belfry/results"

  var source: String { folder.path("source.git") }
  var work: String { folder.path("work") }
  var results: String { layout.resultsElsewhere ? folder.path("results.git") : source }
  var key: String { folder.path("controller.key") }
  var publicKey: String { folder.path("controller.pub") }
  /// What `belfry keys generate` printed.
  let generated: String

  init(_ layout: Layout = Layout()) throws {
    self.layout = layout
    folder = try TemporaryFolder("belfry-end-to-end")
    generated = try command([Program.folder + "/belfry", "keys", "generate", folder.path("controller")]).output
    for repository in Set([source, results]) {
      try git("init", "-q", "--bare", "-b", "main", repository, in: folder.path)
    }
    try git("clone", "-q", source, work, in: folder.path)
    try git("checkout", "-q", "-B", "main", in: work)
    try commit(["belfry.yaml": "belfry: 1\n"], "Begin")
  }

  deinit { destroyAll() }

  // MARK: - The repository

  /// Commits and pushes files by path; nil removes one. Scripts get their run bit. Gives back the commit.
  @discardableResult
  func commit(_ files: [String: String?], _ message: String = "Change") throws -> String {
    for (path, text) in files {
      if let text {
        try folder.write("work/" + path, text, executable: path.hasSuffix(".sh"))
      } else {
        try FileManager.default.removeItem(atPath: work + "/" + path)
      }
    }
    try git("add", "-A", in: work)
    try git("commit", "-q", "-m", message, in: work)
    try git("push", "-q", "origin", "main", in: work)
    return try git("rev-parse", "HEAD", in: work)
  }

  /// The files of a job that writes a line to the witness at each attempt, and then does what `body` says.
  func job(
    _ name: String, every: String = "1s", agents: [String] = [], more: String = "", run: String = "", body: String = ""
  ) -> [String: String?] {
    let script = "scripts/\(name).sh"
    let targets = agents.isEmpty ? "" : "targets: {agents: [\(agents.joined(separator: ", "))]}\n"
    let manifest = """
      job: \(name)
      triggers: [{every: \(every)}]
      \(targets)\(more)run:
        script: \(script)
        timeout: 1m
        env: {WITNESS: \(witness(name))}
      \(run)
      """
    let text = """
      #!/bin/sh
      printf '%s %s %s\\n' "$BELFRY_RUN_ID" "$BELFRY_ATTEMPT" "$BELFRY_SCHEDULED_TIME" >>"$WITNESS"
      \(body)

      """
    return ["jobs/\(name).yaml": manifest, script: text]
  }

  // MARK: - Programs

  func address(_ controller: String = "controller") -> String? { state.withLock { $0.addresses[controller] } }

  func configuration(_ controller: String = "controller") -> String { folder.path(controller + ".yaml") }

  /// Starts a controller without waiting for it. It listens where it did before. `more` is a line of its configuration.
  func launchController(
    _ name: String = "controller", key: String? = nil, results: String? = nil, more: String = "",
    address: String? = nil, crashAt: String? = nil
  ) throws -> Program {
    let address = address ?? self.address(name) ?? "127.0.0.1:0"
    try folder.write(
      name + ".yaml",
      """
      source: {url: \(source), poll: 500ms}
      results: {url: \(results ?? self.results), flush: \(layout.flush), push: \(layout.push)}
      state: \(folder.path(name + "-state"))
      key: \(key ?? self.key)
      agents: {listen: "\(address)", heartbeat: 200ms, addressFile: \(folder.path(name + ".address"))}
      api: {listen: "127.0.0.1:0"}
      insecure: true
      \(more)

      """)
    return try keep(
      Program(
        "belfry", ["controller", "--config", configuration(name), "--writer", name],
        environment: crashAt.map { ["BELFRY_CRASH_AT": $0] } ?? [:]))
  }

  /// Starts a controller and waits until it is ready.
  @discardableResult
  func startController(
    _ name: String = "controller", key: String? = nil, results: String? = nil, more: String = "", crashAt: String? = nil
  ) async throws -> Program {
    let program = try launchController(name, key: key, results: results, more: more, crashAt: crashAt)
    guard let line = await program.line(containing: "ready agents="),
      let address = line.split(separator: " ").first(where: { $0.hasPrefix("agents=") })?.dropFirst(7)
    else { throw CommandFailure(description: "the controller is not ready: \(program.output)") }
    state.withLock {
      $0.addresses[name] = String(address)
      $0.controller = program
    }
    return program
  }

  /// Starts an agent without waiting for it. `state` is the folder's name, default the agent's. `more` are further
  /// arguments.
  func launchAgent(
    _ name: String, controller: String = "controller", key: String? = nil, labels: String? = nil,
    stateFolder: String? = nil, program: String = "belfry-agent", more: [String] = [],
    environment: [String: String] = [:], crashAt: String? = nil
  ) throws -> Program {
    guard let address = address(controller) else { throw CommandFailure(description: "no controller was started yet") }
    var arguments = [
      "--name", name, "--controller", address, "--controller-key", key ?? publicKey, "--state",
      stateFolder ?? folder.path("agent-" + name), "--insecure",
    ]
    if let labels { arguments += ["--labels", labels] }
    var environment = environment
    environment["BELFRY_CRASH_AT"] = crashAt
    return try keep(Program(program, arguments + more, environment: environment))
  }

  /// Starts an agent and waits until it is ready, which it is with and without a controller.
  @discardableResult
  func startAgent(
    _ name: String, controller: String = "controller", labels: String? = nil, stateFolder: String? = nil,
    program: String = "belfry-agent", more: [String] = [], crashAt: String? = nil
  ) async throws -> Program {
    let program = try launchAgent(
      name, controller: controller, labels: labels, stateFolder: stateFolder, program: program, more: more,
      crashAt: crashAt)
    guard await program.line(containing: "ready \(name)") != nil else {
      throw CommandFailure(description: "the agent is not ready: \(program.output)")
    }
    state.withLock { $0.agents[name] = program }
    return program
  }

  /// The controller that was started last.
  var controller: Program {
    get throws {
      guard let program = state.withLock(\.controller) else { throw CommandFailure(description: "no controller") }
      return program
    }
  }

  /// The agent of that name that was started last.
  func agent(_ name: String) throws -> Program {
    guard let program = state.withLock({ $0.agents[name] }) else {
      throw CommandFailure(description: "no agent \(name)")
    }
    return program
  }

  /// What all programs of the site have said so far.
  var outputs: [String] { state.withLock(\.programs).map(\.output) }

  /// A command of `belfry`, in the work clone.
  @discardableResult
  func belfry(_ arguments: String..., in folder: String? = nil) throws -> CommandResult {
    try command(["timeout", "60", Program.folder + "/belfry"] + arguments, in: folder ?? work)
  }

  // MARK: - The end

  func close() async {
    for program in state.withLock(\.programs) { await program.destroy() }
    destroyAll()
  }

  private func keep(_ program: Program) -> Program {
    state.withLock { $0.programs.append(program) }
    return program
  }

  /// Kills what still runs on this site: shims and jobs outlive their agents by design.
  private func destroyAll() {
    for program in state.withLock(\.programs) { program.signal(SIGKILL) }
    for process in processes() { kill(process, SIGKILL) }
  }

  /// Processes with this site's folder among their arguments, or as their working folder.
  func processes(with argument: String = "") -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { pid in
      guard pid != getpid(), let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
        return false
      }
      let line = String(decoding: words, as: UTF8.self)
      let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) ?? ""
      return (line.contains(folder.path) || argument.isEmpty && place.hasPrefix(folder.path)) && line.contains(argument)
    }
  }
}
