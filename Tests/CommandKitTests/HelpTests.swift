import ArgumentParser
import Testing

@testable import CommandKit

@Suite struct HelpTests {
  /// Every command, by the words that lead to it.
  static let commands: [[String]] = {
    func paths(_ command: any ParsableCommand.Type, _ words: [String]) -> [[String]] {
      let configuration = command.configuration
      let all = configuration.subcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
      return [words] + all.flatMap { paths($0, words + [$0.configuration.commandName ?? "?"]) }
    }
    return paths(BelfryCommand.self, [])
  }()

  @Test(arguments: commands) func everyHelpHasAnExampleAndFitsAPage(_ words: [String]) async {
    let ran = await Stage(folder: "/").run(words + ["--help"])
    #expect(ran.status == .fine)
    #expect(ran.errors.isEmpty)
    let lines = ran.output.split(separator: "\n", omittingEmptySubsequences: false)
    let examples = lines.drop { !$0.hasPrefix("Examples:") }
    #expect(examples.dropFirst().first?.hasPrefix("  ") == true, "\(ran.output)")
    #expect(examples.contains { $0.contains(["belfry"].joined()) })
    #expect(ran.output.contains("USAGE: belfry"))
  }

  @Test func theListIsComplete() {
    let names = Set(Self.commands.filter { $0.count == 1 }.flatMap(\.self))
    let wanted: Set = [
      "init", "validate", "plan", "next", "simulate", "why", "status", "history", "logs", "artifacts", "run",
      "rollback", "keys",
      "verify",
      "accept",
      "controller", "dev",
    ]
    #expect(names == wanted)
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreMade(_ shell: String) async {
    let ran = await Stage(folder: "/").run("--generate-completion-script", shell)
    #expect(ran.status == .fine)
    #expect(ran.output.contains("rollback"))
  }

  @Test func theVersionIsPrinted() async {
    let ran = await Stage(folder: "/").run("--version")
    #expect(ran.status == .fine)
    #expect(ran.output == BelfryVersion.text + "\n")
  }
}
