public import ArgumentParser

/// `belfry`: the root of all commands.
public struct BelfryCommand: AsyncParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "belfry",
    abstract: "A job scheduler that lives in git.",
    discussion: """
      To schedule a job, commit it. To see what ran, read the results branch. To roll back, revert.

      Examples:
        belfry init my-jobs     a small commented repository to start from
        belfry validate         every mistake in the manifests, with its place
        belfry plan             what committing the working tree would change
        belfry status           jobs and agents as the controller sees them

      Exit codes: 0 fine, 1 the thing asked about is bad, 2 wrong usage, 3 cannot reach or no \
      permission, 70 a bug.
      """,
    version: BelfryVersion.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Repository",
        subcommands: [
          InitCommand.self, ValidateCommand.self, PlanCommand.self, NextCommand.self, SimulateCommand.self,
          RollbackCommand.self,
        ]),
      CommandGroup(
        name: "Results",
        subcommands: [
          HistoryCommand.self, LogsCommand.self, ArtifactsCommand.self, WhyCommand.self, VerifyCommand.self,
        ]),
      CommandGroup(name: "Fleet", subcommands: [StatusCommand.self, RunCommand.self, AcceptCommand.self]),
      CommandGroup(name: "Service", subcommands: [ControllerCommand.self, DevCommand.self, KeysCommand.self]),
    ])

  public init() {}
}

/// Which Belfry this is.
public enum BelfryVersion {
  public static let text = "0.1.0"
}
