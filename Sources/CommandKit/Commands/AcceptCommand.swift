import ArgumentParser
import Git
import Model

struct AcceptCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Tell the controller that a rewritten source history is meant.",
    discussion: """
      When somebody forces a push to the source branch, the controller changes nothing in the fleet, because it cannot \
      tell a mistake from a wish. Look at the new history first; then accept its tip.

      Examples:
        belfry accept origin/main
        belfry accept 4b1f0c2d9e8a7766554433221100ffeeddccbbaa
      """)

  @Argument(help: "The new tip: a full commit id, or a revision of this repository.")
  var commit: String

  @OptionGroup var controller: ControllerOptions
  @OptionGroup var repository: RepositoryOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    let id = try (try? CommitID(commit)) ?? repository.location().open().resolve(commit)
    let answer = try await controller.client().post("/v1/source/accept", ["commit": .string(id.text)]).value()
    let surroundings = Surroundings.current
    if format.isJSON { return try surroundings.print(answer) }
    try surroundings.print("Accepted: \(id.short) is the source's tip, whatever was there before.\n")
  }
}
