public import ArgumentParser

/// `belfry`: the root of all commands.
public struct BelfryCommand: AsyncParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "belfry",
    abstract: "A job scheduler that lives in git.",
    discussion: """
      To schedule a job, commit it. To see what ran, read the results branch. To roll back, revert.

      Examples:
        belfry init my-jobs              a small commented repository to start from
        belfry validate                  every mistake in the manifests, with line and column
        belfry plan                      what committing the working tree would change
        belfry status                    jobs and agents as the running controller sees them

      Exit codes: 0 fine, 1 the thing asked about is bad, 2 wrong usage, 3 cannot reach or no permission, 70 a bug.
      """,
    version: BelfryVersion.text,
    groupedSubcommands: [
      CommandGroup(
        name: "A repository", subcommands: [InitCommand.self, ValidateCommand.self, PlanCommand.self, NextCommand.self]),
      CommandGroup(name: "Results", subcommands: [HistoryCommand.self, LogsCommand.self, VerifyCommand.self]),
      CommandGroup(
        name: "A running controller", subcommands: [StatusCommand.self, RunCommand.self, AcceptCommand.self]),
      CommandGroup(name: "Changing course", subcommands: [RollbackCommand.self]),
      CommandGroup(
        name: "Running Belfry", subcommands: [ControllerCommand.self, DevCommand.self, KeysCommand.self]),
    ])

  public init() {}
}

/// Which Belfry this is.
public enum BelfryVersion {
  public static let text = "0.1.0"
}
