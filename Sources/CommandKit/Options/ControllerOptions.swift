import ArgumentParser

/// Which running controller a command asks.
struct ControllerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The controller's configuration, whose state folder holds the API's address and token; default \
      \(Self.standard), environment BELFRY_CONFIG.
      """,
      valueName: "controller.yaml"),
    completion: .file(extensions: ["yaml"]))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "The API's URL, with --token-file in place of --config; environment BELFRY_API.", valueName: "url"))
  var api: String?

  @Option(
    help: ArgumentHelp("The file with the API's token; environment BELFRY_TOKEN_FILE.", valueName: "file"),
    completion: .file())
  var tokenFile: String?

  static let standard = "/etc/belfry/controller.yaml"

  /// Whether a controller was named on the command line.
  var isGiven: Bool { config != nil || api != nil || tokenFile != nil }

  func client() throws -> ControllerClient {
    ControllerClient(try ControllerEndpoint.find(config: config, api: api, tokenFile: tokenFile))
  }
}
