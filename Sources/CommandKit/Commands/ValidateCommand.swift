import ArgumentParser

struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Report all mistakes of all manifests.",
    discussion: """
      Reads the working tree as it is, committed or not, or a revision. The exit code is 1 when there are errors.

      Examples:
        belfry validate
        belfry validate my-jobs
        belfry validate --at origin/main --format json
      """)

  @Argument(help: "The repository, or a folder in it.", completion: .directory)
  var path: String?

  @Option(help: ArgumentHelp("A revision in place of the working tree.", valueName: "revision"))
  var at: String?

  @Option(
    name: [.customShort("C"), .customLong("repository")],
    help: ArgumentHelp("The same as PATH, as with other commands.", valueName: "path"), completion: .directory)
  var repository: String?

  @OptionGroup var format: FormatOption

  func run() async throws {
    if path != nil, repository != nil { throw CommandError(.usage, "PATH and -C exclude each other") }
    let source = try SourceFolder.find(path ?? repository ?? ".")
    let report = ValidationReport(try source.load(revision: at))
    let surroundings = Surroundings.current
    if format.isJSON { try surroundings.print(report.json) } else { try surroundings.print(report.text) }
    if report.errors > 0 { throw ExitStatus.bad }
  }
}
