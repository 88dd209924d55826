import AgentKit
import ArgumentParser
import Foundation
import Model

/// `belfry-agent debug RUN`.
struct DebugCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug",
    abstract: "Makes a folder in which a run of this agent can be repeated by hand.",
    discussion: """
      It has the job's files, the environment, the parameters, and a run.sh that does what the agent does, as far as a script
      can; README.md there says what was due and what came of it. In what a repetition differs from the real run is printed
      here, to standard error, and stands in run.sh and README.md. Values of secrets are left out. The agent may go on
      meanwhile; it keeps runs for 7 days.

      The agent's settings count that say where things are: --state, --plugins, --http-link-local, --name (default: the one of
      its last start), from options, the environment, and --environment-file, as for the agent itself.

      Examples:
        belfry-agent debug 82e0c08d645f0e1f3a3f
        belfry-agent debug 82e0c08d --environment-file /etc/belfry/agent.env
        belfry-agent debug 82e0c08d -o /tmp/why && /tmp/why/run.sh
      """)

  @Argument(help: "The run's id, or how it begins.")
  var id: String

  @Option(name: [.short, .customLong("output")], help: "The folder to make. Default: belfry-debug-RUN.")
  var output: String?

  /// Its options may stand behind this command's name too: --state says where the agent's state folder is.
  @ParentCommand var agent: AgentCommand

  func run() async throws {
    let copy = try await AgentSettings.debugCopy(agent)
    do {
      let made = try copy.write(id, to: output.map(AgentSettings.absolute))
      FileHandle.standardOutput.write(Data("\(made.path)\n".utf8))
      let text = "It differs from the real run:\n" + made.differences.map { "- \($0)\n" }.joined()
      FileHandle.standardError.write(Data(TerminalText.neutralised(text, keepingLines: true).utf8))
    } catch {
      throw Complaint("\(error)")
    }
  }
}
