import AgentKit
import ArgumentParser
import Foundation

/// `belfry-agent debug RUN`.
struct DebugCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug",
    abstract: "Makes a folder in which a run of this agent can be repeated by hand.",
    discussion: """
      It has the job's files, the environment, the parameters, and a run.sh that does what the agent does; README.md there
      says what was due and what came of it. Values of secrets are left out. The agent may go on meanwhile; it keeps
      runs for 7 days. Its state folder is that of --state, BELFRY_AGENT_STATE, or /var/lib/belfry-agent.

      Examples:
        belfry-agent debug 82e0c08d645f0e1f3a3f
        belfry-agent debug 82e0c08d -o /tmp/why && /tmp/why/run.sh
      """)

  @Argument(help: "The run's id, or how it begins.")
  var id: String

  @Option(name: [.short, .customLong("output")], help: "The folder to make. Default: belfry-debug-RUN.")
  var output: String?

  /// Its options may stand behind this command's name too: --state says where the agent's state folder is.
  @ParentCommand var agent: AgentCommand

  func run() throws {
    let given = agent.state ?? ProcessInfo.processInfo.environment[AgentSettings.prefix + "STATE"]
    let place = AgentSettings.absolute(given ?? "/var/lib/belfry-agent")
    do {
      let path = try DebugCopy(state: place).write(id, to: output.map(AgentSettings.absolute))
      FileHandle.standardOutput.write(Data("\(path)\n".utf8))
    } catch {
      throw Complaint("\(error)")
    }
  }
}
