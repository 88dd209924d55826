import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show jobs and agents as the running controller sees them.",
    discussion: """
      Sync says how the fleet compares with the source: Synced, OutOfSync, Unknown. Health says how a job is doing: \
      Healthy, Progressing, Degraded, Suspended, Missing, Unknown.

      Examples:
        belfry status
        belfry status --config /etc/belfry/controller.yaml
        belfry status --format json | jq '.jobs[] | select(.health != "Healthy")'
      """)

  @OptionGroup var controller: ControllerOptions
  @OptionGroup var format: FormatOption

  func run() async throws {
    let status = try await controller.client().get("/v1/status")
    let surroundings = Surroundings.current
    try format.isJSON ? surroundings.print(status) : surroundings.print(StatusReport(status).text)
  }
}
