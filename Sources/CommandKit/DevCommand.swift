import AgentKit
import ArgumentParser
import ControllerKit
import Foundation
import Git
import Logging
import Model
import Platform
import Results
import ServiceLifecycle
import Trust

struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev",
    abstract: "Run a controller and agents in one process over a local repository.",
    discussion: """
      For trying jobs out: keys and state are thrown away at the end, and the branch belfry/results appears in the
      repository itself. What is committed counts; commit a change and watch it take effect within a second.

      Agents are called dev-1, dev-2, …; a job that targets labels or names of real hosts runs when --labels and
      --names say so.

      Examples:
        belfry dev .
        belfry dev ~/jobs --agents 2 --labels role=db,region=eu-1
        belfry dev . --secrets ~/dev-secrets
        belfry dev . --for 30s && git log belfry/results
      """)

  @Argument(help: "The repository, bare or not.")
  var path = "."

  @Option(help: "How many agents, 1 to 50.")
  var agents = 1

  @Option(help: "Ends cleanly after this time, such as 30s; everything is committed then. Default: until interrupted.")
  var `for`: String?

  @Option(help: "The branch to run. Default: the one that is checked out.")
  var branch: String?

  @Option(help: "Labels of every agent: key=value,key=value.")
  var labels = ""

  @Option(help: "Names of the agents, in place of dev-1, dev-2, …: a list with commas.")
  var names: String?

  @Option(help: "The folder with a file for each secret that the jobs need.", completion: .directory)
  var secrets: String?

  @Option(
    help: "A folder with plug-ins, beside the usual ones, such as executors in a build tree.", completion: .directory)
  var plugins: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel = Logger.Level.info

  func validate() throws {
    guard (1...50).contains(agents) else { throw ValidationError("--agents takes 1 to 50") }
    if let limit = self.for, Duration(manifest: limit) == nil {
      throw ValidationError("--for takes a duration such as 30s")
    }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    guard let folder = surroundings.resolved(path) else {
      throw CommandError(.unreachable, "there is no folder '\(path)'", hint: "give the path of a git repository")
    }
    let repository = try Repository.open(at: folder)
    guard let branch = try branch ?? repository.defaultBranch() else {
      throw CommandError(.bad, "'\(path)' has no branch checked out", hint: "name one with --branch")
    }
    guard try repository.tip(ofBranch: branch) != nil else {
      throw CommandError(.bad, "the branch '\(branch)' of '\(path)' has no commit yet", hint: "commit the jobs first")
    }
    let state = FileManager.default.temporaryDirectory.path + "/belfry-dev-" + RandomName.hex(bytes: 6)
    try DurableFile.makeFolder(state, mode: 0o711)
    defer { try? FileManager.default.removeItem(atPath: state) }
    try await run(folder: folder, branch: branch, state: state, surroundings)
  }

  private func run(folder: String, branch: String, state: String, _ surroundings: Surroundings) async throws {
    var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel
    let log = logger
    let key = try SigningKey.generate()
    let (addresses, continuation) = AsyncStream.makeStream(of: ControllerAddresses.self)
    let remote = Remote(url: folder)
    let controller = Controller(
      configuration: ControllerConfiguration(
        source: .init(remote: remote, branch: branch, poll: .seconds(1)),
        results: .init(remote: remote, flush: .milliseconds(300), push: .milliseconds(500)),
        state: state + "/controller", key: "",
        agents: .init(listen: ListenAddress(host: "127.0.0.1", port: 0), heartbeat: .seconds(1), bindsNames: false),
        api: ListenAddress(host: "127.0.0.1", port: 0), insecure: true),
      key: key, writer: "belfry-dev", version: BelfryVersion.text, logger: logger,
      onReady: { continuation.yield($0) })
    let fleet = DevFleet(
      names: try agentNames(), labels: try agentLabels(),
      secrets: try secrets.map { try existing($0, surroundings) },
      plugins: try plugins.map { try existing($0, surroundings) }, state: state, key: key.publicKey,
      addresses: addresses,
      duration: self.for.flatMap { Duration(manifest: $0) }, logger: log,
      onReady: { addresses in
        try? surroundings.print(
          """
          ready agents=\(addresses.agents.text) api=\(addresses.api.text)
          Results: git log belfry/results     Status: belfry status --api http://\(addresses.api.text) \
          --token-file \(state)/controller/api.token
          With the same options: belfry logs -f JOB shows what a run writes, belfry run -f JOB runs a job and shows it.

          """)
      })
    // Services end in the reverse order: the fleet drains while the controller still takes receipts.
    try await runUntilSignalled([controller, fleet], logger: logger)
    try surroundings.print("Stopped. Everything that ran is on the branch belfry/results.\n")
  }

  private func existing(_ folder: String, _ surroundings: Surroundings) throws -> String {
    guard let found = surroundings.resolved(folder) else {
      throw CommandError(.unreachable, "there is no folder '\(folder)'")
    }
    return found
  }

  private func agentNames() throws -> [AgentName] {
    guard let names else { return try (1...agents).map { try AgentName("dev-\($0)") } }
    return try names.split(separator: ",").map { try AgentName(String($0)) }
  }

  private func agentLabels() throws -> [String: String] {
    var result: [String: String] = [:]
    for pair in labels.split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { throw CommandError(.usage, "--labels: '\(pair)' is not key=value") }
      result[String(parts[0])] = String(parts[1])
    }
    return result
  }
}

/// The agents of `belfry dev`, in this process. Ends after the given time or when told to, with every receipt
/// acknowledged.
private struct DevFleet: Service {
  let names: [AgentName]
  let labels: [String: String]
  let secrets: String?
  let plugins: String?
  let state: String
  let key: PublicKey
  let addresses: AsyncStream<ControllerAddresses>
  let duration: Duration?
  let logger: Logger
  let onReady: @Sendable (ControllerAddresses) -> Void

  func run() async throws {
    guard let address = await cancelWhenGracefulShutdown({ await addresses.first { _ in true } }) else { return }
    onReady(address)
    let agents = try names.map { name in
      var logger = logger
      logger[metadataKey: "agent"] = "\(name)"
      var configuration = AgentConfiguration(
        state: "\(state)/\(name)", name: name, labels: labels,
        controller: ControllerAddress(host: address.agents.host, port: address.agents.port), controllerKey: key)
      configuration.secrets = secrets
      if let plugins { configuration.plugIns.insert(plugins, at: 0) }
      return try Agent(configuration: configuration, version: BelfryVersion.text, logger: logger)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for agent in agents { group.addTask { try await agent.runUntilCancelled() } }
      group.addTask {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration ?? .seconds(1 << 40)) }
      }
      // Agents end only by an error or when they are cancelled: the first to end is the clock, or trouble.
      try await group.next()
      await withTaskGroup(of: Void.self) { drains in
        for agent in agents {
          drains.addTask {
            if !(await agent.drain(within: .seconds(30))) { logger.warning("an agent did not finish within 30 s") }
          }
        }
      }
      group.cancelAll()
    }
  }
}
