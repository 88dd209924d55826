import AgentKit
import ArgumentParser
import Configuration
import Foundation
import Logging
import Model
import Platform
import ServiceLifecycle
import SystemPackage
import Trust
import UnixSignals

/// `belfry-agent`: reads its settings and runs the agent.
@main
struct AgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "belfry-agent",
    abstract: "Verifies and fires the jobs that a Belfry controller assigns to this host.",
    discussion: """
      Each option can also be given as an environment variable, or in an environment file in systemd's form: the name
      in capitals with BELFRY_AGENT_ in front, such as BELFRY_AGENT_LABELS=role=db,region=eu-1. An option on the command line
      wins over the environment, and that over the file.

      Examples:
        belfry-agent --controller 127.0.0.1:7420 --controller-key controller.pub --state ./agent --insecure
        belfry-agent --environment-file /etc/belfry/agent.env
        belfry-agent debug 82e0c08d645f -o /tmp/why        # a folder that repeats a run by hand

      TERM and INT stop it: nothing starts any more, what is armed is disarmed, runs go on with their shims or are waited for
      (--shutdown), and the controller gets the receipts. A second signal hurries.

      Exit codes: 0 stopped as asked, 1 a setting or the state folder is bad, 2 wrong usage, 3 no permission, 74 the disk failed under
      the ledger: to be started again.
      """,
    version: "0.1.0", subcommands: [DebugCommand.self])

  @Option(help: "The agent's name. Default: the host's, without its domain.")
  var name: String?

  @Option(help: "What jobs select this host by: key=value,key=value.")
  var labels: String?

  @Option(help: "Where the controller listens for agents: host:port.")
  var controller: String?

  @Option(help: "The file with the controller's public key, PEM.")
  var controllerKey: String?

  @Option(help: "The folder for identity, ledger and bundles. Default: /var/lib/belfry-agent.")
  var state: String?

  @Option(help: "The belfry-shim program. Default: beside this program, or in ../libexec/belfry.")
  var shim: String?

  @Option(
    help: "When it is told to stop: wait for the runs that are going, or leave them to their shims. Default: leave.")
  var shutdown: String?

  @Option(help: "How long --shutdown wait waits, such as 10m; 1s to 7d. Default: 60s.")
  var shutdownTimeout: String?

  @Option(
    help: "So many crashes of the agent or of a shim within a day stop a job's version; 0: never. Default: 3.")
  var quarantine: String?

  @Option(help: "With less free on the disk of the state folder nothing starts: 64M, 2G; 0: never mind. Default: 64M.")
  var diskReserve: String?

  @Option(help: "What the ledger may hold: runs of 7 days, and receipts on their way. Default: 1G.")
  var ledgerLimit: String?

  @Option(help: "What the store of bundles may hold. Default: 1G.")
  var storeLimit: String?

  @Option(help: "How large a file may be that a run gives back, 1K to 1024G. Default: 1G.")
  var artifactSize: String?

  @Option(help: "How much of what runs gave back may wait for the controller, 1K to 1024G. Default: 4G.")
  var artifactSpool: String?
  @Option(
    help:
      "The cgroup (v2) below which each run gets its own, such as /system.slice/belfry-runs.service. Default: the agent's own, where that is the agent's to divide."
  )
  var cgroup: String?

  @Option(help: "The folder with a file for each secret that the agent holds. Default: secrets in the state folder.")
  var secrets: String?

  @Option(
    help:
      "A program's path: run with a secret's name as its argument, it prints the secret. Asked for what has no file.")
  var secretsCommand: String?

  @Option(
    help:
      "Folders with plug-ins, with colons between them. Default: /usr/local/libexec/belfry/plugins:/usr/libexec/belfry/plugins."
  )
  var plugins: String?

  @Flag(help: "Allow run.http to ask link-local addresses, where hosts in a cloud find their credentials.")
  var httpLinkLocal = false

  @Option(help: "trace, debug, info, notice, warning, error or critical. Default: info.")
  var logLevel: String?

  @Flag(help: "Allow plain text to a controller on this machine.")
  var insecure = false

  @Option(help: "A file with BELFRY_AGENT_… settings, one KEY=value a line.")
  var environmentFile: String?

  func run() async throws {
    let settings = try await AgentSettings(command: self)
    var logger = Logger(label: "belfry-agent") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = settings.logLevel
    let log = logger
    let agent: Agent
    do {
      agent = try Agent(configuration: settings.agent, version: Self.configuration.version, logger: logger) {
        log.info("ready", metadata: ["name": "\(settings.agent.name)"])
        FileHandle.standardOutput.write(Data("ready \(settings.agent.name)\n".utf8))
      }
    } catch {
      throw Complaint("cannot start: \(error)")
    }
    var quiet = logger
    quiet.logLevel = .error
    try await Self.runUntilSignalled(agent, logger: quiet)
  }

  /// TERM and INT stop it as its settings say; a second one hurries it.
  private static func runUntilSignalled(_ agent: Agent, logger: Logger) async throws {
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [agent], logger: logger))
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        var isStopping = false
        for await _ in signals {
          if isStopping { agent.hurry() } else { await group.triggerGracefulShutdown() }
          isStopping = true
        }
        // Cancelled, because the agent has ended.
        try await Task.sleep(for: .seconds(1))
      }
      defer { tasks.cancelAll() }
      try await tasks.next()
    }
  }

  static func main() async {
    do {
      var command = try Self.parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch let complaint as Complaint {
      FileHandle.standardError.write(Data("error: \(complaint.text)\n".utf8))
      Foundation.exit(1)
    } catch {
      let code = exitCode(for: error).rawValue
      let message = fullMessage(for: error)
      let stream = code == 0 ? FileHandle.standardOutput : FileHandle.standardError
      if !message.isEmpty { stream.write(Data((message + "\n").utf8)) }
      Foundation.exit(code == 64 ? 2 : code)
    }
  }
}

/// What is wrong with the settings, in words with what to do.
struct Complaint: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
